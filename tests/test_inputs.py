"""What a model sees: each form beside a literal one, statistics of train alone, JSON and back, errors."""

import json

import numpy as np
import pandas as pd
import pytest

from lib.coco import BOX, KEYPOINTS
from lib.experiments.inputs import POSE_COLUMNS, InputForm
from lib.features.views import POSE_GROUPS

POSES = ("raw", "crop", "box", "torso", "standard")
TRAIN, NOBODY, UNREADABLE = 12, 3, 5  # how many are train; the places of two people without a pose
COUNT = 20


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    index = pd.Index(100 + rng.permutation(COUNT), name="ann_id")
    return pd.DataFrame(rng.uniform(10, 90, (COUNT, 4)), index, BOX)


@pytest.fixture
def features(people) -> dict[str, pd.DataFrame]:
    """Tables as the extraction gives them, in another order than the people and with more rows."""
    rng = np.random.default_rng(2)
    index = pd.Index([*people.index[::-1], 7], name="ann_id")
    crops = rng.integers(0, 40, (COUNT + 1, 4)) + np.array([0, 0, 50, 60])
    joints = rng.uniform(1, 90, (COUNT + 1, 17, 3))
    joints[..., 2] = rng.choice([0, 0.4, 0.9], (COUNT + 1, 17))
    in_image = joints + np.insert(crops[:, None, :2], 2, 0, axis=2)
    pose = pd.concat(
        [
            pd.DataFrame({"score": joints[..., 2].mean(axis=1), "found": 1.0}, index),
            pd.DataFrame(crops, index, ["crop_x", "crop_y", "crop_w", "crop_h"]),
            pd.DataFrame(in_image.reshape(-1, 51), index, POSE_GROUPS["image"]),
            pd.DataFrame(joints.reshape(-1, 51), index, POSE_GROUPS["crop"]),
        ],
        axis="columns",
    ).astype(np.float32)
    pose.loc[people.index[NOBODY], ["score", *POSE_GROUPS["image"], *POSE_GROUPS["crop"]]] = np.nan
    pose.loc[people.index[UNREADABLE]] = np.nan
    clip = {
        view: pd.DataFrame(rng.standard_normal((COUNT + 1, 6)), index).add_prefix(view).astype(np.float32)
        for view in ("clip_crop", "clip_full")
    }
    return {"pose": pose, **clip}


def joint_literally(form: str, person, row: pd.Series, joint: str, moments: dict) -> list[float]:
    """Return one joint of one person as the definition of the form says."""
    x, y, score = (float(row[f"crop_{joint}_{value}"]) for value in ("x", "y", "score"))
    if form == "raw":
        return [x, y, score]
    if score == 0:
        return [0, 0, 0]
    if form == "crop":
        return [x / row["crop_w"], y / row["crop_h"], score]
    if form == "box":
        left, top = person["x"] - row["crop_x"], person["y"] - row["crop_y"]
        return [(x - left) / person["w"], (y - top) / person["h"], score]
    mean, deviation = moments[joint]
    return [(x - mean[0]) / deviation[0], (y - mean[1]) / deviation[1], score]


def moments_literally(pose: pd.DataFrame, train: pd.Index) -> dict[str, tuple]:
    moments = {}
    for joint in KEYPOINTS:
        points = [
            [row[f"crop_{joint}_x"], row[f"crop_{joint}_y"]]
            for _, row in pose.loc[train].astype(float).iterrows()
            if row[f"crop_{joint}_score"] > 0
        ]
        moments[joint] = np.mean(points, axis=0), np.std(points, axis=0)
    return moments


@pytest.mark.parametrize("pose", ["raw", "crop", "box", "standard"])
def test_each_form_equals_a_literal_loop(pose, people, features):
    train = people.index[:TRAIN]
    form = InputForm(("clip_crop", "pose"), pose=pose).fit(features, train)
    numbers = form.apply(people, features)
    assert list(numbers.columns) == [*features["clip_crop"].columns, *POSE_COLUMNS]
    assert numbers.index.equals(people.index)
    assert (numbers.dtypes == np.float32).all()
    moments = moments_literally(features["pose"], train)
    for ann_id, person in people.iterrows():
        row = features["pose"].loc[ann_id].astype(float)
        expected = [joint_literally(pose, person, row, joint, moments) for joint in KEYPOINTS]
        seen = numbers.loc[ann_id, POSE_COLUMNS].to_numpy().reshape(17, 3)
        if row.isna().any():
            assert np.isnan(seen).all()
        else:
            np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-4)


