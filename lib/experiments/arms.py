"""What an arm of an experiment sees of each person, and who drops out of it, and why."""

from collections.abc import Mapping, Sequence

import pandas as pd

from lib.coco import KEYPOINTS
from lib.features import load_features
from lib.profiles import DataError, Profile

# The thesis's 51 numbers: x, y in pixels of the crop and confidence, joint after joint.
POSE_COLUMNS = [f"crop_{joint}_{value}" for joint in KEYPOINTS for value in ("x", "y", "score")]


def assemble(
    profile: Profile, people: pd.DataFrame, views: Sequence[str], without_pose: str = "drop"
) -> pd.DataFrame:
    """Return the inputs of people, float32: the numbers of each view side by side, NaN where one is missing.

    Of the view `pose` the 51 numbers of the thesis. `without_pose` says what becomes of people in whom the
    network found nobody: `drop` leaves NaN, so that they drop out of the arm, `zeros` gives 51 zeros. Raises
    DataError where features are absent or stale.
    """
    if without_pose not in ("drop", "zeros"):
        raise DataError(f'WITHOUT_POSE is {without_pose!r}; choose "drop" or "zeros".')
    parts = []
    for view in views:
        features = load_features(profile, view, people)
        if view == "pose":
            if without_pose == "zeros":  # whose image cannot be read has no crop either, and stays missing
                features = features.mask(features["crop_w"].notna() & features["score"].isna(), 0)
            features = features[POSE_COLUMNS]
        parts.append(features)
    return pd.concat(parts, axis="columns")


def complete_people(inputs: pd.DataFrame | Mapping[str, pd.DataFrame]) -> pd.Index:
    """Return the people whom no number is missing of, in every one of several arms."""
    tables = [inputs] if isinstance(inputs, pd.DataFrame) else list(inputs.values())
    complete = pd.concat([table.notna().all(axis="columns") for table in tables], axis="columns")
    return complete.index[complete.all(axis="columns")]


def count_people(profile: Profile, people: pd.DataFrame, inputs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Count, per arm and split, the `people`, those `used`, and those dropped, by reason.

    Raises ValueError where people are dropped for no known reason: every drop is to be explained.
    """
    unreadable = load_features(profile, "clip_crop", people).isna().any(axis="columns")
    rows = {}
    for arm, table in inputs.items():
        lacking = table.isna().any(axis="columns").loc[people.index]
        no_pose = lacking & ~unreadable & table.filter(like="_score").isna().any(axis="columns")
        if (unknown := lacking & ~unreadable & ~no_pose).any():
            raise ValueError(f"{arm}: {unknown.sum()} people lack numbers, and neither an image nor a pose")
        for split in people["split"].unique():
            mine = people["split"] == split
            rows[arm, split] = {
                "people": mine.sum(),
                "used": (mine & ~lacking).sum(),
                "image unreadable": (mine & lacking & unreadable).sum(),
                "no pose": (mine & no_pose).sum(),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["arm", "split"])


def drop_rare_verbs(
    people: pd.DataFrame, verbs: Sequence[str], fewest: int = 10
) -> tuple[pd.Index, list[str]]:
    """Return who is left without the verbs of fewer than `fewest` train labels, and those verbs.

    The thesis's experiment 4: everybody, of any split, who has a verb with a single-digit count is removed.
    """
    counts = people.loc[people["split"] == "train", list(verbs)].sum()
    rare = [verb for verb in verbs if counts[verb] < fewest]
    return people.index[~people[rare].any(axis="columns")], rare
