#!/usr/bin/env python3
"""Writes Fixtures/: small pictures of every variant that is read, and expected.json with what they show.

    pip install pillow==11.3.0 numpy
    python3 Tests/ImagesTests/make_fixtures.py

All patterns are made here. PNG files are written by hand (Pillow can't write most variants) and what they show
is computed from the definition; JPEG and WebP are written and read by Pillow, YCCK by TurboJPEG through ctypes.
Exact pictures are kept as a 64-bit FNV-1a of their RGB bytes, lossy ones as samples.
"""
import ctypes
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "Fixtures")
W, H = 37, 29
expected = {}


def pattern(width=W, height=H, channels=3, seed=0):
    """Gradients, a few shapes and some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for channel in range(channels):
        plane = (x * (5 + channel) + y * (9 - 2 * channel) + 40 * channel) % 256
        plane = np.where((x - width / 2) ** 2 + (y - height / 3) ** 2 < (height / 4) ** 2, 230 - 70 * channel, plane)
        planes.append(np.clip(plane + rng.integers(-6, 7, plane.shape), 0, 255))
    return np.stack(planes, -1).astype(np.uint8)


def smooth(width=W, height=H, channels=3):
    """A pattern that chroma subsampling hardly hurts."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 90 * np.sin(x / (7 + c) + c) * np.cos(y / (9 - c)) for c in range(channels)]
    return np.stack(planes, -1).clip(0, 255).astype(np.uint8)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def save(name, data, shown, orientation=1, tolerance=0):
    """shown [height, width, 3]: the picture after orientation, over white."""
    with open(os.path.join(OUT, name), "wb") as file:
        file.write(data)
    shown = np.ascontiguousarray(shown, np.uint8)
    height, width = shown.shape[:2]
    entry = {"width": width, "height": height, "orientation": orientation, "tolerance": tolerance}
    if tolerance == 0:
        entry["hash"] = fnv1a(shown.tobytes())
    rng = np.random.default_rng(len(expected))
    points = {(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)}
    points |= {(int(rng.integers(width)), int(rng.integers(height))) for _ in range(28)}
    entry["samples"] = [[x, y] + [int(v) for v in shown[y, x]] for x, y in sorted(points)]
    expected[name] = entry


# ---------------------------------------------------------------- PNG, by hand
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_rows(samples, depth):
    """samples [height, width, channels] -> filtered rows, filters taken in turn (None, Sub, Up)."""
    rows, previous = [], None
    for number, row in enumerate(samples):
        if depth == 16:
            raw = row.astype(">u2").tobytes()
        elif depth == 8:
            raw = row.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in row.ravel())
            bits += "0" * (-len(bits) % 8)
            raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
        step = max(1, samples.shape[2] * depth // 8)
        kind = number % 3
        if kind == 1:
            body = bytes((v - (raw[i - step] if i >= step else 0)) & 255 for i, v in enumerate(raw))
        elif kind == 2 and previous is not None:
            body = bytes((v - previous[i]) & 255 for i, v in enumerate(raw))
        else:
            kind, body = 0, raw
        rows.append(bytes([kind]) + body)
        previous = raw
    return b"".join(rows)


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, color, extra=(), after=(), interlaced=False, level=9):
    samples = np.asarray(samples)
    if samples.ndim == 2:
        samples = samples[..., None]
    height, width = samples.shape[:2]
    if interlaced:
        parts = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        raw = b"".join(pack_rows(part, depth) for part in parts if part.size)
    else:
        raw = pack_rows(samples, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra) +
            chunk(b"IDAT", zlib.compress(raw, level)) + b"".join(after) + chunk(b"IEND", b""))


def over_white(rgb, alpha):
    rgb, alpha = rgb.astype(np.int64), alpha.astype(np.int64)[..., None]
    t = (255 - rgb) * alpha + 128
    return (255 - (((t >> 8) + t) >> 8)).astype(np.uint8)


