"""What an instance segmenter sees in the photos: a second teacher, once, beside the cache.

    things.py --data ../shared/referring --cache CACHE [--bfloat16]

The segmenter is that of label.py (YOLOv7-seg, GPL-3.0).  What its last layer is
made of tells of each place which thing is there and how far it reaches, more
finely than a classifier's features.  The vision encoder learns to tell it from
its patches (`train.py` uses it when the file is there, beside that of
teacher.py).  Nothing of the segmenter is shipped.

Writes teacher_things.npy [n, 28, 28, 128], float16: the segmenter's three maps at
a sixteenth of 448 pixels, as strong as one another, without their mean, on their
128 main directions.
"""
import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from label import SIDE, Segmenter
from prepare import photos_of
from teacher import main_directions

WIDTH, GRID = 128, SIDE // 16


def maps(segmenter, path):
    """The photo of a file -> [GRID * GRID, 256 + 512 + 1024]"""
    rgb = np.array(Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.BICUBIC))
    (fine, middle, coarse), _ = segmenter.features(torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255)
    coarse = F.interpolate(coarse.float(), (GRID, GRID), mode="bilinear", align_corners=False)
    return torch.cat([F.avg_pool2d(fine.float(), 2), middle.float(), coarse], 1)[0].flatten(1).T


@torch.no_grad()
def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    ap.add_argument("--cache", required=True)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--bfloat16", action="store_true", help="as in label.py")
    a = ap.parse_args()
    torch.set_num_threads(1)                                # photos side by side, as in label.py
    segmenter = Segmenter(half=a.bfloat16)
    pool = ThreadPoolExecutor(a.threads, initializer=lambda: torch.set_num_threads(1))
    photos = [f"{a.data}/{i['file_name']}" for i in photos_of(json.load(open(f"{a.data}/annotations.json")))]
    sample = torch.cat([found[::4] for found in pool.map(lambda path: maps(segmenter, path), photos[::25])])
    scale = torch.cat([v.var(0).sum().rsqrt().expand(v.shape[1]) for v in sample.split((256, 512, 1024), 1)])
    mean, to, kept = main_directions(sample * scale, WIDTH)
    print("keeps", round(kept, 3), "of the variance", flush=True)
    out = np.zeros((len(photos), GRID, GRID, WIDTH), np.float16)
    for i, found in enumerate(pool.map(lambda path: (maps(segmenter, path) * scale - mean) @ to, photos)):
        out[i] = found.view(GRID, GRID, WIDTH).numpy()
        if i % 400 == 0:
            print(i, "of", len(photos), "photos", flush=True)
    np.save(f"{a.cache}/teacher_things.npy", out)


if __name__ == "__main__":
    main()
