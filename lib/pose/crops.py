"""From an image and a person's box to the network's input and back: reading, cropping, 0.29's resize rule."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lib.coco import load_image, to_rgb
from lib.higherhrnet.model import PIXEL_MEAN, PIXEL_STD

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


def cut(image: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Return the part of an (H, W, 3) image inside the whole-pixel box `crop` (x, y, w, h), as a view."""
    x, y, w, h = crop
    return image[y : y + h, x : x + w]


class InputWindow(NamedTuple):
    """Where the network's input lies in the image (MMPose 0.29's center and scale, in pixels)."""

    size: tuple[int, int]  # of the input, w and h
    center: np.ndarray  # (2,), x and y in the image
    extent: np.ndarray  # (2,), the image's pixels that the input spans in x and y

    def warp(self, image: np.ndarray) -> np.ndarray:
        """Resample an (h, w, 3) image to the input size, black beyond its border."""
        factor = self.size[0] / self.extent[0]
        shift = np.array(self.size) / 2 - factor * self.center
        return cv2.warpAffine(image, np.array([[factor, 0, shift[0]], [0, factor, shift[1]]]), self.size)

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Map (..., 2) points from input pixels to image pixels."""
        return points * (self.extent / self.size) + self.center - self.extent / 2


def input_window(
    width: int, height: int, input_size: int = 512, max_pixels: int | None = None
) -> InputWindow:
    """Return MMPose 0.29's input for an image: the short side becomes `input_size`, the long side follows.

    `input_size` and the long side are rounded up to multiples of 64, so the input reaches a little beyond the
    image along the long side. `max_pixels` bounds the input, hence memory: `input_size` falls in steps of 64,
    down to 64, until the input has no more pixels than that. None is 0.29's literal behaviour.
    """
    if min(width, height) < 1:
        raise ValueError(f"an image needs at least one pixel, got {width} x {height}")
    short = _up_to_64(input_size)
    long = _long_side(short, width, height)
    while max_pixels is not None and short * long > max_pixels and short > 64:
        short -= 64
        long = _long_side(short, width, height)
    center = np.array([round(width / 2), round(height / 2)], dtype=np.float64)
    if width < height:
        return InputWindow((short, long), center, np.array([width, long / short * width]))
    return InputWindow((long, short), center, np.array([long / short * height, height]))


def _long_side(short: int, width: int, height: int) -> int:
    return _up_to_64(short / min(width, height) * max(width, height))


def _up_to_64(length: float) -> int:
    return int(np.ceil(length / 64)) * 64


def load_pixels(images: list[np.ndarray]) -> Tensor:
    """Stack uint8 RGB (h, w, 3) images of one size into the network's (B, 3, h, w) float32 input."""
    pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()  # stays channels_last in memory
    return pixels.sub_(torch.tensor(PIXEL_MEAN)[:, None, None]).div_(torch.tensor(PIXEL_STD)[:, None, None])
