"""Pose of persons: that of the literal loop, the same whatever the batch, the order and the place."""

import json

import numpy as np
import pytest
import torch
from as_in_0x import people_as_in_0x
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import BOXES, PICTURES, TINY, draw_picture, persons
from reference import build_by_rule, shared_path

from lib.crops import cut, grow_box
from lib.pose.estimator import PoseEstimator
from lib.pose.windows import input_window
from lib.precision import choose_dtype


def test_pose_of_a_crop_is_that_of_the_literal_loop(network):
    images, boxes = persons()
    poses = PoseEstimator(network=network).estimate(images, boxes)
    for image, box, pose, score, found in zip(
        images, boxes, poses.crop_keypoints, poses.scores, poses.found, strict=True
    ):
        crop = cut(image, grow_box(box, image.shape[1], image.shape[0], 20))
        people, scores = people_as_in_0x(network, crop)
        assert found == len(people) > 0
        assert score == pytest.approx(scores.max(), abs=1e-5)
        # Random maps hold near ties, which rounding of another order may decide otherwise: a few joints may
        # jump.
        away = np.abs(people[scores.argmax()] - pose).max(axis=1)
        assert (away <= 1e-3).mean() >= 0.8


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(13)), batch_size=st.integers(1, 8), take=st.integers(1, 13))
def test_pose_does_not_depend_on_batch_or_order(network, order, batch_size, take):
    images, boxes = persons()
    every = PoseEstimator(network=network, batch_size=1).estimate(images, boxes)
    chosen = np.array(order[:take])
    some = PoseEstimator(network=network, batch_size=batch_size).estimate(
        [images[i] for i in chosen], boxes[chosen]
    )
    np.testing.assert_allclose(some.keypoints, every.keypoints[chosen], atol=1e-4)
    np.testing.assert_allclose(some.scores, every.scores[chosen], atol=1e-5)
    np.testing.assert_array_equal(some.found, every.found[chosen])


def test_pose_of_real_persons_does_not_depend_on_batch_or_order(network):
    folder = shared_path("coco_keypoints")
    content = json.loads((folder / "person_keypoints.json").read_text())
    names = {image["id"]: folder / image["file_name"] for image in content["images"]}
    images = [names[person["image_id"]] for person in content["annotations"]]
    boxes = np.array([person["bbox"] for person in content["annotations"]])
    together = PoseEstimator(network=network, batch_size=8).estimate(images, boxes)
    alone = PoseEstimator(network=network, batch_size=1).estimate(images[::-1], boxes[::-1])
    assert len(together) == 14
    np.testing.assert_allclose(together.keypoints, alone.keypoints[::-1], atol=1e-4)
    inside = together.crop_keypoints[..., :2] <= together.crops[:, None, 2:] * 1.2 + 64
    assert inside.all()


def test_inputs_prepared_before_give_the_same_poses(network):
    images, boxes = persons()
    estimator = PoseEstimator(network=network)
    inputs = [estimator.prepare(image, box) for image, box in zip(images, boxes, strict=True)]
    assert all(one.pixels.shape[:2] == one.window.size[::-1] and one.pixels.base is None for one in inputs)
    poses, expected = estimator.estimate_prepared(inputs), estimator.estimate(images, boxes)
    for name in ("keypoints", "scores", "found", "crops"):
        np.testing.assert_array_equal(getattr(poses, name), getattr(expected, name))
    np.testing.assert_allclose(poses.crop_keypoints, expected.crop_keypoints, atol=1e-9)
    assert len(estimator.estimate_prepared([])) == 0


def test_image_and_crop_pixels_differ_by_the_crop_corner(network):
    images, boxes = persons()
    poses = PoseEstimator(network=network).estimate(images, boxes)
    np.testing.assert_allclose(
        poses.crop_keypoints[..., :2] + poses.crops[:, None, :2], poses.keypoints[..., :2]
    )
    np.testing.assert_array_equal(poses.crop_keypoints[..., 2], poses.keypoints[..., 2])
    frame = poses.to_frame(index=range(100, 113))
    assert list(frame.index) == list(range(100, 113))
    np.testing.assert_array_equal(frame.filter(regex="^image_").to_numpy(), poses.keypoints.reshape(13, 51))
    np.testing.assert_array_equal(
        frame.filter(regex="^crop_.*_").to_numpy(), poses.crop_keypoints.reshape(13, 51)
    )
    assert frame.loc[104, "crop_right_ankle_score"] == poses.keypoints[4, 16, 2]


