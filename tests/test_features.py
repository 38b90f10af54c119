"""The feature store: right numbers in the right rows, killed and resumed, never stale, never half written."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
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

from lib.clip_features import ClipEncoder
from lib.coco import BOX, read_coco, tabulate
from lib.features import FeatureStore, extract, load_failures, load_features
from lib.features.store import made_of, to_frame
from lib.pose import PoseEstimator
from lib.profiles import ROOT, DataError, Profile, load_profile

CLOSE = 1e-5
NAMES = ("clip_full", "clip_crop", "pose")
SAMPLE = load_profile("sample")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return sample_people(30)


@pytest.fixture(scope="module")
def made(people, tmp_path_factory) -> Path:
    """The features of `people`, made once, in one process, without disturbance."""
    folder = tmp_path_factory.mktemp("features")
    run(people, folder)
    return folder


def run(people: pd.DataFrame, folder: Path, views=None, image_path=SAMPLE.image_path, **options):
    """Extract; `views` are the sample's three where none are given."""
    store = FeatureStore(folder)
    return extract(people, image_path, views_with() if views is None else views, store, **options)


def frames(folder: Path) -> dict[str, pd.DataFrame]:
    return {name: to_frame(FeatureStore(folder).read(name)) for name in NAMES}


def assert_same(ours: pd.DataFrame, expected: pd.DataFrame, tolerance: float = CLOSE) -> None:
    """Assert equal rows and columns, numbers up to a share of each row's largest, NaN in the same places."""
    assert list(ours.columns) == list(expected.columns)
    assert ours.index.equals(expected.index)
    assert (ours.isna() == expected.isna()).all(axis=None)
    size = expected.abs().max(axis="columns").clip(lower=1e-9)
    assert ((ours - expected).abs().max(axis="columns").fillna(0) <= tolerance * size).all()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


# --- The right numbers in the right rows


def test_equal_to_the_encoders_called_one_person_at_a_time(people, made):
    found = frames(made)
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


def test_a_table_has_one_row_per_person_and_lists_of_fixed_size(people, made):
    for name, lists in {
        "clip_full": ["features"],
        "clip_crop": ["features"],
        "pose": ["image", "crop"],
    }.items():
        schema = pq.read_schema(made / f"{name}.parquet")
        table = pq.read_table(made / f"{name}.parquet")
        assert table["ann_id"].to_pylist() == sorted(people.index)
        sizes = [str(schema.field(field).type) for field in lists]
        assert sizes == [f"fixed_size_list<element: float>[{51 if name == 'pose' else 128}]"] * len(lists)
    poses = frames(made)["pose"]
    assert list(poses.columns[:6]) == ["score", "found", "crop_x", "crop_y", "crop_w", "crop_h"]
    assert list(poses.columns[6:9]) == [f"image_nose_{value}" for value in ("x", "y", "score")]
    assert poses.shape[1] == 6 + 2 * 51


def test_the_metadata_name_every_ingredient(made):
    for name in NAMES:
        ingredients = json.loads(pq.read_schema(made / f"{name}.parquet").metadata[b"ingredients"])
        assert len(ingredients["weights_sha256"]) == 64
        assert ingredients["precision"] == "float32"
        assert ingredients["margin_px"] == (None if name == "clip_full" else 20)
        assert torch.__version__.startswith(ingredients["versions"]["torch"])
        assert {"encoder", "preprocessing", "input"} <= ingredients.keys()


@pytest.mark.parametrize("images_per_shard", [1, 7, 1000])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_neither_batch_nor_order_nor_shard_changes_a_feature(
    people, made, images_per_shard, batch_size, tmp_path
):
    views = [replace(view, encoder=replace(view.encoder, batch_size=batch_size)) for view in views_with()]
    shuffled = people.sample(frac=1, random_state=batch_size)
    run(shuffled, tmp_path, views, images_per_shard=images_per_shard)
    for name, expected in frames(made).items():
        assert_same(frames(tmp_path)[name], expected)


def test_each_image_is_opened_once_for_all_its_people_and_views(tmp_path):
    opened = extracting.count_openings(tmp_path, 40)
    people = sample_people(40)
    assert opened == dict.fromkeys(people["file_name"], 1)
    assert len(opened) < len(people)


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


# --- Killed, twice at once


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    process = extracting.start(folder)
    process.join()
    assert process.exitcode == 0
    return folder


