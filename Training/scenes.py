"""Pictures to learn from: composed scenes and photographs, at any size.

`Source(cache).scene(rng, size, ...)` and `.photo(...)` return
dict(pixels uint8 [S, S, 3], masks bool [P, S, S], phrases (list of dict),
labels int16 [g, g] class of each patch (0 background, -1 unknown), boxes
float32 [g, g, 4] of the object under each patch).
"""
import json

import numpy as np
from PIL import Image

import nouns
from phrases import Phraser

PATCH = 14


class Source:
    def __init__(self, cache):
        self.photos = np.load(f"{cache}/photos.npy", mmap_mode="r")
        self.masks = np.load(f"{cache}/masks.npy", mmap_mode="r")
        self.sprites = np.load(f"{cache}/sprites.npy", mmap_mode="r")
        index = json.load(open(f"{cache}/index.json"))
        self.photo_info, self.objects, self.sprite_info = index["photos"], index["objects"], index["sprites"]
        self.by_set = {}
        for i, p in enumerate(self.photo_info):
            self.by_set.setdefault(p["set"], []).append(i)
        for p in self.photo_info:
            p["human"] = []
        for h in index["human"]:
            self.photo_info[h["photo"]]["human"].append(h)
        self.by_set["human"] = [i for i, p in enumerate(self.photo_info) if p["human"]]
        self.first_drawn = next(i for i, s in enumerate(self.sprite_info) if not s["origin"].startswith(("coco", "ccp")))
        self._split()
        used = {o["names"][0] for o in self.objects if not o["crowd"]} | {s["names"][0] for s in self.sprite_info}
        self.classes = ["background"] + sorted(used)
        self.class_of = {n: i for i, n in enumerate(self.classes)}

    def _split(self):
        """Training and held-out halves of the sprites (a tenth, only of names that keep others) and backgrounds."""
        by_name = {}
        for i, s in enumerate(self.sprite_info):
            for n in s["names"]:
                by_name.setdefault(n, []).append(i)
        self.held_sprites = {i for i, s in enumerate(self.sprite_info) if i % 10 == 3 and all(sum(j % 10 != 3 for j in by_name[n]) >= 2 for n in s["names"][:1])}
        self.names, weights = {False: {}, True: {}}, {}
        for n, ids in by_name.items():
            for held in (False, True):
                pool = [i for i in ids if (i in self.held_sprites) == held]
                if pool:
                    self.names[held][n] = pool
        coco = {n for o in self.objects for n in o["names"]}
        self.name_list = list(self.names[False])
        for n in self.name_list:
            usual = n in coco or n in nouns.HEADS or any(self.sprite_info[i]["origin"] in ("animal", "vehicle") for i in self.names[False][n])
            weights[n] = min(len(self.names[False][n]), 12) ** 0.5 * (2.5 if n in coco else 0.4 if usual else 0.03)
        w = np.array([weights[n] for n in self.name_list])
        self.name_p = w / w.sum()
        b = self.by_set["background"]
        self.backgrounds = {False: [x for i, x in enumerate(b) if i % 10], True: [x for i, x in enumerate(b) if i % 10 == 0]}
        coco_counts = {}
        for p in self.photo_info:
            if p["set"] == "coco_train":
                for n in {self.objects[o]["names"][0] for o in p["objects"] if not self.objects[o]["stuff"]}:
                    coco_counts[n] = coco_counts.get(n, 0) + 1
        self.coco_names = list(coco_counts)
        w = np.array([coco_counts[n] for n in self.coco_names], float) ** 0.7
        self.coco_p = w / w.sum()

    # ---------------------------------------------------------------- composed scenes
    def random_name(self, rng):
        return self.name_list[int(rng.choice(len(self.name_list), p=self.name_p))]

    def _background(self, rng, size, held):
        if rng.random() < 0.25 and not held:
            a, b = rng.integers(0, 256, (2, 3))
            t = np.linspace(0, 1, size)[:, None, None] if rng.random() < 0.5 else np.linspace(0, 1, size)[None, :, None]
            return (a * (1 - t) + b * t + np.zeros((size, size, 3))).astype(np.uint8)
        src = self.photos[self.backgrounds[held][rng.integers(len(self.backgrounds[held]))]]
        s = rng.uniform(128, 256)
        x, y = rng.uniform(0, 256 - s, 2)
        im = Image.fromarray(src).resize((size, size), Image.BILINEAR, box=(x, y, x + s, y + s))
        return np.array(im)

    def scene(self, rng, size, count, objects=(1, 4), scale=(0.3, 0.6), held=False, absent=0.22, rendered=0.75):
        canvas = self._background(rng, size, held)
        n = int(rng.integers(objects[0], objects[1] + 1))
        wanted = []
        while len(wanted) < n:
            name = self.random_name(rng)
            copies = 1 if rng.random() < 0.5 else int(rng.integers(2, 4))
            for _ in range(min(copies, n - len(wanted))):
                use_held = held and name in self.names[True] and rng.random() < 0.6
                pool = self.names[use_held][name]
                drawn = [i for i in pool if i >= self.first_drawn]
                if drawn and rng.random() < rendered:
                    pool = drawn
                wanted.append(pool[rng.integers(len(pool))])
        base = rng.uniform(*scale)
        placed, masks = [], []
        for sid in wanted:
            info = self.sprite_info[sid]
            bx, by, bw, bh = info["box"]
            side = np.clip(base * np.exp(rng.normal(0, 0.3)), scale[0] * 0.7, scale[1] * 1.1) * size
            w, h = max(6, int(bw * side / 128)), max(6, int(bh * side / 128))
            for _ in range(12):
                x, y = int(rng.uniform(-0.05, 1.05) * (size - w)), int(rng.uniform(-0.05, 1.05) * (size - h))
                if all(overlap((x, y, w, h), q) < 0.25 for q in placed):
                    break
            else:
                continue
            im = Image.fromarray(self.sprites[sid][by:by + bh, bx:bx + bw])
            im = np.asarray(im.resize((w, h), Image.BILINEAR)).astype(np.float32)
            if rng.random() < 0.5:
                im = im[:, ::-1]
            y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + h, size), min(x + w, size)
            im = im[y0 - y:y1 - y, x0 - x:x1 - x]
            alpha = im[..., 3:] / 255
            light = np.exp(rng.normal(0, 0.12))
            canvas[y0:y1, x0:x1] = np.clip(canvas[y0:y1, x0:x1] * (1 - alpha) + im[..., :3] * light * alpha, 0, 255)
            m = np.zeros((size, size), bool)
            m[y0:y1, x0:x1] = alpha[..., 0] > 0.5
            for old in masks:
                old &= ~m
            placed.append((x, y, w, h))
            masks.append(m)
            info = dict(info, full=int(m.sum()), sid=sid)
            placed[-1] = (x, y, w, h, info)
        objs, keep, blocked = [], [], set()
        for q, m in zip(placed, masks):
            info, area = q[4], int(m.sum())
            if area < 0.55 * info["full"] or area < 0.004 * size * size:
                blocked |= set(info["names"])
                continue
            objs.append(describe(m, info["names"], info["shares"], held=info["sid"] in self.held_sprites))
            keep.append(m)
        canvas = jitter(canvas, rng)
        found = Phraser(rng, lambda: self.random_name(rng), allow_held_out=held).make(objs, blocked, count, absent)
        return self._finish(canvas, objs, keep, found, size, 0)

    # ---------------------------------------------------------------- photographs
    def photo(self, rng, size, count, which=None, crop=(0.6, 1.0), absent=0.22):
        kind = which or ["coco_train", "human", "coco_person", "ccp"][int(rng.choice(4, p=[0.38, 0.27, 0.2, 0.15]))]
        pid = self.by_set[kind][rng.integers(len(self.by_set[kind]))]
        info = self.photo_info[pid]
        human = kind == "human"
        s = rng.uniform(0.85 if human else crop[0], 1.0) * 256
        x, y = rng.uniform(0, 256 - s, 2)
        flip = rng.random() < 0.5
        canvas = np.array(Image.fromarray(self.photos[pid]).resize((size, size), Image.BILINEAR, reducing_gap=2, box=(x, y, x + s, y + s)))
        canvas = jitter(canvas[:, ::-1] if flip else canvas, rng)
        ids = info["objects"]
        cut = lambda m: resize_mask(m, size, (x, y, x + s, y + s), flip)
        objs, keep, blocked, where = [], [], set(), {}
        if ids:
            bits = np.unpackbits(np.asarray(self.masks[ids[0]:ids[-1] + 1]), axis=1).reshape(-1, 256, 256)
        x0, y0, x1, y1 = (int(round(v)) for v in (x, y, x + s, y + s))
        for k, oid in enumerate(ids):
            o = self.objects[oid]
            seen = int(bits[k, y0:y1, x0:x1].sum())
            if o["crowd"] or seen < 0.002 * s * s or seen < 0.35 * o["area"] * 65536:
                blocked |= set(o["names"])
                continue
            m = cut(bits[k])
            if not m.any():
                continue
            where[oid] = len(objs)
            objs.append(describe(m, o["names"], o["shares"]))
            keep.append(m)
        pick_absent = lambda: self.coco_names[int(rng.choice(len(self.coco_names), p=self.coco_p))] if rng.random() < 0.85 else self.random_name(rng)
        found = []
        if human:
            order = rng.permutation(len(info["human"]))
            for h in (info["human"][i] for i in order):
                if len(found) < count - 1 and all(t in where for t in h["targets"]):
                    text = h["phrase"].strip().lower().rstrip(".")
                    found.append(dict(phrase=mirror_words(text) if flip else text, targets=[where[t] for t in h["targets"]], kind=h["kind"], tags=h["tags"]))
        if kind in ("coco_person", "ccp"):
            absent *= 0.6
            labelled = {n for o in objs for n in o["names"]}
            pick_absent_all = pick_absent
            pick_absent = lambda: next((n for n in (pick_absent_all() for _ in range(9)) if n not in COMMON and n not in labelled), "giraffe")
            if kind == "ccp" and rng.random() < 0.5:
                pick_absent = lambda: ["hat", "scarf", "sunglasses", "belt", "jeans", "shorts", "skirt", "dress", "bag", "boots", "tie", "socks", "coat"][rng.integers(13)]
        found += Phraser(rng, pick_absent, photo=True).make(objs, blocked, count - len(found), absent)
        return self._finish(canvas, objs, keep, found[:count], size, 0 if kind in ("coco_train", "human") else -1)

    # ---------------------------------------------------------------- common
    def _finish(self, canvas, objs, masks, found, size, empty_label):
        g = size // PATCH
        labels, boxes = np.full((g, g), empty_label, np.int16), np.zeros((g, g, 4), np.float32)
        stack = np.stack(masks) if masks else np.zeros((0, size, size), bool)
        cover = stack.reshape(-1, g, PATCH, g, PATCH).sum((2, 4)) / PATCH ** 2
        labels[(cover.sum(0) > 0.1) & (cover.sum(0) < 0.5)] = -1
        for i in sorted(range(len(objs)), key=lambda k: -objs[k]["area"]):
            on = cover[i] > 0.5
            labels[on] = self.class_of[objs[i]["names"][0]]
            boxes[on] = objs[i]["box"]
        out = np.zeros((len(found), size, size), bool)
        for k, f in enumerate(found):
            for t in f["targets"]:
                out[k] |= stack[t]
            f["seen_names"] = all(not objs[t].get("held") for t in f["targets"])
        return dict(pixels=np.ascontiguousarray(canvas), masks=out, phrases=found, labels=labels, boxes=boxes)


