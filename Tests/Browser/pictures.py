"""Pictures for the page's tests, drawn here so that no file is needed."""

import io
import random

from PIL import Image, ImageDraw


def scene(width=640, height=480):
    """Sky, hills, a red ball and a blue box, with noise so that files have the size of photographs."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for y in range(height):
        draw.line((0, y, width, y), fill=(120 + 90 * y // height, 170 + 50 * y // height, 225))
    draw.ellipse((-width // 4, height // 2, width * 2 // 3, height * 3 // 2), fill=(96, 140, 84))
    draw.ellipse((width // 3, height * 5 // 9, width * 5 // 4, height * 3 // 2), fill=(78, 120, 72))
    draw.ellipse((width // 6, height // 2, width // 6 + height // 4, height * 3 // 4), fill=(200, 48, 40))
    draw.rectangle((width * 3 // 5, height // 2, width * 4 // 5, height * 3 // 4), fill=(50, 82, 170))
    return image


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def upload(name="scene.jpg", data=None, kind="image/jpeg"):
    """A file as Playwright's set_input_files takes it."""
    return {"name": name, "mimeType": kind, "buffer": data or encoded(scene())}


def turned():
    """A JPEG whose pixels lie on their side: EXIF orientation 6, shown as 480 wide and 640 high."""
    image = scene().rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = image.rotate(90, expand=True)
    return encoded(stored, exif=exif.tobytes()), image.size


def noise(width, height):
    """A picture that compresses badly."""
    data = random.Random(7).randbytes(width * height * 3)
    return Image.frombytes("RGB", (width, height), data)
