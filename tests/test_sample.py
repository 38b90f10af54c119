"""The drawn sample: reproduced byte for byte, in the official formats, anatomically possible, hard enough."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import SAMPLE
from PIL import Image
from pycocotools.coco import COCO
from scenery import body
from scenery.activities import ACTIVITIES
from scenery.scene import draw_scene

from lib.profiles import load_profile
from lib.vcoco import VERBS, load_keypoints, load_profile_people

RNG = np.random.default_rng


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return load_profile_people(load_profile("sample"))


@pytest.fixture(scope="module")
def keypoints(people) -> np.ndarray:
    """True keypoints (people, 17, 3)."""
    splits = load_profile("sample").splits.values()
    files = sorted({file for split in splits for file in split.person_keypoints_json})
    return load_keypoints(people, files).to_numpy().reshape(-1, 17, 3)


def test_draw_reproduces_the_committed_files(tmp_path):
    subprocess.run([sys.executable, SAMPLE / "draw.py", tmp_path], check=True, capture_output=True)
    drawn = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    committed = [
        path for folder in ("annotations", "images", "vcoco") for path in (SAMPLE / folder).rglob("*.*")
    ]
    assert drawn == sorted(path.relative_to(SAMPLE) for path in committed)
    for path in drawn:
        if path.suffix == ".json":
            assert (tmp_path / path).read_bytes() == (SAMPLE / path).read_bytes(), path
        else:
            difference = np.subtract(
                *(np.asarray(Image.open(root / path), float) for root in (tmp_path, SAMPLE))
            )
            assert np.abs(difference).mean() < 1, path


def test_sizes_are_as_promised(people):
    counts = people["split"].value_counts()
    assert abs(counts["train"] - 400) < 40
    assert abs(counts["val"] - 200) < 40
    assert abs(counts["test"] - 400) < 40
    in_git = [
        path for folder in ("annotations", "images", "vcoco") for path in (SAMPLE / folder).rglob("*.*")
    ]
    assert sum(path.stat().st_size for path in in_git) <= 8e6


def test_labels_are_long_tailed_and_about_three_a_person(people):
    labels = people[list(VERBS)]
    assert 2.6 < labels.sum(axis="columns").mean() < 3.2
    train = labels[people["split"] == "train"].sum()
    assert train.max() / train.min() > 20
    assert people.groupby("image_id").size().between(1, 3).all()


def test_a_third_is_hard_for_a_pose_estimator(people, keypoints):
    visible = (keypoints[:, :, 2] == 2).sum(axis=1)
    hard = (visible < 11) | (people["h"].to_numpy() < 55)
    assert 0.25 < hard.mean() < 0.42


def test_formats_are_the_official_ones(shared):
    """Field by field, the sample's records have what real records have, of the same types."""
    real = json.loads((shared / "coco_keypoints/person_keypoints.json").read_text())
    ours = json.loads((SAMPLE / "annotations/person_keypoints_val2014.json").read_text())
    for part in ("images", "annotations", "categories", "licenses"):
        assert ours[part][0].keys() >= real[part][0].keys() - {"name"}, part
    assert ours["categories"][0]["keypoints"] == real["categories"][0]["keypoints"]
    assert ours["categories"][0]["skeleton"] == real["categories"][0]["skeleton"]
    numbers = {entry["id"]: entry["name"] for entry in real_categories(shared)}
    instances = json.loads((SAMPLE / "annotations/instances_val2014.json").read_text())
    assert {entry["id"]: entry["name"] for entry in instances["categories"]} == numbers
    for split in ("train", "test"):
        real_labels = json.loads((shared / f"vcoco/vcoco_{split}.json").read_text())
        our_labels = json.loads((SAMPLE / f"vcoco/vcoco_{split}.json").read_text())
        for field in ("action_name", "role_name", "include"):
            assert [entry[field] for entry in our_labels] == [entry[field] for entry in real_labels]
        assert our_labels[0].keys() == real_labels[0].keys()


def real_categories(shared) -> list[dict]:
    return json.loads((shared / "vcoco/instances_vcoco_all_2014.json").read_text())["categories"]