def shards_in(folder: Path) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in folder.glob("work/*/[0-9]*.parquet")}


def test_killed_at_random_moments_it_ends_in_the_same_bytes(undisturbed, tmp_path):
    moments = random.Random(4)
    kills, kept = 0, set()
    while kills < 6:
        process = extracting.start(tmp_path)
        deadline = time.monotonic() + 60
        while not shards_in(tmp_path) - kept and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)  # until it has got on
        time.sleep(moments.uniform(0, 0.2))
        process.kill()
        process.join()
        assert process.exitcode == -9, "it had ended before it was killed: let it run for less"
        assert kept <= shards_in(tmp_path), "finished shards are kept"
        assert len(shards_in(tmp_path)) > len(kept)
        kept = shards_in(tmp_path)
        kills += 1
    report = extracting.run(tmp_path)
    assert 0 < report["computed"].max() < 40, "what was finished is not computed again"
    assert contents(tmp_path) == contents(undisturbed)
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == [".lock"]


def test_shards_of_other_boxes_are_not_taken_up(people, tmp_path):
    process = extracting.start(tmp_path, count=30)
    while len(shards_in(tmp_path)) < 6:  # two of every view
        time.sleep(0.005)
    process.kill()
    process.join()
    changed = people.assign(w=people["w"] / 2)
    run(changed, tmp_path, images_per_shard=2)
    run(changed, tmp_path / "apart", images_per_shard=2)
    for name, expected in frames(tmp_path / "apart").items():
        assert_same(frames(tmp_path)[name], expected)


def test_two_runs_at_once_do_not_harm_each_other(undisturbed, tmp_path):
    processes = [extracting.start(tmp_path) for _ in range(2)]
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert contents(tmp_path) == contents(undisturbed)


def test_of_two_runs_at_once_the_second_says_that_it_waits(people, tmp_path, capfd):
    first = extracting.start(tmp_path)
    while not shards_in(tmp_path):
        time.sleep(0.01)
    report = extracting.run(tmp_path)
    first.join()
    assert "Another run is extracting features" in capfd.readouterr().out
    assert report["computed"].sum() == 0


# --- Never stale


def test_what_is_stored_is_not_computed_again(people, made):
    before = contents(made)
    report = run(people, made)
    assert report["computed"].tolist() == [0, 0, 0]
    assert report["people"].tolist() == [30, 30, 30]
    assert contents(made) == before


@pytest.fixture
def copy(made, tmp_path) -> Path:
    """A copy of the finished features, which a test may change."""
    return shutil.copytree(made, tmp_path / "features")


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


def test_another_box_or_image_is_computed_again_and_nobody_else(people, copy, made, tmp_path):
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
    for name, before in frames(made).items():
        after = frames(copy)[name]
        same = [ann_id for ann_id in before.index if ann_id not in concerned]
        pd.testing.assert_frame_equal(after.loc[same], before.loc[same])
    assert not np.allclose(frames(copy)["clip_crop"].loc[[first]], frames(made)["clip_crop"].loc[[first]])


def test_more_people_are_added_and_others_stay(made, copy, tmp_path):
    more = sample_people(36)
    assert run(more, copy)["computed"].tolist() == [6, 6, 6]
    assert run(more.tail(10), copy)["computed"].tolist() == [0, 0, 0]
    run(more.tail(20), tmp_path / "all at once")  # those with the higher numbers first
    run(more, tmp_path / "all at once")
    for name, expected in frames(tmp_path / "all at once").items():
        assert_same(frames(copy)[name], expected)


# --- Images that cannot be read


