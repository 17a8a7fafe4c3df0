"""Writes Tests/SegmentationTests/Fixtures/run_length.json: what pycocotools 2.0.11 and label-studio-sdk 2.1.2
say of small masks. Run from the package root: python3 Tests/SegmentationTests/Fixtures/make_run_length.py"""
import json
import numpy as np
from pycocotools import mask as coco
from label_studio_sdk.converter.brush import mask2rle

rng = np.random.default_rng(20)

def uncompressed(mask):
    counts, value, length = [], 0, 0
    for pixel in mask.flatten(order="F"):
        if pixel != value:
            counts.append(length)
            value, length = pixel, 0
        length += 1
    return counts + [length]

def blob(height, width):
    y, x = np.mgrid[0:height, 0:width]
    cy, cx, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1, max(height, width) / 2)
    return ((y - cy) ** 2 + (x - cx) ** 2 <= r * r).astype(np.uint8)

masks = [np.array([[0,0,0,0,0],[0,1,1,1,0],[0,0,1,0,0]], np.uint8)]
for height, width in [(1, 1), (1, 7), (9, 1), (4, 6)]:
    masks += [np.zeros((height, width), np.uint8), np.ones((height, width), np.uint8)]
for height, width in [(2, 2), (5, 3), (8, 8), (13, 70), (64, 65), (70, 129)]:
    masks += [(rng.random((height, width)) < p).astype(np.uint8) for p in (0.1, 0.5, 0.9)]
for height, width in [(40, 60), (90, 50), (150, 200)]:
    masks += [blob(height, width) | blob(height, width) for _ in range(2)]

cases = []
for mask in masks:
    rle = coco.encode(np.asfortranarray(mask))
    cases.append({
        "rows": ["".join(map(str, row)) for row in mask],
        "counts": [int(c) for c in uncompressed(mask)],
        "compressed": rle["counts"].decode(),
        "area": int(coco.area(rle)),
        "bbox": [int(v) for v in coco.toBbox(rle)],
        "label_studio": [int(b) for b in mask2rle(mask * 255)],
    })
    # pycocotools' own reading of the uncompressed form
    again = coco.frPyObjects({"size": list(mask.shape), "counts": cases[-1]["counts"]}, *mask.shape)
    assert again["counts"] == rle["counts"]
with open("Tests/SegmentationTests/Fixtures/run_length.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
