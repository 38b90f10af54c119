"""Pictures of any kind as pixels, and the part of them around a person: what every encoder is given."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lib.coco import load_image, to_rgb

Picture = np.ndarray | Image.Image | str | Path


def read_image(picture: Picture) -> np.ndarray:
    """Return any picture as uint8 RGB (h, w, 3).

    A path or PIL image becomes what `lib.coco.load_image` says. An array is taken as it is: (h, w), (h, w, 3)
    or (h, w, 4), uint8 or uint16. Raises ValueError where it is none of these.
    """
    if isinstance(picture, str | Path):
        return np.asarray(load_image(picture))
    if isinstance(picture, Image.Image):
        return np.asarray(to_rgb(picture))
    return _array_to_rgb(picture)


def group_by_image(pictures: Sequence[Picture]) -> list[list[int]]:
    """Return the positions of each picture among `pictures`: equal paths are one, else the same object is."""
    groups: dict[str | int, list[int]] = {}
    for position, picture in enumerate(pictures):
        name = str(picture) if isinstance(picture, str | Path) else id(picture)
        groups.setdefault(name, []).append(position)
    return list(groups.values())


def _array_to_rgb(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or not pixels.size:
        raise ValueError(
            f"the array: expected pixels (h, w), (h, w, 3) or (h, w, 4) of 8 or 16 bits, "
            f"got {pixels.shape} of {pixels.dtype}"
        )
    return np.ascontiguousarray(pixels[..., :3])


def grow_box(box: np.ndarray, width: int, height: int, pad: float = 20) -> np.ndarray:
    """Grow a box (x, y, w, h) by `pad` on every side, clipped to the image: whole pixels, at least one.

    Raises ValueError where the box is not finite, has a negative side, or does not meet the image.
    """
    x, y, w, h = (float(value) for value in box)
    meets = x < width and y < height and x + w >= 0 and y + h >= 0
    if not (np.isfinite([x, y, w, h]).all() and min(w, h) >= 0 and meets):
        raise ValueError(f"box {[x, y, w, h]} (x, y, w, h) does not lie in an image of {width} x {height}")
    left, right = _grow_side(x, w, width, pad)
    top, bottom = _grow_side(y, h, height, pad)
    return np.array([left, top, right - left, bottom - top])


def _grow_side(start: float, length: float, limit: int, pad: float) -> tuple[int, int]:
    low = min(max(0, round(start - pad)), limit - 1)
    return low, max(low + 1, min(limit, round(start + length + pad)))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the intersection over union of two boxes (x, y, w, h)."""
    sides = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    shared = np.prod(np.maximum(0, sides))
    return float(shared / max(np.prod(a[2:]) + np.prod(b[2:]) - shared, 1e-9))


def cut(image: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Return the part of an (H, W, 3) image inside the whole-pixel box `crop` (x, y, w, h), as a view."""
    x, y, w, h = crop
    return image[y : y + h, x : x + w]
