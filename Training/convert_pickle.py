#!/usr/bin/env python3
"""Converts a PyTorch pickle (pytorch_model.bin, or its shards) to model.safetensors beside it.

The server never reads pickles: loading one can run any code. This script reads them with
torch.load(weights_only=True), which refuses everything but tensors and plain containers.

usage: python3 Training/convert_pickle.py DIR/pytorch_model.bin [MORE.bin ...]
needs: torch, safetensors (Training/requirements.txt)
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file


def main(paths):
    if not paths:
        sys.exit(__doc__)
    tensors = {}
    for path in paths:
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = state.get("state_dict", state)
        for key, value in state.items():
            if key in tensors:
                sys.exit(f"{path}: {key} is in another file too")
            # safetensors holds each tensor's own bytes: views and tied weights become copies.
            tensors[key] = value.detach().clone().contiguous()
    target = pathlib.Path(paths[0]).parent / "model.safetensors"
    if target.exists():
        sys.exit(f"{target} exists already; nothing was written")
    partial = target.with_suffix(".partial")
    save_file(tensors, partial, metadata={"format": "pt"})
    partial.rename(target)
    print(f"{target}: {len(tensors)} tensors")


if __name__ == "__main__":
    main(sys.argv[1:])
