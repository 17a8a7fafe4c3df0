"""The prompt, and packing of several independent phrases behind one picture.

Every phrase sees the prefix (system message, picture) and itself only, with
positions that go on from the prefix: exactly what it would see in a request of
its own.  The sequence of a phrase ends at the token before its marker, whose
final state says both whether (language head) and where (mask decoder).
"""
import functools
import json
import os

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

SYSTEM = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"
# Words, single digits, punctuation: how Qwen2 cuts text before merging bytes.
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
MAIN = (" What are {x}in this image? Please output segmentation masks.", "Sure,{x}:")
QUESTIONS = [" Can you segment {x} in this image?", " Please segment {x} in this image.",
             " What are {x} in this image? Please respond with segmentation masks.", " What are {x} in this image? Please output segmentation masks."]
ANSWERS = ["The segmentation results are {x} ", "Sure, they are {x}:", "Sure, the mask of {x} is ", "Sure, the segmentation of {x} is ", "Sure, the referred {x} is "]


def clean(phrase):
    return phrase.strip().lower().strip().strip(".")


def load_tokenizer(folder):
    """From tokenizer.json, or from the files of an exported checkpoint."""
    if os.path.exists(f"{folder}/tokenizer.json"):
        return Tokenizer.from_file(f"{folder}/tokenizer.json")
    tok = Tokenizer(models.BPE.from_file(f"{folder}/vocab.json", f"{folder}/merges.txt"))
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    added = json.load(open(f"{folder}/added_tokens.json"))
    tok.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in sorted(added, key=added.get)])
    assert all(tok.token_to_id(t) == i for t, i in added.items())
    return tok


class Prompter:
    def __init__(self, folder):
        self.tok = load_tokenizer(folder)
        self.seg, self.rej = self.tok.token_to_id("[SEG]"), self.tok.token_to_id("[REJ]")
        self.context = self.tok.token_to_id("<IMG_CONTEXT>")

    @functools.lru_cache(200_000)
    def ids(self, text):
        return tuple(self.tok.encode(text, add_special_tokens=False).ids)

    def prefix(self, n):
        """Token ids up to </img>, and where the n image tokens start."""
        head = self.ids(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n") + self.ids("<|im_start|>user\n<img>")
        return head + (self.context,) * n + self.ids("</img>"), len(head)

    def block(self, phrase, rng=None):
        """Token ids after </img> up to the token before the marker."""
        q, a = MAIN
        if rng is not None and rng.random() < 0.15:
            q, a = QUESTIONS[rng.integers(len(QUESTIONS))], ANSWERS[rng.integers(len(ANSWERS))]
        x = clean(phrase)
        return self.ids("\n" + q.format(x=x) + "<|im_end|>\n") + self.ids("<|im_start|>assistant\n" + a.format(x=x))

    def pack(self, phrases, n, rng=None):
        """phrases: per picture a list of strings -> arrays ids, positions [B, T], blocks [B, T] (-1 padding,
        0 prefix, k phrase), ends (flat index of the last token of each phrase), owner (its picture), start."""
        head, start = self.prefix(n)
        rows = [[self.block(p, rng) for p in ps] for ps in phrases]
        length = len(head) + max(sum(map(len, r)) for r in rows)
        length = (length + 15) // 16 * 16
        ids = np.zeros((len(rows), length), np.int64)
        positions, blocks = np.zeros_like(ids), np.full_like(ids, -1)
        ends, owner = [], []
        for b, row in enumerate(rows):
            at = len(head)
            ids[b, :at], positions[b, :at], blocks[b, :at] = head, np.arange(at), 0
            for k, block in enumerate(row):
                end = at + len(block)
                ids[b, at:end], blocks[b, at:end] = block, k + 1
                positions[b, at:end] = len(head) + np.arange(len(block))
                ends.append(b * length + end - 1)
                owner.append(b)
                at = end
        return dict(ids=ids, positions=positions, blocks=blocks, ends=np.array(ends), owner=np.array(owner), start=start)


def attention_mask(blocks):
    """torch int [B, T] -> bool [B, 1, T, T]: causal, and a phrase sees the prefix and itself (padding sees itself)."""
    import torch
    b, t = blocks.shape
    same = blocks[:, :, None] == blocks[:, None, :]
    prefix = (blocks[:, None, :] == 0) & (blocks[:, :, None] >= 0)
    causal = torch.ones(t, t, dtype=torch.bool, device=blocks.device).tril()
    return ((same | prefix) & causal)[:, None]
