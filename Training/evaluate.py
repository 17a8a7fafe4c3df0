"""Measure a checkpoint on held-out composed scenes and on the development photos.

    evaluate.py --model DIR --cache CACHE [--data ../shared/referring] [--out results] [--against DIR] [--seed N] [--overlays DIR] [--learned] [--levels] [--which]

Writes results.json and results.md.  --against adds other weights, and what the model has more than they, on the
same phrases.  --learned adds the training photos with the phrases that were learned from: what is better there was
learned by heart.  --levels only asks from which probability on a pixel had best be marked, on composed scenes that are
not those of the tables unless --seed says so.  --which only asks, of development photos, whether what is amiss is the
thing that was chosen or its outline.  Metrics as in the authors' scripts: cIoU =
summed intersections over summed unions; gIoU = mean over phrases, an absent one
counts 1 when rejected, else 0 (its mask then enters cIoU's union); a falsely
rejected phrase keeps its mask and costs only T-acc.  `served` is the mean IoU
when a rejection empties the mask, which is what a caller of the server sees.
"""
import argparse
import copy
import json
import os

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from pycocotools import mask as rle

from batches import normalise
from label import coded
from prompts import Prompter, attention_mask
from scenes import PATCH, Source


@torch.no_grad()
def predict(model, prompter, rgb, phrases, chunk=8):
    """rgb uint8 [H, W, 3] -> probabilities [P, H, W] float, rejected [P] bool."""
    model.eval()
    size = model.config["force_image_size"]
    h, w = rgb.shape[:2]
    small = np.asarray(Image.fromarray(rgb).resize((size, size), Image.BICUBIC))
    device = next(model.parameters()).device
    pixels = normalise(torch.from_numpy(small.copy())[None].to(device))
    probs, rejected = [], []
    for i in range(0, len(phrases), chunk):
        part = phrases[i:i + chunk]
        p = prompter.pack([part], (size // PATCH) ** 2 // 4)
        t = {k: torch.from_numpy(v).to(device) for k, v in p.items() if k != "start"}
        out = model(pixels, t["ids"], t["positions"], attention_mask(t["blocks"]), p["start"], t["ends"], t["owner"], torch.arange(len(part), device=device))
        prob = F.interpolate(out["logits"].float().sigmoid()[:, None], (h, w), mode="bilinear", align_corners=False)[:, 0]
        probs.append(prob.cpu().numpy())
        rejected.append((out["marker"].argmax(-1) == prompter.rej).cpu().numpy())
    return np.concatenate(probs), np.concatenate(rejected)


def box(mask):
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1) if len(xs) else (0, 0, 0, 0)


def box_iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter, 1)


def measure(mask, truth, rejected, present):
    """One phrase's row of facts."""
    inter, union = int((mask & truth).sum()), int((mask | truth).sum())
    iou = inter / union if union else 0.0
    return dict(present=present, rejected=bool(rejected), inter=inter, union=union, iou=iou, hit=box_iou(box(mask), box(truth)) > 0.5 if present else False)


def drawn(rows, resamples=1000):
    """rows of `measure` -> {metric: percent over all pictures, then over each drawing of pictures with replacement};
    None where no phrase counts.  The same pictures give the same drawings."""
    facts = np.array([[1, r["iou"] if r["present"] else r["rejected"], r["inter"] * r["present"], r["union"] if r["present"] or not r["rejected"] else 0,
                       r["present"], r["iou"] * r["present"], (r["iou"] if r["present"] else 1) * (r["rejected"] != r["present"]), r["hit"],
                       not r["present"], r["rejected"] and not r["present"], r["present"] and not r["rejected"]] for r in rows], float).reshape(-1, 11)
    _, picture = np.unique([r["picture"] for r in rows], return_inverse=True)
    sums = np.zeros((picture.max(initial=-1) + 1, facts.shape[1]))
    np.add.at(sums, picture, facts)
    draws = np.random.default_rng(1).multinomial(len(sums), np.full(len(sums), 1 / max(len(sums), 1)), resamples) if len(sums) else np.zeros((0, 0))
    again = np.concatenate([sums.sum(0)[None], draws @ sums])
    count, g, inter, union, there, iou, served, hit, gone, refused, accepted = again.T
    return {name: 100 * top / np.where(bottom > 0, bottom, np.nan) if bottom[0] > 0 else None
            for name, top, bottom in (("gIoU", g, count), ("cIoU", inter, union), ("present", iou, there), ("served", served, count),
                                      ("prec50", hit, there), ("N_acc", refused, gone), ("T_acc", accepted, there))}


