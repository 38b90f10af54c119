"""Pose of persons: the same whatever the batch, for every kind of image and box; forms, OKS and AP."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from as_in_0x import people_as_in_0x
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from reference import NARROW, build_by_rule, shared_path

from lib.coco import JOINTS, SIGMAS
from lib.crops import cut, grow_box, read_image
from lib.higherhrnet.associative_embedding import People
from lib.pose.estimator import PoseEstimator, match_people
from lib.pose.keypoints import evaluate_keypoints, keypoint_moments, normalise_keypoints, oks, torso_frame
from lib.pose.windows import input_window
from lib.precision import choose_dtype

TINY = NARROW | {"modules": (1, 1, 1), "blocks": 1, "input_size": 64}


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    return build_by_rule(**TINY)


def draw_picture(seed: int, width: int = 120, height: int = 90) -> np.ndarray:
    """Draw a picture of smooth colours, so that neighbouring pixels resemble each other as in photographs."""
    noise = np.random.default_rng(seed).integers(256, size=(8, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


PICTURES = [draw_picture(0), draw_picture(1, 60, 140), draw_picture(2, 200, 50)]
# Inside, at each border, across it, one pixel, no pixel, one row, the whole image.
BOXES = np.array(
    [
        [30, 20, 40, 50],
        [0, 0, 20, 30],
        [100, 60, 20, 30],
        [-15, -10, 50, 40],
        [60, 40, 1, 1],
        [119, 89, 1, 1],
        [50.4, 40.6, 0, 0],
        [0, 45, 120, 1],
        [0, 0, 120, 90],
    ]
)


def persons() -> tuple[list[np.ndarray], np.ndarray]:
    images = [PICTURES[0]] * len(BOXES) + [PICTURES[1]] * 2 + [PICTURES[2]] * 2
    more = [[10, 10, 30, 100], [5, 100, 40, 40], [10, 5, 180, 40], [150, 10, 30, 30]]
    return images, np.concatenate([BOXES, more])


# --- The estimator


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


# --- Images of every kind


def test_images_of_every_kind_are_read_as_rgb(tmp_path):
    picture = Image.fromarray(PICTURES[0])
    red, _, blue = PICTURES[0].T
    assert not np.array_equal(red, blue)
    grey = np.asarray(picture.convert("L"))
    expected = {
        "rgb.png": (picture, PICTURES[0]),
        "grey.png": (picture.convert("L"), np.stack([grey] * 3, axis=2)),
        "alpha.png": (picture.convert("RGBA"), PICTURES[0]),
        "grey_alpha.png": (picture.convert("LA"), np.stack([grey] * 3, axis=2)),
        "bits.png": (picture.convert("1"), np.asarray(picture.convert("1").convert("RGB"))),
        "palette.png": (picture.quantize(16), np.asarray(picture.quantize(16).convert("RGB"))),
        "sixteen.png": (Image.fromarray(grey.astype(np.uint16) * 257), np.stack([grey] * 3, axis=2)),
        "cmyk.tiff": (picture.convert("CMYK"), np.asarray(picture.convert("CMYK").convert("RGB"))),
    }
    for name, (image, pixels) in expected.items():
        image.save(tmp_path / name)
        read = read_image(tmp_path / name)
        assert read.dtype == np.uint8
        np.testing.assert_array_equal(read, pixels, err_msg=name)
        np.testing.assert_array_equal(read_image(str(tmp_path / name)), read)
        np.testing.assert_array_equal(read_image(Image.open(tmp_path / name)), read)
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    assert np.abs(read_image(tmp_path / "cmyk.jpg").astype(int) - PICTURES[0]).mean() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotated_pictures_are_turned_upright(tmp_path, orientation):
    turns = {1: 0, 2: 0, 3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.rot90(PICTURES[0], turns[orientation])
    if orientation in (2, 4, 5, 7):
        stored = stored[:, ::-1]
    if orientation in (5, 7):  # mirrored across a diagonal, not an axis
        stored = stored[::-1, ::-1]
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_image(tmp_path / "turned.png"), PICTURES[0])


def test_arrays_of_every_kind_are_read(network):
    grey = PICTURES[0][..., 0]
    for array in (grey, grey.astype(np.uint16) * 257, np.dstack([grey] * 3), np.dstack([grey] * 4)):
        np.testing.assert_array_equal(read_image(array), np.dstack([grey] * 3))
    for array in (
        grey.astype(float),
        grey.astype(np.int64),
        np.zeros((0, 5), np.uint8),
        np.dstack([grey] * 2),
    ):
        with pytest.raises(ValueError, match="expected pixels"):
            read_image(array)


def test_unreadable_files_are_named(network, tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("not an image")
    Image.fromarray(PICTURES[0][..., 0].astype(np.float32)).save(tmp_path / "float.tiff")
    for name in ("cut.jpg", "text.jpg", "absent.jpg", "float.tiff"):
        with pytest.raises(ValueError, match=name):
            PoseEstimator(network=network).estimate([tmp_path / name], BOXES[:1])


@given(
    box=st.tuples(*[st.floats(-50, 150)] * 2, *[st.floats(0, 200)] * 2),
    pad=st.floats(0, 40),
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
)
def test_crops_hold_the_box_and_lie_in_the_image(box, pad, size):
    x, y, w, h = box
    if x >= size[0] or y >= size[1] or x + w < 0 or y + h < 0:
        return
    left, top, width, height = grow_box(np.array(box), *size, pad)
    assert width >= 1
    assert height >= 1
    for low, length, start, extent, limit in ((left, width, x, w, size[0]), (top, height, y, h, size[1])):
        assert 0 <= low < low + length <= limit
        assert low <= max(0, start - pad) + 1
        assert low + length >= min(limit, start + extent + pad) - 1
        assert length <= extent + 2 * pad + 2


def test_default_crop_is_the_box_grown_by_twenty_pixels():
    np.testing.assert_array_equal(grow_box(np.array([100, 60, 30, 40]), 640, 480), [80, 40, 70, 80])


# --- Forms of keypoints

PEOPLE = arrays(np.float64, (4, 17, 2), elements=st.floats(-200, 600, width=16))
CONFIDENCE = arrays(np.float64, (4, 17), elements=st.sampled_from([0, 0.1, 0.9]))
EXTRAS = {
    "sizes": np.array([[100, 200]] * 4),
    "boxes": np.array([[10, 20, 30, 40]] * 4),
    "moments": keypoint_moments(np.random.default_rng(0).random((9, 17, 3))),
}
FORMS = ["raw", "crop", "box", "torso", "standard"]


@given(points=PEOPLE, confidence=CONFIDENCE)
def test_forms_keep_confidence_missing_joints_and_missing_people(points, confidence):
    keypoints = np.concatenate([points, confidence[..., None]], axis=2)
    keypoints[3] = np.nan
    for form in FORMS:
        before = keypoints.copy()
        result = normalise_keypoints(keypoints, form, **EXTRAS)
        np.testing.assert_array_equal(keypoints, before)
        assert np.isnan(result[3]).all()
        assert np.isfinite(result[:3]).all()
        np.testing.assert_array_equal(result[:3, :, 2], confidence[:3])
        if form != "raw":
            assert (result[:3][confidence[:3] == 0] == 0).all()


@given(points=PEOPLE, confidence=CONFIDENCE, shift=st.floats(-100, 100), scale=st.sampled_from([0.5, 2, 8]))
def test_torso_form_does_not_change_with_place_and_size(points, confidence, shift, scale):
    keypoints = np.concatenate([points, confidence[..., None]], axis=2)
    moved = keypoints * [scale, scale, 1] + [shift, -shift, 0]
    _, length = torso_frame(keypoints)
    _, moved_length = torso_frame(moved)
    steady = (length > 3) & (moved_length > 3)
    first, second = (normalise_keypoints(one, "torso")[steady] for one in (keypoints, moved))
    np.testing.assert_allclose(first, second, atol=1e-6 * max(1, np.abs(first).max(initial=0)))


def torso_literally(person: np.ndarray) -> tuple[np.ndarray, float]:
    def middle(joints):
        found = [person[joint, :2] for joint in joints if person[joint, 2] > 0]
        return np.mean(found, axis=0) if found else None

    every = [joint for joint in range(17) if person[joint, 2] > 0]
    if not every:
        return np.zeros(2), 1
    centre = middle([5, 6, 11, 12])
    shoulders, hips = middle([5, 6]), middle([11, 12])
    if shoulders is not None and hips is not None:
        length = np.hypot(*(shoulders - hips))
    else:
        length = np.hypot(*np.ptp(person[every, :2], axis=0))
    return middle(every) if centre is None else centre, max(length, 1)


@given(points=PEOPLE, confidence=CONFIDENCE)
def test_torso_frame_equals_its_literal_version(points, confidence):
    keypoints = np.concatenate([points, confidence[..., None]], axis=2)
    centres, lengths = torso_frame(keypoints)
    for person, centre, length in zip(keypoints, centres, lengths, strict=True):
        expected_centre, expected_length = torso_literally(person)
        np.testing.assert_allclose(centre, expected_centre, atol=1e-6)
        assert length == pytest.approx(expected_length, abs=1e-6)


def test_forms_have_their_known_values():
    keypoints = np.full((1, 17, 3), [40.0, 60.0, 1.0])
    assert (normalise_keypoints(keypoints, "raw") == keypoints).all()
    assert (normalise_keypoints(keypoints, "crop", sizes=EXTRAS["sizes"][:1]) == [0.4, 0.3, 1]).all()
    assert (normalise_keypoints(keypoints, "box", boxes=EXTRAS["boxes"][:1]) == [1, 1, 1]).all()
    keypoints[0, [11, 12], 1] = 100
    torso = normalise_keypoints(keypoints, "torso")[0]
    assert (torso[5] == [0, -0.5, 1]).all()
    assert (torso[11] == [0, 0.5, 1]).all()


def test_standard_form_has_mean_zero_and_deviation_one_over_found_joints():
    rng = np.random.default_rng(0)
    reference = np.concatenate([rng.normal(200, 50, (300, 17, 2)), rng.integers(0, 2, (300, 17, 1))], axis=2)
    reference[:9] = np.nan
    reference[9:, 3, 2] = 0  # never found
    result = normalise_keypoints(reference, "standard", moments=keypoint_moments(reference))[9:]
    for joint in range(17):
        found = result[result[:, joint, 2] > 0, joint, :2]
        if joint == 3:
            assert len(found) == 0
        else:
            np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)
            np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-9)


def test_forms_say_what_they_need():
    keypoints = np.zeros((1, 17, 3))
    for form, needs in {
        "crop": "sizes",
        "box": "boxes",
        "standard": "moments",
        "polar": "one of raw",
    }.items():
        with pytest.raises(ValueError, match=needs):
            normalise_keypoints(keypoints, form)


def test_joints_mirror_into_each_other():
    for name, (mirror, sigma) in JOINTS.items():
        assert JOINTS[mirror] == (name, sigma)
    np.testing.assert_allclose(SIGMAS, COCOeval(iouType="keypoints").params.kpt_oks_sigmas)


# --- OKS and AP


def oks_literally(predicted: np.ndarray, truth: np.ndarray, area: float) -> float:
    total = count = 0.0
    for joint in range(17):
        if truth[joint, 2] > 0:
            squared = (predicted[joint, 0] - truth[joint, 0]) ** 2 + (
                predicted[joint, 1] - truth[joint, 1]
            ) ** 2
            total += np.exp(-squared / (2 * area * (2 * SIGMAS[joint]) ** 2))
            count += 1
    return total / count if count else np.nan


def draw_dataset(seed: int, images: int = 6) -> dict:
    """Draw a dataset in COCO's keypoint format, with small, unlabelled and crowd persons."""
    rng = np.random.default_rng(seed)
    people = []
    for image in range(images):
        for _ in range(rng.integers(1, 5)):
            size = rng.choice([20, 60, 200])
            corner, visible = rng.uniform(0, 300, 2), rng.integers(0, 3, 17) * (rng.random() > 0.1)
            points = (corner + rng.uniform(0, size, (17, 2))) * (visible[:, None] > 0)
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": image,
                    "category_id": 1,
                    "iscrowd": int(rng.random() < 0.1),
                    "area": float(size**2),
                    "bbox": [*corner, float(size), float(size)],
                    "num_keypoints": int((visible > 0).sum()),
                    "keypoints": np.column_stack([points, visible]).ravel().tolist(),
                }
            )
    categories = [{"id": 1, "name": "person"}]
    return {
        "images": [{"id": image} for image in range(images)],
        "annotations": people,
        "categories": categories,
    }


