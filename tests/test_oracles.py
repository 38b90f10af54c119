"""Oracle inputs beside literal readings of COCO's files; V-COCO's labels and roles change nothing."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib import experiments
from lib.coco import BOX, KEYPOINTS
from lib.crops import grow_box
from lib.experiments.arms import POSE_COLUMNS
from lib.features.views import POSE_GROUPS
from lib.pose import Poses
from lib.profiles import DataError, Profile, load_profile
from lib.vcoco import VERBS, load_profile_people

SAMPLE = load_profile("sample")
NUMBERS = ("present", "count", "dx", "dy", "log_w", "log_h")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """People of all splits, shuffled, so that nothing can be matched by position."""
    return load_profile_people(SAMPLE).sample(frac=0.4, random_state=0)


@pytest.fixture(scope="module")
def poses(people) -> pd.DataFrame:
    return experiments.true_pose_inputs(SAMPLE, people)


@pytest.fixture(scope="module")
def objects(people) -> pd.DataFrame:
    return experiments.object_inputs(SAMPLE, people)


def annotations(kind: str) -> dict[str, dict]:
    """Read the sample's files with nothing but json: content by COCO split."""
    folder = SAMPLE.inputs / "annotations"
    return {
        split: json.loads((folder / f"{kind}_{split}.json").read_text()) for split in ("train2014", "val2014")
    }


def coco_split(split: str) -> str:
    return "val2014" if split == "test" else "train2014"


# --- True poses


def test_true_poses_beside_a_literal_reading(people, poses):
    contents = annotations("person_keypoints")
    by_id = {s: {entry["id"]: entry for entry in c["annotations"]} for s, c in contents.items()}
    assert list(poses.columns) == POSE_COLUMNS
    assert poses.index.equals(people.index)
    assert (poses.dtypes == np.float32).all()
    seen = set()
    for ann_id, person in people.iterrows():
        entry = by_id[coco_split(person["split"])][ann_id]
        found = poses.loc[ann_id]
        if entry["num_keypoints"] == 0:
            assert found.isna().all()
            continue
        left, top = max(0, round(person["x"] - 20)), max(0, round(person["y"] - 20))
        for joint, (x, y, v) in zip(KEYPOINTS, np.reshape(entry["keypoints"], (17, 3)), strict=True):
            expected = [x - left, y - top, {1: 0.5, 2: 1.0}[v]] if v else [0, 0, 0]
            values = [found[f"crop_{joint}_{part}"] for part in ("x", "y", "score")]
            assert values == pytest.approx(expected)
            seen.add(int(v))
    assert seen == {0, 1, 2}


def test_true_poses_have_the_columns_of_estimated_ones(people, poses):
    features = experiments.true_pose_features(SAMPLE, people)
    nobody = Poses(*(np.full((1, *shape), np.nan) for shape in [(17, 3), (17, 3), (), (), (4,)]))
    assert list(features.columns) == list(nobody.to_frame().columns)
    pd.testing.assert_frame_equal(features[POSE_COLUMNS], poses)
    known = poses.notna().all(axis="columns")
    assert (features["found"] == known).all()
    assert features["score"].notna().equals(known)
    joints = {group: features[POSE_GROUPS[group]].to_numpy().reshape(-1, 17, 3) for group in POSE_GROUPS}
    labelled = joints["crop"][..., 2] > 0
    shift = (joints["image"] - joints["crop"])[..., :2]
    crops = features[["crop_x", "crop_y"]].to_numpy()[:, None]
    np.testing.assert_allclose(shift[labelled], np.broadcast_to(crops, shift.shape)[labelled], atol=1e-3)
    np.testing.assert_allclose(features["score"][known], joints["crop"][known, :, 2].mean(axis=1), atol=1e-6)
    for ann_id, person in people.head(20).iterrows():
        box = grow_box(person[BOX], person["width"], person["height"])
        assert features.loc[ann_id, ["crop_x", "crop_y", "crop_w", "crop_h"]].tolist() == box.tolist()


def test_who_has_no_true_pose_is_missing_and_counted(people, poses, objects):
    counts = experiments.count_oracle_inputs(people, poses, objects)
    assert counts["people"].sum() == len(people)
    for split, row in counts.iterrows():
        mine = people.index[people["split"] == split]
        assert row["people"] == len(mine)
        assert row["no true pose"] == poses.loc[mine].isna().all(axis="columns").sum()
        assert row["no other object"] == sum((objects.loc[ann_id] == 0).all() for ann_id in mine)
    assert counts["no true pose"].sum() > 0 < counts["no other object"].sum()


# --- True objects