@pytest.mark.parametrize("name", ["train2014", "val2014"])
def test_masks_boxes_and_joints_agree(name):
    """pycocotools reads the polygons; they fill the boxes, and visible joints lie on the mask."""
    coco = COCO(SAMPLE / f"annotations/person_keypoints_{name}.json")
    on_mask = []
    for entry in coco.loadAnns(coco.getAnnIds())[:150]:
        if not entry["segmentation"]:
            continue
        mask = coco.annToMask(entry).astype(bool)
        x, y, _, h = entry["bbox"]
        rows, columns = np.nonzero(mask)
        assert columns.min() >= x - 1
        assert rows.max() <= y + h + 1
        joints = np.reshape(entry["keypoints"], (17, 3))
        grown = np.pad(mask, 3)
        near = np.any([np.roll(grown, (dy, dx), (0, 1)) for dy in (-2, 0, 2) for dx in (-2, 0, 2)], axis=0)[
            3:-3, 3:-3
        ]
        on_mask += [
            near[min(j[1], near.shape[0] - 1), min(j[0], near.shape[1] - 1)] for j in joints if j[2] == 2
        ]
    assert np.mean(on_mask) > 0.97


# --- Anatomy

BONES = {
    "elbow": ("shoulder", body.UPPER_ARM),
    "wrist": ("elbow", body.FOREARM),
    "knee": ("hip", body.THIGH),
    "ankle": ("knee", body.SHANK),
}


@pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda activity: activity.act.__name__)
def test_bodies_keep_their_lengths_and_joint_limits(activity):
    for seed in range(20):
        doing = activity.act(RNG(seed))
        bones = body.skeleton((doing if seed % 2 else doing.mirrored()).pose)
        for side in ("left", "right"):
            joints = {
                name.removeprefix(f"{side}_"): p for name, p in bones.joints.items() if name.startswith(side)
            }
            for end, (start, length) in BONES.items():
                assert np.linalg.norm(joints[end] - joints[start]) == pytest.approx(length, abs=1e-9)
            assert flexion(joints["shoulder"], joints["elbow"], joints["wrist"]) <= body.ELBOW_LIMIT + 1e-6
            assert flexion(joints["hip"], joints["knee"], joints["ankle"]) <= body.KNEE_LIMIT + 1e-6
        assert min(joint[2] for joint in bones.joints.values()) > -0.03  # nothing below the ground


def flexion(start: np.ndarray, joint: np.ndarray, end: np.ndarray) -> float:
    """Return by how many degrees a joint is bent from straight."""
    a, b = joint - start, end - joint
    return np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))


ELSEWHERE = {"surf", "ski", "snowboard", "skateboard", "run"}  # feet on a board, or in the air


def test_feet_of_the_standing_are_on_the_ground_and_hands_at_what_they_hold():
    for activity in ACTIVITIES:
        for seed in range(10):
            doing = activity.act(RNG(seed))
            joints = body.skeleton(doing.pose).joints
            if "stand" in doing.verbs and not ELSEWHERE & doing.verbs.keys():
                assert min(joints["left_ankle"][2], joints["right_ankle"][2]) < body.ANKLE + 0.04
            if "obj" in doing.verbs.get("hold", {}):
                thing = doing.things[doing.verbs["hold"]["obj"]]
                points = np.vstack([along(part.points) for part in thing.parts])
                hands = [joints["left_hand"], joints["right_hand"]]
                reach = min(np.linalg.norm(points - hand, axis=1).min() for hand in hands)
                radius = max(max(part.radii, default=part.width) for part in thing.parts)
                assert reach < 0.12 + radius, activity.act.__name__


def along(points: np.ndarray) -> np.ndarray:
    """Fill in points between the corners (n, 3) of a part."""
    steps = np.linspace(0, 1, 20)[:, None, None]
    return (points[:-1] + steps * np.diff(points, axis=0)).reshape(-1, 3) if len(points) > 1 else points


def test_mirroring_twice_is_identity_and_swaps_sides():
    for activity in ACTIVITIES:
        doing = activity.act(RNG(0))
        once, twice = doing.mirrored(), doing.mirrored().mirrored()
        joints, mirrored = (body.skeleton(d.pose).joints for d in (doing, once))
        np.testing.assert_allclose(mirrored["left_wrist"], joints["right_wrist"] * (1, -1, 1), atol=1e-9)
        np.testing.assert_allclose(
            body.skeleton(twice.pose).joints["left_knee"], joints["left_knee"], atol=1e-9
        )


def test_scenes_differ_by_seed_and_repeat_by_seed():
    first, again, other = (draw_scene(RNG(seed), ACTIVITIES[0]) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.picture, again.picture)
    assert first.picture.shape != other.picture.shape or (first.picture != other.picture).any()
