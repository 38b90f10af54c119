"""V-COCO's labels joined to COCO's boxes: published counts, and a literal reading."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib.coco import KEYPOINTS
from lib.profiles import ROOT, load_profile
from lib.vcoco import (
    VERBS,
    find_border_contact,
    load_keypoints,
    load_objects,
    load_people,
    load_profile_people,
    load_role_objects,
)

# --- Real V-COCO


@pytest.mark.parametrize(("split", "people", "labels"), [("train", 3896, 11325), ("test", 7674, 22070)])
def test_real_counts_equal_the_published_ones(shared, split, people, labels):
    table = load_people(shared / f"vcoco/vcoco_{split}.json", shared / "vcoco/instances_vcoco_all_2014.json")
    published = pd.read_csv(ROOT / "data/thesis/table_6_1.csv", index_col="verb")[split]
    assert list(published.index) == list(VERBS)
    assert table[list(VERBS)].sum().to_dict() == published.to_dict()
    assert (len(table), int(published.sum())) == (people, labels)


@pytest.mark.parametrize("split", ["train", "test"])
def test_real_people_equal_a_literal_reading(shared, split):
    files = shared / f"vcoco/vcoco_{split}.json", shared / "vcoco/instances_vcoco_all_2014.json"
    pd.testing.assert_frame_equal(load_people(*files), literal_people(*files))


def test_real_role_objects_equal_a_literal_reading(shared):
    files = shared / "vcoco/vcoco_train.json", shared / "vcoco/instances_vcoco_all_2014.json"
    roles = load_role_objects(*files)
    found = list(
        roles.reset_index()[["ann_id", "verb", "role", "object_id"]].itertuples(index=False, name=None)
    )
    assert found == literal_role_objects(files[0])
    boxes = {entry["id"]: entry["bbox"] for entry in json.loads(files[1].read_text())["annotations"]}
    for row in roles.itertuples():
        expected = boxes.get(row.object_id, [np.nan] * 4)
        np.testing.assert_equal([row.x, row.y, row.w, row.h], expected)


def test_real_keypoints_are_joined_by_ann_id(shared):
    file = shared / "coco_keypoints/person_keypoints.json"
    annotations = json.loads(file.read_text())["annotations"]
    people = pd.DataFrame({"image_id": {entry["id"]: entry["image_id"] for entry in annotations}})
    keypoints = load_keypoints(people, file)
    for entry in annotations:
        expected = np.array(entry["keypoints"], dtype=float).reshape(17, 3)
        expected[expected[:, 2] == 0, :2] = np.nan
        if entry["num_keypoints"] == 0:
            expected[:] = np.nan
        np.testing.assert_equal(keypoints.loc[entry["id"]].to_numpy().reshape(17, 3), expected)


def literal_people(vcoco_json, instances_json) -> pd.DataFrame:
    """Read people with plain loops, as V-COCO's own utilities describe the files."""
    entries = {entry["action_name"]: entry for entry in json.loads(vcoco_json.read_text())}
    content = json.loads(instances_json.read_text())
    boxes = {entry["id"]: entry for entry in content["annotations"]}
    images = {image["id"]: image for image in content["images"]}
    rows = {}
    for verb in VERBS:
        entry = entries[verb]
        for image_id, ann_id, label in zip(entry["image_id"], entry["ann_id"], entry["label"], strict=True):
            rows.setdefault(ann_id, {"image_id": image_id})[verb] = bool(label)
    people = {}
    for ann_id, row in rows.items():
        if not any(row[verb] for verb in VERBS):
            continue
        image = images[row["image_id"]]
        x, y, w, h = map(float, boxes[ann_id]["bbox"])
        x0, y0 = max(x, 0.0), max(y, 0.0)
        w, h = min(x + w, image["width"]) - x0, min(y + h, image["height"]) - y0
        size = {key: image[key] for key in ("file_name", "width", "height")}
        people[ann_id] = {"image_id": row["image_id"], **size, "x": x0, "y": y0, "w": w, "h": h, **row}
    return pd.DataFrame.from_dict(people, orient="index").rename_axis("ann_id")


def literal_role_objects(vcoco_json) -> list[tuple]:
    entries = {entry["action_name"]: entry for entry in json.loads(vcoco_json.read_text())}
    found = []
    for verb in VERBS:
        entry = entries[verb]
        people = len(entry["ann_id"])
        for r, role in enumerate(entry["role_name"]):
            for i in range(people):
                object_id = entry["role_object_id"][r * people + i]
                if role != "agent" and entry["label"][i] and object_id:
                    found.append((entry["ann_id"][i], verb, role, object_id))
    return found


# --- The sample, through the same code


def test_sample_has_every_verb_in_every_split():
    people = load_profile_people(load_profile("sample"))
    assert people.groupby("split")[list(VERBS)].sum().to_numpy().min() >= 1
    assert people.index.is_unique
    assert list(people.columns[:9]) == [
        "split",
        "image_id",
        "file_name",
        "width",
        "height",
        "x",
        "y",
        "w",
        "h",
    ]


