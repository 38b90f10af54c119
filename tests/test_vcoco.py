"""V-COCO's labels joined to COCO's boxes: published counts, a literal reading, every kind of bad input."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import SAMPLE
from PIL import Image

from lib.coco import KEYPOINTS, load_image
from lib.profiles import ROOT, DataError, load_profile
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


# --- Bad input: one sentence with the file, the field and the id


def spoil_length(contents):
    contents["vcoco"][3]["label"].pop()


def spoil_roles(contents):
    contents["vcoco"][0]["role_object_id"].pop()


def spoil_verb(contents):
    contents["vcoco"][5]["action_name"] = "wlak"


def spoil_missing_verb(contents):
    contents["vcoco"].pop()


def spoil_persons(contents):
    for field in ("image_id", "ann_id", "label", "role_object_id"):
        contents["vcoco"][1][field].pop()


def spoil_twice(contents):
    for entry in contents["vcoco"]:
        entry["ann_id"][1] = entry["ann_id"][0]


def spoil_label(contents):
    contents["vcoco"][2]["label"][1] = 2


def spoil_area(contents):
    contents["instances"]["annotations"][0]["bbox"] = [10, 10, 0, 5]


def spoil_outside(contents):
    contents["instances"]["annotations"][0]["bbox"] = [5000, 10, 20, 20]


def spoil_annotation_ids(contents):
    contents["instances"]["annotations"].append(contents["instances"]["annotations"][0])


def spoil_images(contents):
    contents["instances"]["images"].append(contents["instances"]["images"][0])


def spoil_lost_image(contents):
    del contents["instances"]["images"][0]


def spoil_category(contents):
    contents["instances"]["annotations"][0]["category_id"] = 18


def spoil_image_id(contents):
    contents["instances"]["annotations"][0]["image_id"] = contents["instances"]["images"][1]["id"]


def spoil_file_name(contents):
    contents["instances"]["images"][0]["file_name"] = "../../etc/passwd"


def spoil_type(contents):
    contents["instances"]["annotations"][0]["bbox"] = "here"


def spoil_field(contents):
    del contents["instances"]["annotations"][0]["category_id"]


def first(contents) -> str:
    return str(contents["instances"]["annotations"][0]["id"])


BAD = [
    (spoil_length, "vcoco.json", "label of ride"),
    (spoil_roles, "vcoco.json", "role_object_id of hold"),
    (spoil_verb, "vcoco.json", "wlak"),
    (spoil_missing_verb, "vcoco.json", "snowboard"),
    (spoil_persons, "vcoco.json", "ann_id of stand"),
    (spoil_twice, "vcoco.json", "ann_id of hold"),
    (spoil_label, "vcoco.json", "$[2].label[1]"),
    (spoil_area, "instances.json", first),
    (spoil_outside, "instances.json", first),
    (spoil_annotation_ids, "instances.json", first),
    (spoil_images, "instances.json", "id of images"),
    (spoil_lost_image, "instances.json", "images"),
    (spoil_category, "instances.json", first),
    (spoil_image_id, "instances.json", first),
    (spoil_file_name, "instances.json", "file_name"),
    (spoil_type, "instances.json", "$.annotations[0].bbox"),
    (spoil_field, "instances.json", "category_id"),
]


@pytest.mark.parametrize(("spoil", "file", "said"), BAD, ids=[row[0].__name__ for row in BAD])
def test_bad_input_names_file_and_field(tiny, spoil, file, said):
    spoil(tiny.contents)
    paths = tiny.write()
    with pytest.raises(DataError) as error:
        load_people(paths["vcoco"], paths["instances"])
    message = str(error.value)
    assert file in message
    assert (said if isinstance(said, str) else said(tiny.contents)) in message
    assert message.endswith(".")
    assert "\n" not in message


def test_person_without_a_box_is_listed_or_raises(tiny):
    lost = tiny.contents["instances"]["annotations"].pop(0)
    paths = tiny.write()
    with pytest.warns(UserWarning, match=str(lost["id"])):
        table = load_people(paths["vcoco"], paths["instances"])
    assert table.attrs["missing"] == [lost["id"]]
    assert lost["id"] not in table.index
    with pytest.raises(DataError, match=str(lost["id"])):
        load_people(paths["vcoco"], paths["instances"], strict=True)


@pytest.mark.parametrize("name", ["vcoco", "instances"])
def test_missing_and_truncated_files(tiny, name):
    paths = tiny.write()
    whole = paths[name].read_bytes()
    paths[name].write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=f"{name}.json.*truncated"):
        load_people(paths["vcoco"], paths["instances"])
    paths[name].unlink()
    with pytest.raises(DataError, match=f"{name}.json: the file is missing"):
        load_people(paths["vcoco"], paths["instances"])


def test_a_coco_file_is_not_vcoco(tiny):
    paths = tiny.write()
    with pytest.raises(DataError, match=r"no V-COCO labels .*Expected `array`, got `object`"):
        load_people(paths["instances"], paths["instances"])


def test_wrong_number_of_keypoints_names_the_person(tiny):
    entry = tiny.contents["person_keypoints"]["annotations"][0]
    entry["keypoints"].pop()
    paths = tiny.write()
    people = load_people(paths["vcoco"], paths["instances"])
    with pytest.raises(DataError, match=f"keypoints of ann_id {entry['id']}: 50 numbers"):
        load_keypoints(people, paths["person_keypoints"])


# --- Images


@pytest.mark.parametrize(
    ("mode", "suffix"), [("L", "png"), ("CMYK", "jpg"), ("RGBA", "png"), ("P", "gif"), ("1", "bmp")]
)
def test_images_of_every_kind_become_rgb(tmp_path, mode, suffix):
    path = tmp_path / f"image.{suffix}"
    Image.new(mode, (7, 5)).save(path)
    image = load_image(path)
    assert (image.mode, image.size) == ("RGB", (7, 5))


def test_unreadable_images_name_the_file(tmp_path):
    whole = next((SAMPLE / "images/val2014").glob("*.jpg")).read_bytes()
    for name, content in {
        "cut.jpg": whole[: len(whole) // 2],
        "text.jpg": b"not an image",
        "empty.jpg": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"{name}: the image cannot be decoded"):
            load_image(tmp_path / name)
    with pytest.raises(DataError, match=r"absent\.jpg: the image is missing"):
        load_image(tmp_path / "absent.jpg")
