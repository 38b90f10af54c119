"""The catalogue of sources: the real one, and every way to write one wrongly."""

from pathlib import Path
from typing import get_args

import pytest
import tiny_vcoco
from hosts import REAL

from lib.download import download, read_catalogue
from lib.higherhrnet.checkpoints import HASH_IN_NAME
from lib.profiles import DataError, PoseModel, Profile, load_profile


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return tiny_vcoco.make_profile(tmp_path / "vcoco")


def test_the_real_catalogue():
    profile = load_profile("vcoco")
    listed = read_catalogue(profile)
    assert {file.path for file in listed.labels} == {files.vcoco_json for files in profile.splits.values()}
    assert listed.pose_models.keys() == profile.pose_models.keys() == set(get_args(PoseModel))
    named = [*listed.pose_models.values(), *listed.weights[1]]
    assert all(HASH_IN_NAME.search(file.path.name)[1] == file.sha256 for file in named)
    assert all(Path(url).name == file.path.name for file in named for url in file.urls)
    for choice in ((listed.annotations,), *listed.weights, *((file,) for file in named)):
        assert choice[0].urls[0].startswith("https://")
        assert all(file.sha256 or file.md5 for file in choice)
    assert all(file.sha256 or file.check for file in listed.labels)
    (test,) = (file for file in listed.labels if file.check)
    assert test.check.keywords["people"] == 7_674
    assert test.check.keywords["labels"] == 22_070


def test_a_profile_without_its_catalogue(profile: Profile):
    (profile.inputs / "sources.toml").unlink()
    with pytest.raises(DataError, match=r"sources\.toml: missing, though profile\.toml says downloadable"):
        download(profile, "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("md5 =", "md4 =", "md4"),
        ('"8ae85183"', '"8AE85183"', "regex"),
        ("https://download.openmmlab.com/mmpose/bottom_up", "mmpose", r"pose_weights\.urls"),
        ("bytes = 252_872_794", 'bytes = "many"', r"annotations\.bytes"),
        ("people = 7_674", "persons = 7_674", r"labels\[\.\.\.\]\.counts"),
        ("[labels.val]", "[labels.validation]", "validation"),
        ("[images]", "[images", "Expected|Invalid"),
    ],
)
def test_a_wrong_catalogue_names_file_and_field(profile: Profile, old: str, new: str, said: str):
    toml = profile.inputs / "sources.toml"
    toml.write_text(toml.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(DataError, match=f"sources.toml: .*({said}).*; compare it with data/vcoco"):
        download(profile, "http://127.0.0.1:9")


def test_a_catalogue_without_a_split(profile: Profile):
    toml = profile.inputs / "sources.toml"
    toml.write_text(toml.read_text(encoding="utf-8").partition("[labels.test]")[0], encoding="utf-8")
    with pytest.raises(DataError, match=r"sources\.toml: .*annotations"):
        download(profile, "http://127.0.0.1:9")
    rest = "[annotations]" + REAL.partition("[annotations]")[2]
    toml.write_text(toml.read_text(encoding="utf-8") + rest, encoding="utf-8")
    with pytest.raises(DataError, match=r"sources\.toml: table labels\.test is missing"):
        download(profile, "http://127.0.0.1:9")
