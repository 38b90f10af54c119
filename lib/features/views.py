"""Views of a person that become features: CLIP of the whole image, CLIP of the crop, pose.

A view says what is computed and from which ingredients, without computing anything; `load` reads the weights.
The encoders are imported where they are used: with torchvision and mmpose they take seconds, which those who
only read tables, or images for other processes, need not wait for.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from lib.coco import JOINTS
from lib.profiles import DataError, Profile

if TYPE_CHECKING:
    from lib.clip_features import ClipEncoder
    from lib.pose import PoseEstimator
    from lib.pose.estimator import PoseInput

PAD = 20  # pixels around a person's box, as the thesis crops
POSE_GROUPS = MappingProxyType(
    {
        "image": [f"image_{joint}_{value}" for joint in JOINTS for value in ("x", "y", "score")],
        "crop": [f"crop_{joint}_{value}" for joint in JOINTS for value in ("x", "y", "score")],
    }
)


class View(Protocol):
    """What `extract` asks of a view; they are frozen dataclasses, which travel to other processes."""

    @property
    def name(self) -> str:
        """The name of its table."""

    @property
    def encoder(self) -> "EncoderSettings":
        """The settings of its network; views with equal settings share one."""

    @property
    def per_image(self) -> bool:
        """Whether all people of an image have the same input."""

    def ingredients(self) -> dict[str, object]:
        """Return everything that the numbers depend on; a table made of anything else is never served."""

    def groups(self, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """Return the columns that are one fixed-size list in the file, by the list's name."""

    def prepare(self, encoder: Any, pixels: np.ndarray, box: np.ndarray) -> object:
        """Return the encoder's input for one person; runs in other threads than `encode`."""

    def encode(self, encoder: Any, inputs: list) -> pd.DataFrame:
        """Return one row of float32 features per input."""


@dataclass(frozen=True)
class EncoderSettings:
    """How a network is run. `batch_size` None: what suits the device."""

    weights: Path
    device: str = "cpu"
    precision: str = "float32"
    batch_size: int | None = None

    def load(self) -> object:
        """Read the weights; raises DataError where they cannot be used."""
        raise NotImplementedError

    @property
    def on_gpu(self) -> bool:
        """Whether the device is not the CPU, which may have a number."""
        return not str(self.device).startswith("cpu")

    def batch(self, on_cpu: int, on_gpu: int) -> int:
        """Return the batch size, by the device where none was asked for."""
        return self.batch_size or (on_gpu if self.on_gpu else on_cpu)


class ClipSettings(EncoderSettings):
    """How CLIP is run; several views share one network."""

    def load(self) -> "ClipEncoder":
        """Read the weights, those for images only; raises DataError where they cannot be used."""
        from lib.clip_features import ClipEncoder

        batch_size = self.batch(32, 256)
        encoder = ClipEncoder(
            self.weights, device=self.device, precision=self.precision, batch_size=batch_size
        )
        return encoder.drop_text()


class PoseSettings(EncoderSettings):
    """How HigherHRNet is run."""

    def load(self) -> "PoseEstimator":
        """Read the weights; raises DataError where they cannot be used."""
        from lib.pose import PoseEstimator

        return PoseEstimator(
            self.weights,
            pad=PAD,
            device=self.device,
            precision=self.precision,
            batch_size=self.batch(2, 32),
        )


