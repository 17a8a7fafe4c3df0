#!/usr/bin/env python3
"""A checkpoint of an official model's exact shapes with meaningless weights, for memory and speed.

    shape_checkpoint.py OUT --shape 1b|2b|4b|8b --tokenizer DIR

Writes OUT/config.json, bfloat16 shards of at most 5 GB with their index, and copies the tokenizer's files from
DIR (Qwen2 for 1b and 4b, InternLM2 for 2b and 8b). Needs torch for the shapes only: no weight is ever in
memory as a whole. 8b takes 17 GB of disk.
"""
import argparse
import json
import math
import os
import shutil
import struct

import numpy as np
import torch

import make_golden as reference

LANGUAGE = {
    "1b": dict(hidden_size=896, intermediate_size=4864, num_attention_heads=14, num_key_value_heads=2,
               num_hidden_layers=24),
    "2b": dict(hidden_size=2048, intermediate_size=8192, num_attention_heads=16, num_key_value_heads=8,
               num_hidden_layers=24),
    "4b": dict(hidden_size=2048, intermediate_size=11008, num_attention_heads=16, num_key_value_heads=2,
               num_hidden_layers=36),
    "8b": dict(hidden_size=4096, intermediate_size=14336, num_attention_heads=32, num_key_value_heads=8,
               num_hidden_layers=32),
}
VISION = dict(hidden_size=1024, image_size=448, intermediate_size=4096, num_attention_heads=16,
              num_hidden_layers=24)
SHARD = 5_000_000_000


def shapes(config):
    """Every tensor's shape by name: the reference's own weight maker, run without memory."""
    real = torch.randn, torch.rand
    torch.randn = lambda *s, generator=None: torch.empty(*s, device="meta")
    torch.rand = lambda *s, generator=None: torch.empty(s, device="meta")
    try:
        state = reference.rand_weights(config, 0)
    finally:
        torch.randn, torch.rand = real
    return {k: v for k, v in state.items() if v.dtype != torch.int64}


def numbers(name, tensor, noise):
    """bfloat16 bytes: 1 for gains and variances, small noise else, so that activations stay finite."""
    count = tensor.numel()
    if tensor.device.type != "meta":
        values = tensor.flatten().float().numpy()
    elif name.endswith("running_var") or (tensor.dim() == 1 and name.endswith("weight")) or ".ls" in name:
        values = np.full(count, 0.5 if ".ls" in name else 1.0, np.float32)
    else:
        scale = 1 / math.sqrt(tensor[0].numel()) if tensor.dim() > 1 else 0.02
        for start in range(0, count, len(noise)):
            yield bfloat16(noise[: min(len(noise), count - start)] * scale)
        return
    yield bfloat16(values)


def bfloat16(values):
    return (np.ascontiguousarray(values, np.float32).view(np.uint32) >> 16).astype("<u2").tobytes()


def write_shard(path, names, state, noise):
    header, offset = {}, 0
    for name in names:
        size = 2 * state[name].numel()
        header[name] = dict(dtype="BF16", shape=list(state[name].shape), data_offsets=[offset, offset + size])
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # as the safetensors library does, so that the data is aligned
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            for piece in numbers(name, state[name], noise):
                file.write(piece)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--shape", choices=sorted(LANGUAGE), required=True)
    parser.add_argument("--tokenizer", required=True)
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    is_qwen = arguments.shape in ("1b", "4b")
    vocabulary = 151676 if is_qwen else 92555
    eos = {"<|endoftext|>": 151643, "<|im_end|>": 151645}
    base = reference.qwen_cfg(vocabulary, eos) if is_qwen else reference.ilm_cfg(vocabulary)
    reference.VIS = dict(reference.VIS, **VISION)
    config = dict(reference.config(dict(base, **LANGUAGE[arguments.shape])), force_image_size=448)
    if not is_qwen:
        config["template"] = "internvl2_5"
    json.dump(config, open(f"{arguments.out}/config.json", "w"), indent=1)
    for name in os.listdir(arguments.tokenizer):
        if name in ("vocab.json", "merges.txt", "tokenizer.model"):
            shutil.copyfile(f"{arguments.tokenizer}/{name}", f"{arguments.out}/{name}")
    first = 151665 if is_qwen else 92544
    added = {token: first + i for i, token in enumerate(reference.NEW)}
    if is_qwen:
        added.update({token: 151643 + i for i, token in enumerate(reference.QWEN_ADDED)})
    else:
        added.update({"<|im_start|>": 92543, "<|im_end|>": 92542})
    json.dump(added, open(f"{arguments.out}/added_tokens.json", "w"), indent=1)

    state = shapes(config)
    groups, size = [[]], 0
    for name, tensor in state.items():
        if size + 2 * tensor.numel() > SHARD and groups[-1]:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += 2 * tensor.numel()
    noise = np.random.RandomState(0).randn(1 << 22).astype(np.float32)
    index = {}
    for i, names in enumerate(groups):
        file = f"model-{i + 1:05d}-of-{len(groups):05d}.safetensors"
        write_shard(f"{arguments.out}/{file}", names, state, noise)
        index.update({name: file for name in names})
    json.dump(dict(metadata={}, weight_map=index), open(f"{arguments.out}/model.safetensors.index.json", "w"))
    print(arguments.shape, sum(t.numel() for t in state.values()), "parameters", len(groups), "shards")


if __name__ == "__main__":
    main()
