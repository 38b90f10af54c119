"""The learners of the OpenPose study on our keypoints: three verbs that exclude each other, 70/30 by image.

The study, as the thesis tells it, gave the x and y of 25 OpenPose keypoints to scikit-learn's classifiers and
to small networks; ours are COCO's 17.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from lib.coco import BOX, KEYPOINTS
from lib.features.views import POSE_GROUPS
from lib.files import write_whole
from lib.metrics import bootstrap_interval
from lib.models import RegularisedMLP, fit, predict
from lib.models.checkpoint import fingerprint
from lib.pose import normalise_keypoints
from lib.profiles import DataError, Profile

FOUND = 0.1  # a joint with less confidence is not found: HigherHRNet's own threshold for a peak
SHARED = 0.02  # verbs exclude each other if no larger share of the rarer one's people has both
VALIDATION = 0.3  # share of the images, as in the study
NETWORKS: dict[str, dict[str, Any]] = {  # the study's four; ours have two hidden layers
    "NN": {},
    "NN + dropout": {"dropout": 0.5},
    "NN + batch norm": {"batch_norm": True},
    "NN + both": {"dropout": 0.5, "batch_norm": True},
}
HIDDEN, BATCH_SIZE, LEARNING_RATE = 256, 64, 1e-3
PARTS = ("train", "validation")
THEIRS = "theirs (STAIR Actions)"


def choose_verbs(labels: pd.DataFrame, count: int = 3) -> list[str]:
    """Return the verbs of `labels` (people, verbs) that exclude each other and of which all are frequent.

    No two of them share more than `SHARED` of the rarer one's people; of such groups, that whose rarest verb
    has most people, and of equals the one with more people in all. Raises DataError where there is none.
    """
    counts, together = labels.sum().to_numpy(), labels.T.to_numpy(int) @ labels.to_numpy(int)
    apart = together <= SHARED * np.minimum.outer(counts, counts)
    groups = [
        group
        for group in map(list, combinations(np.flatnonzero(counts), count))
        if all(apart[pair] for pair in combinations(group, 2))
    ]
    if not groups:
        raise DataError(
            f"no {count} verbs of the train people exclude each other; name some in VERBS_CHOSEN."
        )
    best = max(groups, key=lambda group: (counts[group].min(), counts[group].sum()))
    return list(labels.columns[best])


def people_of_one_verb(people: pd.DataFrame, poses: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return the people who have a pose and exactly one of `verbs`, whatever else they do.

    Raises DataError for verbs that are unknown or fewer than two, and where one has nobody left.
    """
    if unknown := sorted(set(verbs) - set(people.columns)):
        raise DataError(f"VERBS_CHOSEN: unknown verb {', '.join(unknown)}; choose from the profile's.")
    if len(set(verbs)) < 2 or len(set(verbs)) < len(verbs):
        raise DataError(f"VERBS_CHOSEN: {list(verbs)} are not two or more different verbs; name three.")
    one = people[people[list(verbs)].sum(axis="columns").eq(1) & poses.loc[people.index, "score"].notna()]
    if empty := [verb for verb in verbs if not one[verb].any()]:
        raise DataError(
            f"VERBS_CHOSEN: nobody with a pose does only {empty[0]} of these; choose other verbs."
        )
    return one