def detect(dataset: dict, noise: float, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for person in dataset["annotations"]:
        if not person["num_keypoints"]:
            continue  # ignored by COCO, but a detection that matches nobody is not
        keypoints = np.array(person["keypoints"]).reshape(17, 3)
        keypoints[:, :2] += rng.normal(0, noise, (17, 2)) if noise else 0
        rows.append({"image_id": person["image_id"], "score": rng.random(), "keypoints": keypoints})
    return pd.DataFrame(rows)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from([0, 3, 30]))
def test_oks_equals_the_formula_and_pycocotools(seed, noise):
    dataset = draw_dataset(seed)
    dataset["annotations"] = [person for person in dataset["annotations"] if person["num_keypoints"]]
    detections = detect(dataset, noise, seed)
    predicted = np.stack(detections["keypoints"])
    truth = np.array([person["keypoints"] for person in dataset["annotations"]]).reshape(-1, 17, 3)
    areas = np.array([person["area"] for person in dataset["annotations"]])
    ours = oks(predicted, truth, areas)
    np.testing.assert_allclose(
        ours, [oks_literally(*row) for row in zip(predicted, truth, areas, strict=True)]
    )
    assert noise or np.all((ours == 1) | np.isnan(ours))
    evaluation = evaluate_by_pycocotools(dataset, detections)
    for row, person in enumerate(dataset["annotations"]):
        image = person["image_id"]
        # pycocotools orders the detections of an image by falling score.
        rivals = detections.query("image_id == @image").sort_values("score", ascending=False).index
        column = [other["id"] for other in evaluation._gts[image, 1]].index(person["id"])
        theirs = evaluation.ious[image, 1][list(rivals).index(row), column]
        assert theirs == pytest.approx(ours[row], abs=1e-12)


