"""Pose models side by side: how good their poses are, and what these do to naming verbs."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from lib.coco import KEYPOINTS
from lib.experiments import Results, complete_people, run_experiment
from lib.experiments.inputs import POSE_COLUMNS
from lib.features.views import POSE_GROUPS
from lib.models import ActionMLP, SeededModule
from lib.pose import evaluate_people
from lib.profiles import Profile

FIRST, TRUTH = "HigherHRNet", "true keypoints"
FURTHER = {  # as `profile.toml` calls them: as tables do
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


def _remedy(profile: Profile, model: str) -> str:
    if model not in profile.pose_models:
        return f"Name its weights as {model} under [pose_models] in {profile.inputs / 'profile.toml'}."
    download = ", or run python -m lib.pose_weights" if profile.downloadable else ""
    return f"Put its weights there: {profile.pose_models[model]}{download}."


def true_poses(people: pd.DataFrame, truth: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """Return COCO's true keypoints with the columns of a view of poses that experiments use, float32.

    `truth` is that of `load_keypoints`, `crops` has `crop_x` and `crop_y`. The confidence of a visible joint
    is 1, of a hidden one 0.5; a joint that is not labelled is 0, 0, 0, a person without labels NaN.
    """
    joints = truth.loc[people.index].to_numpy(float).reshape(-1, len(KEYPOINTS), 3)
    labelled = joints[..., 2:] > 0
    corner = np.insert(crops.loc[people.index, ["crop_x", "crop_y"]].to_numpy(float), 2, 0, axis=1)
    image = np.where(labelled, joints * [1, 1, 0.5], 0)
    crop = np.where(labelled, image - corner[:, None], 0)
    values = np.concatenate([image, crop], axis=1).reshape(len(people), -1)
    values[~labelled.any(axis=(1, 2))] = np.nan
    table = pd.DataFrame(values, people.index, [*POSE_GROUPS["image"], *POSE_GROUPS["crop"]])
    score = np.where(np.isnan(values[:, 0]), np.nan, image[..., 2].mean(axis=1))
    return table.assign(score=score).astype(np.float32)


def measure_poses(
    people: pd.DataFrame, poses: Mapping[str, pd.DataFrame], truth: pd.DataFrame
) -> pd.DataFrame:
    """Return, per model, how many of `people` have a pose, COCO's AP, and the mean OKS, 0 without a pose."""
    true = truth.loc[people.index].to_numpy(float).reshape(-1, len(KEYPOINTS), 3)
    rows = {}
    for model, table in poses.items():
        mine = table.loc[people.index]
        keypoints = mine[POSE_GROUPS["image"]].to_numpy(float).reshape(true.shape)
        similarity, quality = evaluate_people(people, keypoints, mine["score"].to_numpy(float), true)
        rows[model] = mine["score"].count(), quality["AP"], np.nanmean(similarity)
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
    arms = {}
    for model, table in poses.items():
        pose = table[POSE_COLUMNS]
        arms |= zip(arm_names(model), (pose, pd.concat([clip, pose], axis="columns")), strict=True)
    shared = complete_people(arms)
    arms = {arm: table.loc[shared] for arm, table in arms.items()}
    settings = {"seeds": seeds, "epochs": epochs, "device": device, "make_model": make_narrow_mlp}
    return run_experiment(profile, "10_pose_models", people.loc[shared], arms, verbs, **settings)


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
