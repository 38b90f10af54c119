"""The feature store: right numbers in the right rows, never stale, as experiments read them."""

import json
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import extracting
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from extracting import sample_people, views_with
from PIL import Image
from stores import CLOSE, NAMES, SAMPLE, assert_same, contents, frames, run

from lib.clip_features import ClipEncoder
from lib.coco import BOX, read_coco, tabulate
from lib.crops import read_image
from lib.features import FeatureStore, load_features
from lib.features.engines import READERS
from lib.features.store import made_of
from lib.pose import PoseEstimator
from lib.profiles import DataError, Profile


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return sample_people(30)


# --- The right numbers in the right rows


def test_equal_to_the_encoders_called_one_person_at_a_time(people, made_features):
    found = frames(made_features)
    clip, pose = ClipEncoder(SAMPLE.clip_weights), PoseEstimator(SAMPLE.pose_weights)
    for ann_id, person in people.iterrows():
        path = SAMPLE.image_path(person["split"], person["file_name"])
        box = person[BOX].to_numpy(float)[None]
        literal = {
            "clip_full": clip.encode_images([path])[0],
            "clip_crop": clip.encode_crops([path], box)[0],
            "pose": pose.estimate([path], box).to_frame().to_numpy(float)[0],
        }
        for name, numbers in literal.items():
            row = found[name].loc[ann_id].to_numpy()
            size = np.nanmax(np.abs(numbers)) if np.isfinite(numbers).any() else 1
            np.testing.assert_allclose(row, numbers, rtol=0, atol=CLOSE * size, err_msg=f"{name} {ann_id}")


def test_a_table_has_one_row_per_person_and_lists_of_fixed_size(people, made_features):
    for name, lists in {
        "clip_full": ["features"],
        "clip_crop": ["features"],
        "pose": ["image", "crop"],
    }.items():
        schema = pq.read_schema(made_features / f"{name}.parquet")
        table = pq.read_table(made_features / f"{name}.parquet")
        assert table["ann_id"].to_pylist() == sorted(people.index)
        sizes = [str(schema.field(field).type) for field in lists]
        assert sizes == [f"fixed_size_list<element: float>[{51 if name == 'pose' else 128}]"] * len(lists)
    poses = frames(made_features)["pose"]
    assert list(poses.columns[:6]) == ["score", "found", "crop_x", "crop_y", "crop_w", "crop_h"]
    assert list(poses.columns[6:9]) == [f"image_nose_{value}" for value in ("x", "y", "score")]
    assert poses.shape[1] == 6 + 2 * 51


def test_the_metadata_name_every_ingredient(made_features):
    for name in NAMES:
        ingredients = json.loads(pq.read_schema(made_features / f"{name}.parquet").metadata[b"ingredients"])
        assert len(ingredients["weights_sha256"]) == 64
        assert ingredients["precision"] == "float32"
        assert ingredients["margin_px"] == (None if name == "clip_full" else 20)
        assert torch.__version__.startswith(ingredients["versions"]["torch"])
        assert {"encoder", "preprocessing", "input"} <= ingredients.keys()


@pytest.mark.parametrize("images_per_shard", [1, 7, 1000])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_neither_batch_nor_order_nor_shard_changes_a_feature(
    people, made_features, images_per_shard, batch_size, tmp_path
):
    views = [replace(view, encoder=replace(view.encoder, batch_size=batch_size)) for view in views_with()]
    shuffled = people.sample(frac=1, random_state=batch_size)
    run(shuffled, tmp_path, views, images_per_shard=images_per_shard)
    for name, expected in frames(made_features).items():
        assert_same(frames(tmp_path)[name], expected)


def test_each_image_is_opened_once_for_all_its_people_and_views(tmp_path):
    opened = extracting.count_openings(tmp_path, 40)
    people = sample_people(40)
    assert opened == dict.fromkeys(people["file_name"], 1)
    assert len(opened) < len(people)


def test_few_images_are_in_memory_at_once(made_features, monkeypatch, tmp_path):
    alive, together = [], []

    def read(path: Path) -> np.ndarray:
        pixels = read_image(path)
        alive.append(weakref.ref(pixels))
        together.append(sum(image() is not None for image in alive))
        return pixels

    people = sample_people(30)
    monkeypatch.setattr("lib.features.shards.read_image", read)
    run(people, tmp_path)
    assert len(together) == people["file_name"].nunique() > 2 * READERS
    assert max(together) <= READERS
    assert contents(tmp_path) == contents(made_features)


def test_real_photographs(shared, tmp_path):
    folder = shared / "vcoco"
    persons = real_persons(folder)
    report = run(persons, tmp_path, image_path=lambda _, name: folder / "images" / name)
    assert persons["file_name"].nunique() == 20
    assert report["failed"].tolist() == [0, 0, 0]
    assert report["computed"].tolist() == [len(persons)] * 3
    assert np.isfinite(frames(tmp_path)["clip_full"]).all(axis=None)


def real_persons(folder: Path) -> pd.DataFrame:
    """Tabulate all persons of the real images; an image without any known is one box as a whole."""
    paths = sorted(folder.glob("images/*.jpg"))
    instances = folder / "instances_vcoco_all_2014.json"
    ids = {image["file_name"]: image["id"] for image in json.loads(instances.read_text())["images"]}
    coco = read_coco(instances, [ids[path.name] for path in paths if path.name in ids])
    objects = tabulate(coco, list(coco.anns))
    persons = objects.loc[objects["category"] == "person", ["image_id", "file_name", *BOX]]
    for number, path in enumerate(paths):
        if path.name not in set(persons["file_name"]):
            with Image.open(path) as image:
                persons.loc[number] = [number, path.name, 0, 0, *image.size]
    return persons.assign(split="test")