def interval(share):
    return None if share is None else (round(share[0], 1), *(round(v, 1) for v in np.nanpercentile(share[1:], (2.5, 97.5))))


def summary(rows, resamples=1000):
    """The metrics in percent, each with its 95% interval: {name: (value, low, high)}."""
    return dict(phrases=len(rows), **{k: interval(v) for k, v in drawn(rows, resamples).items()})


def difference(rows, others):
    """What one model has more than another, each drawing of pictures asked of both."""
    ours, theirs = drawn(rows), drawn(others)
    return dict(phrases=len(rows), **{k: None if v is None else interval(v - theirs[k]) for k, v in ours.items()})


def photo_pictures(data, chosen="dev"):
    """Yields (rgb, list of dict(phrase, truth, kind, tags, annotations of others), mask of the largest thing) of the development or training ("train") photos."""
    pack = json.load(open(f"{data}/annotations.json"))
    images = {i["source_image_id"]: i for i in pack["images"] if i["set"] == f"coco_{chosen}"}
    anns = {x["id"]: x for x in pack["annotations"]}
    by_image, things = {}, {}
    kinds = {c["id"]: c["isthing"] for c in pack["categories"]}
    for x in pack["annotations"]:
        if kinds[x["category_id"]] and not x["iscrowd"]:
            things.setdefault(x["image_id"], []).append(x)
    for line in open(f"{data}/{chosen}_expressions.jsonl"):
        e = json.loads(line)
        by_image.setdefault(e["image_id"], []).append(e)
    for source_id in sorted(by_image):
        im = images[source_id]
        rgb = np.asarray(Image.open(f"{data}/{im['file_name']}").convert("RGB"))
        out = []
        for e in by_image[source_id]:
            truth = np.zeros(rgb.shape[:2], bool)
            for i in e["annotation_ids"]:
                truth |= rle.decode(anns[i]["segmentation"]).astype(bool)
            out.append(dict(phrase=e["expression"], truth=truth, kind=e["kind"], tags=e["tags"], others=[x for x in things.get(im["id"], []) if x["id"] not in e["annotation_ids"]]))
        largest = max(things.get(im["id"], []), key=lambda x: x["area"], default=None)
        yield rgb, out, rle.decode(largest["segmentation"]).astype(bool) if largest else np.zeros(rgb.shape[:2], bool)


def composed_pictures(source, phrases, seed=20_000, size=224, mix="usual", wide=False):
    """Held-out backgrounds and cut-outs, combinations of words that training left out; `mix` and `wide` as in scenes.py."""
    rng, left = np.random.default_rng(seed), phrases
    while left > 0:
        item = source.scene(rng, size, min(6, left), objects=(1, 6), scale=(0.18, 0.55), held=True, mix=mix, wide=wide)
        if not item["phrases"]:
            continue
        left -= len(item["phrases"])
        yield item["pixels"], [dict(phrase=p["phrase"], truth=m, kind=p["kind"], tags=p["tags"] + ([] if p["kind"] == "absent" else ["seen cut-out" if p["seen_names"] else "held-out cut-out"]))
                               for p, m in zip(item["phrases"], item["masks"])], item["largest"]