def evaluate_by_pycocotools(dataset: dict, detections) -> COCOeval:
    truth = COCO()
    truth.dataset = dataset | {"info": {}}
    truth.createIndex()
    results = [
        {
            "image_id": row.image_id,
            "category_id": 1,
            "score": row.score,
            "keypoints": row.keypoints.ravel().tolist(),
        }
        for row in detections.itertuples()
    ]
    evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("noise", [0, 4, 20])
def test_ap_equals_pycocotools_in_any_order(noise):
    dataset = draw_dataset(7)
    detections = detect(dataset, noise)
    ours = evaluate_keypoints(detections, dataset)
    theirs = evaluate_by_pycocotools(dataset, detections).stats
    np.testing.assert_array_equal(ours.fillna(-1), theirs)
    shuffled = detections.sample(frac=1, random_state=1)
    np.testing.assert_allclose(evaluate_keypoints(shuffled, dataset), ours)
    if noise == 0:
        assert ours["AP"] == ours["AR"] == pytest.approx(1, abs=1e-12)
    else:
        assert ours["AP"] < 1


def test_ap_of_real_annotations_is_one():
    dataset = json.loads(Path(shared_path("coco_keypoints/person_keypoints.json")).read_text())
    result = evaluate_keypoints(detect(dataset, 0), dataset)
    assert result["AP"] == pytest.approx(1, abs=1e-12)
    assert result["AR"] == pytest.approx(1, abs=1e-12)


def test_persons_not_found_count_as_no_detection():
    dataset = draw_dataset(3)
    detections = detect(dataset, 4)
    nobody = detections.assign(keypoints=[np.full((17, 3), np.nan)] * len(detections), score=np.nan)
    assert (evaluate_keypoints(nobody, dataset).dropna() == 0).all()
    half = [pose if i % 2 else np.full((17, 3), np.nan) for i, pose in enumerate(detections["keypoints"])]
    np.testing.assert_array_equal(
        evaluate_keypoints(detections.assign(keypoints=half), dataset),
        evaluate_keypoints(detections[1::2], dataset),
    )
    truth = np.array([person["keypoints"] for person in dataset["annotations"]]).reshape(-1, 17, 3)
    assert np.isnan(oks(truth, truth * [1, 1, 0], np.ones(len(truth)))).all()
    assert (np.nan_to_num(oks(np.full_like(truth, np.nan), truth, np.ones(len(truth)))) == 0).all()
    with pytest.raises(ValueError, match="score"):
        evaluate_keypoints(detections.drop(columns="score"), dataset)
