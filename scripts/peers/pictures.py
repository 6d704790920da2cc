"""Records what Pillow makes of a small picture: Tests/Fixtures/training/pictures.json, for our unit tests of RandAugment.

    python scripts/peers/pictures.py
"""

import json
import pathlib

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

SIDE = 24
# Smooth with some noise, dark to bright, so that every operation changes something.
y, x = np.mgrid[0:SIDE, 0:SIDE]
noise = np.random.default_rng(3).integers(0, 30, (SIDE, SIDE, 3))
pixels = np.stack([20 + 6 * x, 40 + 5 * y, 30 + 3 * (x + y)], 2) + noise
picture = Image.fromarray(pixels.astype(np.uint8))

cases = {
    "stretch": ImageOps.autocontrast(picture),
    "equalize": ImageOps.equalize(picture),
    "invert": ImageOps.invert(picture),
    "posterize-3": ImageOps.posterize(picture, 3),
    "solarize-100": ImageOps.solarize(picture, 100),
    "solarize-add-60": picture.point([min(255, i + 60) if i < 128 else i for i in range(256)] * 3),
    "colour-1.6": ImageEnhance.Color(picture).enhance(1.6),
    "contrast-0.4": ImageEnhance.Contrast(picture).enhance(0.4),
    "brightness-1.3": ImageEnhance.Brightness(picture).enhance(1.3),
    "sharpness-1.8": ImageEnhance.Sharpness(picture).enhance(1.8),
    "rotate-21": picture.rotate(21, Image.BILINEAR, fillcolor=(115, 115, 115)),
    "shear-x": picture.transform(picture.size, Image.AFFINE, (1, 0.21, 0, 0, 1, 0), Image.BILINEAR, fillcolor=(115,) * 3),
    "shear-y": picture.transform(picture.size, Image.AFFINE, (1, 0, 0, -0.21, 1, 0), Image.BILINEAR, fillcolor=(115,) * 3),
    "translate-x": picture.transform(picture.size, Image.AFFINE, (1, 0, 4.8, 0, 1, 0), Image.BILINEAR, fillcolor=(115,) * 3),
}
target = pathlib.Path("Tests/Fixtures/training/pictures.json")
target.write_text(
    json.dumps(
        {
            "side": SIDE, "picture": np.asarray(picture).reshape(-1).tolist(),
            "cases": {name: np.asarray(result).reshape(-1).tolist() for name, result in cases.items()},
        }) + "\n")