def test_people_survive_parquet(tmp_path):
    people = load_profile_people(load_profile("sample"))
    people.to_parquet(tmp_path / "people.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "people.parquet"), people)


def test_verbs_may_list_people_in_another_order(tiny):
    paths = tiny.write()
    before = load_people(paths["vcoco"], paths["instances"])
    entry = tiny.contents["vcoco"][VERBS.index("sit")]
    for field in ("image_id", "ann_id", "label"):
        entry[field].reverse()
    tiny.write()
    pd.testing.assert_frame_equal(load_people(paths["vcoco"], paths["instances"]), before)


def test_objects_are_all_others_of_the_image(tiny):
    paths = tiny.write()
    people = load_people(paths["vcoco"], paths["instances"])
    objects = load_objects(people, paths["instances"])
    for ann_id, person in people.iterrows():
        annotations = tiny.contents["instances"]["annotations"]
        expected = {a["id"] for a in annotations if a["image_id"] == person["image_id"]} - {ann_id}
        found = objects.loc[[ann_id], "object_id"] if ann_id in objects.index else []
        assert set(found) == expected


def test_annotations_may_be_spread_over_files(tiny):
    paths = tiny.write()
    whole = load_people(paths["vcoco"], paths["instances"])
    content = tiny.contents["instances"]
    for i, image in enumerate(content["images"]):
        own = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
        part = {**content, "images": [image], "annotations": own}
        (tiny.folder / f"part{i}.json").write_text(json.dumps(part))
    pd.testing.assert_frame_equal(load_people(paths["vcoco"], sorted(tiny.folder.glob("part*.json"))), whole)


def test_files_may_name_other_categories(tiny):
    """Each file has only the categories of its own annotations, as hand-made ones do."""
    paths = tiny.write()
    people = load_people(paths["vcoco"], paths["instances"])
    whole = load_objects(people, paths["instances"]).sort_values("object_id")
    parts = write_parts(tiny)
    for files in (parts, parts[::-1]):
        pd.testing.assert_frame_equal(load_people(paths["vcoco"], files), people)
        objects = load_objects(people, files).sort_values("object_id")
        pd.testing.assert_frame_equal(objects, whole, check_categorical=False)


def write_parts(tiny) -> list[Path]:
    """Write a COCO file for each image, with the categories that occur in it."""
    content, paths, written = tiny.contents["instances"], [], []
    for number, image in enumerate(content["images"]):
        own = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
        ids = {entry["category_id"] for entry in own}
        written.append([category for category in content["categories"] if category["id"] in ids])
        paths.append(tiny.folder / f"part{number}.json")
        paths[-1].write_text(json.dumps({"images": [image], "annotations": own, "categories": written[-1]}))
    assert any(kinds != written[0] for kinds in written)
    return paths


def test_keypoints_are_missing_where_coco_has_none(tiny):
    entry = tiny.contents["person_keypoints"]["annotations"][0]
    entry["num_keypoints"], entry["keypoints"] = 0, [0] * 51
    paths = tiny.write()
    people = load_people(paths["vcoco"], paths["instances"])
    keypoints = load_keypoints(people, paths["person_keypoints"])
    assert keypoints.loc[entry["id"]].isna().all()
    assert list(keypoints.columns[:3]) == [f"{KEYPOINTS[0]}_{part}" for part in "xyv"]
    rest = keypoints.drop(index=entry["id"]).to_numpy().reshape(-1, 17, 3)
    assert np.isnan(rest[rest[:, :, 2] == 0][:, :2]).all()
    assert not np.isnan(rest[rest[:, :, 2] > 0]).any()


def test_boxes_are_clipped_and_counted(tiny):
    people = [entry for entry in tiny.contents["instances"]["annotations"] if entry["category_id"] == 1]
    people[0]["bbox"] = [-10, -20, 50, 60]
    paths = tiny.write()
    table = load_people(paths["vcoco"], paths["instances"])
    assert table.loc[people[0]["id"], ["x", "y", "w", "h"]].tolist() == [0, 0, 40, 40]
    assert table.attrs["clipped"] == 1


def test_people_without_a_verb_are_counted_not_kept(tiny):
    paths = tiny.write()
    before = load_people(paths["vcoco"], paths["instances"])
    for entry in tiny.contents["vcoco"]:
        entry["label"][0] = 0
    tiny.write()
    after = load_people(paths["vcoco"], paths["instances"])
    assert before.index.difference(after.index).tolist() == [tiny.contents["vcoco"][0]["ann_id"][0]]
    assert after.attrs["without_verb"] == before.attrs["without_verb"] + 1


def test_border_contact():
    people = pd.DataFrame({"x": [0, 5], "y": [9, 1.0], "w": [4, 5], "h": [1, 2], "width": 10, "height": 10})
    contact = find_border_contact(people)
    assert contact.to_numpy().tolist() == [[True, False, False, True], [False, True, True, False]]
