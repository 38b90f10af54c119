"""Spoilt files of every kind: they load, or raise the one documented error, and nothing else happens."""

import copy
import json
import warnings

import pytest
from conftest import SAMPLE, tiny_contents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib.coco import load_image
from lib.profiles import DataError
from lib.vcoco import load_keypoints, load_objects, load_people, load_role_objects

CONTENTS = tiny_contents()
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 2**31, 2**53, 2**63, 2**64, 1e308, -1e308, 1e-320]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


class Files(dict[str, bytes]):
    """File contents by name, shown by hypothesis without those that are as they should be."""

    def __repr__(self) -> str:
        return repr({name: content for name, content in self.items() if content != WHOLE[name]})


WHOLE = {name: json.dumps(content).encode() for name, content in CONTENTS.items()}


@st.composite
def spoilt_files(draw) -> Files:
    """Spoil one of the files in its structure, its bytes, or both."""
    name = draw(st.sampled_from(sorted(CONTENTS)))
    content = copy.deepcopy(CONTENTS[name])
    for _ in range(draw(st.integers(0, 3))):
        content = draw(spoilt_structure(content))
    files = Files(WHOLE)
    files[name] = json.dumps(content).encode()
    if draw(st.booleans()):
        files[name] = draw(spoilt_bytes(files[name]))
    return files


@st.composite
def spoilt_structure(draw, content: object) -> object:
    """Replace, remove, repeat or exchange something at a random depth."""
    holder, key, value = None, None, content
    for _ in range(draw(st.integers(1, 5))):
        keys = (
            list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
        )
        if not keys:
            break
        holder, key = value, draw(st.sampled_from(keys))
        value = holder[key]
    if holder is None:
        return draw(VALUES)
    deed = draw(st.sampled_from(["replace", "replace", "remove", "repeat", "exchange"]))
    if deed == "replace":
        holder[key] = draw(VALUES)
    elif deed == "remove":
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(0, copy.deepcopy(value)) if deed == "repeat" else holder.reverse()
    return content


@st.composite
def spoilt_bytes(draw, whole: bytes) -> bytes:
    """Cut the file short, cut out a piece, or overwrite a piece."""
    start = draw(st.integers(0, len(whole)))
    length = draw(st.integers(0, 40))
    deed = draw(st.sampled_from(["truncate", "cut", "overwrite"]))
    if deed == "truncate":
        return whole[:start]
    return (
        whole[:start]
        + (draw(st.binary(max_size=length)) if deed == "overwrite" else b"")
        + whole[start + length :]
    )


@pytest.mark.timeout(300)
@settings(max_examples=2000, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(files=spoilt_files())
def test_spoilt_annotations_load_or_raise_data_error(tmp_path_factory, files):
    folder = tmp_path_factory.getbasetemp()
    paths = {name: folder / f"{name}.json" for name in files}
    for name, path in paths.items():
        path.write_bytes(files[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # persons without a box: a warning by design
        try:
            people = load_people(paths["vcoco"], paths["instances"])
            load_role_objects(paths["vcoco"], paths["instances"])
            load_objects(people, paths["instances"])
            keypoints = load_keypoints(people, paths["person_keypoints"])
        except DataError as error:
            message = str(error)
        else:
            message = ""
            assert len(keypoints) == len(people)
            assert (people[["w", "h"]] > 0).all(axis=None)
    assert not message or any(str(path) in message for path in paths.values())


JPEG = min((SAMPLE / "images/val2014").glob("*.jpg"), key=lambda path: path.stat().st_size).read_bytes()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(content=spoilt_bytes(JPEG))
def test_spoilt_images_load_or_raise_data_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "image.jpg"
    path.write_bytes(content)
    try:
        outcome = load_image(path).mode
    except DataError as error:
        outcome = str(error)
    assert outcome == "RGB" or str(path) in outcome