COMMON = set("car chair table tree bag handbag backpack bottle cup phone cell phone book bench tie umbrella purse building wall sky grass floor".split()) | {"cell phone", "dining table"}
SWAP = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}


def mirror_words(text):
    return " ".join(SWAP.get(w, w) for w in text.replace(",", " ,").split(" ")).replace(" ,", ",")


def overlap(a, b):
    """Share of the smaller box that the other covers; boxes x, y, w, h."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(w, 0) * max(h, 0) / min(a[2] * a[3], b[2] * b[3])


def describe(mask, names, shares, **more):
    size = mask.shape[0]
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    x0, x1, y0, y1 = xs[0] / size, (xs[-1] + 1) / size, ys[0] / size, (ys[-1] + 1) / size
    return dict(names=names, shares=shares, cx=(x0 + x1) / 2, cy=(y0 + y1) / 2, area=float(mask.mean()), box=(x0, y0, x1, y1), **more)


def resize_mask(bits, size, box, flip):
    """256 x 256 bits -> bool [S, S] of the crop `box`."""
    m = Image.fromarray(bits * 255).resize((size, size), Image.BILINEAR, box=box)
    m = np.asarray(m) >= 128
    return m[:, ::-1] if flip else m


def jitter(rgb, rng):
    """Brightness, contrast and a colour cast, mild enough to keep colour words true."""
    gain = np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.04, 3))
    lut = np.clip(np.arange(256)[:, None] * gain + rng.normal(0, 8), 0, 255).astype(np.uint8)
    return np.stack([lut[:, c][rgb[..., c]] for c in range(3)], -1)
