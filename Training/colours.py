"""Colour words from pixels."""
import numpy as np

NAMES = ["black", "gray", "white", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown"]


def colour_shares(rgb):
    """rgb [n, 3] uint8 -> {colour word: share of the pixels}, shares under 3% left out."""
    if len(rgb) == 0:
        return {}
    x = rgb[:: max(1, len(rgb) // 4000)].astype(np.float32) / 255
    hi, lo = x.max(1), x.min(1)
    chroma = hi - lo
    sat = chroma / np.maximum(hi, 1e-4)
    r, g, b = x.T
    c = np.maximum(chroma, 1e-4)
    hue = np.where(hi == r, ((g - b) / c) % 6, np.where(hi == g, (b - r) / c + 2, (r - g) / c + 4)) * 60
    word = np.select(
        [hi < 0.2, (sat < 0.15) & (hi > 0.8), sat < 0.15,
         (hue >= 10) & (hue < 45) & (hi < 0.62), (hue < 10) | (hue >= 345), hue < 42, hue < 68, hue < 165, hue < 255, hue < 295],
        [0, 2, 1, 10, 3, 4, 5, 6, 7, 8], 9)
    word = np.where((word == 3) & (sat < 0.5) & (hi > 0.7), 9, word)      # pale red is pink
    counts = np.bincount(word, minlength=len(NAMES)) / len(x)
    return {NAMES[i]: round(float(s), 3) for i, s in enumerate(counts) if s >= 0.03}


def main_colour(shares):
    """The word that most of the object has, or None."""
    if not shares:
        return None
    name = max(shares, key=shares.get)
    return name if shares[name] >= 0.5 else None
