"""Decode the training pack once into memory-mapped arrays.

    prepare.py --data ../shared/referring --cache CACHE

Writes photos.npy [n, 384, 384, 3] uint8 (squeezed to a square, as the server
does; crops of them are still as sharp as what the model is asked about), backgrounds.npy [b, 256, 256, 3] (those without labels, for the held-out
scenes, which stay as they were), masks.npy [m, 8192] (256 x 256 bits), sprites.npy [s, 128, 128, 4]
(cut-outs with alpha) and index.json, which describes them.  What label.py found
(CACHE/machine.json) is taken in where it is there, and so are the drawings of
Noto Color Emoji (Debian's fonts-noto-color-emoji; SIL Open Font License) and of
EmojiOne (Debian's ruby-gemojione; CC BY-SA 4.0): cut-outs from these are
marked `extra` and only ever trained on, so that the held-out scenes stay the same
with and without them.  So are Tux Paint's stamps, mostly photographs cut out (Debian's
tuxpaint-stamps-default; GPL 2), of which those are taken that show a known kind of thing.  The development photos (coco_dev) are not read.
Free phrases are the pack's and those of told.jsonl beside this file: a phrase, and category and box (x0, y0, x1, y1 in the pack's pixels) of each thing
that it denotes (none: not in the picture).
"""
import argparse
import glob
import json
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pycocotools import mask as rle

import nouns
from colours import colour_shares

SHARP, SIDE, SPRITE = 384, 256, 128
NOTO = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
EMOJIONE = max(glob.glob("/usr/share/rubygems-integration/all/gems/gemojione-*/assets/png"), default="")
STAMPS = "/usr/share/tuxpaint/stamps"
TOLD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "told.jsonl")
SAME = 0.6                                                 # box IoU from which on two boxes of one name mean one thing


def photos_of(pack):
    """The photos of the cache, in its order."""
    return [i for i in pack["images"] if i["set"] != "coco_dev"]


def squeeze(rgb, side):
    return np.asarray(Image.fromarray(rgb).resize((side, side), Image.BICUBIC))


def squeeze_mask(mask):
    return np.asarray(Image.fromarray(mask * 255).resize((SIDE, SIDE), Image.BOX)) >= 128


def sprite_of(rgba):
    """Crop to the opaque part, fit into SPRITE x SPRITE keeping the aspect (centred), alpha premultiplied resize."""
    yx = np.argwhere(rgba[..., 3] > 40)
    (y0, x0), (y1, x1) = yx.min(0), yx.max(0) + 1
    crop = Image.fromarray(rgba[y0:y1, x0:x1]).convert("RGBa")
    scale = SPRITE / max(crop.size)
    w, h = (max(1, round(v * scale)) for v in crop.size)
    small = crop.resize((w, h), Image.BICUBIC if scale < 1 else Image.BILINEAR).convert("RGBA")
    out = np.zeros((SPRITE, SPRITE, 4), np.uint8)
    oy, ox = (SPRITE - h) // 2, (SPRITE - w) // 2
    out[oy:oy + h, ox:ox + w] = np.asarray(small)
    return out, [ox, oy, w, h]


def instance_names(category, source_set):
    if source_set == "ccp":
        return [category]
    if category in nouns.STUFF:
        return [nouns.STUFF[category]]
    if "-" in category:
        return []
    return nouns.COCO_SYNONYMS.get(category, category).split(",")


def opaque(rgba):
    return rgba[..., :3][rgba[..., 3] > 128]


def glyph(font, code):
    """A character of a colour font (fixed size 109) -> uint8 [160, 160, 4], or None where the font has no picture of it."""
    im = Image.new("RGBA", (160, 160))
    ImageDraw.Draw(im).text((10, 20), chr(int(code, 16)), font=font, embedded_color=True)
    rgba = np.asarray(im)
    pixels = opaque(rgba)
    return rgba if len(pixels) > 1000 and pixels.std(0).max() > 4 else None


def picture(folder, code):
    """A code point's file in a folder of emoji -> uint8 [h, w, 4], or None where there is none."""
    for name in (code.upper(), code.upper().replace("-FE0F", "")):
        if os.path.exists(f"{folder}/{name}.png"):
            return np.asarray(Image.open(f"{folder}/{name}.png").convert("RGBA"))
    return None


