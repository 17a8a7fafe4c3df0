#!/usr/bin/env python3
"""This project's benchmarks beside an equivalent PyTorch model, in turns, on the same two threads.

    against_pytorch.py FOLDER CHECKPOINT [--rounds N] [--brief] [--compile] [--server] [--threads N]

FOLDER holds the built programs (.build/release), CHECKPOINT is a folder that shape_checkpoint.py wrote for 1b. The
PyTorch model has random float32 weights of the official 1B shapes and does what the authors' code does: the
vocabulary head on every position and the whole mask decoder for every phrase. `cached` is the same model given this
project's caching of the picture. It runs eagerly; with --compile also frozen by torch.compile, whose first call takes
minutes. --brief leaves the 16 pictures at once out. --server also asks the server with 16 clients over HTTP. Set LD_PRELOAD to tcmalloc for PyTorch's best.
Prints medians and ratios as Markdown tables.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Reliability"))
from harness import Programs  # noqa: E402
from pictures import blocks  # noqa: E402

D, T, GRID, PATCH, VOCABULARY = 1024, 896, 32, 14, 151676
PREFIX, PHRASE, PACKED = 298, 35, 125


class Vision(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Linear(3 * PATCH * PATCH, D)
        self.position = nn.Parameter(torch.randn(1 + GRID * GRID, D) * 0.02)
        self.layers = nn.ModuleList(nn.ModuleDict(dict(
            norm1=nn.LayerNorm(D, 1e-6), qkv=nn.Linear(D, 3 * D), out=nn.Linear(D, D),
            norm2=nn.LayerNorm(D, 1e-6), fc1=nn.Linear(D, 4 * D), fc2=nn.Linear(4 * D, D))) for _ in range(24))
        self.scale = nn.Parameter(torch.full((D,), 0.5))
        self.norm, self.first, self.second = nn.LayerNorm(4 * D), nn.Linear(4 * D, T), nn.Linear(T, T)

    def forward(self, pixels):
        x = pixels.view(3, GRID, PATCH, GRID, PATCH).permute(1, 3, 0, 2, 4).reshape(GRID * GRID, -1)
        x = self.position + F.pad(self.patches(x), (0, 0, 1, 0))
        for layer in self.layers:
            q, k, v = (part.view(1, -1, 16, 64).transpose(1, 2) for part in layer.qkv(layer.norm1(x)).chunk(3, -1))
            a = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, D)
            x = x + layer.out(a) * self.scale
            x = x + layer.fc2(F.gelu(layer.fc1(layer.norm2(x)))) * self.scale
        x = x[1:]
        s = x.view(16, 2, 16, 2, D).permute(0, 2, 1, 3, 4).reshape(256, 4 * D)
        return x, self.second(F.gelu(self.first(self.norm(s))))


class Language(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleDict(dict(
            norm1=nn.RMSNorm(T, 1e-6), q=nn.Linear(T, T), k=nn.Linear(T, 128), v=nn.Linear(T, 128),
            out=nn.Linear(T, T, False), norm2=nn.RMSNorm(T, 1e-6), gate=nn.Linear(T, 4864, False),
            up=nn.Linear(T, 4864, False), down=nn.Linear(4864, T, False))) for _ in range(24))
        self.norm, self.head = nn.RMSNorm(T, 1e-6), nn.Linear(T, VOCABULARY, False)
        angles = torch.arange(1024).float()[:, None] / 1e6 ** (torch.arange(0, 64, 2).float() / 64)
        self.register_buffer("cosine", torch.cat([angles, angles], -1).cos())
        self.register_buffer("sine", torch.cat([angles, angles], -1).sin())

    def turn(self, x, start):
        n = x.shape[2]
        turned = torch.cat([-x[..., 32:], x[..., :32]], -1)
        return x * self.cosine[start:start + n] + turned * self.sine[start:start + n]

    def forward(self, x, past=None):
        start = 0 if past is None else past[0][0].shape[2]
        n, kept = x.shape[0], []
        mask = torch.ones(n, start + n, dtype=torch.bool).tril(start)
        for i, layer in enumerate(self.layers):
            h = layer.norm1(x)
            q = self.turn(layer.q(h).view(1, n, 14, 64).transpose(1, 2), start)
            k = self.turn(layer.k(h).view(1, n, 2, 64).transpose(1, 2), start)
            v = layer.v(h).view(1, n, 2, 64).transpose(1, 2)
            if past is not None:
                k, v = torch.cat([past[i][0], k], 2), torch.cat([past[i][1], v], 2)
            kept.append((k, v))
            a = F.scaled_dot_product_attention(
                q, k.repeat_interleave(7, 1), v.repeat_interleave(7, 1), attn_mask=mask)
            x = x + layer.out(a.transpose(1, 2).reshape(n, T))
            h = layer.norm2(x)
            x = x + layer.down(F.silu(layer.gate(h)) * layer.up(h))
        return self.norm(x), kept


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.text, self.adapter = nn.Linear(T, D), nn.Linear(T, D), nn.Linear(3 * D, D)
        self.offset = nn.Conv2d(D, 32, 1)
        self.v2l = nn.TransformerDecoderLayer(D, 8, D, batch_first=True)
        self.vl = nn.TransformerDecoderLayer(D, 8, D, batch_first=True)
        self.norm1, self.norm2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.conv1 = nn.Sequential(nn.Conv2d(D, PATCH * PATCH, 3, padding=1), nn.BatchNorm2d(PATCH * PATCH), nn.ReLU())
        self.conv2 = nn.Conv2d(1, 1, 5, padding=2)

    def fuse(self, detail, semantics):
        t3 = self.image(semantics)
        a = self.norm1(self.v2l(detail[None], t3[None]))[0]
        grid = t3.t().reshape(1, D, 16, 16)
        shift = F.pixel_shuffle(self.offset(grid).view(2, 16, 16, 16), 2).view(2, 4, 32, 32) * 0.0156
        base = torch.stack(torch.meshgrid(torch.linspace(-1, 1, 32), torch.linspace(-1, 1, 32), indexing="xy"), -1)
        where = base[None] + shift.permute(1, 2, 3, 0)
        up = F.grid_sample(grid.view(4, D // 4, 16, 16), where, padding_mode="border", align_corners=False)
        return self.adapter(torch.cat([a, detail, up.reshape(D, 1024).t()], -1))

    def attended(self, x):
        return self.vl.norm1(x[None] + self.vl._sa_block(x[None], None, None))

    def mask(self, x, segment, attended=None):
        s = self.text(segment)[None]
        if attended is None:
            x = self.vl(x[None], s)
        else:
            weight, bias = self.vl.multihead_attn.in_proj_weight, self.vl.multihead_attn.in_proj_bias
            row = self.vl.multihead_attn.out_proj(F.linear(s, weight[2 * D:], bias[2 * D:]))
            x = self.vl.norm2(attended + row)
            x = self.vl.norm3(x + self.vl._ff_block(x))
        x = self.norm2(x)[0].t().reshape(1, D, GRID, GRID)
        return torch.sigmoid(self.conv2(F.pixel_shuffle(self.conv1(x), PATCH)))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision, self.language, self.decoder = Vision(), Language(), Decoder()

    def whole(self, pixels, before, text, phrases):
        """As the authors do: every position scored, the whole decoder for each phrase."""
        detail, tokens = self.vision(pixels)
        x, _ = self.language(torch.cat([before, tokens, text]))
        scores = self.language.head(x)
        maps = [self.decoder.mask(self.decoder.fuse(detail, x[40:296]), x[-1 - i:][:1]) for i in range(phrases)]
        return scores[-1], maps

    def picture(self, pixels, before, after):
        detail, tokens = self.vision(pixels)
        x, past = self.language(torch.cat([before, tokens, after]))
        return past, self.decoder.attended(self.decoder.fuse(detail, x[40:296]))

    def phrase(self, past, attended, text):
        x, _ = self.language(text, past)
        return self.language.head(x[-1:]), self.decoder.mask(None, x[-1:], attended)


def timed(body):
    start = time.perf_counter()
    result = body()
    return time.perf_counter() - start, result


def torch_round(model, whole, phrase):
    pixels, before = torch.randn(3, 448, 448), torch.randn(41, T)
    seconds = {}
    seconds["whole"], _ = timed(lambda: whole(pixels, before, torch.randn(PHRASE + 1, T), 1))
    seconds["packed 8"], _ = timed(lambda: model.whole(pixels, before, torch.randn(PACKED, T), 8))
    first, (past, attended) = timed(lambda: model.picture(pixels, before, torch.randn(1, T)))
    phrase(past, attended, torch.randn(PHRASE, T))
    seconds["cached phrase"], _ = timed(lambda: phrase(past, attended, torch.randn(PHRASE, T)))
    seconds["cached picture"] = first
    return seconds


SCENARIOS = ["new picture, one phrase", "known picture, next phrase", "new picture, 8 phrases",
             "16 new pictures, one phrase each"]


def served(arguments, phrases, clients=16):
    """Seconds a request takes the server when 16 clients ask at once, each about a picture of its own, and then
    further phrases about it: -> with every picture new, and over all requests."""
    pictures = [blocks(number) for number in range(clients)]
    with Programs(arguments.folder).mllmseg(
            "--model", arguments.checkpoint, "--threads", arguments.threads, "--request-timeout", 3600, "--image-cache",
            2048, environment={"LD_PRELOAD": ""}) as server:
        server.wait_until_ready()

        def ask(job):
            picture, phrase = job
            url = f"http://127.0.0.1:{server.port}/segment?format=none&expression=" + urllib.parse.quote(phrase)
            request = urllib.request.Request(url, picture, {"Content-Type": "image/png"})
            with urllib.request.urlopen(request, timeout=3600) as answer:
                assert len(json.load(answer)["results"]) == 1

        with ThreadPoolExecutor(clients) as pool:
            first, _ = timed(lambda: list(pool.map(ask, [(picture, "the red ball") for picture in pictures])))
            again, _ = timed(lambda: list(pool.map(ask, [(p, phrase) for phrase in phrases for p in pictures])))
    return first / clients, (first + again) / clients / (1 + len(phrases))


def our_round(arguments):
    command = [f"{arguments.folder}/Benchmarks", "--json", "--runs", "1", "--threads", str(arguments.threads), "--model",
               arguments.checkpoint]
    for name in SCENARIOS[:3] if arguments.brief else SCENARIOS:
        command += ["--only", name]
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "OPENBLAS_CORETYPE")}
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)
    seconds = {s["name"]: s["medianMilliseconds"] / 1e3 for s in report["scenarios"]}
    return dict(seconds, product=report["productGigaflops"])


def print_table(mode, theirs, ours, http, arguments):
    t = {k: statistics.median(r[k] for r in theirs) for k in theirs[0]}
    o = {k: statistics.median(r[k] for r in ours) for k in ours[0]}
    new, known, eight, many = (o.get(name) for name in SCENARIOS)
    print(f"PyTorch {torch.__version__} float32 {mode}, {arguments.threads} threads, {arguments.rounds} rounds in turns; "
          f"OpenBLAS 2048^3 {o['product']:.0f} GFLOP/s\n")
    rows = [
        ("new picture and phrase / PyTorch's whole request", new, t["whole"], 1.2),
        ("next phrase / PyTorch's whole request", known, t["whole"], 24),
        ("next phrase / PyTorch given the same caching", known, t["cached phrase"], 1.4),
        ("8 phrases on one new picture / 8 requests of PyTorch's", eight, 8 * t["whole"], 7),
        ("8 phrases on one new picture / the authors' packed run", eight, t["packed 8"], 1.4),
    ]
    if many:
        rows.append(("16 pictures at once, a request / PyTorch's whole request", many / 16, t["whole"], 1.3))
    if http:
        rows += [("16 HTTP clients, all pictures new, a request / PyTorch's whole request", http[0], t["whole"], 1.3),
                 ("16 HTTP clients, three phrases a picture, a request / the same", http[1], t["whole"], 1.3)]
    print("| what | ours, ms | PyTorch, ms | times as fast | wanted |\n| --- | --- | --- | --- | --- |")
    for name, mine, other, wanted in rows:
        print(f"| {name} | {mine * 1e3:.0f} | {other * 1e3:.0f} | {other / mine:.2f} | {wanted} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("checkpoint")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--server", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    with torch.inference_mode():
        model = Model().eval()
        modes = {"eager": (model.whole, model.phrase)}
        if arguments.compile:
            import torch._inductor.config as inductor
            inductor.freezing = True
            modes["compiled, frozen"] = torch.compile(model.whole), torch.compile(model.phrase)
        for mode, (whole, phrase) in modes.items():
            seconds, _ = timed(lambda: torch_round(model, whole, phrase))
            print(f"{mode}: first calls took {seconds:.0f} s", file=sys.stderr, flush=True)
        theirs, ours = {mode: [] for mode in modes}, []
        for _ in range(arguments.rounds):
            for mode, (whole, phrase) in modes.items():
                theirs[mode].append(torch_round(model, whole, phrase))
            ours.append(our_round(arguments))
    http = served(arguments, ["the largest car", "a cat"]) if arguments.server else None
    for mode, rounds in theirs.items():
        print_table(mode, rounds, ours, http, arguments)


if __name__ == "__main__":
    main()
