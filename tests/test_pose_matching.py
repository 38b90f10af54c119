"""Pose by other ways: one run per image, where each box gets its person, and top-down models."""

import numpy as np
import pytest
import torch
from as_in_0x import people_as_in_0x
from pictures import BOXES, PICTURES, persons

from lib.higherhrnet.associative_embedding import People
from lib.pose.estimator import PoseEstimator, match_people

# --- One run per image


def person_in(x: float, y: float, w: float, h: float, found: int = 17) -> np.ndarray:
    """A person whose first `found` joints span a rectangle."""
    keypoints = np.zeros((17, 3))
    keypoints[:found] = [x + w / 2, y + h / 2, 0.5]
    keypoints[0, :2], keypoints[1, :2] = (x, y), (x + w, y + h)
    return keypoints


def test_image_mode_gives_each_box_the_person_that_overlaps_it():
    keypoints = np.array(
        [person_in(50, 50, 20, 40, found=5), person_in(0, 0, 20, 40), person_in(200, 0, 9, 9)]
    )
    people = People(keypoints, np.array([0.1, 0.9, 0.5]), 3)
    boxes = np.array([[2, 2, 20, 40], [48, 50, 30, 40], [100, 100, 10, 10], [0, 0, 300, 300]])
    detections = match_people(people, boxes)
    assert [detection.found for detection in detections] == [1, 1, 0, 3]
    assert [detection.score for detection in detections[:2]] == [0.9, 0.1]
    np.testing.assert_array_equal(detections[0].keypoints, keypoints[1])
    assert np.isnan(detections[2].keypoints).all()
    assert detections[3].score == 0.5  # the other two are taken: one person for one box


def test_image_mode_gives_a_box_nobody_rather_than_a_person_elsewhere():
    people = People(person_in(0, 0, 20, 40)[None], np.array([0.9]), 1)
    (detection,) = match_people(people, np.array([[100, 100, 10, 10]]))
    assert detection.found == 0
    assert np.isnan(detection.score)
    assert np.isnan(detection.keypoints).all()


def test_image_mode_runs_and_is_independent_of_order(network):
    images, boxes = persons()
    estimator = PoseEstimator(network=network, source="image")
    poses = estimator.estimate(images, boxes)
    backwards = estimator.estimate(images[::-1], boxes[::-1])
    people, scores = people_as_in_0x(network, PICTURES[0])
    assert (poses.found <= len(people)).all() or len(PICTURES) > 1
    np.testing.assert_allclose(backwards.scores[::-1], poses.scores, atol=1e-5)
    assert all(np.isnan(score) or np.abs(scores - score).min() < 1e-5 for score in poses.scores[: len(BOXES)])


# --- Top-down


def test_top_down_models_give_one_pose_per_box(tmp_path):
    estimator = PoseEstimator(model="simple_baseline", batch_size=2)
    poses = estimator.estimate([PICTURES[0]] * len(BOXES), BOXES)
    assert (poses.found == 1).all()
    np.testing.assert_allclose(poses.scores, poses.keypoints[..., 2].mean(axis=1))
    torch.save({"state_dict": estimator.detector.network.state_dict()}, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="finds nobody by itself"):
        estimator.find([])
    again = PoseEstimator(tmp_path / "weights.pth", model="simple_baseline", batch_size=9)
    np.testing.assert_allclose(
        again.estimate([PICTURES[0]] * len(BOXES), BOXES).keypoints, poses.keypoints, atol=1e-4
    )
    with pytest.raises(ValueError, match=r"weights\.pth"):
        PoseEstimator(tmp_path / "weights.pth", model="rtmpose")


@pytest.mark.parametrize("model", ["hrnet_w32", "rtmpose"])
def test_every_top_down_model_runs(model):
    poses = PoseEstimator(model=model).estimate(PICTURES[:1], BOXES[:1])
    assert np.isfinite(poses.keypoints).all()
    # Within the region that MMPose looks at: the box in its aspect, a quarter larger.
    assert (np.abs(poses.keypoints[..., :2] - [50, 45]) <= 50).all()
