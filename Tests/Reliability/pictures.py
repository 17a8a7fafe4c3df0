"""Pictures that lie, bombs and odd ones, made with the standard library from the image fixtures."""

import random
import struct
import zlib

from harness import FIXTURES

SCAN = bytes([0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 1, 0, 0])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, color=2, depth=8, pixels=b"", extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def black(width, height):
    """A whole PNG of nothing but black, a thousandth of its pixels' size."""
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + 3 * width)
    pixels = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(width, height, pixels=pixels)


def blocks(number):
    """A PNG of 320 x 240 pixels in blocks of colours that are like no other number's."""
    colours = random.Random(number).randbytes(3 * 20 * 15)
    rows = (b"\0" + b"".join(colours[3 * at:3 * at + 3] * 16 for at in range(20 * y, 20 * y + 20)) for y in range(15))
    return png(320, 240, pixels=zlib.compress(b"".join(row * 16 for row in rows), 1))


def fixture(name):
    return (FIXTURES / name).read_bytes()


def resized_header(name, width, height):
    """A JPEG whose frame header claims another size."""
    data = bytearray(fixture(name))
    frame = next(at for at in range(len(data)) if data[at] == 0xFF and data[at + 1] in (0xC0, 0xC2))
    data[frame + 5:frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def scans(count):
    data = fixture("progressive.jpg")
    return data[:-2] + SCAN * count + data[-2:]


def webp_canvas(width, height):
    extended = b"VP8X" + struct.pack("<IB3x", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    still = fixture("lossy.webp")[12:]
    return b"RIFF" + struct.pack("<I", 4 + len(extended) + len(still)) + b"WEBP" + extended + still


def cases():
    """(name, bytes, file name, status expected; None: any of 200 and 4xx)"""
    bomb = zlib.compress(b"\0" * 100_000_000, 9)
    tiny = zlib.compress(b"\0\1\2\3")
    for name in ["grey16.png", "rgb16_interlaced.png", "rgba16.png", "cmyk.jpg", "ycck.jpg", "palette4_transparent.png",
                 "palette1_transparent.png", "rgba8_interlaced.png", "rgb8_1x1.png", "rgb8_1x23.png", "rgb8_23x1.png",
                 "1x1.jpg", "1x19.jpg", "19x1.jpg", "one_pixel.webp", "animated.webp", "exif8.jpg", "broken_exif_cut.jpg",
                 "text_bombs.png", "lossy_alpha.webp", "progressive.jpg", "restart.jpg", "grey.jpg"]:
        yield name, fixture(name), name, 200
    yield "PNG of 65,535 x 65,535 claimed", png(65535, 65535, pixels=tiny), "a.png", 413
    yield "PNG of 2^31 x 1 claimed", png(2**31, 1, pixels=tiny), "a.png", 422
    yield "PNG of 0 x 0 claimed", png(0, 0, pixels=tiny), "a.png", 422
    yield "PNG of 16,384 x 16,384 claimed", png(16384, 16384, pixels=tiny), "a.png", 413
    yield "PNG of 6,000 x 6,000 claimed, one pixel sent", png(6000, 6000, pixels=tiny), "a.png", 422
    yield "JPEG of 65,535 x 65,535 claimed", resized_header("444.jpg", 65535, 65535), "a.jpg", 413
    yield "JPEG of 6,144 x 6,144 claimed, 37 x 29 sent", resized_header("444.jpg", 6144, 6144), "a.jpg", 422
    yield "WebP canvas of 16,384 x 16,384 claimed", webp_canvas(16384, 16384), "a.webp", 422
    yield "JPEG with 5,000 scans", scans(5000), "a.jpg", 413
    yield "JPEG with 300,000 scans (4 MB)", scans(300_000), "a.jpg", 413
    yield "PNG with a text of 100 MB packed", png(1, 1, pixels=tiny, extra=chunk(b"zTXt", b"k\0\0" + bomb)), "a.png", 200
    yield "PNG with a profile of 100 MB packed", png(1, 1, pixels=tiny, extra=chunk(b"iCCP", b"k\0\0" + bomb)), "a.png", 200
    yield "PNG whose pixels unpack to 100 MB too many", png(1, 1, pixels=bomb), "a.png", 422
    for name in ["444.jpg", "progressive.jpg", "rgb8.png", "lossy.webp", "lossless.webp"]:
        data = fixture(name)
        for share in (0.02, 0.5, 0.98):
            yield f"{name} cut at {share:.0%}", data[:int(len(data) * share)], name, None
    yield "a PNG named .jpg", fixture("rgb8.png"), "a.jpg", 200
    yield "a JPEG named .png", fixture("444.jpg"), "a.png", 200
    for name, data, kind in [
            ("a text named .png", b"hello", 415), ("an empty file", b"", None), ("a GIF", b"GIF89a\1\0\1\0\0\0\0;", 415),
            ("an SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415), ("a PDF", b"%PDF-1.7", 415),
            ("two bytes of a JPEG", b"\xff\xd8", None), ("a PNG's signature", b"\x89PNG\r\n\x1a\n", None)]:
        yield name, data, "a.png", kind
