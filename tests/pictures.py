"""What the tests of pose share: the narrowest HigherHRNet's settings, drawn pictures, boxes of every kind."""

import numpy as np
from PIL import Image
from reference import NARROW

TINY = NARROW | {"modules": (1, 1, 1), "blocks": 1, "input_size": 64}


def draw_picture(seed: int, width: int = 120, height: int = 90) -> np.ndarray:
    """Draw a picture of smooth colours, so that neighbouring pixels resemble each other as in photographs."""
    noise = np.random.default_rng(seed).integers(256, size=(8, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


PICTURES = [draw_picture(0), draw_picture(1, 60, 140), draw_picture(2, 200, 50)]
# Inside, at each border, across it, one pixel, no pixel, one row, the whole image.
BOXES = np.array(
    [
        [30, 20, 40, 50],
        [0, 0, 20, 30],
        [100, 60, 20, 30],
        [-15, -10, 50, 40],
        [60, 40, 1, 1],
        [119, 89, 1, 1],
        [50.4, 40.6, 0, 0],
        [0, 45, 120, 1],
        [0, 0, 120, 90],
    ]
)


def persons() -> tuple[list[np.ndarray], np.ndarray]:
    images = [PICTURES[0]] * len(BOXES) + [PICTURES[1]] * 2 + [PICTURES[2]] * 2
    more = [[10, 10, 30, 100], [5, 100, 40, 40], [10, 5, 180, 40], [150, 10, 30, 30]]
    return images, np.concatenate([BOXES, more])
