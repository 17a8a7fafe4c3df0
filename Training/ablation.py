"""What the mask decoder's features are worth: the paper's Table 4 at this package's scale.

    ablation.py --cache CACHE --tokenizer DIR --out DIR --steps 20000 [--seeds 1 2 3] [--device cuda]
    ablation.py --cache CACHE --tokenizer DIR --out DIR --steps 400 --stages scenes --init DIR [--seeds 1 2 3]

Trains visual features only, language-model features only, their concatenation,
and DSFF, each with the same steps, rate and seeds, and measures each on the
held-out composed scenes.  With --init all four begin, as in the paper, with
trained vision encoder, projector and language model and a new mask decoder;
the vision encoder then stays as it is, the losses are the paper's, and the
training-time heads are left out.  Without it everything begins from nothing.

One seed after another, so that a whole row of kinds exists early; a run whose
folder is complete is not repeated, so the script goes on where it was stopped.
After each run it writes ablation.json and ablation.md.
"""
import argparse
import json
import os
import subprocess
import sys

import numpy as np
import torch

from evaluate import composed_pictures, run, summary
from model import MLLMSeg
from prompts import Prompter
from scenes import Source

KINDS = dict(visual="visual features only", language="language-model features only", concat="both, concatenated", dsff="both, DSFF")
NAMES = ("cIoU", "gIoU", "present", "prec50", "N_acc", "T_acc")


def measured(folder, features, prompter, pictures, device):
    saved = torch.load(f"{folder}/last.pt", map_location="cpu", weights_only=False)
    model = MLLMSeg(saved["config"], features=features)
    model.load_state_dict({k: v for k, v in saved["average"].items() if not k.startswith("heads.")})
    found = summary(run(model.to(device).eval(), prompter, pictures), 1)
    return {k: float(found[k][0]) for k in NAMES}


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
    for name in ("cache", "tokenizer", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--steps", type=int, required=True)
    ap.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--kinds", choices=KINDS, nargs="+", default=list(KINDS))
    ap.add_argument("--stages", default="nothing")
    ap.add_argument("--lr", default="1e-3")
    ap.add_argument("--decay", default="0.5")
    ap.add_argument("--init")
    ap.add_argument("--device", default="cpu")
    a = ap.parse_args()
    torch.set_num_threads(1)
    prompter, pictures, found = Prompter(a.tokenizer), list(composed_pictures(Source(a.cache), 2000)), {}
    begin = ["--init", a.init, "--fresh-decoder", "--freeze", "vision_model", "--plain"] if a.init else []
    for seed in a.seeds:
        for kind in a.kinds:
            folder = f"{a.out}/{kind}-{seed}"
            if not os.path.exists(f"{folder}/measured.json"):
                subprocess.run([sys.executable, "train.py", "--data", a.data, "--cache", a.cache, "--tokenizer", a.tokenizer, "--out", folder, "--features", kind, "--seed", str(seed),
                                "--steps", str(a.steps), "--stages", a.stages, "--lr", a.lr, "--decay", a.decay, "--device", a.device, "--eval-minutes", "1e9", *begin],
                               check=True, stdout=subprocess.DEVNULL)
                json.dump(measured(folder, kind, prompter, pictures, a.device), open(f"{folder}/measured.json", "w"))
            found.setdefault(kind, {})[seed] = json.load(open(f"{folder}/measured.json"))
            json.dump(found, open(f"{a.out}/ablation.json", "w"), indent=1)
            text = table(found, a.steps)
            open(f"{a.out}/ablation.md", "w").write(text + "\n")
            print(text, flush=True)


if __name__ == "__main__":
    main()