def test_clip_is_raw_or_of_length_1_view_by_view(people, features):
    raw = InputForm(("clip_full", "clip_crop")).apply(people, features)
    pd.testing.assert_frame_equal(raw.iloc[:, :6], features["clip_full"].loc[people.index])
    unit = InputForm(("clip_full", "clip_crop"), clip="unit").apply(people, features)
    for part in (slice(0, 6), slice(6, 12)):
        lengths = np.linalg.norm(unit.iloc[:, part], axis=1)
        np.testing.assert_allclose(lengths, 1, rtol=1e-6)
        np.testing.assert_allclose(unit.iloc[3, part] * np.linalg.norm(raw.iloc[3, part]), raw.iloc[3, part])


@pytest.mark.parametrize("pose", POSES)
def test_people_without_a_pose_drop_out_or_are_zeros_the_unreadable_always_drop_out(pose, people, features):
    for without_pose in ("drop", "zeros"):
        form = InputForm(("clip_crop", "pose"), pose=pose, without_pose=without_pose)
        numbers = form.fit(features, people.index).apply(people, features)[POSE_COLUMNS]
        assert numbers.iloc[UNREADABLE].isna().all()
        if without_pose == "drop":
            assert numbers.iloc[NOBODY].isna().all()
        else:
            assert (numbers.iloc[NOBODY] == 0).all()
        others = numbers.drop(index=people.index[[NOBODY, UNREADABLE]])
        assert others.notna().all(axis=None)


def test_the_pose_comes_after_clip_whatever_the_order_of_the_views(people, features):
    numbers = InputForm(("pose", "clip_crop")).apply(people, features)
    assert list(numbers.columns) == [*features["clip_crop"].columns, *POSE_COLUMNS]


def test_statistics_are_of_train_alone_and_survive_json_to_the_last_bit(people, features):
    train = people.index[:TRAIN]
    form = InputForm(("pose",), pose="standard").fit(features, train)
    changed = features["pose"].copy()
    changed.loc[people.index[TRAIN:]] += 50
    assert InputForm(("pose",), pose="standard").fit({"pose": changed}, train) == form
    changed.loc[train[0], "crop_nose_x"] += 1
    changed.loc[train[0], "crop_nose_score"] = 1
    assert InputForm(("pose",), pose="standard").fit({"pose": changed}, train) != form
    again = InputForm.from_dict(json.loads(json.dumps(form.to_dict())))
    assert again == form
    pd.testing.assert_frame_equal(again.apply(people, features), form.apply(people, features))


def test_forms_without_statistics_are_fitted_to_themselves(people, features):
    form = InputForm(("clip_crop",), pose="standard")
    assert form.fit(features, people.index) is form
    form = InputForm(("pose",), pose="torso")
    assert form.fit(features, people.index) is form


def test_standard_without_statistics_says_so(people, features):
    with pytest.raises(ValueError, match="'standard' needs moments"):
        InputForm(("pose",), pose="standard").apply(people, features)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"views": ["clip"]}, r"\$\.views\[0\]"),
        ({"views": []}, "views: choose from clip_crop, clip_full, pose, got"),
        ({"views": ["pose", "pose"]}, "views: .* got pose, pose"),
        ({"pose": "polar"}, r"\$\.pose"),
        ({"clip": "big"}, r"\$\.clip"),
        ({"without_pose": None}, r"\$\.without_pose"),
        ({"moments": [[[1.0, 2.0]]]}, r"shape \(2, 17, 2\), got \(1, 1, 2\)"),
        ({"moment": None}, "unknown field `moment`"),
    ],
)
def test_a_wrong_field_is_named(changed, message):
    content = InputForm(("clip_crop", "pose")).to_dict() | changed
    with pytest.raises(ValueError, match=message):
        InputForm.from_dict(content)


def test_a_wrong_word_in_python_is_named_too():
    with pytest.raises(ValueError, match="clip: choose from raw, unit, got normalised"):
        InputForm(("clip_crop",), clip="normalised")