def test_unreadable_images_are_rows_with_a_reason_and_the_rest_goes_on(people, made, tmp_path):
    folder = tmp_path / "images"
    shutil.copytree(SAMPLE.splits["val"].images, folder)
    names = list(dict.fromkeys(people["file_name"]))
    (folder / names[0]).unlink()
    (folder / names[1]).write_bytes((folder / names[1]).read_bytes()[:500])
    Image.new("RGB", (4, 4)).save(folder / names[2])  # too small for anybody's box
    profile = replace(SAMPLE, data=tmp_path / "data")

    def image_path(split: str, name: str) -> Path:
        return folder / name

    report = run(people, profile.features, image_path=image_path, images_per_shard=2)
    broken = people["file_name"].isin(names[:3])
    assert report["failed"].tolist() == [broken.sum()] * 3
    for name in NAMES:
        features = load_features(profile, name, people)
        assert features[broken].isna().all(axis=None)
        assert_same(features[~broken], frames(made)[name].loc[people.index[~broken]])
        failures = load_failures(profile, name)
        assert failures["file_name"].tolist() == names[:3]
        assert failures["people"].tolist() == [(people["file_name"] == n).sum() for n in names[:3]]
        assert all(n in reason for n, reason in zip(names, failures["reason"], strict=False))
        assert "does not lie in an image of 4 x 4" in failures["reason"].iloc[2]

    assert run(people, profile.features, image_path=image_path)["computed"].sum() == 0
    shutil.copy(SAMPLE.image_path("val", names[0]), folder)
    repaired = (people["file_name"] == names[0]).sum()
    assert run(people, profile.features, image_path=image_path)["computed"].tolist() == [repaired] * 3
    assert load_failures(profile, "pose")["file_name"].tolist() == names[1:3]


def test_no_image_at_all_is_an_error_and_leaves_no_table(people, tmp_path):
    with pytest.raises(DataError, match=r"no person has an image: .*nowhere.*COCO_train2014.*jpg"):
        run(people, tmp_path, image_path=lambda split, name: Path("/nowhere") / name)
    assert contents(tmp_path) == {}


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


# --- Disks and mistakes


def test_a_damaged_table_is_named(people, copy):
    (copy / "pose.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match=r"pose.parquet: cannot be read .*; delete it and run again"):
        run(people, copy)


def test_a_folder_that_cannot_be_written_is_an_error_before_any_work(people, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"file/work.*: cannot be written"):
        run(people, tmp_path / "file")


def test_a_full_disk_is_an_error_and_the_store_stays_intact(made, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk here")
    script = f"""
        mount -t tmpfs -o size=192k tmpfs {tmp_path} && cp {made}/clip_full.parquet {tmp_path}
        {sys.executable} -c 'import extracting as e; e.run("{tmp_path}")'; echo status $?
        cmp {made}/clip_full.parquet {tmp_path}/clip_full.parquet && echo intact
        find {tmp_path} -name "*.*.parquet"
        mount -o remount,size=64m {tmp_path}
        {sys.executable} -c 'import extracting as e; e.run("{tmp_path}")'; echo status $?
        cp {tmp_path}/*.parquet "$OUT" """
    out = tmp_path.parent / f"{tmp_path.name} out"
    out.mkdir()
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "OUT": str(out)}
    result = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert [line for line in result.stdout.splitlines() if line] == ["status 1", "intact", "status 0"]
    assert "cannot be written" in result.stderr
    assert "what was finished is kept" in result.stderr
    assert sorted(contents(out)) == ["clip_crop.parquet", "clip_full.parquet", "pose.parquet"]


def test_missing_weights_are_named(people, tmp_path):
    views = [
        replace(view, encoder=replace(view.encoder, weights=tmp_path / "no.pt")) for view in views_with()
    ]
    for view in views:
        with pytest.raises(DataError, match=r"no\.pt"):
            run(people, tmp_path, [view])


def test_mistakes_in_the_call(people, tmp_path):
    with pytest.raises(ValueError, match="engine is 'local' or 'ray', got 'spark'"):
        run(people, tmp_path, engine="spark")
    with pytest.raises(ValueError, match="ann_id, has duplicates"):
        run(pd.concat([people, people]), tmp_path)
    with pytest.raises(ValueError, match="each needs a name of its own"):
        run(people, tmp_path, [views_with()[0]] * 2)


# --- Ray


def test_ray_gives_what_the_local_engine_gives_and_goes_on_where_a_run_was_killed(made, people, tmp_path):
    ray = pytest.importorskip("ray", reason="needs Ray: make ray")
    process = extracting.start(tmp_path, count=30)
    while len(shards_in(tmp_path)) < 6:
        time.sleep(0.005)
    process.kill()
    process.join()
    assert contents(tmp_path) == {}
    report = run(people, f"file://{tmp_path}", images_per_shard=2, engine="ray", workers=2)
    assert report["computed"].between(1, 29).all(), "what was finished is not computed again"
    assert not ray.is_initialized()
    for name, expected in frames(made).items():
        assert_same(frames(tmp_path)[name], expected)


def test_without_ray_the_error_says_what_to_install(people, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match='engine="ray" needs Ray, which is not installed; run: make ray'):
        run(people, tmp_path, engine="ray")
