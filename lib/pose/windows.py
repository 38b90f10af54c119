"""From a person's crop to HigherHRNet's input and back: MMPose 0.29's resize rule."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from lib.higherhrnet.model import PIXEL_MEAN, PIXEL_STD


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
    down to 64, until the input has no more pixels than that. None is 0.29's literal behaviour. Raises
    ValueError for an image without pixels.
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
