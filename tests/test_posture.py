"""The same posture, different verbs: the distance of postures, and who is chosen."""

import numpy as np
import pandas as pd
import pytest

from lib.experiments import find_same_posture
from lib.experiments.inputs import POSE_COLUMNS
from lib.experiments.posture import FEWEST_JOINTS, confident_joints, posture_distances
from lib.pose.keypoints import HIPS, SHOULDERS

VERBS = ["hold", "stand", "sit", "ride"]


def invented_keypoints(people: int, seed: int = 1) -> np.ndarray:
    """Return (people, 17, 3) in pixels: a sixth of the joints not confident, one person without a pose."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 200, (people, 17, 3))
    keypoints[..., 2] = np.where(rng.random((people, 17)) < 1 / 6, 0.1, 0.8)
    keypoints[:-2, SHOULDERS + HIPS, 2] = 0.9
    keypoints[-1] = np.nan
    return keypoints


def test_distances_are_those_of_the_definition():
    """Joint after joint: the torso's middle is 0, 0, its length 1; the mean over the joints of both."""
    keypoints = invented_keypoints(30)
    joints = confident_joints(keypoints)
    distances = posture_distances(joints, joints)
    forms = []
    for person in keypoints:
        shoulders, hips = person[SHOULDERS, :2], person[HIPS, :2]
        centre = (shoulders.sum(axis=0) + hips.sum(axis=0)) / 4
        length = np.linalg.norm(shoulders.mean(axis=0) - hips.mean(axis=0))
        torso = (person[SHOULDERS + HIPS, 2] >= 0.3).all()
        found = {j: (person[j, :2] - centre) / length for j in range(17) if torso and person[j, 2] >= 0.3}
        forms.append(found)
    for i, one in enumerate(forms):
        for j, other in enumerate(forms):
            shared = one.keys() & other.keys()
            expected = np.inf
            if len(shared) >= FEWEST_JOINTS:
                expected = np.sqrt(np.mean([((one[k] - other[k]) ** 2).sum() for k in shared]))
            assert distances[i, j] == pytest.approx(expected, abs=1e-6)
    assert np.isinf(distances[-1]).all()
    assert 100 < np.isfinite(distances).sum() < distances.size - 100


def test_where_and_how_large_a_person_is_does_not_count():
    keypoints = invented_keypoints(8)
    moved = keypoints * [3, 3, 1] + [50, -20, 0]
    moved[..., 2] = keypoints[..., 2]
    distances = posture_distances(confident_joints(keypoints), confident_joints(moved))
    known = np.isfinite(distances.diagonal())
    assert known.sum() >= 5
    np.testing.assert_allclose(distances.diagonal()[known], 0, atol=1e-6)


def test_joints_without_confidence_do_not_count():
    keypoints = invented_keypoints(5)
    changed = keypoints.copy()
    unsure = keypoints[..., 2] < 0.3
    changed[unsure, :2] += 500
    others = confident_joints(invented_keypoints(9, seed=2))
    np.testing.assert_array_equal(
        posture_distances(confident_joints(keypoints), others),
        posture_distances(confident_joints(changed), others),
    )


def invented_people(count: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(4)
    index = pd.Index(100 + rng.permutation(count), name="ann_id")
    people = pd.DataFrame(rng.random((count, len(VERBS))) < 0.4, index, VERBS)
    people["image_id"] = rng.integers(0, 2, count)
    poses = pd.DataFrame(invented_keypoints(count).reshape(count, -1), index, POSE_COLUMNS)
    return people, poses


def test_the_closest_pairs_that_share_nothing_are_chosen():
    """Against a loop over all pairs, the closest first."""
    people, poses = invented_people(60)
    keypoints = confident_joints(poses.to_numpy().reshape(-1, 17, 3))
    distances = posture_distances(keypoints, keypoints)
    pairs = [(distances[i, j], *sorted(people.index[[i, j]])) for i in range(60) for j in range(i)]
    expected, sets = [], set()
    for distance, one, other in sorted(pairs):
        verbs = [tuple(people.loc[ann_id, VERBS]) for ann_id in (one, other)]
        shared = any(a and b for a, b in zip(*verbs, strict=True))
        same_image = people.loc[one, "image_id"] == people.loc[other, "image_id"]
        if not shared and not same_image and sets.isdisjoint(verbs) and np.isfinite(distance):
            sets.update(verbs)
            expected.append((one, other, distance))
    chosen = find_same_posture(people, poses, VERBS, pairs=3)
    assert chosen["pair"].tolist() == [1, 1, 2, 2, 3, 3]
    assert chosen.index.tolist() == [ann_id for one, other, _ in expected[:3] for ann_id in (one, other)]
    np.testing.assert_allclose(chosen["distance"][::2], [distance for *_, distance in expected[:3]])


def test_the_order_of_rows_does_not_matter():
    people, poses = invented_people(60)
    chosen = find_same_posture(people, poses, VERBS)
    shuffled = people.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(find_same_posture(shuffled, poses, VERBS), chosen)


def test_nobody_is_chosen_where_nobody_differs():
    people, poses = invented_people(20)
    people[VERBS] = True
    assert find_same_posture(people, poses, VERBS).empty
    assert find_same_posture(people.head(0), poses, VERBS).empty
