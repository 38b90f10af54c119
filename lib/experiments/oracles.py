"""What a perfect pose network and a perfect detector would see: COCO's own annotations as an arm's inputs.

They bound what pose and objects can add; no system has them of a new image. Of V-COCO nothing is read here:
its role objects are named verb by verb and would give the labels away.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from lib.coco import BOX, KEYPOINTS
from lib.crops import grow_box
from lib.experiments.arms import POSE_COLUMNS
from lib.features.views import PAD, POSE_GROUPS
from lib.profiles import Profile
from lib.vcoco import load_keypoints, load_objects

OBJECT_NUMBERS = ("present", "count", "dx", "dy", "log_w", "log_h")  # of each category


def true_pose_features(profile: Profile, people: pd.DataFrame) -> pd.DataFrame:
    """Return COCO's true keypoints as if they were the view `pose`, float32: the columns that it stores.

    The score of a visible joint is 1, of a hidden one 0.5. A joint that is not labelled is 0, 0, 0. Who has
    no labelled joint has a `found` of 0 and NaN for pose and `score`, but the crop's box, as people in whom
    the network finds nobody.
    """
    files = _by_files(profile, people, "person_keypoints_json")
    truth = pd.concat([load_keypoints(mine, paths) for paths, mine in files]).loc[people.index]
    joints = truth.to_numpy().reshape(len(people), len(KEYPOINTS), 3)
    visibility = np.nan_to_num(joints[..., 2:])
    sizes = people[["width", "height"]].to_numpy()
    crops = np.array(
        [grow_box(box, *size, PAD) for box, size in zip(people[BOX].to_numpy(), sizes, strict=True)]
    )
    known = visibility.any(axis=(1, 2))
    nothing = np.where(known, 0, np.nan)[:, None, None]
    scores = nothing + visibility.clip(0, 2) / 2
    parts = [
        pd.DataFrame({"score": scores.mean(axis=(1, 2)), "found": known}, people.index),
        pd.DataFrame(crops, people.index, ["crop_x", "crop_y", "crop_w", "crop_h"]),
    ]
    for group, origin in (("image", 0), ("crop", crops[:, None, :2])):
        points = np.where(visibility > 0, joints[..., :2] - origin, nothing)
        values = np.concatenate([points, scores], axis=-1).reshape(truth.shape)
        parts.append(pd.DataFrame(values, people.index, POSE_GROUPS[group]))
    return pd.concat(parts, axis="columns").astype(np.float32)


def true_pose_inputs(profile: Profile, people: pd.DataFrame) -> pd.DataFrame:
    """Return the thesis's 51 numbers of `true_pose_features`: x, y in pixels of the crop and score."""
    return true_pose_features(profile, people)[POSE_COLUMNS]


def object_inputs(profile: Profile, people: pd.DataFrame) -> pd.DataFrame:
    """Return what else COCO marks in each person's image, float32: six numbers per category, 480 with COCO.

    present         1 or 0
    count           log(1 + number of objects); a crowd that COCO marks as one region is one
    dx, dy          from the person's centre to that of the nearest object, over the person's width and
                    height; as arcsinh, which is linear up to a box or so and then grows like the logarithm
    log_w, log_h    log of the nearest object's width and height over the person's

    Box regression's form (Girshick et al. 2014). Nearest is the smallest distance between centres in pixels.
    `person` is all other persons. The categories are those that the files name, in their order; one that is
    not in the image has six zeros.
    """
    files = _by_files(profile, people, "instances_json")
    parts = [load_objects(mine, paths) for paths, mine in files]
    categories = list(dict.fromkeys(name for part in parts for name in part["category"].cat.categories))
    objects = pd.concat([part.astype({"category": object}) for part in parts])
    person = people.index.get_indexer(objects.index)
    category = pd.Index(categories).get_indexer(objects["category"])
    relations, distances = _relate(people[BOX].to_numpy()[person], objects[BOX].to_numpy())

    values = np.zeros((len(people), len(categories), len(OBJECT_NUMBERS)))
    np.add.at(values[..., 1], (person, category), 1)
    values[..., 0], values[..., 1] = values[..., 1] > 0, np.log1p(values[..., 1])
    order = np.lexsort((-objects["object_id"], -distances))  # the nearest is written last and stays
    values[person[order], category[order], 2:] = relations[order]
    columns = [f"{name}_{number}" for name in categories for number in OBJECT_NUMBERS]
    return pd.DataFrame(values.reshape(len(people), -1).astype(np.float32), people.index, columns)


def count_oracle_inputs(people: pd.DataFrame, poses: pd.DataFrame, objects: pd.DataFrame) -> pd.DataFrame:
    """Count, per split, the `people` and those of whom COCO has `no true pose` or `no other object`."""
    counted = pd.DataFrame(
        {
            "people": True,
            "no true pose": poses.isna().any(axis="columns"),
            "no other object": (objects == 0).all(axis="columns"),
        },
        people.index,
    )
    return counted.groupby(people["split"], sort=False).sum()


def _by_files(
    profile: Profile, people: pd.DataFrame, kind: str
) -> Iterator[tuple[tuple[Path, ...], pd.DataFrame]]:
    """Yield annotation files and their people: files that splits share are read once."""
    files = {split: getattr(paths, kind) for split, paths in profile.splits.items()}
    for paths in dict.fromkeys(files.values()):
        mine = people[people["split"].isin([split for split in files if files[split] == paths])]
        if len(mine):
            yield paths, mine


def _relate(persons: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return dx, dy, log_w, log_h of objects as seen from persons, (n, 4) boxes both, and the distances."""
    sizes = np.maximum(persons[:, 2:], 1)
    away = objects[:, :2] + objects[:, 2:] / 2 - persons[:, :2] - persons[:, 2:] / 2
    ratios = np.log(np.maximum(objects[:, 2:], 1) / sizes)
    return np.hstack([np.arcsinh(away / sizes), ratios]), np.linalg.norm(away, axis=1)