def joint_inputs(people: pd.DataFrame, poses: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return x and y of the 17 joints (people, 34), 0 where a joint is not found, in two forms.

    `box`: the person's box is the unit square; `pixels`: of the image, as OpenPose gives them. People without
    a pose are left out.
    """
    poses = poses[poses["score"].notna()]
    keypoints = poses[POSE_GROUPS["image"]].to_numpy(float).reshape(-1, len(KEYPOINTS), 3)
    keypoints = np.where(keypoints[..., 2:] < FOUND, 0, keypoints)
    boxes = people.loc[poses.index, BOX].to_numpy(float)
    forms = {"box": normalise_keypoints(keypoints, "box", boxes=boxes), "pixels": keypoints}
    columns = [f"{joint}_{axis}" for joint in KEYPOINTS for axis in "xy"]
    return {
        form: pd.DataFrame(joints[..., :2].reshape(len(poses), -1).astype(np.float32), poses.index, columns)
        for form, joints in forms.items()
    }


def split_images(people: pd.DataFrame) -> pd.Series:
    """Draw the images to validate on, once for all seeds: `train` or `validation` by person."""
    splitter = GroupShuffleSplit(1, test_size=VALIDATION, random_state=0)
    _, rows = next(splitter.split(people, groups=people["image_id"]))
    part = pd.Series("train", people.index, name="part")
    part.iloc[rows] = "validation"
    return part


def run_learners(
    profile: Profile,
    people: pd.DataFrame,
    inputs: Mapping[str, pd.DataFrame],
    verbs: Sequence[str],
    *,
    seeds: int,
    epochs: int,
    device: str = "cpu",
) -> pd.DataFrame:
    """Train every learner on every form of the joints; return whom of the validation people it gets right.

    `people` have exactly one of `verbs`, and a row in each of `inputs`. Returns booleans, one column per
    seed, by `learner`, `input` and `ann_id`; networks are those of the last epoch, which nothing chose. Kept
    as `results/10_learners.parquet`: with the same numbers and settings nothing is trained again, and a
    network's training that was killed goes on.
    """
    path = profile.results / "10_learners.parquet"
    inputs = {form: table.loc[people.index] for form, table in inputs.items()}
    mark = _fingerprint(people, inputs, verbs, seeds, epochs)
    if (stored := _read(path)) is not None and stored.attrs.get("made_of") == mark:
        return stored
    right, checkpoints, part = {}, [], split_images(people)
    for form, table in inputs.items():
        train, validation = [
            _Set(table[part == name], people.loc[part == name, list(verbs)]) for name in PARTS
        ]
        index = validation.labels.index
        for learner in make_classifiers(0):
            right[learner, form] = pd.DataFrame(_run_classifier(learner, train, validation, seeds).T, index)
        for learner in NETWORKS:
            checkpoints.append(profile.results / f"10_{form}_{learner.replace(' ', '_')}.part")
            options = {"epochs": epochs, "device": device, "checkpoint": checkpoints[-1]}
            correct = _run_network(learner, train, validation, seeds, **options)
            right[learner, form] = pd.DataFrame(correct.T, index)
    table = pd.concat(right, names=["learner", "input"]).rename(columns=str)
    table.attrs["made_of"] = mark
    with write_whole(path) as temporary:
        table.to_parquet(temporary)
    for checkpoint in checkpoints:
        checkpoint.unlink(missing_ok=True)
    return table


def make_classifiers(seed: int) -> dict[str, ClassifierMixin]:
    """Return the study's classifiers with scikit-learn's settings, and the rule that sees no joint."""
    return {
        "majority class": DummyClassifier(strategy="most_frequent"),
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "random forest": RandomForestClassifier(random_state=seed),
        "SVM": SVC(),
    }


def learner_table(right: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Return each learner's accuracy in percent, by input, with its 95 % interval over images."""
    rows = {}
    for (learner, form), by_seed in right.groupby(["learner", "input"], sort=False):
        images = people.loc[by_seed.index.get_level_values("ann_id"), "image_id"]
        rows[learner, form] = 100 * np.array(bootstrap_interval(by_seed.to_numpy(float).T, images))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["accuracy", "low", "high"])
    return table.set_axis(pd.MultiIndex.from_tuples(table.index, names=["learner", "input"]))


def add_study(table: pd.DataFrame, study: pd.Series) -> pd.DataFrame:
    """Add the study's accuracies, in percent, to `learner_table`'s as one more input, without intervals."""
    theirs = study.rename("accuracy").to_frame()
    index = pd.MultiIndex.from_product([study.index, [THEIRS]], names=table.index.names)
    return pd.concat([table, theirs.set_axis(index)])


def one_row_a_learner(table: pd.DataFrame) -> pd.DataFrame:
    """Put the accuracies of all inputs side by side, as the study's table has it, each with its interval."""
    order = table.index.unique("learner")
    parts = []
    for name in sorted(table.index.unique("input"), key=lambda name: name != THEIRS):
        columns = {"accuracy": name, "low": f"{name} low", "high": f"{name} high"}
        rows = table.xs(name, level="input").reindex(order).rename(columns=columns)
        parts.append(rows.dropna(axis="columns", how="all"))
    return pd.concat(parts, axis="columns")


class _Set(NamedTuple):
    """Joints (n, 34) and labels (n, verbs), one of them true, of the same people."""

    joints: pd.DataFrame
    labels: pd.DataFrame


def _run_classifier(learner: str, train: _Set, validation: _Set, seeds: int) -> np.ndarray:
    """Return who of validation is right, (seeds, n)."""
    answers, truth = train.labels.to_numpy().argmax(axis=1), validation.labels.to_numpy().argmax(axis=1)
    fitted = [make_classifiers(seed)[learner].fit(train.joints.to_numpy(), answers) for seed in range(seeds)]
    return np.array([one.predict(validation.joints.to_numpy()) == truth for one in fitted])


def _run_network(learner: str, train: _Set, validation: _Set, seeds: int, **options: Any) -> np.ndarray:
    """Return who of validation is right, (seeds, n), after the last epoch."""
    width, verbs = train.joints.shape[1], train.labels.shape[1]
    model = RegularisedMLP(width, seeds, hidden=HIDDEN, verbs=verbs, **NETWORKS[learner])
    options |= {"batch_size": BATCH_SIZE, "learning_rate": LEARNING_RATE, "held_out": 0}
    fitted = fit(model, train.joints, train.labels, **options)
    logits = predict(fitted.model, validation.joints)
    return logits.argmax(axis=2) == validation.labels.to_numpy().argmax(axis=1)


def _read(path: Path) -> pd.DataFrame | None:
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); delete it and run again.") from None


def _fingerprint(
    people: pd.DataFrame, inputs: Mapping[str, pd.DataFrame], verbs: Sequence[str], seeds: int, epochs: int
) -> str:
    """Return a digest of all that the results depend on."""
    settings = {"verbs": list(verbs), "seeds": seeds, "epochs": epochs, "inputs": list(inputs)}
    identity = people.reset_index()[["ann_id", "image_id"]]
    tables = (identity, people[list(verbs)], *inputs.values())
    return fingerprint(settings, [torch.tensor(table.to_numpy()) for table in tables])