def literal_objects(person: pd.Series, ann_id: int, entries: list[dict], category_id: int) -> list[float]:
    """Say of one category what the docstring says, object by object."""
    mine = [e for e in entries if e["category_id"] == category_id and e["id"] != ann_id]
    if not mine:
        return [0.0] * 6
    centre_x, centre_y = person["x"] + person["w"] / 2, person["y"] + person["h"] / 2

    def away(entry: dict) -> tuple[float, float]:
        x, y, w, h = entry["bbox"]
        return x + w / 2 - centre_x, y + h / 2 - centre_y

    nearest = min(mine, key=lambda entry: (math.hypot(*away(entry)), entry["id"]))
    (dx, dy), (_, _, w, h) = away(nearest), nearest["bbox"]
    ratios = math.log(max(w, 1) / person["w"]), math.log(max(h, 1) / person["h"])
    return [1.0, math.log(1 + len(mine)), math.asinh(dx / person["w"]), math.asinh(dy / person["h"]), *ratios]


def test_objects_beside_a_literal_reading(people, objects):
    contents = annotations("instances")
    categories = contents["train2014"]["categories"]
    assert list(objects.columns) == [f"{c['name']}_{number}" for c in categories for number in NUMBERS]
    assert objects.shape == (len(people), 480)
    assert objects.index.equals(people.index)
    assert (objects.dtypes == np.float32).all()
    for ann_id, person in people.head(60).iterrows():
        content = contents[coco_split(person["split"])]
        entries = [e for e in content["annotations"] if e["image_id"] == person["image_id"]]
        expected = [literal_objects(person, ann_id, entries, c["id"]) for c in categories]
        np.testing.assert_allclose(objects.loc[ann_id], np.ravel(expected), atol=1e-5)


def test_other_persons_count_and_oneself_does_not(people, objects):
    everybody = [
        e for c in annotations("instances").values() for e in c["annotations"] if e["category_id"] == 1
    ]
    persons = pd.Series([entry["image_id"] for entry in everybody]).value_counts()
    others = np.expm1(objects["person_count"]).round()
    assert others.tolist() == (persons[people["image_id"]].to_numpy() - 1).tolist()
    assert 0 < objects["person_present"].mean() < 1


# --- Nothing of the labels comes in


@pytest.fixture
def copied(tmp_path) -> Profile:
    """The sample with its own label files, and all else where it was."""
    shutil.copytree(SAMPLE.inputs / "vcoco", tmp_path / "vcoco")
    splits = {
        split: replace(files, vcoco_json=tmp_path / "vcoco" / files.vcoco_json.name)
        for split, files in SAMPLE.splits.items()
    }
    return replace(SAMPLE, splits=splits)


def change_labels(file: Path, change: str) -> None:
    content, rng = json.loads(file.read_text()), np.random.default_rng(0)
    for entry in content:
        people, roles = len(entry["ann_id"]), entry["role_object_id"]
        if change == "roles removed":
            entry["role_object_id"] = roles[:people] + [0] * (len(roles) - people)
        elif change == "roles permuted":
            entry["role_object_id"] = roles[:people] + rng.permutation(roles[people:]).tolist()
        else:
            entry["label"] = [1 - label for label in entry["label"]]
    file.write_text(json.dumps(content))


@pytest.mark.parametrize("change", ["roles removed", "roles permuted", "labels turned"])
def test_inputs_do_not_depend_on_roles_or_labels(change, copied, people, poses, objects):
    for files in copied.splits.values():
        before = files.vcoco_json.read_bytes()
        change_labels(files.vcoco_json, change)
        assert files.vcoco_json.read_bytes() != before
    changed = load_profile_people(copied)
    same = changed.index.intersection(people.index)
    assert len(same) > 0.9 * len(people)
    changed = changed.loc[same]
    assert (changed[list(VERBS)] != people.loc[same, list(VERBS)]).any(axis=None) == (
        change == "labels turned"
    )
    pd.testing.assert_frame_equal(
        experiments.object_inputs(copied, changed), objects.loc[same], check_exact=True
    )
    found = experiments.true_pose_inputs(copied, changed)
    pd.testing.assert_frame_equal(found, poses.loc[same], check_exact=True)


def test_a_person_sees_the_same_in_any_company(people, objects):
    some = people.sample(30, random_state=1)
    pd.testing.assert_frame_equal(experiments.object_inputs(SAMPLE, some), objects.loc[some.index])


def test_an_object_without_a_category_is_named(tmp_path, people):
    content = annotations("instances")["val2014"]
    test = people[people["split"] == "test"]
    spoilt = next(e for e in content["annotations"] if e["image_id"] == test["image_id"].iloc[0])
    spoilt["category_id"] = 999
    (tmp_path / "instances.json").write_text(json.dumps(content))
    files = replace(SAMPLE.splits["test"], instances_json=(tmp_path / "instances.json",))
    profile = replace(SAMPLE, splits={**SAMPLE.splits, "test": files})
    with pytest.raises(DataError, match=rf"category_id of annotation {spoilt['id']}: no such category"):
        experiments.object_inputs(profile, test)
