"""What an arm of an experiment sees of each person, and who drops out of it, and why."""

from collections.abc import Mapping, Sequence

import pandas as pd

from lib.experiments.inputs import InputForm, ViewName, WithoutPose
from lib.features import load_features
from lib.features.poses import CONFIDENT
from lib.profiles import DataError, Profile


def assemble(
    profile: Profile, people: pd.DataFrame, views: Sequence[ViewName], without_pose: WithoutPose = "drop"
) -> pd.DataFrame:
    """Return the inputs of people in the thesis's form, float32, NaN where a number is missing.

    CLIP's numbers as they are, of the view `pose` 51 numbers on crop pixels: see `InputForm`. `without_pose`
    says what becomes of people in whom the network found nobody. Raises DataError where features are absent
    or stale.
    """
    if without_pose not in ("drop", "zeros"):
        raise DataError(f'WITHOUT_POSE is {without_pose!r}; choose "drop" or "zeros".')
    form = InputForm(tuple(views), without_pose=without_pose)
    return form.apply(people, {view: load_features(profile, view, people) for view in views})


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


def confident_people(people: pd.DataFrame, scores: pd.Series) -> pd.DataFrame:
    """Return those of `people` whose pose score is 0.5 or more, the thesis's rule in experiments 3 and 4.

    `scores` are indexed by `ann_id`, NaN where no pose was found. Raises DataError where a split has nobody.
    """
    confident = people[scores.loc[people.index] >= CONFIDENT]
    for split in people["split"].unique():
        if not (confident["split"] == split).any():
            raise DataError(
                f"Nobody of {split} has a pose score of {CONFIDENT} or more, which experiments 3 and 4 need; "
                "notebook 02 shows the scores."
            )
    return confident


def drop_rare_verbs(
    people: pd.DataFrame, verbs: Sequence[str], fewest: int = 10
) -> tuple[pd.Index, list[str]]:
    """Return who is left without the verbs of fewer than `fewest` train labels, and those verbs.

    The thesis's experiment 4: everybody, of any split, who has a verb with a single-digit count is removed.
    """
    counts = people.loc[people["split"] == "train", list(verbs)].sum()
    rare = [verb for verb in verbs if counts[verb] < fewest]
    return people.index[~people[rare].any(axis="columns")], rare
