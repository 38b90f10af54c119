"""People in the same posture who do different things, as in the thesis's figure 1.1."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.experiments.inputs import POSE_COLUMNS
from lib.pose.keypoints import CONFIDENT_JOINT, HIPS, SHOULDERS, normalise_keypoints

FEWEST_JOINTS = 13  # of 17: head and torso alone say little of a posture
NEAREST = 20  # partners considered of each person
ROWS = 500  # of the matrix of distances in memory at once


def find_same_posture(
    people: pd.DataFrame, poses: pd.DataFrame, verbs: Sequence[str], pairs: int = 4
) -> pd.DataFrame:
    """Return pairs of people of nearly the same posture who share no verb, the closest pairs first.

    people   indexed by `ann_id`, with `image_id` and the verbs
    poses    the view `pose` of these people, with NaN for who has none

    Two of a pair are of different images, and nobody with the verbs of either is in a second pair, so that
    the pairs differ. Indexed by `ann_id`: `pair`, from 1, and `distance`, of `posture_distances`. Whatever
    the order of rows, the result is the same. Fewer pairs where there are not enough.
    """
    people = people.sort_index()
    keypoints = confident_joints(poses.loc[people.index, POSE_COLUMNS].to_numpy(float).reshape(-1, 17, 3))
    usable = (keypoints[..., 2] > 0).sum(axis=1) >= FEWEST_JOINTS
    people, labels = people[usable], people.loc[usable, list(verbs)].to_numpy()
    sets = np.unique(labels, axis=0, return_inverse=True)[1]
    taken: set[int] = set()
    chosen: list[tuple[int, int, float]] = []
    for distance, *both in _closest_pairs(keypoints[usable], labels, people["image_id"].to_numpy()):
        if taken.isdisjoint(sets[both]) and len(chosen) < 2 * pairs:
            taken.update(sets[both])
            number = len(chosen) // 2 + 1
            chosen += [(ann_id, number, distance) for ann_id in people.index[both]]
    return pd.DataFrame(chosen, columns=["ann_id", "pair", "distance"]).set_index("ann_id")


def confident_joints(keypoints: np.ndarray) -> np.ndarray:
    """Return (n, 17, 3) keypoints centred on the torso, its length 1; 0, 0, 0 where not confident.

    People without a pose, or without both shoulders and both hips, have no confident joint.
    """
    confident = keypoints[..., 2] >= CONFIDENT_JOINT
    confident &= confident[:, SHOULDERS + HIPS].all(axis=1, keepdims=True)
    return normalise_keypoints(np.where(confident[..., None], keypoints, 0), "torso")


def posture_distances(keypoints: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the distances (n, m) of postures, in torso lengths; both as `confident_joints` returns.

    The root of the mean squared distance of the joints that both have; infinite where fewer than 13 are.
    """
    (points, found), (other_points, other_found) = _flatten(keypoints), _flatten(others)
    # |a - b|^2 = |a|^2 + |b|^2 - 2ab, summed over the shared joints; a joint that is missing is all 0.
    squared = (points**2) @ np.repeat(other_found, 2, axis=1).T + np.repeat(found, 2, axis=1) @ (
        other_points**2
    ).T
    squared -= 2 * points @ other_points.T
    shared = found @ other_found.T
    return np.where(shared >= FEWEST_JOINTS, np.sqrt(np.maximum(squared, 0) / np.maximum(shared, 1)), np.inf)


def _flatten(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates (n, 34), and (n, 17) whether a joint is there."""
    return keypoints[..., :2].reshape(len(keypoints), -1), (keypoints[..., 2] > 0).astype(float)


def _closest_pairs(
    keypoints: np.ndarray, labels: np.ndarray, images: np.ndarray
) -> list[tuple[float, int, int]]:
    """List (distance, row, row) of people who share neither verb nor image, the closest first.

    Of each person with the 20 nearest only: of V-COCO's pairs there are a hundred million.
    """
    labels = labels.astype(np.float32)
    found: list[tuple[float, int, int]] = []
    for start in range(0, len(keypoints), ROWS):
        rows = np.arange(start, min(start + ROWS, len(keypoints)))
        distances = posture_distances(keypoints[rows], keypoints)
        distances[(labels[rows] @ labels.T > 0) | (images[rows, None] == images)] = np.inf
        distances[rows[:, None] >= np.arange(len(keypoints))] = np.inf
        nearest = np.argpartition(distances, min(NEAREST, len(keypoints)) - 1, axis=1)[:, :NEAREST]
        values = np.take_along_axis(distances, nearest, axis=1)
        known = np.isfinite(values)
        first = np.broadcast_to(rows[:, None], nearest.shape)
        found += zip(values[known].tolist(), first[known].tolist(), nearest[known].tolist(), strict=True)
    return sorted(found)