# --- Never stale


def test_what_is_stored_is_not_computed_again(people, made_features):
    before = contents(made_features)
    report = run(people, made_features)
    assert report["computed"].tolist() == [0, 0, 0]
    assert report["people"].tolist() == [30, 30, 30]
    assert contents(made_features) == before


@pytest.fixture
def copy(made_features, tmp_path) -> Path:
    """A copy of the finished features, which a test may change."""
    return shutil.copytree(made_features, tmp_path / "features")


def other_clip(folder: Path) -> Path:
    """Save the sample's CLIP with one number changed."""
    state = torch.load(SAMPLE.clip_weights, weights_only=True)
    state["visual.attnpool.c_proj.bias"] = state["visual.attnpool.c_proj.bias"] + 1
    torch.save(state, folder / "other.pt")
    return folder / "other.pt"


def test_other_weights_are_another_feature(people, copy, tmp_path):
    views = [
        replace(view, encoder=replace(view.encoder, weights=other_clip(tmp_path)))
        for view in views_with()[:2]
    ]
    report = run(people, copy, [*views, views_with()[2]])
    assert report["computed"].tolist() == [30, 30, 0]
    table = FeatureStore(copy).read("clip_crop")
    assert made_of(table)["weights_sha256"] == views[0].ingredients()["weights_sha256"]


def test_another_precision_is_another_feature(people, copy):
    assert run(people, copy, views_with(precision="bfloat16"))["computed"].tolist() == [30, 30, 30]


def test_another_margin_is_another_feature(people, copy, monkeypatch):
    monkeypatch.setattr("lib.features.views.PAD", 10)
    assert run(people, copy)["computed"].tolist() == [0, 30, 30]


def test_another_box_or_image_is_computed_again_and_nobody_else(people, copy, made_features, tmp_path):
    changed = people.copy()
    first, second = people.index[0], people.index[5]
    changed.loc[first, "w"] /= 2
    other = tmp_path / "other.jpg"
    Image.new("RGB", (320, 240), "red").save(other)

    def image_path(split: str, name: str) -> Path:
        return other if name == people.loc[second, "file_name"] else SAMPLE.image_path(split, name)

    concerned = {first, *people.index[people["file_name"] == people.loc[second, "file_name"]]}
    report = run(changed, copy, image_path=image_path)
    assert report["computed"].tolist() == [len(concerned)] * 3
    for name, before in frames(made_features).items():
        after = frames(copy)[name]
        same = [ann_id for ann_id in before.index if ann_id not in concerned]
        pd.testing.assert_frame_equal(after.loc[same], before.loc[same])
    assert not np.allclose(
        frames(copy)["clip_crop"].loc[[first]], frames(made_features)["clip_crop"].loc[[first]]
    )


def test_more_people_are_added_and_others_stay(made_features, copy, tmp_path):
    more = sample_people(36)
    assert run(more, copy)["computed"].tolist() == [6, 6, 6]
    assert run(more.tail(10), copy)["computed"].tolist() == [0, 0, 0]
    run(more.tail(20), tmp_path / "all at once")  # those with the higher numbers first
    run(more, tmp_path / "all at once")
    for name, expected in frames(tmp_path / "all at once").items():
        assert_same(frames(copy)[name], expected)


# --- What experiments read


@pytest.fixture
def profile(copy) -> Profile:
    return replace(SAMPLE, data=copy.parent)


def test_features_come_in_the_order_of_the_people(profile, people):
    some = people.iloc[[7, 3, 20]]
    assert load_features(profile, "clip_crop", some).index.tolist() == some.index.tolist()
    assert load_features(profile, "clip_crop", some).dtypes.unique().tolist() == [np.float32]


def test_features_that_are_not_there_name_the_notebook(profile, people):
    (profile.features / "pose.parquet").unlink()
    with pytest.raises(DataError, match=r"pose.parquet: no such features; run notebook 02"):
        load_features(profile, "pose", people)


def test_features_of_fewer_people_or_other_boxes_are_refused(profile):
    more = sample_people(31)
    with pytest.raises(DataError, match=rf"lacks 1 of 31 people as they are now, ann_id {more.index[-1]}"):
        load_features(profile, "pose", more)
    more.loc[more.index[:2], "h"] += 1
    with pytest.raises(DataError, match=r"lacks 2 of 30"):
        load_features(profile, "pose", more.head(30))


def test_features_of_other_weights_are_refused(profile, people, tmp_path):
    other = replace(profile, clip_weights=other_clip(tmp_path))
    with pytest.raises(
        DataError, match=r"clip_crop.parquet: weights_sha256: not what it is now; run notebook 02"
    ):
        load_features(other, "clip_crop", people)
    load_features(other, "pose", people)


def test_features_travel_without_the_weights(profile, people, tmp_path):
    without = load_features(replace(profile, clip_weights=tmp_path / "absent.pt"), "clip_crop", people)
    pd.testing.assert_frame_equal(without, load_features(profile, "clip_crop", people))


def test_a_damaged_table_is_named(people, copy):
    (copy / "pose.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"pose.parquet: cannot be read .*; delete it and run again"):
        run(people, copy)
