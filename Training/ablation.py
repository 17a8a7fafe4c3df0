"""What the mask decoder's features are worth: the paper's Table 4 at this package's scale.

    ablation.py --cache CACHE --tokenizer DIR --out DIR --steps 20000 [--seeds 1 2 3] [--init DIR] [--device cuda]
    ablation.py --cache CACHE --frozen DIR --out DIR --steps 400 [--seeds 1 2 3]

Gives the mask decoder visual features only, language-model features only, their
concatenation, or DSFF, each with the same steps, rate and seeds, and measures
each on the held-out composed scenes.

The first form trains each with train.py: all from nothing or, with --init, all
but the mask decoder from an exported folder; then, as in the paper, the vision
encoder stays as it is, and the losses are the paper's.  One seed after another;
a run whose folder is complete is not repeated.

The second is what two cores can do: nothing but the mask decoder learns, so the
four decoders of a seed, which begin with the same numbers, share the pictures
and what the exported model makes of them.  The model decides alone whether to
reject, so N_acc and T_acc are the same for all.

Writes ablation.json and ablation.md after each run.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from batches import loader, normalise
from evaluate import composed_pictures, measure, run, summary
from export import load
from model import MLLMSeg
from prompts import Prompter, attention_mask
from scenes import PATCH, Source
from train import LAST, WEIGHTS, calculate_alone, mask_losses, optimizers_of, set_rate

KINDS = dict(visual="visual features only", language="language-model features only", concat="both, concatenated", dsff="both, DSFF")
NAMES = ("cIoU", "gIoU", "present", "prec50", "N_acc", "T_acc")


def measured(folder, features, prompter, pictures, device):
    saved = torch.load(f"{folder}/last.pt", map_location="cpu", weights_only=False)
    model = MLLMSeg(saved["config"], features=features)
    model.load_state_dict({k: v for k, v in saved["average"].items() if not k.startswith("heads.")})
    found = summary(run(model.to(device).eval(), prompter, pictures), 1)
    return {k: float(found[k][0]) for k in NAMES}


@torch.no_grad()
def made_of(model, pixels, packed):
    """What a mask decoder is given: T1, T2, the state before each marker."""
    t = {k: torch.as_tensor(v) for k, v in packed.items() if k in ("ids", "positions", "blocks", "ends")}
    t1, tokens = model.see(normalise(pixels))
    h = model.read(t["ids"], tokens, t["positions"], attention_mask(t["blocks"]), packed["start"])
    return t1, h[:, packed["start"] - 1:packed["start"] - 1 + tokens.shape[1]], h.flatten(0, 1)[t["ends"]]


def learn(decoder, optimizers, given, batch):
    """One step of one decoder: the paper's mask losses."""
    t1, t2, seg = given
    wanted = batch["present"].nonzero()[:, 0]
    logits, _ = decoder.masks(decoder.picture(t1, t2)[batch["owner"][wanted]], seg[wanted])
    bce, dice = mask_losses(logits, batch["masks"].float())
    loss = WEIGHTS["bce"] * bce + WEIGHTS["dice"] * dice
    decoder.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    for o in optimizers:
        o.step()
    return float(loss.detach())


