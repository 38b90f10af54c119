"""Tables of what the view `pose` holds of people, beside answers known by hand."""

import numpy as np
import pandas as pd
import pytest

from lib import features
from lib.coco import BOX, KEYPOINTS
from lib.features.poses import BODY_PARTS
from lib.features.views import POSE_GROUPS

PEOPLE = pd.DataFrame(
    {
        "split": ["train", "val", "train", "val", "val", "train", "test"],
        "image_id": [1, 4, 1, 2, 3, 5, 6],
        "file_name": ["a", "d", "a", "b", "c", "unreadable", "f"],
        "x": 10.0,
        "y": 20.0,
        "w": [100.0, 90, 31, 80, 32, 10, 70],
        "h": [200.0, 31.9, 150, 160, 32, 10, 140],
        "sit": [True, False, True, False, False, False, True],
        "run": [True, True, False, False, False, False, False],
    },
    index=pd.Index([71, 12, 53, 34, 25, 46, 97], name="ann_id"),
)
MARKED = (71, 12, 34, 97)  # in whom COCO's annotators marked joints


def make_poses(**columns: object) -> pd.DataFrame:
    """Return a table of the view, NaN but for what is given by `ann_id`."""
    names = ["score", *POSE_GROUPS["image"], *POSE_GROUPS["crop"]]
    poses = pd.DataFrame(np.nan, PEOPLE.index[::-1], names)  # rows in another order than the people's
    for name, values in columns.items():
        poses[name] = pd.Series(values)
    return poses


@pytest.fixture
def truth() -> pd.DataFrame:
    """True joints all over the box, of those who have any."""
    columns = [f"{joint}_{part}" for joint in KEYPOINTS for part in "xyv"]
    table = pd.DataFrame(np.nan, PEOPLE.index, columns)
    for ann_id in MARKED:
        x, y, w, h = PEOPLE.loc[ann_id, BOX]
        joints = [(x + w * i / 16, y + h * (i % 4) / 3, 2) for i in range(17)]
        table.loc[ann_id] = np.ravel(joints)
    return table


def test_poses_are_counted_by_split():
    poses = make_poses(score={71: 0.5, 53: 0.49, 12: 0.9})
    table = features.count_poses(PEOPLE, poses)
    assert table.index.tolist() == ["train", "val", "test"]
    assert table["people"].tolist() == [3, 3, 1]
    assert table["with a pose"].tolist() == [2, 1, 0]
    assert table["mean score"].tolist() == pytest.approx([0.495, 0.9, np.nan], nan_ok=True)
    assert table["score >= 0.5"].tolist() == [1, 1, 0]


def test_a_missing_pose_has_the_first_reason_that_applies(truth):
    """46 is small too, 53 and 25 have no marked joint; 25 is just large enough."""
    poses = make_poses(score={71: 0.5, 97: 0.3})
    table = features.count_missing_poses(PEOPLE, poses, truth, pd.Series(["unreadable"]))
    assert table.columns.tolist() == ["train", "val", "test"]
    assert table.T.to_dict("list") == {
        "image cannot be read": [1, 0, 0],
        "box under 32 px wide or high": [1, 1, 0],
        "COCO's annotators marked no joint either": [0, 1, 0],
        "the network found nobody": [0, 1, 0],
    }


def test_where_everybody_has_a_pose_no_reason_is_listed(truth):
    poses = make_poses(score=dict.fromkeys(PEOPLE.index, 0.5))
    table = features.count_missing_poses(PEOPLE, poses, truth, pd.Series([], dtype=object))
    assert table.shape == (0, 3)


def test_poses_are_judged_by_split_and_person(truth):
    """Train's poses are the truth, val's are far away or missing; 53, 25 and 46 have no true joint."""
    poses = make_poses(score={71: 0.5, 12: 0.9, 53: 0.6, 97: 0.4})
    poses[POSE_GROUPS["image"]] = truth.to_numpy()[::-1]
    poses.loc[12, POSE_GROUPS["image"]] += 10_000
    poses.loc[34] = np.nan
    similarity, quality = features.evaluate_poses_by_split(PEOPLE, poses, truth)
    assert similarity.to_dict() == pytest.approx(
        {71: 1, 12: 0, 53: np.nan, 34: 0, 25: np.nan, 46: np.nan, 97: 1}, nan_ok=True
    )
    assert similarity.index.equals(PEOPLE.index)
    assert quality.index.tolist() == ["train", "val", "test"]
    assert quality["AP"].tolist() == pytest.approx([1, 0, 1])
    (alone, of_test) = features.evaluate_poses(PEOPLE.loc[[97]], poses, truth)
    assert alone.to_dict() == pytest.approx({97: 1})
    pd.testing.assert_series_equal(of_test, quality.loc["test"], check_names=False)


def test_a_part_of_the_body_is_found_with_one_confident_joint():
    poses = make_poses(
        crop_left_wrist_score={71: 0.3, 53: 0.29, 97: 0.1, 12: 0.9},
        crop_right_wrist_score={71: 0.0, 53: 0.0, 97: 0.8},
        crop_nose_score={12: 0.7, 46: 0.9},
    )
    shares = features.share_body_parts(PEOPLE, poses, ["sit", "run"])
    assert shares.index.tolist() == ["run", "sit"], "more is seen of those who run"
    assert shares["wrists"].to_dict() == pytest.approx({"run": 1, "sit": 2 / 3})
    assert shares["head"].to_dict() == {"run": 0.5, "sit": 0}
    assert (shares.drop(columns=["wrists", "head"]) == 0).all(axis=None)


def test_every_joint_is_of_one_part_of_the_body():
    assert sorted(joint for part in BODY_PARTS.values() for joint in part) == sorted(KEYPOINTS)
