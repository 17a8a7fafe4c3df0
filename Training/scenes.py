"""Pictures to learn from: composed scenes and photographs, at any size.

`Source(cache).scene(rng, size, ...)`, `.photo(...)` and `.tiles(...)` return
dict(pixels uint8 [S, S, 3], masks bool [P, S, S], phrases (list of dict),
labels int16 [g, g] class of each patch (0 background, -1 unknown), boxes
float32 [g, g, 4] of the object under each patch) and, with teachers, teach
float16 [g, g, 96 + 128], what they see there (zeros: unknown; without things.py
only the first 96).
"""
import json
import os

import numpy as np
from PIL import Image

import nouns
from colours import NAMES as COLOURS, colour_shares
from phrases import SYNONYMS, Phraser

PATCH = 14


class Source:
    def __init__(self, cache, teacher=False):
        self.photos, self.small = (np.load(f"{cache}/{n}.npy", mmap_mode="r") for n in ("photos", "backgrounds"))
        self.masks = np.load(f"{cache}/masks.npy", mmap_mode="r")
        self.sprites = np.load(f"{cache}/sprites.npy", mmap_mode="r")
        taught = {n: np.load(f"{cache}/teacher_{n}.npy", mmap_mode="r") for n in ("photos", "sprites", "things") if teacher and os.path.exists(f"{cache}/teacher_{n}.npy")}
        # teacher.py writes the sprites last: without them it did not finish.
        self.teacher_sprites = taught.get("sprites")
        self.teacher = [taught[n] for n in ("photos", "things") if "sprites" in taught and n in taught]
        index = json.load(open(f"{cache}/index.json"))
        self.photo_info, self.objects, self.sprite_info = index["photos"], index["objects"], index["sprites"]
        self.by_set = {}
        for i, p in enumerate(self.photo_info):
            self.by_set.setdefault(p["set"], []).append(i)
        for p in self.photo_info:
            p["human"] = []
        for h in index["human"]:
            self.photo_info[h["photo"]]["human"].append(dict(h, phrase=h["phrase"].strip().lower().rstrip(".")))
        for i, p in enumerate(self.photo_info):
            if p["human"]:
                self.by_set.setdefault("human" if p["set"] == "coco_train" else "told", []).append(i)
        self.drawn = [not s["origin"].startswith(("coco", "ccp", "background", "stamp")) for s in self.sprite_info]
        self._split()
        self.said = self._said_of_things()
        self.by_set["machine"] = [i for i, p in enumerate(self.photo_info) if any("machine" in self.objects[o] for o in p["objects"]) and i not in self.backgrounds[True]]
        used = {o["names"][0] for o in self.objects if not o["crowd"]} | {s["names"][0] for s in self.sprite_info}
        self.classes = ["background"] + sorted(used)
        self.class_of = {n: i for i, n in enumerate(self.classes)}

    def _split(self):
        """Training and held-out halves of the sprites (a tenth, only of names that keep others) and backgrounds."""
        by_name, self.extra = {}, {}
        for i, s in enumerate(self.sprite_info):
            for n in s["names"]:
                (self.extra if "extra" in s else by_name).setdefault(n, []).append(i)
        self.held_sprites = {i for i, s in enumerate(self.sprite_info) if "extra" not in s and i % 10 == 3 and all(sum(j % 10 != 3 for j in by_name[n]) >= 2 for n in s["names"][:1])}
        self.names, kind = {False: {}, True: {}}, {}
        for n, ids in by_name.items():
            for held in (False, True):
                pool = [i for i in ids if (i in self.held_sprites) == held]
                if pool:
                    self.names[held][n] = pool
        coco = {n for o in self.objects if "machine" not in o for n in o["names"]}
        self.name_list = list(self.names[False])
        for n in self.name_list:
            usual = n in coco or n in nouns.HEADS or any(self.sprite_info[i]["origin"] in ("animal", "vehicle") for i in self.names[False][n])
            kind[n] = "coco" if n in coco else "usual" if usual else "rare"
        self.name_p = {"every": np.full(len(kind), 1 / len(kind))}
        for mix, shares in NAME_MIXES.items():
            w = np.array([min(len(self.names[False][n]), 12) ** 0.5 * shares[kind[n]] for n in self.name_list])
            self.name_p[mix] = w / w.sum()
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

    def _said_of_things(self):
        """What people said of photos, to be asked of others where none of the names is: phrase, names of its targets, tags."""
        things, said = set(self.coco_names), []
        for p in self.photo_info:
            for h in p["human"]:
                names = {n for t in h["targets"] for n in self.objects[t]["names"]}
                if names & things and not names & COMMON:
                    said.append((h["phrase"], names, h["tags"]))
        return said

    # ---------------------------------------------------------------- composed scenes
    def random_name(self, rng, mix="learned"):
        return self.name_list[int(rng.choice(len(self.name_list), p=self.name_p[mix]))]

    def _background(self, rng, size, held):
        """A picture to paste on, and what the teacher sees in it."""
        if rng.random() < 0.25 and not held:
            a, b = rng.integers(0, 256, (2, 3))
            t = np.linspace(0, 1, size)[:, None, None] if rng.random() < 0.5 else np.linspace(0, 1, size)[None, :, None]
            return (a * (1 - t) + b * t + np.zeros((size, size, 3))).astype(np.uint8), None
        pid = self.backgrounds[held][rng.integers(len(self.backgrounds[held]))]
        picture = self.small[self.by_set["background"].index(pid)] if held else self.photos[pid]
        s = rng.uniform(128, 256)
        x, y = rng.uniform(0, 256 - s, 2)
        flip = not held and rng.random() < 0.5
        box = (x, y, x + s, y + s)
        return part_of(picture, (size, size), box, flip).copy(), self._seen(pid, box, (size // PATCH,) * 2, flip)

    def _seen(self, pid, box, g, flip, turn=0.0):
        """The teachers' features of a part of a photo (as `part_of` takes it) at the centres of g = (across, down) patches, side by side."""
        x0, y0, x1, y1 = box
        along, down = (((np.arange(n) + 0.5) / n - 0.5) * side for n, side in zip(g, (x1 - x0, y1 - y0)))
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        at = ((y0 + y1) / 2 + s * along + c * down[:, None], (x0 + x1) / 2 + c * along - s * down[:, None])
        seen = [bilinear(t[pid].astype(np.float32), *(v / 256 for v in at)) for t in self.teacher]
        if not seen:
            return None
        out = np.concatenate(seen, -1).astype(np.float16)
        out[np.any([(v < 0) | (v > 256) for v in at], 0)] = 0
        return out[:, ::-1] if flip else out

    def _unseen(self, g):
        """What the teachers see where nobody asked them."""
        return np.zeros((g, g, sum(t.shape[-1] for t in self.teacher)), np.float16) if self.teacher else None

    def _choose(self, rng, n, held=False, mix="learned"):
        """n cut-outs, some of them of one name."""
        wanted, rendered = [], 0.75 if held else 0.6
        while len(wanted) < n:
            name = self.random_name(rng, mix)
            copies = 1 if rng.random() < 0.45 else int(rng.integers(2, 4))
            for _ in range(min(copies, n - len(wanted))):
                use_held = held and name in self.names[True] and rng.random() < 0.6
                pool = self.names[use_held][name] + ([] if held else self.extra.get(name, []))
                drawn = [i for i in pool if self.drawn[i]]
                if drawn and rng.random() < rendered:
                    pool = drawn
                wanted.append(pool[rng.integers(len(pool))])
        return wanted

    def _paste(self, rng, canvas, wanted, scale, objs, masks, varied):
        """Pastes cut-outs on the canvas and on top of `masks` (both changed in place).
        -> objects still in sight, their masks, names of those that are hidden too much to speak of"""
        size = len(canvas)
        base = rng.uniform(*scale)
        full = [int(m.sum()) for m in masks]
        objs, masks, placed = list(objs), list(masks), []
        for sid in wanted:
            info = self.sprite_info[sid]
            bx, by, bw, bh = info["box"]
            side = np.clip(base * np.exp(rng.normal(0, 0.3)), scale[0] * 0.7, scale[1] * 1.1) * size
            wide = np.exp(rng.normal(0, 0.1)) if varied else 1
            w, h = max(6, int(bw * side * wide / 128)), max(6, int(bh * side / wide / 128))
            for _ in range(12):
                x, y = int(rng.uniform(-0.05, 1.05) * (size - w)), int(rng.uniform(-0.05, 1.05) * (size - h))
                if all(overlap((x, y, w, h), q) < 0.25 for q in placed):
                    break
            else:
                continue
            im = Image.fromarray(self.sprites[sid][by:by + bh, bx:bx + bw]).resize((w, h), Image.BILINEAR)
            shares = info["shares"]
            if varied:
                im = vary(im, rng)
                w, h = im.size
                if rng.random() < 0.1 and info["names"][0] not in KNOWN_COLOUR and not any(set(n.split()) & WORDS for n in info["names"]):
                    im, shares = recolour(im, rng)
            im = np.asarray(im).astype(np.float32)
            if rng.random() < 0.5:
                im = im[:, ::-1]
            y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + h, size), min(x + w, size)
            if x1 <= x0 or y1 <= y0:
                continue
            im = im[y0 - y:y1 - y, x0 - x:x1 - x]
            alpha = im[..., 3:] / 255
            light = np.exp(rng.normal(0, 0.12)) * (np.exp(rng.normal(0, 0.05, 3)) if varied else 1)
            canvas[y0:y1, x0:x1] = np.clip(canvas[y0:y1, x0:x1] * (1 - alpha) + im[..., :3] * light * alpha, 0, 255)
            m = np.zeros((size, size), bool)
            m[y0:y1, x0:x1] = alpha[..., 0] > 0.5
            for old in masks:
                old &= ~m
            placed.append((x, y, w, h))
            masks.append(m)
            full.append(int(m.sum()))
            objs.append((info, sid, shares))
        seen, keep, blocked = [], [], set()
        for o, m, before in zip(objs, masks, full):
            names = o[0]["names"] if isinstance(o, tuple) else o["names"]
            area = int(m.sum())
            if area < 0.55 * before or area < 0.004 * size * size and isinstance(o, tuple) or not area:
                blocked |= set(names)
                continue
            if isinstance(o, tuple):
                seen.append(describe(m, names, o[2], held=o[1] in self.held_sprites, sid=o[1]))
            else:
                seen.append(dict(o, **describe(m, names, o["shares"])))
            keep.append(m)
        return seen, keep, blocked

    def scene(self, rng, size, count, objects=(1, 4), scale=(0.3, 0.6), held=False, absent=0.22, mix="learned", wide=True):
        """A composed scene; `held`: of the held-out cut-outs and backgrounds, as they are; `mix`: how often which name comes
        (NAME_MIXES, or "every": all alike); `wide`: with all kinds of phrases."""
        canvas, seen = self._background(rng, size, held)
        wanted = self._choose(rng, int(rng.integers(objects[0], objects[1] + 1)), held, mix)
        objs, keep, blocked = self._paste(rng, canvas, wanted, scale, [], [], not held)
        canvas = jitter(canvas, rng)
        if not held and rng.random() < 0.25:                # as a small picture looks that is made larger
            few = int(size * rng.uniform(0.5, 0.95))
            canvas = np.asarray(Image.fromarray(canvas).resize((few, few), Image.BILINEAR).resize((size, size), Image.BICUBIC))
        found = Phraser(rng, lambda: self.random_name(rng, mix), allow_held_out=held, wide=wide).make(objs, blocked, count, absent)
        return self._finish(canvas, objs, keep, found, size, 0, seen)

    # ---------------------------------------------------------------- photographs
    def _view(self, rng, pid, width, height, crop, turned):
        """A part of a photograph, `width` x `height` -> dict: canvas, objs and their masks, where (index of each annotation's object), names that
        are `blocked`, what the teacher has `seen`, whether it is mirrored (`flip`) and nearly the `whole` photograph."""
        info = self.photo_info[pid]
        s, wide = rng.uniform(*crop) * 256, np.exp(rng.uniform(-0.18, 0.18)) * (width / height) ** 0.4
        w, h = min(256, s * wide), min(256, s / wide)
        x, y = rng.uniform(0, 256 - w), rng.uniform(0, 256 - h)
        box, flip = (x, y, x + w, y + h), rng.random() < 0.5
        turn = rng.normal(0, 6) if rng.random() < turned else 0
        ids, objs, keep, blocked, where = info["objects"], [], [], set(), {}
        if ids:
            bits = np.unpackbits(np.asarray(self.masks[ids[0]:ids[-1] + 1]), axis=1).reshape(-1, 256, 256)
        x0, y0, x1, y1 = (int(round(v)) for v in box)
        for k, oid in enumerate(ids):
            o = self.objects[oid]
            seen = int(bits[k, y0:y1, x0:x1].sum())
            m = None
            if not o["crowd"] and seen >= 0.002 * w * h and seen >= 0.35 * o["area"] * 65536:
                m = part_of(bits[k] * 255, (width, height), box, flip, turn) >= 128
            if m is None or not m.any():
                blocked |= set(o["names"])
                continue
            where[oid] = len(objs)
            objs.append(describe(m, o["names"], o["shares"]))
            keep.append(m)
        # One more of its kind may be there that the detector was not sure of.
        blocked |= {name for name, score in info.get("maybe", {}).items() if score >= DOUBT}
        return dict(canvas=part_of(self.photos[pid], (width, height), box, flip, turn).copy(), objs=objs, masks=keep, blocked=blocked, where=where,
                    seen=self._seen(pid, box, (width // PATCH, height // PATCH), flip, turn), flip=flip, whole=min(w, h) > 0.8 * 256)

    def tiles(self, rng, size, count, crop=(0.6, 1.0), absent=0.22, turned=0.5, false=0.0):
        """Two or four photographs side by side in one picture (the mosaic of Bochkovskiy et al., "YOLOv4", 2020): of few photographs
        so many more pictures can be made.  What was said of one is asked here too, unless it is about places or another one has such a thing."""
        g = size // PATCH
        across, down = [(True, False), (False, True), (True, True)][int(rng.choice(3, p=(0.35, 0.25, 0.4)))]
        cut_at = lambda cut: [0, int(rng.integers(round(0.35 * g), round(0.65 * g) + 1)), g] if cut else [0, g]
        xs, ys = cut_at(across), cut_at(down)
        # Sky, grass and walls are labelled in few photographs.
        canvas, objs, keep, blocked, views = np.zeros((size, size, 3), np.uint8), [], [], set(nouns.STUFF.values()), []
        seen = self._unseen(g)
        for x0, x1 in zip(xs, xs[1:]):
            for y0, y1 in zip(ys, ys[1:]):
                pids = self.by_set[TILES[rng.integers(len(TILES))]]
                pid = pids[rng.integers(len(pids))]
                view = self._view(rng, pid, (x1 - x0) * PATCH, (y1 - y0) * PATCH, crop, turned)
                at = np.s_[y0 * PATCH:y1 * PATCH, x0 * PATCH:x1 * PATCH]
                canvas[at] = view["canvas"]
                if seen is not None:
                    seen[y0:y1, x0:x1] = view["seen"]
                view.update(pid=pid, where={t: i + len(objs) for t, i in view["where"].items()}, names={n for o in view["objs"] for n in o["names"]} | view["blocked"])
                for o, m in zip(view["objs"], view["masks"]):
                    big = np.zeros((size, size), bool)
                    big[at] = m
                    if m.sum() < 0.002 * size * size:
                        blocked |= set(o["names"])
                    objs.append(describe(big, o["names"], o["shares"]))
                    keep.append(big)
                blocked |= view["blocked"]
                views.append(view)
        canvas, true = light(canvas, rng, false)
        found = []
        for view in views:
            others = {n for v in views if v is not view for n in v["names"]}
            said = self.photo_info[view["pid"]]["human"]
            for h in (said[i] for i in rng.permutation(len(said))):
                names = {n for t in h["targets"] for n in self.objects[t]["names"]}
                placed = {"position", "relation", "size"} & set(h["tags"])
                alone = not names & (others | blocked) and not any(n in h["phrase"] for n in others)
                if len(found) < count - 2 and h["targets"] and not placed and alone and all(t in view["where"] for t in h["targets"]):
                    found.append(as_shown(h, view["where"], view["flip"], rng))
        found += Phraser(rng, self._absent_name(rng), photo=True, tiled=True).make(objs, blocked, count - len(found), absent)
        return self._finish(canvas, objs, keep, sayable(found, true), size, -1, seen)

    def _absent_name(self, rng):
        return lambda: self.coco_names[int(rng.choice(len(self.coco_names), p=self.coco_p))] if rng.random() < 0.85 else self.random_name(rng)

    def photo(self, rng, size, count, which=None, crop=(0.6, 1.0), absent=0.22, pasted=0.5, turned=0.5, false=0.0):
        shares = WITH_MACHINE if self.by_set["machine"] else WITHOUT_MACHINE
        kind = which or list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]
        pid = self.by_set[kind][rng.integers(len(self.by_set[kind]))]
        info = self.photo_info[pid]
        # Free phrases about it; all its usual things labelled by people; some named by label.py.
        human, labelled, detected = kind in ("human", "told"), kind in ("coco_train", "human"), kind in ("told", "machine")
        view = self._view(rng, pid, size, size, (0.85 if human and rng.random() < 0.5 else crop[0], 1.0), turned)
        canvas, objs, keep, blocked, seen = view["canvas"], view["objs"], view["masks"], view["blocked"], view["seen"]
        where, flip, whole = view["where"], view["flip"], view["whole"]
        added = set()
        if (labelled or detected) and rng.random() < pasted:
            sids = self._choose(rng, int(rng.integers(1, 4)))
            before = [id(m) for m in keep]
            objs, keep, hidden = self._paste(rng, canvas, sids, (0.2, 0.5), objs, keep, True)
            after = {id(m): i for i, m in enumerate(keep)}
            where = {oid: after[before[i]] for oid, i in where.items() if before[i] in after}
            blocked |= hidden
            added = {word for sid in sids for name in self.sprite_info[sid]["names"] for word in name.split()}
        canvas, true = light(canvas, rng, false)
        pick_absent = self._absent_name(rng)
        found = []
        if human:
            order = rng.permutation(len(info["human"]))
            for h in (info["human"][i] for i in order):
                text = h["phrase"]
                placed = not whole and {"position", "relation", "size"} & set(h["tags"])
                if len(found) < count - 1 and all(t in where for t in h["targets"]) and not placed and not added & set(text.split()):
                    found.append(as_shown(h, where, flip, rng))
        here = {n for o in objs for n in o["names"]} | info.get("maybe", {}).keys()
        if len(found) < count - 1 and rng.random() < BORROWED.get(kind, 0):
            for _ in range(6):
                text, names, tags = self.said[rng.integers(len(self.said))]
                if not names & (here | blocked):
                    found.append(dict(phrase=reworded(text, rng), targets=[], kind="absent", tags=tags))
                    absent *= 0.6
                    break
        if not labelled:
            absent *= 1.0 if detected else 0.6
            pick_absent_all = pick_absent
            pick_absent = lambda: next((n for n in (pick_absent_all() for _ in range(9)) if n not in COMMON and n not in here), "giraffe")
            if kind == "ccp" and rng.random() < 0.5:
                pick_absent = lambda: ["hat", "scarf", "sunglasses", "belt", "jeans", "shorts", "skirt", "dress", "bag", "boots", "tie", "socks", "coat"][rng.integers(13)]
        found += Phraser(rng, pick_absent, photo=True).make(objs, blocked, count - len(found), absent, keep, labelled, detected)
        return self._finish(canvas, objs, keep, sayable(found[:count], true), size, 0 if labelled else -1, seen)

    # ---------------------------------------------------------------- common
    def _finish(self, canvas, objs, masks, found, size, empty_label, seen):
        g = size // PATCH
        labels, boxes = np.full((g, g), empty_label, np.int16), np.zeros((g, g, 4), np.float32)
        stack = np.stack(masks) if masks else np.zeros((0, size, size), bool)
        cover = stack.reshape(-1, g, PATCH, g, PATCH).sum((2, 4)) / PATCH ** 2
        unsure = (cover.sum(0) > 0.1) & (cover.sum(0) < 0.5)
        labels[unsure] = -1
        pasted = [i for i, o in enumerate(objs) if "sid" in o]
        if self.teacher:
            seen = self._unseen(g) if seen is None else seen.copy()
            seen[cover[pasted].sum(0) > 0.1] = 0
            for i in pasted:
                seen[cover[i] > 0.5, :self.teacher_sprites.shape[1]] = self.teacher_sprites[objs[i]["sid"]]
        for i in sorted(range(len(objs)), key=lambda k: -objs[k]["area"]):
            on = cover[i] > 0.5
            labels[on] = self.class_of[objs[i]["names"][0]]
            boxes[on] = objs[i]["box"]
        out = np.zeros((len(found), size, size), bool)
        for k, f in enumerate(found):
            for t in f["targets"]:
                out[k] |= stack[t]
            f["seen_names"] = all(not objs[t].get("held") for t in f["targets"])
        made = dict(pixels=np.ascontiguousarray(canvas), masks=out, phrases=found, labels=labels, boxes=boxes,
                    largest=stack[stack.sum((1, 2)).argmax()] if masks else np.zeros((size, size), bool))
        return dict(made, teach=seen) if self.teacher else made


# How often a cut-out is of which kind of name: those of photographs' things, animals, vehicles and what else has a plain name,
# and the rest ("pineapple", "mermaid").  Weights learned from `usual` alone rejected a third of what was not there when asked for the rest.
NAME_MIXES = dict(learned=dict(coco=1.8, usual=0.6, rare=0.6), usual=dict(coco=2.5, usual=0.4, rare=0.03))
# How often a photograph comes from which set: with labels of label.py, and without.  `human`: of coco_train, with free phrases; `told`: others with
# free phrases; `machine`: whose things label.py named.
WITH_MACHINE = dict(coco_train=0.05, human=0.14, told=0.52, machine=0.15, coco_person=0.07, ccp=0.07)
WITHOUT_MACHINE = dict(coco_train=0.32, human=0.26, coco_person=0.31, ccp=0.11)
TILES = ("machine", "machine", "machine", "human")      # whence the photographs of a mosaic
BORROWED = dict(human=0.05, told=0.05)                     # how often one is asked what was said of another photo
DOUBT = 0.2                                                # a detector's score from which on a thing may well be there
COMMON = set("car chair table tree bag handbag backpack bottle cup phone cell phone book bench tie umbrella purse building wall sky grass floor".split()) | {"cell phone", "dining table"}
# Colours that people tell these by; an apple may be of any.
KNOWN_COLOUR = set("person man woman child boy girl baby moon sun tomato carrot banana fire".split())
WORDS = {word for colour in COLOURS for word in (colour, *SYNONYMS.get(colour, ()))}
# Words that people use one for the other.
ALIKE = {a: b for pair in (
    "man guy", "woman lady", "kid child", "couch sofa", "bike bicycle", "motorcycle motorbike", "tv television", "fridge refrigerator", "gray grey",
    "big large", "biggest largest", "closest nearest", "middle center", "trousers pants", "tie necktie", "blond blonde", "donut doughnut", "phone cellphone")
    for a, b in (pair.split(), pair.split()[::-1])}
SWAP = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}


def mirror_words(text):
    return " ".join(SWAP.get(w, w) for w in text.replace(",", " ,").split(" ")).replace(" ,", ",")


def reworded(text, rng):
    """The phrase, sometimes with other words of the same meaning, or with or without "the" in front."""
    words = text.split(" ")
    if words[0] == "the" and len(words) > 1 and rng.random() < 0.3:
        words = words[1:]
    elif words[0] in ALIKE and rng.random() < 0.15:
        words = ["the"] + words
    return " ".join(ALIKE[w] if w in ALIKE and rng.random() < 0.3 else w for w in words)


def as_shown(said, where, flip, rng):
    """What a person said of a photograph, of the picture that shows it: targets are where `where` says, left is right where it is mirrored,
    and words may be others."""
    text = reworded(said["phrase"], rng)
    return dict(phrase=mirror_words(text) if flip else text, targets=[where[t] for t in said["targets"]], kind=said["kind"], tags=said["tags"])


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


def part_of(picture, size, box, flip=False, turn=0.0):
    """uint8 [s, s] or [s, s, 3] -> the same of `size` (width, height): the part in `box` (x0, y0, x1, y1, of a side of 256), turned about
    its middle by `turn` degrees (black where it leaves the picture) and then perhaps mirrored."""
    box = tuple(v * len(picture) / 256 for v in box)
    im = Image.fromarray(picture)
    if turn:
        x0, y0, x1, y1 = box
        along, down = (x1 - x0) / size[0], (y1 - y0) / size[1]
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        a, b, d, e = c * along, -s * down, s * along, c * down
        im = im.transform(size, Image.AFFINE, (a, b, (x0 + x1 - a * size[0] - b * size[1]) / 2, d, e, (y0 + y1 - d * size[0] - e * size[1]) / 2), Image.BILINEAR)
    else:
        im = im.resize(size, Image.BILINEAR, reducing_gap=2, box=box)
    return np.asarray(im)[:, ::-1] if flip else np.asarray(im)


def bilinear(grid, down, across):
    """[n, n, c] read at places [h, w] from 0 to 1, whose cells' centres are at (i + 0.5) / n -> [h, w, c]"""
    y, x = (np.clip(v * len(grid) - 0.5, 0, len(grid) - 1) for v in (down, across))
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    below, right = np.minimum(top + 1, len(grid) - 1), np.minimum(left + 1, len(grid) - 1)
    y, x = (y - top)[..., None].astype(np.float32), (x - left)[..., None].astype(np.float32)
    return (grid[top, left] * (1 - x) + grid[top, right] * x) * (1 - y) + (grid[below, left] * (1 - x) + grid[below, right] * x) * y


def vary(im, rng):
    """Turns and slants some cut-outs a little, blurs some, and changes the contrast: colour words stay true."""
    if rng.random() < 0.5:
        im = im.rotate(rng.normal(0, 12), Image.BILINEAR, expand=True)
    if rng.random() < 0.2:
        slant = rng.normal(0, 0.15)
        w, h = im.size
        more = int(abs(slant) * h)
        im = im.transform((w + more, h), Image.AFFINE, (1, slant, -max(slant, 0) * h, 0, 1, 0), Image.BILINEAR)
    if rng.random() < 0.2:
        w, h = im.size
        k = rng.uniform(0.4, 0.8)
        im = im.resize((max(4, int(w * k)), max(4, int(h * k))), Image.BILINEAR).resize((w, h), Image.BILINEAR)
    gamma = np.exp(rng.normal(0, 0.15))
    lut = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8).tolist()
    return im.point(lut * 3 + list(range(256)))


def recolour(im, rng):
    """Turns a cut-out's hues, so that kinds are not told by their colours -> it and its colour words"""
    rgb = Image.merge("RGB", im.split()[:3]).convert("HSV")
    hue, *others = rgb.split()
    turn = int(rng.integers(30, 226))
    rgb = Image.merge("HSV", (hue.point(lambda v: (v + turn) % 256), *others)).convert("RGB")
    alpha = im.split()[3]
    return Image.merge("RGBA", (*rgb.split(), alpha)), colour_shares(np.asarray(rgb)[np.asarray(alpha) > 128])


def light(rgb, rng, false=0.0):
    """Another light on a photograph, and whether its colours are still true: of a share of `false` they are not, so that things are
    not known by their colours."""
    if rng.random() >= false:
        return jitter(rgb, rng, 1.6), True
    grey = rgb.mean(-1, keepdims=True, dtype=np.float32)
    shifted = (grey + (rgb - grey) * rng.uniform(0, 1.5)) * np.exp(rng.normal(0, 0.15, 3)) / 255
    return jitter((np.clip(shifted, 0, 1) ** np.exp(rng.normal(0, 0.25)) * 255).astype(np.uint8), rng, 1.6), False


def sayable(phrases, true):
    """The phrases without those about colours, where colours are not `true`."""
    return [p for p in phrases if true or not WORDS & set(p["phrase"].split())]


def jitter(rgb, rng, strength=1.0):
    """Brightness, contrast and a colour cast, mild enough to keep colour words true; some noise."""
    gain = np.exp(rng.normal(0, 0.12 * strength)) * np.exp(rng.normal(0, 0.04 * strength, 3))
    lut = np.clip(np.arange(256)[:, None] * gain + rng.normal(0, 8 * strength), 0, 255).astype(np.uint8)
    out = np.stack([lut[:, c][rgb[..., c]] for c in range(3)], -1)
    if strength > 1 and rng.random() < 0.3:
        out = np.clip(out + rng.normal(0, rng.uniform(2, 10), out.shape[:2] + (1,)), 0, 255).astype(np.uint8)
    return out
