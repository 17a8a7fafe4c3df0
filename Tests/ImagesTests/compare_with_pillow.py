#!/usr/bin/env python3
"""Compares decoding and bicubic resizing of real photographs with Pillow 11.3.

    pip install pillow==11.3.0
    swift build -c release --build-tests
    python3 Tests/ImagesTests/compare_with_pillow.py [FOLDER] [--count 100] [--side 448]

Pillow's pixels go to a temporary folder as raw bytes; the test `PillowComparison` reads them and prints the
largest differences. Nothing of the photographs is kept.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

from PIL import Image, ImageOps

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def photographs(folder, count):
    paths = sorted(
        os.path.join(base, name) for base, _, names in os.walk(folder) for name in names
        if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp")))
    random.Random(1).shuffle(paths)
    return paths[:count]


def write_cases(folder, paths, side):
    cases = os.path.join(folder, "cases.jsonl")
    with open(cases, "w") as out:
        for number, path in enumerate(paths):
            picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            # Also a size that keeps no ratio, and one that enlarges.
            size = [(side, side), (side, side // 3), (2 * picture.width, side)][number % 3]
            names = {"decoded": f"{number}.decoded", "resized": f"{number}.resized"}
            for name, pixels in (("decoded", picture), ("resized", picture.resize(size, Image.BICUBIC))):
                with open(os.path.join(folder, names[name]), "wb") as raw:
                    raw.write(pixels.tobytes())
            case = {"path": path, "width": size[0], "height": size[1]}
            out.write(json.dumps(case | {k: os.path.join(folder, v) for k, v in names.items()}) + "\n")
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default=os.path.join(ROOT, "..", "shared", "referring", "images"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--side", type=int, default=448)
    arguments = parser.parse_args()
    paths = photographs(arguments.folder, arguments.count)
    if not paths:
        sys.exit(f"skipped: no photographs in {arguments.folder}")
    with tempfile.TemporaryDirectory() as folder:
        cases = write_cases(folder, paths, arguments.side)
        command = ["swift", "test", "-c", "release", "--skip-build", "--filter", "PillowComparison"]
        sys.exit(subprocess.run(command, cwd=ROOT, env=os.environ | {"MLLMSEG_PILLOW_CASES": cases}).returncode)


if __name__ == "__main__":
    main()
