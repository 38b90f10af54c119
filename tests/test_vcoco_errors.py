"""Bad labels, boxes and keypoints: one sentence that names the file, the field and the id."""

import json

import pytest

from lib.profiles import DataError
from lib.vcoco import load_keypoints, load_people


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


def spoil_verb_twice(contents):
    contents["vcoco"].append({**contents["vcoco"][0], "label": [1] * len(contents["vcoco"][0]["label"])})


def spoil_other_image(contents):
    contents["vcoco"][4]["image_id"][0] += 1


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
    (spoil_verb_twice, "vcoco.json", "action_name: hold is there twice"),
    (spoil_other_image, "vcoco.json", "image_id of walk: another than hold gives for ann_id"),
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


def test_one_id_for_two_categories_is_refused(tiny):
    paths, other = tiny.write(), tiny.folder / "other.json"
    other.write_text(json.dumps({"images": [], "annotations": [], "categories": [{"id": 1, "name": "dog"}]}))
    with pytest.raises(
        DataError, match=r"other\.json: categories: id 1 is 'dog', and 'person' in .*instances\.j"
    ):
        load_people(paths["vcoco"], [paths["instances"], other])


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
