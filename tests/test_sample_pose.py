"""The sample's small HigherHRNet: it finds the sample's people, and is less sure of those who are hidden."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import SAMPLE

from lib.pose import PoseEstimator, Poses, evaluate_keypoints, oks
from lib.profiles import load_profile
from lib.vcoco import load_keypoints, load_profile_people


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    people = load_profile_people(load_profile("sample"))
    return people[people["split"] == "test"]


@pytest.fixture(scope="module")
def truth(people) -> np.ndarray:
    """True keypoints (people, 17, 3); NaN for people too small to have any."""
    files = load_profile("sample").splits["test"].person_keypoints_json
    return load_keypoints(people, files).to_numpy().reshape(-1, 17, 3)


@pytest.fixture(scope="module")
def poses(people) -> Poses:
    profile = load_profile("sample")
    estimator = PoseEstimator(profile.pose_weights)
    paths = [profile.image_path("test", name) for name in people["file_name"]]
    return estimator.estimate(paths, people[["x", "y", "w", "h"]].to_numpy())


def test_weights_are_small_enough_for_git():
    assert load_profile("sample").pose_weights.stat().st_size <= 3e6


def test_average_precision_over_all_test_people(people, poses):
    annotations = json.loads((SAMPLE / "annotations/person_keypoints_val2014.json").read_text())
    detections = pd.DataFrame({"image_id": people["image_id"].to_numpy(), "score": poses.scores})
    detections["keypoints"] = list(poses.keypoints)
    assert evaluate_keypoints(detections, annotations)["AP"] >= 0.5


def test_score_is_lower_for_people_who_are_hidden_or_cut_off(poses, truth):
    labelled = ~np.isnan(truth[:, 0, 2]) & ~np.isnan(poses.scores)
    visible = (truth[..., 2] == 2).sum(axis=1)
    hidden, clear = labelled & (visible < 11), labelled & (visible >= 14)
    assert poses.scores[hidden].mean() < poses.scores[clear].mean() - 0.05


def test_score_tells_good_poses_from_bad_ones(people, poses, truth):
    known = ~np.isnan(truth[:, 0, 2]) & ~np.isnan(poses.scores)
    areas = (people["w"] * people["h"]).to_numpy()[known] * 0.5
    similarity = oks(poses.keypoints[known], np.nan_to_num(truth[known]), areas)
    assert np.corrcoef(poses.scores[known], similarity)[0, 1] > 0.2


def test_most_people_have_a_pose(poses):
    assert np.isfinite(poses.scores).mean() > 0.9