def stamps(folder, known):
    """Tux Paint's stamps of things with known names -> uint8 [h, w, 4] and names, one after the other."""
    for path in sorted(glob.glob(f"{folder}/**/*.png", recursive=True)):
        told = path[:-4] + ".txt"
        if os.path.exists(told) and not path.endswith("_mirror.png"):
            with open(told, encoding="utf-8", errors="replace") as lines:
                names = nouns.stamp_names(os.path.relpath(path, folder), lines.readline(), known)
            rgba = np.asarray(Image.open(path).convert("RGBA")) if names else None
            if names and len(opaque(rgba)) > 1000:
                yield rgba, names


def said(line, photo, objects):
    """One line of told.jsonl -> the phrase with its targets among the photo's objects; None when one of them isn't there."""
    targets = []
    for name, x0, y0, x1, y1 in line["targets"]:
        main = instance_names(name, photo["set"])[0]
        of_name = [o for o in photo["objects"] if objects[o]["names"][0] == main]
        alike = rle.iou([objects[o]["bbox"] for o in of_name], [[x0, y0, x1 - x0, y1 - y0]], [0])[:, 0] if of_name else [0]
        if max(alike) < SAME:
            return None
        targets.append(of_name[int(np.argmax(alike))])
    return dict(phrase=line["expression"], targets=targets, kind=("absent", "single", "multi")[min(len(targets), 2)], tags=line["tags"])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    ap.add_argument("--cache", required=True)
    ap.add_argument("--noto", default=NOTO, metavar="FONT", help="Noto Color Emoji, where it is installed")
    ap.add_argument("--emojione", default=EMOJIONE, metavar="FOLDER", help="EmojiOne's pictures by code point, where they are installed")
    ap.add_argument("--stamps", default=STAMPS, metavar="FOLDER", help="Tux Paint's stamps, where they are installed")
    a = ap.parse_args()
    os.makedirs(a.cache, exist_ok=True)
    pack = json.load(open(f"{a.data}/annotations.json"))
    images = photos_of(pack)
    cats = {c["id"]: c for c in pack["categories"]}
    by_image = {}
    for ann in pack["annotations"]:
        by_image.setdefault(ann["image_id"], []).append(ann)
    machine = json.load(open(f"{a.cache}/machine.json")) if os.path.exists(f"{a.cache}/machine.json") else {}
    photos = np.lib.format.open_memmap(f"{a.cache}/photos.npy", "w+", np.uint8, (len(images), SHARP, SHARP, 3))
    backgrounds, photo_index, mask_rows, objects, sprites, sprite_index, extra = [], [], [], [], [], [], []

    def add_sprite(rgba, names, origin, shares, **more):
        s, box = sprite_of(rgba)
        sprites.append(s)
        sprite_index.append(dict(names=names, origin=origin, box=box, shares=shares, **more))

    def worth_cutting(area, w, h):
        return min(w, h) > 28 and area / (w * h) > 0.35

    for n, im in enumerate(images):
        rgb = np.asarray(Image.open(f"{a.data}/{im['file_name']}").convert("RGB"))
        photos[n] = squeeze(rgb, SHARP)
        if im["set"] == "background":
            backgrounds.append(squeeze(rgb, SIDE))
        photo_index.append(dict(set=im["set"], source=im.get("source_image_id"), width=im["width"], height=im["height"], objects=[]))
        union = np.zeros(rgb.shape[:2], np.uint8)
        for ann in by_image.get(im["id"], []):
            cat = cats[ann["category_id"]]
            m = rle.decode(ann["segmentation"])
            if ann["iscrowd"] or ann["mask_source"] == "box_only":
                names, crowd = [cat["name"]], True
            else:
                names, crowd = instance_names(cat["name"], im["set"]), False
            if not names:
                continue
            small = squeeze_mask(m)
            if small.sum() < 20:
                continue
            shares = colour_shares(rgb[m > 0])
            photo_index[n]["objects"].append(len(objects))
            objects.append(dict(id=ann["id"], names=names, crowd=crowd, stuff=not cat.get("isthing", 1), shares=shares, bbox=ann["bbox"],
                                area=float(small.mean())))
            mask_rows.append(np.packbits(small))
            x, y, w, h = ann["bbox"]
            whole = im["set"] == "coco_train" and ann["area"] > 1300 and cats[ann["category_id"]]["isthing"]
            person = im["set"] == "coco_person" and ann["mask_source"] == "human" and ann["area"] > 4000
            if not crowd and (whole or person) and worth_cutting(ann["area"], w, h):
                add_sprite(np.dstack([rgb, m * 255]), names, im["set"], shares)
            if im["set"] == "ccp":
                union |= m
        found = machine.get(str(im["id"]), dict(things=[], maybe={}))
        for name, score, code in found["things"]:
            m = rle.decode(code)
            small = squeeze_mask(m)
            if small.sum() < 40:
                continue
            photo_index[n]["objects"].append(len(objects))
            names, shares = instance_names(name, im["set"]), colour_shares(rgb[m > 0])
            area, (x, y, w, h) = int(m.sum()), rle.toBbox(code).tolist()
            objects.append(dict(names=names, crowd=False, stuff=False, machine=score, shares=shares, area=float(small.mean()), bbox=[x, y, w, h]))
            mask_rows.append(np.packbits(small))
            if score > 0.6 and area > 1300 and worth_cutting(area, w, h):
                extra.append((np.dstack([rgb, m * 255])[int(y):int(y + h), int(x):int(x + w)], names, im["set"], shares))
        photo_index[n]["maybe"] = {word: score for name, score in found["maybe"].items() for word in instance_names(name, im["set"])}
        if im["set"] == "ccp" and n % 3 == 0 and union.any():
            add_sprite(np.dstack([rgb, union * 255]), ["person", "woman"], "ccp", colour_shares(rgb[union > 0]))
        if n % 500 == 0:
            print(n, "of", len(images), len(objects), len(sprites), flush=True)
    font = ImageFont.truetype(a.noto, 109) if os.path.exists(a.noto) else None
    for code, info in json.load(open(f"{a.data}/cutouts/fluent3d.json")).items():
        names = nouns.cutout_names(info["name"], info["group"])
        if names:
            rgba = np.asarray(Image.open(f"{a.data}/cutouts/fluent3d/{code}.webp").convert("RGBA"))
            add_sprite(rgba, names, info["group"], colour_shares(opaque(rgba)))
            for drawing in (glyph(font, code) if font and "-" not in code else None, picture(a.emojione, code)):
                if drawing is not None:
                    extra.append((drawing, names, info["group"], colour_shares(opaque(drawing))))
    known = {s["names"][0] for s in sprite_index}
    extra += [(rgba, names, "stamp", colour_shares(opaque(rgba))) for rgba, names in stamps(a.stamps, known)]
    for one in extra:
        add_sprite(*one, extra=True)
    np.save(f"{a.cache}/backgrounds.npy", np.stack(backgrounds))
    np.save(f"{a.cache}/masks.npy", np.stack(mask_rows))
    np.save(f"{a.cache}/sprites.npy", np.stack(sprites))
    expressions = [json.loads(line) for f in ("train_expressions", "train_extra_absent") for line in open(f"{a.data}/{f}.jsonl")]
    by_source = {p["source"]: i for i, p in enumerate(photo_index) if p["set"] == "coco_train" or p["set"] == "coco_person" and machine}
    by_id = {o["id"]: i for i, o in enumerate(objects) if "id" in o}
    human = []
    for e in expressions:
        if e["image_id"] in by_source and all(i in by_id for i in e["annotation_ids"]):
            human.append(dict(photo=by_source[e["image_id"]], phrase=e["expression"], targets=[by_id[i] for i in e["annotation_ids"]], kind=e["kind"], tags=e["tags"]))
    told = [json.loads(line) for line in open(TOLD)]
    for e in told:
        found = said(e, photo_index[by_source[e["image_id"]]], objects) if e["image_id"] in by_source else None
        if found:
            human.append(dict(found, photo=by_source[e["image_id"]]))
    json.dump(dict(photos=photo_index, objects=objects, sprites=sprite_index, human=human), open(f"{a.cache}/index.json", "w"))
    print(len(images), "photos", len(objects), "objects", len(sprites), "sprites,", len(extra), "of them extra,", len(human), "of", len(expressions) + len(told), "free phrases")


if __name__ == "__main__":
    main()