def run(model, prompter, pictures, shuffle=None):
    """All rows over the pictures; `shuffle`: a generator that gives each phrase another picture's words."""
    pictures = list(pictures)
    words = [q["phrase"] for _, qs, _ in pictures for q in qs]
    if shuffle is not None:
        words = [words[i] for i in shuffle.permutation(len(words))]
    rows, at = [], 0
    for number, (rgb, qs, _) in enumerate(pictures):
        probs, rejected = predict(model, prompter, rgb, words[at:at + len(qs)])
        at += len(qs)
        for q, p, r in zip(qs, probs, rejected):
            rows.append(dict(measure(p >= 0.5, q["truth"], r, q["kind"] != "absent"), picture=number, kind=q["kind"], tags=q["tags"]))
    return rows


def constant(pictures, mask, rejected=False):
    """A baseline that gives every phrase of a picture the same mask: a function of the picture's largest thing."""
    return [dict(measure(mask(largest), q["truth"], rejected, q["kind"] != "absent"), picture=number) for number, (_, qs, largest) in enumerate(pictures) for q in qs]


def quick(model, weights, prompter, source, data):
    """A short look during training, with the averaged weights."""
    other = copy.deepcopy(model)
    other.load_state_dict(weights)
    pick = lambda rows: {k: v[0] for k, v in summary(rows, 1).items() if k != "phrases"}
    return dict(dev=pick(run(other, prompter, photo_pictures(data))), composed=pick(run(other, prompter, composed_pictures(source, 300))))


def table(results):
    cols = ["phrases", "gIoU", "cIoU", "present", "served", "prec50", "N_acc", "T_acc"]
    lines = ["| | " + " | ".join(cols) + " |", "|---|" + "---:|" * len(cols)]
    show = lambda v: "" if v is None else str(v) if isinstance(v, int) else ("{} ({} to {})" if v[1] < 0 else "{} ({}-{})").format(*v)
    for name, s in results.items():
        lines.append(f"| {name} | " + " | ".join(show(s[c]) for c in cols) + " |")
    return "\n".join(lines)


def report(model, prompter, pictures, against=None):
    pictures = list(pictures)
    rows = run(model, prompter, pictures)
    out = {"model": summary(rows)}
    if against:
        others = run(*against, pictures)
        out["other weights"] = summary(others)
        out["model less other weights"] = difference(rows, others)
    for kind in ("single", "multi", "absent"):
        out["kind: " + kind] = summary([r for r in rows if r["kind"] == kind])
    for tag in sorted({t for r in rows for t in r["tags"]}):
        out["tag: " + tag] = summary([r for r in rows if tag in r["tags"]])
    out["baseline: reject all, empty mask"] = summary(constant(pictures, np.zeros_like, rejected=True))
    out["baseline: whole picture"] = summary(constant(pictures, np.ones_like))
    out["baseline: largest thing, known"] = summary(constant(pictures, np.copy))
    out["baseline: phrases shuffled between pictures"] = summary(run(model, prompter, pictures, np.random.default_rng(3)))
    return out


