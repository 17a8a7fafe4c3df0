"""Make the sample pictures of the demo page, which may be shipped, and ask a model about them.

    samples.py --data ../shared/referring --photos DIR --model ../Sources/EmbeddedModel/Model --out ../Public/samples [--look FOLDER]

Composed pictures: cut-outs of Fluent 3D emoji (Microsoft, MIT) on colour
gradients.  The photographs (--photos: the folder skimage/data of the scikit-image
wheel) are NASA's, in the public domain, and Lav Varshney's, CC0, as scikit-image's own documentation says.
Prints, phrase by phrase, how well the answer fits: overlap with the true mask
where it is known, else the share of the picture.  --look writes pictures of the
answers.  samples.json is written by hand, from what was looked at.
"""
import argparse
import os

import numpy as np
from PIL import Image

from evaluate import predict
from export import load
from prompts import Prompter

# name: (top colour, bottom colour, [(code point, centre x, centre y, side)] in shares of 480 x 320, {phrase: indices of its targets})
SCENES = {
    "vehicles": ((190, 220, 245), (130, 160, 120), [("1f68c", 0.24, 0.36, 0.5), ("1f695", 0.74, 0.42, 0.4), ("1f6b2", 0.48, 0.78, 0.4)],
                 {"the bus": [0], "the taxi": [1], "the yellow taxi": [1], "the bicycle": [2], "the bus on the left": [0], "bike": [2], "the taxi on the left": [], "an airplane": [], "the horse": []}),
    "animals": ((225, 235, 215), (150, 190, 130), [("1f415", 0.2, 0.45, 0.5), ("1f408", 0.55, 0.7, 0.42), ("1f418", 0.78, 0.38, 0.6)],
                {"the dog": [0], "the cat": [1], "the elephant": [2], "the animal on the right": [2], "the dog on the left": [0], "the gray elephant": [2], "the dog and the cat": [0, 1], "a zebra": [], "the pizza": []}),
    "breakfast": ((245, 235, 220), (205, 180, 150), [("1f369", 0.22, 0.5, 0.55), ("1f34c", 0.55, 0.35, 0.45), ("2615", 0.8, 0.62, 0.5)],
                  {"the donut": [0], "the banana": [1], "the cup": [2], "the yellow banana": [1], "the donut on the left": [0], "the cup on the right": [2], "a pizza": [], "the dog": []}),
    "flowers": ((215, 235, 240), (170, 205, 180), [("1f33b", 0.22, 0.5, 0.6), ("1f339", 0.52, 0.5, 0.6), ("1f337", 0.8, 0.5, 0.6)],
                {"the sunflower": [0], "the yellow flower": [0], "all the flowers": [0, 1, 2], "the flower on the left": [0], "the flower on the right": [2], "the rose": [1], "the tulip": [2], "a cat": [], "the car": []}),
    "balls": ((200, 205, 215), (120, 140, 160), [("26bd", 0.2, 0.6, 0.6), ("1f3c0", 0.52, 0.35, 0.42), ("1f3be", 0.82, 0.68, 0.32)],
              {"the basketball": [1], "the orange ball": [1], "the ball on the left": [0], "the biggest ball": [0], "the ball on the right": [2], "the smallest ball": [2], "all the balls": [0, 1, 2], "the soccer ball": [0], "a hat": [], "the bear": []}),
    "toys": ((235, 225, 240), (190, 175, 205), [("1f9f8", 0.25, 0.55, 0.6), ("1f916", 0.6, 0.45, 0.5), ("1f697", 0.82, 0.75, 0.35)],
             {"the teddy bear": [0], "the robot": [1], "the car": [2], "the red car": [2], "the brown teddy bear": [0], "the teddy bear on the left": [0], "the banana": [], "a bird": []}),
}
# name: (file, crop in shares, phrases)
PHOTOS = {
    "astronaut": ("astronaut.png", (0, 0, 0.85, 1), ["person in orange", "the woman", "the person", "a giraffe", "a car", "a bicycle", "the pizza"]),
    "cameraman": ("camera.png", (0, 0, 1, 1), ["the man", "the person", "the person on the left", "the camera", "a bicycle", "a car", "a dog", "the horse"]),
}


def scene(data, top, bottom, things):
    t = np.linspace(0, 1, 320)[:, None, None]
    canvas = np.array(top) * (1 - t) + np.array(bottom) * t + np.zeros((320, 480, 1))
    masks = []
    for code, cx, cy, side in things:
        im = Image.open(f"{data}/cutouts/fluent3d/{code}.webp").convert("RGBA")
        im = im.crop(im.getbbox())
        scale = side * 320 / max(im.size)
        im = np.asarray(im.resize([max(1, round(v * scale)) for v in im.size], Image.LANCZOS)).astype(np.float32)
        h, w = im.shape[:2]
        y, x = round(cy * 320 - h / 2), round(cx * 480 - w / 2)
        a = np.zeros((320, 480, 1), np.float32)
        a[y:y + h, x:x + w] = im[..., 3:] / 255
        rgb = np.zeros((320, 480, 3), np.float32)
        rgb[y:y + h, x:x + w] = im[..., :3]
        canvas = canvas * (1 - a) + rgb * a
        masks = [m & (a[..., 0] < 0.5) for m in masks] + [a[..., 0] >= 0.5]
    return canvas.round().astype(np.uint8), masks


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--data", default=os.environ.get("REFERRING_DATA", "../shared/referring"))
    for name in ("photos", "model", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--look")
    a = ap.parse_args()
    model, prompter = load(a.model), Prompter(a.model)
    pictures = {}
    for name, (top, bottom, things, phrases) in SCENES.items():
        rgb, masks = scene(a.data, top, bottom, things)
        pictures[name] = (rgb, {p: np.any([masks[i] for i in t], 0) if t else np.zeros(rgb.shape[:2], bool) for p, t in phrases.items()})
    for name, (file, (x0, y0, x1, y1), phrases) in PHOTOS.items():
        im = Image.open(f"{a.photos}/{file}").convert("RGB")
        im = im.crop([round(v) for v in (x0 * im.width, y0 * im.height, x1 * im.width, y1 * im.height)])
        im.thumbnail((480, 480), Image.LANCZOS)
        pictures[name] = (np.asarray(im), {p: None for p in phrases})
    os.makedirs(a.out, exist_ok=True)
    for name, (rgb, phrases) in pictures.items():
        Image.fromarray(rgb).save(f"{a.out}/{name}.jpg", quality=88)
        rgb = np.asarray(Image.open(f"{a.out}/{name}.jpg"))
        tiles = []
        for phrase, truth in phrases.items():
            probs, rejected = predict(model, prompter, rgb, [phrase])
            mask = probs[0] >= 0.5
            fit = f"share {mask.mean():.2f}" if truth is None else "absent" if not truth.any() else f"IoU {(mask & truth).sum() / (mask | truth).sum():.2f}"
            print(f"{name:12} {phrase:30} {'rejected' if rejected[0] else 'found':9} {fit}")
            shown = rgb * 0.5 if rejected[0] else np.where(mask[..., None], rgb * 0.4 + np.array((255, 0, 0)) * 0.6, rgb)
            tiles.append(np.asarray(Image.fromarray(shown.astype(np.uint8)).resize((240, 160))))
        if a.look:
            os.makedirs(a.look, exist_ok=True)
            Image.fromarray(np.concatenate(tiles, 1)).save(f"{a.look}/{name}.png")


if __name__ == "__main__":
    main()
