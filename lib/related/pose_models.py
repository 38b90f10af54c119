"""Pose models side by side: how good their poses are, and what these do to naming verbs."""

import shlex
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from lib.experiments import Results, complete_people, run_experiment
from lib.experiments.inputs import POSE_COLUMNS
from lib.features import evaluate_poses
from lib.models import ActionMLP, SeededModule
from lib.profiles import PoseModel, Profile

FIRST, TRUTH = "HigherHRNet", "true keypoints"
FURTHER: dict[PoseModel, str] = {  # as `profile.toml` calls them: as tables do
    "hrnet_w32": "HRNet-W32",
    "simple_baseline": "Simple Baseline (ResNet-50)",
    "rtmpose": "RTMPose-m",
}
SEEN = ("pose only", "CLIP + pose")
HIDDEN = 256  # a quarter of the thesis's, as many networks are trained


def list_models(profile: Profile) -> pd.DataFrame:
    """Say of every pose model, by name, which `view` is its, whether it is `here`, and how to `get` it."""
    rows = {FIRST: ("pose", True, "")}
    for model, name in FURTHER.items():
        path = profile.pose_models.get(model)
        here = path is not None and path.is_file()
        rows[name] = (f"pose_{model}", here, "" if here else _remedy(profile, model))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["view", "here", "get"]).rename_axis("model")


def _remedy(profile: Profile, model: PoseModel) -> str:
    if model not in profile.pose_models:
        return f"Name its weights as {model} under [pose_models] in {profile.inputs / 'profile.toml'}."
    there = f"Put its weights there: {profile.pose_models[model]}"
    if not profile.downloadable:
        return f"{there}."
    folder = shlex.quote(str(profile.inputs))
    return f"{there}, or run python -m lib.download {folder} --pose-models {model}."


def measure_poses(
    people: pd.DataFrame, poses: Mapping[str, pd.DataFrame], truth: pd.DataFrame
) -> pd.DataFrame:
    """Return, per model, how many of `people` have a pose, COCO's AP, and the mean OKS, 0 without a pose."""
    rows = {}
    for model, table in poses.items():
        similarity, quality = evaluate_poses(people, table, truth)
        rows[model] = table.loc[people.index, "score"].count(), quality["AP"], np.nanmean(similarity)
    columns = ["people with a pose", "AP", "mean OKS"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("model")


def run_pose_models(
    profile: Profile,
    people: pd.DataFrame,
    clip: pd.DataFrame,
    poses: Mapping[str, pd.DataFrame],
    verbs: Sequence[str],
    *,
    seeds: int,
    epochs: int,
    device: str = "cpu",
) -> Results:
    """Run the experiment `10_pose_models`: every model's pose alone and beside `clip`, on the same people."""
    arms: dict[str, pd.DataFrame] = {}
    for model, table in poses.items():
        pose = table[POSE_COLUMNS]
        arms |= zip(arm_names(model), (pose, pd.concat([clip, pose], axis="columns")), strict=True)
    shared = complete_people(arms)
    arms = {arm: table.loc[shared] for arm, table in arms.items()}
    return run_experiment(
        profile,
        "10_pose_models",
        people.loc[shared],
        arms,
        verbs,
        seeds=seeds,
        epochs=epochs,
        device=device,
        make_model=make_narrow_mlp,
    )


def make_narrow_mlp(in_features: int, seeds: Sequence[int], verbs: int) -> SeededModule:
    """Build the thesis's network with a quarter of its hidden numbers."""
    return ActionMLP(in_features, seeds=seeds, hidden=HIDDEN, verbs=verbs)


def arm_names(model: str) -> list[str]:
    """Return the names of a model's two arms."""
    return [f"{model}, {seen}" for seen in SEEN]


def pairs_with_first(models: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of arms to compare: every other model with HigherHRNet, both seeing the same."""
    others = [model for model in models if model != FIRST]
    return [pair for model in others for pair in zip(arm_names(model), arm_names(FIRST), strict=True)]


def accuracies(clean: pd.DataFrame) -> pd.DataFrame:
    """Return `clean_table`'s exact match with `low` and `high`, by `model` and what is `seen`."""
    pairs = [tuple(arm.rsplit(", ", 1)) for arm in clean.index]
    return clean[["exact", "low", "high"]].set_axis(pd.MultiIndex.from_tuples(pairs, names=["model", "seen"]))


def join_accuracies(quality: pd.DataFrame, exact: pd.DataFrame) -> pd.DataFrame:
    """Put each model's `accuracies` beside the quality of its poses, one row per model."""
    parts = [quality]
    for seen in SEEN:
        names = {"exact": seen, "low": f"{seen} low", "high": f"{seen} high"}
        parts.append(exact.xs(seen, level="seen").rename(columns=names))
    return pd.concat(parts, axis="columns")
