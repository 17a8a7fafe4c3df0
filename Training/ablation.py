"""What the mask decoder's features are worth: the paper's Table 4 at this package's scale.

    ablation.py --data DATA --cache CACHE --tokenizer DIR --out DIR --steps 20000 [--seeds 1 2 3] [--init DIR] [--device cuda]

Trains visual features only, language-model features only, their concatenation,
and DSFF, each with the same steps, rate and seeds, and measures each on the
held-out composed scenes.  A run whose folder is complete is not repeated, so the
script goes on where it was stopped.  Writes ablation.json and ablation.md.
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


def measured(folder, features, prompter, pictures, device):
    saved = torch.load(f"{folder}/last.pt", map_location="cpu", weights_only=False)
    model = MLLMSeg(saved["config"], features=features)
    model.load_state_dict({k: v for k, v in saved["average"].items() if not k.startswith("heads.")})
    found = summary(run(model.to(device).eval(), prompter, pictures), 1)
    return {k: float(found[k][0]) for k in ("cIoU", "gIoU", "N_acc", "T_acc")}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    for name in ("cache", "tokenizer", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--steps", type=int, required=True)
    ap.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    ap.add_argument("--stages", default="nothing")
    ap.add_argument("--init")
    ap.add_argument("--device", default="cpu")
    a = ap.parse_args()
    prompter, pictures, found = Prompter(a.tokenizer), list(composed_pictures(Source(a.cache), 2000)), {}
    for seed in a.seeds:
        for kind in KINDS:
            folder = f"{a.out}/{kind}-{seed}"
            if not os.path.exists(f"{folder}/measured.json"):
                subprocess.run([sys.executable, "train.py", "--data", a.data, "--cache", a.cache, "--tokenizer", a.tokenizer, "--out", folder, "--features", kind, "--seed", str(seed),
                                "--steps", str(a.steps), "--stages", a.stages, "--device", a.device, "--eval-minutes", "1e9", *(["--init", a.init] if a.init else [])],
                               check=True, stdout=subprocess.DEVNULL)
                json.dump(measured(folder, kind, prompter, pictures, a.device), open(f"{folder}/measured.json", "w"))
            found.setdefault(kind, []).append(json.load(open(f"{folder}/measured.json")))
    json.dump(found, open(f"{a.out}/ablation.json", "w"), indent=1)
    names = ("cIoU", "gIoU", "N_acc", "T_acc")
    lines = [f"{a.steps} steps, seeds {a.seeds}; mean and standard deviation over the seeds.", "", "| | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for kind, rows in found.items():
        cells = [f"{np.mean([r[n] for r in rows]):.1f} ± {np.std([r[n] for r in rows], ddof=len(rows) > 1):.1f}" for n in names]
        lines.append(f"| {KINDS[kind]} | " + " | ".join(cells) + " |")
    open(f"{a.out}/ablation.md", "w").write("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