def overlays(model, prompter, pictures, out, count=24, seed=5):
    """A contact sheet of phrases picked at random: truth green, answer red.  For looking at: the photos are not ours to publish."""
    from PIL import ImageDraw
    os.makedirs(out, exist_ok=True)
    pictures = [(rgb, q) for rgb, qs, _ in pictures for q in qs]
    sheet = Image.new("RGB", (4 * 420, (count + 3) // 4 * 240), "white")
    for n, i in enumerate(np.random.default_rng(seed).choice(len(pictures), count, replace=False)):
        rgb, q = pictures[i]
        probs, rejected = predict(model, prompter, rgb, [q["phrase"]])
        paint = lambda m, c: np.where(m[..., None], (rgb * 0.4 + np.array(c) * 0.6), rgb * 0.6).astype(np.uint8)
        both = np.concatenate([paint(q["truth"], (0, 255, 0)), paint(probs[0] >= 0.5, (255, 0, 0))], 1)
        x, y = n % 4 * 420, n // 4 * 240
        sheet.paste(Image.fromarray(both).resize((410, 205)), (x, y))
        ImageDraw.Draw(sheet).text((x, y + 208), f"{'absent, ' if q['kind'] == 'absent' else ''}{'rejected' if rejected[0] else 'found'}: {q['phrase'][:60]}", fill="black")
    sheet.save(f"{out}/sheet.png")


def levels(model, prompter, pictures, marks=(0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55)):
    """The metrics when a pixel is marked from each of these probabilities on, and the logit to add so that 0.5 does so."""
    rows = {m: [] for m in marks}
    for number, (rgb, qs, _) in enumerate(pictures):
        probs, rejected = predict(model, prompter, rgb, [q["phrase"] for q in qs])
        for m in marks:
            rows[m] += [dict(measure(p >= m, q["truth"], r, q["kind"] != "absent"), picture=number) for q, p, r in zip(qs, probs, rejected)]
    for m in marks:
        found = summary(rows[m], 1)
        print(f"from {m:.2f}, logit {np.log(1 / m - 1):+.2f}:", {k: float(found[k][0]) for k in ("cIoU", "gIoU", "present", "prec50")})


def which(model, prompter, pictures):
    """Of phrases for one thing, how often the mask is more like that than like any other labelled thing, and how much."""
    rows = []
    for rgb, qs, _ in pictures:
        qs = [q for q in qs if q["kind"] == "single"]
        for q, p in zip(qs, predict(model, prompter, rgb, [q["phrase"] for q in qs])[0] if qs else ()):
            things = [coded(q["truth"]), *(x["segmentation"] for x in q["others"])]
            alike = rle.iou([coded(p >= 0.5)], things, [0] * len(things))[0]
            rows.append((alike[0] > max(alike[1:], default=0), alike[0]))
    right, iou = np.array(rows).T
    print(f"{len(rows)} phrases for one thing, {int(right.sum())} masks most like it, with a mean IoU of {100 * iou[right > 0].mean():.1f}; the others {100 * iou[right == 0].mean():.1f}")


def main():
    from export import load
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    for name in ("model", "cache"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--out", default="results")
    ap.add_argument("--against", metavar="DIR", help="other weights, measured beside the model's")
    ap.add_argument("--overlays")
    ap.add_argument("--learned", action="store_true")
    ap.add_argument("--levels", action="store_true")
    ap.add_argument("--which", action="store_true")
    ap.add_argument("--phrases", type=int, default=2000)
    ap.add_argument("--seed", type=int, help="of the composed scenes; 20000 for the tables, 31000 for --levels")
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    seed = a.seed if a.seed is not None else 31_000 if a.levels else 20_000
    torch.set_num_threads(a.threads)
    model, prompter = load(a.model).to(a.device), Prompter(a.model)
    against = (load(a.against).to(a.device), Prompter(a.against)) if a.against else None
    if a.levels:
        return levels(model, prompter, composed_pictures(Source(a.cache), a.phrases, seed))
    if a.which:
        return which(model, prompter, photo_pictures(a.data))
    if a.overlays:
        overlays(model, prompter, photo_pictures(a.data), a.overlays)
    source = Source(a.cache)
    results = {"Development photos, phrases written by people": report(model, prompter, photo_pictures(a.data), against),
               "Composed scenes, held out": report(model, prompter, composed_pictures(source, a.phrases, seed), against),
               "Composed scenes, every name and wider phrases": report(model, prompter, composed_pictures(source, a.phrases, seed, mix="every", wide=True), against)}
    if a.learned:
        results["Training photos, phrases written by people"] = report(model, prompter, photo_pictures(a.data, "train"), against)
    os.makedirs(a.out, exist_ok=True)
    json.dump(results, open(f"{a.out}/results.json", "w"), indent=1)
    text = "\n\n".join(f"## {name}\n\n{table(r)}" for name, r in results.items())
    open(f"{a.out}/results.md", "w").write(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
