"""The table that notebook 01 writes: refused where labels, boxes or verbs have changed since."""

import json
import re
from pathlib import Path

import pytest
from own_profile import write_own_profile

from lib.profiles import DataError, Profile, load_profile
from lib.vcoco import load_prepared_people, load_profile_people


@pytest.fixture
def prepared(tmp_path, tiny) -> Profile:
    """A profile of two verbs, with the table of its people."""
    write_own_profile(tmp_path / "mine", tiny.contents)
    profile = load_profile(tmp_path / "mine")
    load_profile_people(profile).to_parquet(profile.people)
    return profile


def edit(path: Path, key: str, value: object) -> None:
    """Change the first entry of a label file, or of the annotations of a COCO file."""
    content = json.loads(path.read_text())
    entries = content if isinstance(content, list) else content["annotations"]
    entries[0][key] = value
    path.write_text(json.dumps(content))


def test_prepared_people_are_the_people(prepared):
    people = load_prepared_people(prepared)
    assert people.equals(load_profile_people(prepared))
    before = prepared.people.read_bytes()
    load_profile_people(prepared).to_parquet(prepared.people)
    assert prepared.people.read_bytes() == before
    assert [set(map(len, report["sha256"])) for report in people.attrs.values()] == [{64}] * 3


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [("val_vcoco.json", "label", [1, 1, 1, 1, 1]), ("test_instances.json", "bbox", [1, 2, 30, 40])],
)
def test_a_corrected_label_or_box_makes_the_table_stale(prepared, file, key, value):
    edit(prepared.inputs / file, key, value)
    said = f"{prepared.people}: made of another {prepared.inputs / file} than is there now; run notebook 01_"
    with pytest.raises(DataError, match=re.escape(said)):
        load_prepared_people(prepared)
    load_profile_people(prepared).to_parquet(prepared.people)
    assert not load_prepared_people(prepared).empty


def test_files_that_are_gone_are_not_compared(prepared):
    for file in (*prepared.inputs.glob("*_vcoco.json"), prepared.inputs / "val_instances.json"):
        file.unlink()
    assert not load_prepared_people(prepared).empty


def test_another_list_of_files_makes_the_table_stale(prepared):
    toml = prepared.inputs / "profile.toml"
    toml.write_text(toml.read_text().replace('["val_i', '["test_instances.json", "val_i'))
    with pytest.raises(DataError, match=r"made of another .*test_instances"):
        load_prepared_people(load_profile(prepared.inputs))


def test_a_profile_cut_down_to_the_last_verbs_is_another(prepared):
    toml = prepared.inputs / "profile.toml"
    toml.write_text(toml.read_text().replace('"wave", ', ""))
    with pytest.raises(DataError, match="its verbs are not the profile's"):
        load_prepared_people(load_profile(prepared.inputs))