def test_pose_moves_with_the_person(network):
    canvas = np.zeros((200, 300, 3), np.uint8)
    canvas[37:127, 111:231] = PICTURES[0]
    here, there = np.array([[40, 40, 30, 20]]), np.array([[151, 77, 30, 20]])
    estimator = PoseEstimator(network=network)
    pose, moved = estimator.estimate([PICTURES[0]], here), estimator.estimate([canvas], there)
    np.testing.assert_allclose(moved.keypoints - [111, 37, 0], pose.keypoints, atol=1e-9)


def test_nobody_found_is_nan():
    silent = build_by_rule(**TINY)
    for layer in silent.head.final_layers:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    for source in ("crop", "image"):
        poses = PoseEstimator(network=silent, source=source).estimate([PICTURES[0]] * 2, BOXES[:2])
        assert np.isnan(poses.keypoints).all()
        assert np.isnan(poses.scores).all()
        assert (poses.found == 0).all()
        assert (poses.crops[:, 2:] > 0).all()
        assert poses.to_frame()["image_nose_x"].isna().all()


def test_no_persons_give_no_poses(network):
    poses = PoseEstimator(network=network).estimate([], np.zeros((0, 4)))
    assert poses.keypoints.shape == (0, 17, 3)
    assert poses.to_frame().shape == (0, 108)


def test_flip_changes_the_pose_and_halves_the_tags(network):
    estimators = [PoseEstimator(network=network, flip=flip) for flip in (True, False)]
    with_flip, without = (estimator.estimate(PICTURES[:1], BOXES[:1]) for estimator in estimators)
    assert not np.array_equal(with_flip.keypoints, without.keypoints)


def test_estimator_leaves_the_network_as_it_was(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    PoseEstimator(network=network, precision="bfloat16").estimate(PICTURES[:1], BOXES[:1])
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "auto"])
def test_reduced_precision_gives_nearly_the_same_maps(network, precision):
    estimators = [PoseEstimator(network=network, precision=name) for name in ("float32", precision)]
    image = np.ascontiguousarray(draw_picture(0, 64, 64))
    exact, reduced = (estimator.detector._run([image]) for estimator in estimators)
    assert estimators[1].detector.network.backbone.conv1.weight.dtype == choose_dtype(precision, "cpu")
    for ours, theirs in zip(reduced, exact, strict=True):
        assert ours.dtype == torch.float32
        assert float((ours.float() - theirs).abs().max() / theirs.abs().max()) < 0.05
    assert np.isfinite(estimators[1].estimate([image], np.array([[0, 0, 64, 64]])).scores).all()


def test_extreme_crops_are_bounded_unless_asked_for(network):
    strip = np.zeros((5, 700, 3), np.uint8)
    assert input_window(700, 5, 64).size == (8960, 64)
    assert input_window(540, 41, 512).size == (6784, 512)
    assert input_window(540, 41, 512, 512 * 2048).size == (3392, 256)
    for bound in (None, 64 * 2048):
        poses = PoseEstimator(network=network, max_pixels=bound).estimate([strip], np.array([[0, 0, 700, 5]]))
        assert poses.keypoints.shape == (1, 17, 3)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"source": "box"}, "source"),
        ({"precision": "int8"}, "int8"),
        ({"model": "vitpose"}, "vitpose"),
        ({"weights": "/nowhere/x.pth"}, "/nowhere/x.pth"),
    ],
)
def test_wrong_settings_are_refused(settings_, message):
    with pytest.raises(ValueError, match=message):
        PoseEstimator(**settings_)


@pytest.mark.parametrize(
    "box", [[120, 0, 5, 5], [0, 90, 5, 5], [-10, 0, 5, 5], [0, 0, -1, 5], [np.nan, 0, 5, 5]]
)
def test_boxes_outside_the_image_are_refused(network, box):
    with pytest.raises(ValueError, match="does not lie in an image of 120 x 90"):
        PoseEstimator(network=network).estimate(PICTURES[:1], np.array([box]))


def test_boxes_of_another_number_are_refused(network):
    with pytest.raises(ValueError, match=r"\(3, 4\).*\(2, 4\)"):
        PoseEstimator(network=network).estimate(PICTURES, BOXES[:2])
