"""Attention and a convolution for processors with AMX, on which PyTorch's are slow: `fast.cpp`, compiled when it is wanted.

After `prepare()`, `attend` and `convolve` take the place of PyTorch's in `model.py` wherever products are done in bfloat16.

    fast.py

compares both with PyTorch's and prints the times.
"""
import ctypes
import os
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F

library = None


def prepare():
    """Compiles the kernels (some seconds) -> None, or in words why they can't be used."""
    global library
    flags = next((line.split() for line in open("/proc/cpuinfo") if line.startswith("flags")), []) if os.path.exists("/proc/cpuinfo") else []
    if not {"amx_bf16", "avx512_bf16", "avx512bw"} <= set(flags):
        return "the processor has no AMX"
    with tempfile.TemporaryDirectory() as folder:
        here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fast.cpp")
        try:
            subprocess.run([os.environ.get("CXX", "c++"), "-O3", "-march=sapphirerapids", "-shared", "-fPIC", "-o", f"{folder}/fast.so", here], check=True, capture_output=True, text=True)
        except FileNotFoundError as e:
            return f"there is no compiler {e.filename}"
        except subprocess.CalledProcessError as e:
            return "the compiler says: " + (e.stderr.strip().splitlines() or ["nothing"])[0]
        found = ctypes.CDLL(f"{folder}/fast.so")
    if not found.permitted():
        return "the system does not let programs use AMX"
    library = found
    return None


def numbers(*values):
    return (ctypes.c_int64 * len(values))(*values)


def strides(*tensors):
    return numbers(*(s for t in tensors for s in t.stride()[:3]))


def at(*tensors):
    return [ctypes.c_void_p(None if t is None else t.data_ptr()) for t in tensors]


def heads_last(b, h, n, d):
    """[B, H, N, D] in bfloat16, in the memory's order [B, N, H, D], so that heads are joined without a copy."""
    return torch.empty(b, n, h, d, dtype=torch.bfloat16).transpose(1, 2)


class Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, mask):
        (b, h, n, d), m = q.shape, k.shape[2]
        q, k, v = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k, v))
        o, sums = heads_last(b, h, n, d), torch.empty(b, h, n)
        library.attention_forward(numbers(b, h, n, m, d), strides(q, k, v, o), *at(q, k, v, o, mask, sums))
        ctx.save_for_backward(q, k, v, o, mask, sums)
        return o

    @staticmethod
    def backward(ctx, g):
        q, k, v, o, mask, sums = ctx.saved_tensors
        (b, h, n, d), m = q.shape, k.shape[2]
        g = g if g.stride(-1) == 1 else g.contiguous()
        dq, dk, dv = heads_last(b, h, n, d), heads_last(b, h, m, d), heads_last(b, h, m, d)
        library.attention_backward(numbers(b, h, n, m, d), strides(q, k, v, o, g, dq, dk, dv), *at(q, k, v, o, g, dq, dk, dv, mask, sums))
        return dq, dk, dv, None


def attend(q, k, v, mask=None):
    """q [B, H, N, D], k and v [B, H, M, D], D <= 32; mask [B, 1, N, M], what to add to the scores; all in bfloat16 -> [B, H, N, D]"""
    if q.shape[-1] > 32:
        raise ValueError(f"heads are {q.shape[-1]} wide; 32 is the most")
    return Attention.apply(q.bfloat16(), k.bfloat16(), v.bfloat16(), None if mask is None else mask[:, 0].mT.bfloat16().contiguous())


class Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        x, weight, (n, _, h, w) = x.float().contiguous(), weight.contiguous(), x.shape
        y = torch.empty_like(x)
        library.convolution_forward(*at(x, weight), ctypes.c_float(bias.item()), *at(y), n, h, w)
        ctx.save_for_backward(x, weight)
        return y

    @staticmethod
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        (n, _, h, w), g = x.shape, g.float().contiguous()
        dx, dweight = torch.empty_like(x), torch.empty_like(weight)
        library.convolution_backward(*at(x, weight, g, dx, dweight), n, h, w)
        return dx, dweight, g.sum().view(1)


def convolve(x, weight, bias):
    """x [K, 1, h, w], weight [1, 1, 5, 5] and bias [1] in float32, padded by 2 -> [K, 1, h, w] in float32"""
    return Convolution.apply(x.float(), weight, bias)


def plain_attend(q, k, v, mask=None):
    """The same by PyTorch, in any kind of numbers; in bfloat16 its fused one takes twice as long."""
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    return (scores if mask is None else scores + mask).softmax(-1) @ v


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


def compare(what, given, g, plain, own, kind, worst):
    """`plain` and `own` (which takes `kind`) on the same tensors and gradient g of the result, against `plain` in float64."""
    def run(how, kind):
        inputs = [t.to(kind).requires_grad_() for t in given]
        began = time.perf_counter()
        out = how(*inputs)
        return [out, *torch.autograd.grad(out, inputs, g.to(kind))], time.perf_counter() - began
    true, _ = run(plain, torch.float64)
    for name, how, kind, most in (("PyTorch", plain, torch.bfloat16, 0.02), ("here", own, kind, worst)):
        results, seconds = min((run(how, kind) for _ in range(5)), key=lambda r: r[1])
        errors = [relative(x, t) for x, t in zip(results, true)]
        print(f"{what}, {name}: errors {' '.join(f'{e:.1e}' for e in errors)}, {seconds * 1000:.1f} ms")
        assert max(errors) < most


def check():
    """Errors of results and gradients against float64, and the time for one thread, of these and of PyTorch's in bfloat16."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    for b, h, n, m, d, masked in ((5, 5, 401, 401, 32, False), (5, 5, 288, 288, 32, True), (5, 8, 400, 100, 20, False), (2, 3, 17, 33, 20, True), (1, 1, 1, 2, 8, False)):
        q, k, v, g = (torch.randn(b, c, h, d).transpose(1, 2).bfloat16() for c in (n, m, m, n))
        mask = None
        if masked:                                          # causal where it is square, so that whole blocks are hidden
            seen = (torch.rand(b, 1, n, m) > 0.4) & ((n != m) | (torch.arange(m) <= torch.arange(n)[:, None])) | (torch.arange(m) == 0)
            mask = torch.where(seen, 0.0, -1e4).bfloat16()
        masked_by = lambda how: lambda q, k, v: how(q, k, v, None if mask is None else mask.to(q.dtype))
        compare(f"attention {b} x {h} x {n} x {m} x {d}{' masked' * masked}", (q, k, v), g, masked_by(plain_attend), masked_by(attend), torch.bfloat16, 0.02)
    for size in (280, 37):
        x, g, weight, bias = (torch.randn(s) for s in ((18, 1, size, size), (18, 1, size, size), (1, 1, 5, 5), (1,)))
        compare(f"convolution of 18 x {size} x {size}", (x, weight, bias), g, lambda x, w, b: F.conv2d(x, w, b, padding=2), convolve, torch.float32, 1e-4)


if __name__ == "__main__":
    missing = prepare()
    if missing:
        raise SystemExit(missing)
    check()
