"""What a model sees of a person, said once: for experiments, for saved models, for any image."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import msgspec
import numpy as np
import pandas as pd

from lib.coco import BOX
from lib.features.views import POSE_GROUPS
from lib.pose.keypoints import keypoint_moments, normalise_keypoints

# The thesis's 51 numbers: x, y in pixels of the crop and confidence, joint after joint.
POSE_COLUMNS = POSE_GROUPS["crop"]

ViewName = Literal["clip_crop", "clip_full", "pose"]
ClipForm = Literal["raw", "unit"]
PoseForm = Literal["raw", "crop", "box", "torso", "standard"]
WithoutPose = Literal["drop", "zeros"]


class InputForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which numbers of a person a model gets, and in which form; the defaults are the thesis's.

    views         whose numbers stand side by side: CLIP's, in this order, then the pose's
    clip          `raw`, as they come from CLIP; `unit`, each view's divided by their length
    pose          a form of `normalise_keypoints`
    without_pose  people in whom the network found nobody: `drop` leaves NaN, so that they drop out; `zeros`
                  gives 51 zeros
    moments       what the form `standard` needs of train people, (2, 17, 2) as nested tuples; `fit` finds it

    Raises ValueError for a value that is none of these.
    """

    views: tuple[ViewName, ...]
    clip: ClipForm = "raw"
    pose: PoseForm = "raw"
    without_pose: WithoutPose = "drop"
    moments: tuple[tuple[tuple[float, float], ...], ...] | None = None

    def __post_init__(self) -> None:
        _check("views", self.views, ViewName)
        for name, kind in (("clip", ClipForm), ("pose", PoseForm), ("without_pose", WithoutPose)):
            _check(name, [getattr(self, name)], kind)
        if self.moments is not None and np.shape(self.moments) != (2, 17, 2):
            raise ValueError(f"moments have the shape (2, 17, 2), got {np.shape(self.moments)}")

    @classmethod
    def from_dict(cls, content: object) -> "InputForm":
        """Read what `to_dict` gave; ValueError names the field that is wrong."""
        return msgspec.convert(content, cls)

    def to_dict(self) -> dict[str, object]:
        """Return all fields as what JSON can say."""
        return msgspec.to_builtins(self)

    def fit(self, features: Mapping[str, pd.DataFrame], train: pd.Index) -> "InputForm":
        """Return the same with the statistics that it needs, of the `train` people alone."""
        if "pose" not in self.views or self.pose != "standard":
            return self
        moments = keypoint_moments(_joints(features["pose"].loc[train], "crop"))
        nested = tuple(tuple(map(tuple, joints)) for joints in moments.tolist())
        return msgspec.structs.replace(self, moments=nested)

    def apply(self, people: pd.DataFrame, features: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return the numbers of people, float32, NaN where one is missing.

        people    one row a person, with the box in pixels of the image
        features  tables as `load_features` and views give them, by view, with a row for each of the people

        CLIP's columns keep their names; the pose's are `POSE_COLUMNS`, whatever its form.
        """
        tables = {view: features[view].loc[people.index] for view in self.views}
        parts = [self._clip(table) for view, table in tables.items() if view != "pose"]
        if "pose" in tables:
            parts.append(self._pose(people, tables["pose"]))
        return pd.concat(parts, axis="columns")

    def _clip(self, table: pd.DataFrame) -> pd.DataFrame:
        if self.clip == "raw":
            return table
        return table.div(np.linalg.norm(table, axis=1), axis="index")

    def _pose(self, people: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
        forms = normalise_keypoints(
            _joints(table, "image" if self.pose == "box" else "crop"),  # a person's box is given in the image
            self.pose,
            sizes=table[["crop_w", "crop_h"]].to_numpy(float),
            boxes=people[BOX].to_numpy(float),
            moments=self.moments,
        )
        numbers = pd.DataFrame(forms.reshape(-1, 51), table.index, POSE_COLUMNS).astype(np.float32)
        if self.without_pose == "zeros":  # whose image cannot be read has no crop either, and stays missing
            numbers[table["crop_w"].notna() & table["score"].isna()] = 0
        return numbers


def shuffle_poses(inputs: pd.DataFrame, splits: pd.Series, seed: int = 0) -> pd.DataFrame:
    """Return inputs in which each person has the pose of somebody of the same split, at random.

    The control for an arm with pose: everything is as it was but whose pose it is.
    """
    generator, shuffled = np.random.default_rng(seed), inputs.copy()
    for _, members in inputs.groupby(splits.loc[inputs.index], sort=False):
        poses = members[POSE_COLUMNS].to_numpy()
        shuffled.loc[members.index, POSE_COLUMNS] = poses[generator.permutation(len(poses))]
    return shuffled


def _check(name: str, values: Sequence[object], kind: object) -> None:
    """Raise ValueError where values are none, repeated, or not among a Literal's."""
    choices = get_args(kind)
    if not values or len(set(values)) < len(values) or not set(values) <= set(choices):
        raise ValueError(f"{name}: choose from {', '.join(choices)}, got {', '.join(map(str, values))}")


def _joints(table: pd.DataFrame, group: str) -> np.ndarray:
    """Return keypoints (people, 17, 3) in pixels of the `image` or of the `crop`."""
    return table[POSE_GROUPS[group]].to_numpy(float).reshape(-1, 17, 3)