@torch.no_grad()
def answers(model, decoders, prompter, pictures):
    """Rows of `measure` for each decoder."""
    size, rows = model.config["force_image_size"], {kind: [] for kind in decoders}
    for number, (rgb, qs, _) in enumerate(pictures):
        pixels = torch.from_numpy(np.asarray(Image.fromarray(rgb).resize((size, size), Image.BICUBIC)).copy())[None]
        packed = prompter.pack([[q["phrase"] for q in qs]], (size // PATCH) ** 2 // 4)
        t1, t2, seg = made_of(model, pixels, packed)
        rejected = model.language_model.lm_head(seg).argmax(-1) == prompter.rej
        for kind, decoder in decoders.items():
            prob = decoder.masks(decoder.picture(t1, t2)[[0] * len(qs)], seg)[0].sigmoid()
            prob = F.interpolate(prob[:, None], rgb.shape[:2], mode="bilinear", align_corners=False)[:, 0].numpy()
            rows[kind] += [dict(measure(p >= 0.5, q["truth"], r, q["kind"] != "absent"), picture=number) for q, p, r in zip(qs, prob, rejected)]
    return rows


def decoders_of_a_seed(a, seed, pictures):
    """Trains the four decoders of a seed side by side -> {kind: metrics}."""
    model, prompter = load(a.frozen).requires_grad_(False), Prompter(a.frozen)
    config, decoders, optimizers = model.config, {}, {}
    for kind in a.kinds:
        torch.manual_seed(seed)
        whole = MLLMSeg(config, features=kind)              # for its way to begin
        decoders[kind], optimizers[kind] = whole.res_decoder.train(), optimizers_of(whole, a.lr)
    stage = dict(LAST, size=config["force_image_size"], pictures=6, photos=0.2)
    feed, pool, shown, began = loader(a.cache, a.frozen, stage, seed * 1000 + 7, 1), ThreadPoolExecutor(2, initializer=calculate_alone), {}, time.time()
    see = lambda batch: (batch, made_of(model, batch["pixels"], batch))
    ahead = pool.submit(see, next(feed))
    for step in range(a.steps):
        batch, given = ahead.result()
        ahead = pool.submit(see, next(feed))
        for o in optimizers.values():
            set_rate(o, a.lr * min(1.0, (step + 1) / 30, max(0.02, (1 - step / a.steps) / a.decay)))
        lost = dict(zip(decoders, pool.map(lambda k: learn(decoders[k], optimizers[k], given, batch), decoders)))
        shown = {k: 0.95 * shown.get(k, v) + 0.05 * v for k, v in lost.items()}
        if step % 20 == 19:
            print(f"seed {seed} step {step + 1} {(time.time() - began) / (step + 1):.2f} s", {k: round(v, 3) for k, v in shown.items()}, flush=True)
    rows = answers(model, {k: d.eval() for k, d in decoders.items()}, prompter, pictures)
    return {kind: {k: float(v[0]) for k, v in summary(r, 1).items() if k in NAMES} for kind, r in rows.items()}


def table(found, steps):
    """{kind: {seed: metrics}} -> mean and standard deviation over the seeds, then each seed's cIoU."""
    lines = [f"{steps} steps; mean and standard deviation over the seeds.", "", "| | seeds | " + " | ".join(NAMES) + " | cIoU by seed |", "|---|---:|" + "---:|" * len(NAMES) + "---|"]
    for kind, by_seed in found.items():
        rows = list(by_seed.values())
        cells = [f"{np.mean([r[n] for r in rows]):.1f} ± {np.std([r[n] for r in rows], ddof=1):.1f}" if len(rows) > 1 else f"{rows[0][n]:.1f}" for n in NAMES]
        lines.append(f"| {KINDS[kind]} | {len(rows)} | " + " | ".join(cells) + " | " + ", ".join(f"{r['cIoU']:.1f}" for r in rows) + " |")
    return "\n".join(lines)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    for name in ("cache", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--tokenizer")
    ap.add_argument("--frozen", metavar="DIR", help="only mask decoders learn, on this exported folder's features")
    ap.add_argument("--steps", type=int, required=True)
    ap.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--kinds", choices=KINDS, nargs="+", default=list(KINDS))
    ap.add_argument("--stages", default="nothing")
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--decay", type=float, default=0.5)
    ap.add_argument("--init")
    ap.add_argument("--phrases", type=int, default=2000, help="of the test")
    ap.add_argument("--device", default="cpu")
    a = ap.parse_args()
    calculate_alone()
    os.makedirs(a.out, exist_ok=True)
    pictures, found = list(composed_pictures(Source(a.cache), a.phrases)), {}
    begin = ["--init", a.init, "--fresh-decoder", "--freeze", "vision_model", "--plain"] if a.init else []

    def note(kind, seed, metrics):
        found.setdefault(kind, {})[seed] = metrics
        json.dump(found, open(f"{a.out}/ablation.json", "w"), indent=1)
        open(f"{a.out}/ablation.md", "w").write(table(found, a.steps) + "\n")

    for seed in a.seeds:
        if a.frozen:
            for kind, metrics in decoders_of_a_seed(a, seed, pictures).items():
                note(kind, seed, metrics)
        for kind in [] if a.frozen else a.kinds:
            folder = f"{a.out}/{kind}-{seed}"
            if not os.path.exists(f"{folder}/measured.json"):
                subprocess.run([sys.executable, "train.py", "--data", a.data, "--cache", a.cache, "--tokenizer", a.tokenizer, "--out", folder, "--features", kind, "--seed", str(seed),
                                "--steps", str(a.steps), "--stages", a.stages, "--lr", str(a.lr), "--decay", str(a.decay), "--device", a.device, "--eval-minutes", "1e9", *begin],
                               check=True, stdout=subprocess.DEVNULL)
                json.dump(measured(folder, kind, Prompter(a.tokenizer), pictures, a.device), open(f"{folder}/measured.json", "w"))
            note(kind, seed, json.load(open(f"{folder}/measured.json")))
        print(open(f"{a.out}/ablation.md").read(), flush=True)


if __name__ == "__main__":
    main()