@dataclass(frozen=True)
class ClipView:
    """CLIP's numbers of the whole image, or of the box grown by `PAD` pixels; methods as `View`'s."""

    name: str
    encoder: ClipSettings
    cropped: bool

    @property
    def per_image(self) -> bool:
        """Say whether the input is the whole image."""
        return not self.cropped

    def ingredients(self) -> dict[str, object]:
        """Return what CLIP's numbers depend on; raises DataError where the weights cannot be read."""
        from lib.clip_features.weights import find_weights

        return {
            "encoder": "CLIP",
            "weights_sha256": sha256(find_weights(self.encoder.weights)),
            "input": "person's box" if self.cropped else "whole image",
            "margin_px": PAD if self.cropped else None,
            "preprocessing": "EXIF upright, RGB, short side resized bicubic, centre crop, clip's colours",
            "normalised": False,
            "precision": precision_of(self.encoder),
            "versions": versions("torch", "torchvision", "clip-anytorch", "pillow"),
        }

    def groups(self, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """Return one list, of all numbers."""
        return {"features": list(columns)}

    def prepare(self, encoder: "ClipEncoder", pixels: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Return the network's square input, (resolution, resolution, 3) uint8."""
        return encoder.prepare(pixels, box if self.cropped else None, pad=PAD)

    def encode(self, encoder: "ClipEncoder", inputs: list[np.ndarray]) -> pd.DataFrame:
        """Return (n, dim) features as they come from the network, not normalised."""
        features = np.empty((len(inputs), encoder.dim), dtype=np.float32)
        for start in range(0, len(inputs), encoder.batch_size):
            chunk = slice(start, start + encoder.batch_size)
            features[chunk] = encoder.encode_prepared(np.stack(inputs[chunk]))
        return pd.DataFrame(features, columns=[f"{self.name}_{i}" for i in range(encoder.dim)])


@dataclass(frozen=True)
class PoseView:
    """The best pose in the person's box grown by `PAD` pixels: score, found, crop, 2 x 51 numbers.

    Columns as `lib.pose.Poses.to_frame`, NaN where nobody was found; methods as `View`'s.
    """

    encoder: PoseSettings
    name: str = "pose"
    per_image: bool = False

    def ingredients(self) -> dict[str, object]:
        """Return what poses depend on; raises DataError where the weights cannot be read."""
        return {
            "encoder": "HigherHRNet",
            "weights_sha256": sha256(self.encoder.weights),
            "input": "person's box",
            "margin_px": PAD,
            "preprocessing": "EXIF upright, RGB, MMPose 0.29's resize and rounding, flip test",
            "precision": precision_of(self.encoder),
            "versions": versions("torch", "mmpose", "munkres", "opencv-python-headless", "pillow"),
        }

    def groups(self, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """Return two lists: the joints in pixels of the image, and of the crop."""
        return POSE_GROUPS

    def prepare(self, encoder: "PoseEstimator", pixels: np.ndarray, box: np.ndarray) -> "PoseInput":
        """Return the network's input of the person's crop, whose size does not grow with the image's."""
        return encoder.prepare(pixels, box)

    def encode(self, encoder: "PoseEstimator", inputs: list["PoseInput"]) -> pd.DataFrame:
        """Return the poses of crops, in pixels of the crop and of the image."""
        return encoder.estimate_prepared(inputs).to_frame().astype(np.float32)


def profile_views(
    profile: Profile, device: str = "cpu", precision: str = "float32"
) -> tuple[ClipView, ClipView, PoseView]:
    """Return the experiments' views, `clip_full`, `clip_crop` and `pose`, with the profile's weights.

    What `auto` is on this machine holds wherever the views are computed.
    """
    if precision == "auto":
        precision = precision_of(EncoderSettings(profile.pose_weights, device, precision))
    clip = ClipSettings(profile.clip_weights, device, precision)
    pose = PoseSettings(profile.pose_weights, device, precision)
    return ClipView("clip_full", clip, False), ClipView("clip_crop", clip, True), PoseView(pose)


def precision_of(settings: EncoderSettings) -> str:
    """Return the number type that the network runs in, `auto` resolved."""
    from lib.precision import choose_dtype

    return str(choose_dtype(settings.precision, settings.device)).removeprefix("torch.")


def versions(*packages: str) -> dict[str, str]:
    """Return the installed versions of packages."""
    return {package: version(package) for package in packages}


def sha256(path: Path) -> str:
    """Return a file's sha256; raises DataError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: weights cannot be read ({error.strerror}); see data/README.md.") from None
