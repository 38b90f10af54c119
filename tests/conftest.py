"""Fixtures: reference data beside the repository, a tiny V-COCO that a test may spoil, networks, features."""

import json
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from lib.profiles import ROOT, Profile

SAMPLE = ROOT / "data" / "sample"

# They assert: a failure shows its numbers.
pytest.register_assert_rewrite("downloading", "headless", "narrow_clip", "stores")


def pytest_configure() -> None:
    """Let interrupts arrive: what a shell starts in the background ignores them, and what that starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest file, so that it is not what others wait for when files run side by side."""
    items.sort(key=lambda item: item.path.name != "test_notebooks.py")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real V-COCO labels; tests that need it are skipped where it is not."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared with the real V-COCO labels")
    return folder


@dataclass(frozen=True)
class TinyFiles:
    """Three label and annotation files of a few people, as parsed JSON, and the folder to write them to."""

    folder: Path
    contents: dict[str, object]

    def write(self) -> dict[str, Path]:
        """Write all files as they are now; return their paths by name."""
        paths = {name: self.folder / f"{name}.json" for name in self.contents}
        for name, path in paths.items():
            path.write_text(json.dumps(self.contents[name]), encoding="utf-8")
        return paths


@pytest.fixture
def tiny(tmp_path: Path) -> TinyFiles:
    """The first images of the sample's test split, four people or a few more."""
    return TinyFiles(tmp_path, tiny_contents())


def tiny_contents() -> dict[str, object]:
    """Cut the sample's test files down to the images of their first four people."""
    names = {"vcoco": "vcoco/vcoco_test", "instances": "annotations/instances_val2014"}
    names["person_keypoints"] = "annotations/person_keypoints_val2014"
    contents = {name: json.loads((SAMPLE / f"{file}.json").read_text()) for name, file in names.items()}
    images = set(contents["vcoco"][0]["image_id"][:4])
    for entry in contents["vcoco"]:
        people = len(entry["image_id"])
        kept = [i for i in range(people) if entry["image_id"][i] in images]
        blocks = [
            entry["role_object_id"][r * people : (r + 1) * people] for r in range(len(entry["role_name"]))
        ]
        entry["role_object_id"] = [block[i] for block in blocks for i in kept]
        for field in ("image_id", "ann_id", "label"):
            entry[field] = [entry[field][i] for i in kept]
    for name in ("instances", "person_keypoints"):
        content = contents[name]
        content["images"] = [image for image in content["images"] if image["id"] in images]
        entries = [entry for entry in content["annotations"] if entry["image_id"] in images]
        content["annotations"] = sorted(entries, key=lambda entry: entry["category_id"])  # people first
    return contents


@pytest.fixture(scope="session")
def modelled(tmp_path_factory) -> Profile:
    """A profile with the sample's images, the features of a few people and three saved models."""
    import predicting  # imports every network

    profile = predicting.make_profile(tmp_path_factory.mktemp("プロファイル 1"))
    predicting.prepare(profile)
    return profile


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with three of the sample's images."""
    folder = tmp_path / "写真"
    folder.mkdir()
    for picture in sorted((SAMPLE / "images/val2014").glob("*.jpg"))[:3]:
        shutil.copy(picture, folder / picture.name)
    return folder


@pytest.fixture(scope="session")
def network():
    """A HigherHRNet for images of 64 pixels, its weights by the rule; tests leave it as it is."""
    from pictures import TINY  # imports every network
    from reference import build_by_rule

    return build_by_rule(**TINY)


@pytest.fixture(scope="session")
def made_features(tmp_path_factory) -> Path:
    """The features of 30 people, made once, in one process, without disturbance."""
    import stores  # imports every network
    from extracting import sample_people

    folder = tmp_path_factory.mktemp("features")
    stores.run(sample_people(30), folder)
    return folder
