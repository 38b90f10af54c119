"""Forms of keypoints: what each keeps, what it does not change with, known values, literal versions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools.cocoeval import COCOeval

from lib.coco import JOINTS, SIGMAS
from lib.pose.keypoints import keypoint_moments, normalise_keypoints, torso_frame

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