def grey_rgb(grey):
    return np.repeat(grey[..., None], 3, -1)


def exif(orientation, little=True, entries=None):
    order = "<" if little else ">"
    fields = entries or [(0x010F, 2, 4, b"abc\0"), (0x0112, 3, 1, struct.pack(order + "HH", orientation, 0))]
    body = b"".join(struct.pack(order + "HHI", tag, kind, count) + value for tag, kind, count, value in fields)
    return ((b"II*\0" if little else b"MM\0*") + struct.pack(order + "IH", 8, len(fields)) + body + b"\0\0\0\0")


def make_png():
    rng = np.random.default_rng(5)
    for depth in (1, 2, 4, 8):
        grey = rng.integers(0, 2**depth, (H, W))
        shown = grey_rgb((grey * (255 // (2**depth - 1))).astype(np.uint8))
        save(f"grey{depth}.png", png(grey, depth, 0), shown)
        save(f"grey{depth}_interlaced.png", png(grey, depth, 0, interlaced=True), shown)
        palette = rng.integers(0, 256, (2**depth, 3)).astype(np.uint8)
        plte = chunk(b"PLTE", palette.tobytes())
        save(f"palette{depth}.png", png(grey, depth, 3, [plte]), palette[grey])
        opacity = rng.integers(0, 256, max(1, 2**depth // 2)).astype(np.uint8)
        full = np.concatenate([opacity, np.full(2**depth - len(opacity), 255, np.uint8)])
        save(f"palette{depth}_transparent.png", png(grey, depth, 3, [plte, chunk(b"tRNS", opacity.tobytes())]),
             over_white(palette[grey], full[grey]))
    grey = pattern(channels=1)[..., 0]
    key = int(grey[3, 4])
    save("grey8_transparent.png", png(grey, 8, 0, [chunk(b"tRNS", struct.pack(">H", key))]),
         over_white(grey_rgb(grey), np.where(grey == key, 0, 255)))
    wide = pattern(channels=4, seed=2).astype(np.int64) * 256 + rng.integers(0, 256, (H, W, 4))
    high = (wide >> 8).astype(np.uint8)
    save("grey16.png", png(wide[..., 0], 16, 0), grey_rgb(high[..., 0]))
    save("grey_alpha16.png", png(wide[..., [0, 3]], 16, 4), over_white(grey_rgb(high[..., 0]), high[..., 3]))
    save("rgb16.png", png(wide[..., :3], 16, 2), high[..., :3])
    save("rgb16_interlaced.png", png(wide[..., :3], 16, 2, interlaced=True), high[..., :3])
    save("rgba16.png", png(wide, 16, 6), over_white(high[..., :3], high[..., 3]))
    rgba = pattern(channels=4, seed=3)
    gamma = chunk(b"gAMA", struct.pack(">I", 100000))
    save("grey_alpha8.png", png(rgba[..., [0, 3]], 8, 4), over_white(grey_rgb(rgba[..., 0]), rgba[..., 3]))
    save("rgb8.png", png(rgba[..., :3], 8, 2), rgba[..., :3])
    save("rgb8_gamma.png", png(rgba[..., :3], 8, 2, [gamma]), rgba[..., :3])
    save("rgba8.png", png(rgba, 8, 6), over_white(rgba[..., :3], rgba[..., 3]))
    save("rgba8_interlaced.png", png(rgba, 8, 6, [gamma], interlaced=True), over_white(rgba[..., :3], rgba[..., 3]))
    key = rgba[2, 5, :3]
    match = (rgba[..., :3] == key).all(-1)
    save("rgb8_transparent.png", png(rgba[..., :3], 8, 2, [chunk(b"tRNS", struct.pack(">3H", *map(int, key)))]),
         over_white(rgba[..., :3], np.where(match, 0, 255)))
    for width, height in ((1, 1), (1, 23), (23, 1)):
        tiny = pattern(width, height, seed=4)
        save(f"rgb8_{width}x{height}.png", png(tiny, 8, 2), tiny)
        save(f"rgb8_{width}x{height}_interlaced.png", png(tiny, 8, 2, interlaced=True), tiny)
    rgb = rgba[..., :3]
    for orientation in (3, 6):
        shown = {3: rgb[::-1, ::-1], 6: np.rot90(rgb, -1)}[orientation]
        save(f"exif{orientation}.png", png(rgb, 8, 2, [chunk(b"eXIf", exif(orientation))]), shown, orientation)
    save("exif8_after.png", png(rgb, 8, 2, after=[chunk(b"eXIf", exif(8, little=False))]), np.rot90(rgb), 8)
    # Metadata bombs: 1 MB of zeros in a few bytes each; they're skipped unread.
    bomb = zlib.compress(bytes(1 << 20), 9)
    save("text_bombs.png", png(rgb, 8, 2, [
        chunk(b"iCCP", b"p\0\0" + bomb), chunk(b"zTXt", b"t\0\0" + bomb), chunk(b"iTXt", b"t\0\1\0\0\0" + bomb)]), rgb)


# ---------------------------------------------------------------- JPEG
def jpeg_bytes(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **({"quality": 90} | options))
    return out.getvalue()


def shown_by_pillow(data):
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


def ycck(pixels):
    """TurboJPEG turns CMYK pixels into YCCK."""
    turbo = ctypes.CDLL("libturbojpeg.so.0")
    turbo.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(turbo.tjInitCompress())
    buffer, size = ctypes.c_void_p(), ctypes.c_ulong()
    height, width = pixels.shape[:2]
    raw = pixels.tobytes()
    assert turbo.tjCompress2(handle, raw, width, 0, height, 11, ctypes.byref(buffer), ctypes.byref(size), 0, 92, 0) == 0
    return ctypes.string_at(buffer, size.value)


def with_exif(data, block):
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block + data[2:]


def make_jpeg():
    image = Image.fromarray(smooth())
    for name, options in (("444", {"subsampling": 0}), ("422", {"subsampling": 1}), ("420", {"subsampling": 2}),
                          ("progressive", {"progressive": True}), ("restart", {"restart_marker_blocks": 2}),
                          ("rgb", {"keep_rgb": True})):
        data = jpeg_bytes(image, **options)
        save(f"{name}.jpg", data, shown_by_pillow(data), tolerance=3)
    grey = jpeg_bytes(Image.fromarray(smooth(channels=1)[..., 0]))
    save("grey.jpg", grey, shown_by_pillow(grey), tolerance=2)
    for width, height in ((1, 1), (1, 19), (19, 1)):
        data = jpeg_bytes(Image.fromarray(smooth(width, height)))
        save(f"{width}x{height}.jpg", data, shown_by_pillow(data), tolerance=3)
    cmyk = jpeg_bytes(Image.fromarray(smooth(channels=4), "CMYK"))
    save("cmyk.jpg", cmyk, shown_by_pillow(cmyk), tolerance=3)
    data = ycck(255 - smooth(channels=4))
    save("ycck.jpg", data, shown_by_pillow(data), tolerance=3)
    plain = jpeg_bytes(image, subsampling=0)
    for orientation in range(1, 9):
        data = with_exif(plain, exif(orientation, little=orientation % 2 == 0))
        save(f"exif{orientation}.jpg", data, shown_by_pillow(data), orientation, tolerance=3)
    broken = {
        "zero": exif(0), "nine": exif(9), "cut": exif(6)[:20], "entries": exif(6)[:8] + b"\xff\xff",
        "offset": b"II*\0\xff\xff\xff\xff", "empty": b"", "type": exif(6, entries=[(0x0112, 7, 1, b"\6\0\0\0")]),
    }
    for name, block in broken.items():
        save(f"broken_exif_{name}.jpg", with_exif(plain, block), np.asarray(Image.open(io.BytesIO(plain))), tolerance=3)


# ---------------------------------------------------------------- WebP
def make_webp():
    def save_webp(name, image, tolerance, orientation=1, frames=None, **options):
        out = io.BytesIO()
        if frames:
            options |= {"save_all": True, "append_images": frames}
        image.save(out, "WEBP", **options)
        back = ImageOps.exif_transpose(Image.open(io.BytesIO(out.getvalue())))
        if back.mode == "RGBA":
            pixels = np.asarray(back)
            shown = over_white(pixels[..., :3], pixels[..., 3])
        else:
            shown = np.asarray(back.convert("RGB"))
        save(name, out.getvalue(), shown, orientation, tolerance)

    rgb, rgba = Image.fromarray(smooth()), Image.fromarray(pattern(channels=4, seed=6))
    save_webp("lossy.webp", rgb, 2, quality=80)
    save_webp("lossless.webp", rgb, 0, lossless=True)
    save_webp("lossy_alpha.webp", Image.fromarray(smooth(channels=4)), 2, quality=80)
    save_webp("lossless_alpha.webp", rgba, 0, lossless=True, exact=True)
    save_webp("one_pixel.webp", Image.fromarray(pattern(1, 1)), 0, lossless=True)
    save_webp("animated.webp", rgba, 0, lossless=True, exact=True, frames=[Image.fromarray(pattern(channels=4, seed=7))])
    save_webp("exif6.webp", rgb, 0, 6, lossless=True, exif=b"Exif\0\0" + exif(6))
    save_webp("exif5.webp", rgba, 0, 5, lossless=True, exact=True, exif=exif(5, little=False))
    # An animation whose first frame covers a part of the canvas only: white elsewhere.
    part = io.BytesIO()
    Image.fromarray(pattern(11, 7, seed=8)).save(part, "WEBP", lossless=True)
    bitstream = part.getvalue()[12:]
    frame = b"".join(v.to_bytes(3, "little") for v in (3, 5, 10, 6, 100)) + b"\0" + bitstream

    def riff(kind, data):
        return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    canvas = riff(b"VP8X", bytes([2, 0, 0, 0]) + (W - 1).to_bytes(3, "little") + (H - 1).to_bytes(3, "little"))
    body = b"WEBP" + canvas + riff(b"ANIM", bytes(6)) + riff(b"ANMF", frame)
    shown = np.full((H, W, 3), 255, np.uint8)
    shown[10:17, 6:17] = pattern(11, 7, seed=8)
    save("animated_part.webp", b"RIFF" + struct.pack("<I", len(body)) + body, shown)


# ---------------------------------------------------------------- resize
def make_resizes():
    """[width, height, new width, new height, hash of Pillow's bicubic]; the input is `noise` of the tests."""
    cases = []
    sizes = [(1, 1), (1, 40), (40, 1), (2, 3), (37, 29), (64, 48), (448, 448), (640, 480), (333, 517), (1500, 3), (3, 1500)]
    targets = [(1, 1), (448, 448), (7, 5), (37, 29), (224, 336), (112, 112), (500, 20)]
    for width, height in sizes:
        state = np.arange(width * height * 3, dtype=np.uint64)
        state = (state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407))
        pixels = (state >> np.uint64(56)).astype(np.uint8).reshape(height, width, 3)
        pixels[pixels < 60], pixels[pixels > 200] = 0, 255  # sharp edges overshoot and clip
        for new_width, new_height in targets:
            back = Image.fromarray(pixels).resize((new_width, new_height), Image.BICUBIC)
            cases.append([width, height, new_width, new_height, fnv1a(back.tobytes())])
    with open(os.path.join(OUT, "bicubic.json"), "w") as file:
        json.dump(cases, file)


def main():
    os.makedirs(OUT, exist_ok=True)
    make_png()
    make_jpeg()
    make_webp()
    make_resizes()
    with open(os.path.join(OUT, "expected.json"), "w") as file:
        json.dump(expected, file, separators=(",", ":"))


main()
