#!/usr/bin/env python3
"""Random checkpoints of the true shapes, with reference numbers of every stage.

    large_checkpoint.py OUT --shape 1b        InternVL2.5-1B: 24 x 1024 vision, Qwen2.5-0.5B, 448 px (2 GB)
    large_checkpoint.py OUT --shape 2b-short  InternLM2.5-1.8B's widths with 4 layers each (1 GB)
    large_checkpoint.py OUT --shape other     small, of dimensions, seed and LoRA rank unlike the committed ones

Writes OUT/<name>/ (the checkpoint) and OUT/golden_<name>.{safetensors,json}, which the Swift tests read when
MLLMSEG_GOLDEN names OUT. Needs torch, numpy, pillow, safetensors, tokenizers; 24 GiB of memory for 1b.
"""
import argparse
import os

import numpy as np
import torch

import make_golden as reference


def prompt(generator, special, vocabulary, image_tokens, markers, bos):
    """Made-up text around the picture and the markers: ids, as no vocabulary of this size is at hand."""
    text = lambda n: generator.randint(3, vocabulary, n).tolist()
    ids = ([1] if bos else []) + text(39) + [special["<img>"]] + [special["<IMG_CONTEXT>"]] * image_tokens
    ids += [special["</img>"]] + text(20)
    for marker in markers:
        ids += [special[marker]] + text(5)
    return ids


def shapes(name):
    """(vision overrides, language configuration, LoRA rank, seed, file type, shards)"""
    big = dict(hidden_size=1024, image_size=448, intermediate_size=4096, num_attention_heads=16)
    qwen, ilm = reference.qwen_cfg, reference.ilm_cfg
    eos = {"<|endoftext|>": 0, "<|im_end|>": 2}
    if name == "1b":
        language = dict(qwen(151676, eos), hidden_size=896, intermediate_size=4864, num_attention_heads=14,
                        num_key_value_heads=2, num_hidden_layers=24)
        return dict(big, num_hidden_layers=24), language, 0, 31, torch.bfloat16, 1
    if name == "2b-short":
        language = dict(ilm(92555), hidden_size=2048, intermediate_size=8192, num_attention_heads=16,
                        num_key_value_heads=8, num_hidden_layers=4)
        return dict(big, num_hidden_layers=4), language, 0, 32, torch.bfloat16, 2
    language = dict(qwen(611, eos), hidden_size=72, intermediate_size=200, num_attention_heads=9,
                    num_key_value_heads=3, num_hidden_layers=3)
    vision = dict(hidden_size=96, image_size=168, intermediate_size=224, num_attention_heads=6,
                  num_hidden_layers=3)
    return vision, language, 7, 33, torch.float16, 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--shape", choices=["1b", "2b-short", "other"], required=True)
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    vision, language, rank, seed, dtype, shards = shapes(arguments.shape)
    reference.VIS = dict(reference.VIS, **vision)
    config = dict(reference.config(language, lora=rank), force_image_size=vision["image_size"])
    tokens = (vision["image_size"] // 28) ** 2
    vocabulary = language["vocab_size"] - len(reference.NEW)
    special = {token: vocabulary + i for i, token in enumerate(reference.NEW)}
    generator = np.random.RandomState(seed)
    bos = language["model_type"] == "internlm2"
    markers = {"res1": ["[SEG]"], "gres_pass1": ["[SEG]", "[REJ]", "[SEG]"]}
    cases = {label: dict(ids=prompt(generator, special, vocabulary, tokens, m, bos), detail=label == "res1")
             for label, m in markers.items()}
    image = reference.test_image(333, 500, seed)
    state = reference.rand_weights(config, seed)
    # One random draw in ten puts a whole mask on one side of the threshold: move half of it across.
    reference.steer_bias(state, config, cases["res1"], special, image)
    if dtype == torch.float16:
        state = {k: v if v.dtype == torch.int64 else v.half().float() for k, v in state.items()}
    if rank:
        state = reference.lora_of(state, config, rank, seed + 1)
    name = f"shape_{arguments.shape}"
    os.makedirs(arguments.out, exist_ok=True)
    reference.save_checkpoint(f"{arguments.out}/{name}", config, state, dtype, shards)
    reference.golden(name, f"{arguments.out}/{name}", config, state, special, cases, {"img0": image},
                     arguments.out)


if __name__ == "__main__":
    main()
