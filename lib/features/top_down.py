"""Views of people as MMPose's top-down pose models see them, beside HigherHRNet's view `pose`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lib.features.views import PAD, POSE_GROUPS, EncoderSettings, sha256, versions
from lib.profiles import PoseModel, Profile

if TYPE_CHECKING:
    from lib.pose import PoseEstimator


@dataclass(frozen=True, kw_only=True)
class TopDownSettings(EncoderSettings):
    """How a top-down model is run; always in float32."""

    model: PoseModel

    def load(self) -> "PoseEstimator":
        """Read the weights; raises DataError where they cannot be used."""
        from lib.pose import PoseEstimator

        batch_size = self.batch(8, 64)
        return PoseEstimator(
            self.weights, model=self.model, pad=PAD, device=self.device, batch_size=batch_size
        )


@dataclass(frozen=True)
class TopDownView:
    """The pose in the person's box: columns as `PoseView`'s, so that one can stand for the other.

    The crop is `PoseView`'s too; the network itself sees its own window around the box, so the whole image is
    kept until then. Methods as `View`'s.
    """

    encoder: TopDownSettings
    per_image: bool = False

    @property
    def name(self) -> str:
        """Return the name of the table, such as `pose_rtmpose`."""
        return f"pose_{self.encoder.model}"

    def ingredients(self) -> dict[str, object]:
        """Return what poses depend on; raises DataError where the weights cannot be read."""
        return {
            "encoder": self.encoder.model,
            "weights_sha256": sha256(self.encoder.weights),
            "input": "person's box",
            "margin_px": PAD,
            "preprocessing": "EXIF upright, RGB, MMPose 1.x's own, flip test as its config says",
            "precision": "float32",
            "versions": versions("torch", "mmpose", "opencv-python-headless", "pillow"),
        }

    def groups(self, columns: Sequence[str]) -> Mapping[str, list[str]]:
        """Return two lists: the joints in pixels of the image, and of the crop."""
        return POSE_GROUPS

    def prepare(self, encoder: object, pixels: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the whole image's pixels, and the box."""
        return pixels, box

    def encode(self, encoder: "PoseEstimator", inputs: list[tuple[np.ndarray, np.ndarray]]) -> pd.DataFrame:
        """Return the poses in boxes, in pixels of the image and of the crop."""
        boxes = np.array([box for _, box in inputs]).reshape(-1, 4)
        return encoder.estimate([pixels for pixels, _ in inputs], boxes).to_frame().astype(np.float32)


def top_down_views(profile: Profile, device: str = "cpu") -> tuple[TopDownView, ...]:
    """Return a view per pose model that the profile names, whether its weights are there or not."""
    return tuple(
        TopDownView(TopDownSettings(weights, device, model=model))
        for model, weights in profile.pose_models.items()
    )
