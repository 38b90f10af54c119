"""Extractions killed, two at once, on a full disk, of unreadable images: nothing half done or done twice."""

import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import extracting
import pandas as pd
import pytest
from extracting import sample_people, views_with
from PIL import Image
from stores import NAMES, SAMPLE, assert_same, contents, frames, run

from lib.features import load_failures, load_features
from lib.profiles import ROOT, DataError


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return sample_people(30)


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


# --- Images that cannot be read


def test_unreadable_images_are_rows_with_a_reason_and_the_rest_goes_on(people, made_features, tmp_path):
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
        assert_same(features[~broken], frames(made_features)[name].loc[people.index[~broken]])
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


def test_images_repaired_at_the_same_size_are_tried_again(made_features, tmp_path):
    people, folder = sample_people(4), tmp_path / "images"
    whole = {name: SAMPLE.image_path("val", name).read_bytes() for name in people["file_name"]}
    folder.mkdir()
    for name, content in whole.items():
        (folder / name).write_bytes(bytes(len(content)))

    def run_on_folder() -> pd.DataFrame:
        return run(people, tmp_path, image_path=lambda _, name: folder / name, images_per_shard=1)

    for _ in range(2):
        with pytest.raises(DataError, match=r"no person has an image: .* cannot be decoded"):
            run_on_folder()
    name = people["file_name"].iloc[0]
    (folder / name).write_bytes(whole[name])
    repaired = people["file_name"] == name
    assert run_on_folder()["computed"].tolist() == [repaired.sum()] * 3
    for view, expected in frames(made_features).items():
        found = frames(tmp_path)[view]
        assert_same(found[repaired.to_numpy()], expected.loc[people.index[repaired]])
        assert found[~repaired.to_numpy()].isna().all(axis=None)


# --- Disks and mistakes


def test_a_folder_that_cannot_be_written_is_an_error_before_any_work(people, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"file/work.*: cannot be written"):
        run(people, tmp_path / "file")


def test_a_full_disk_is_an_error_and_the_store_stays_intact(made_features, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small disk here")
    script = f"""
        mount -t tmpfs -o size=192k tmpfs {tmp_path} && cp {made_features}/clip_full.parquet {tmp_path}
        {sys.executable} -c 'import extracting as e; e.run("{tmp_path}")'; echo status $?
        cmp {made_features}/clip_full.parquet {tmp_path}/clip_full.parquet && echo intact
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


def test_ray_gives_what_the_local_engine_gives_and_goes_on_where_a_run_was_killed(
    made_features, people, tmp_path
):
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
    for name, expected in frames(made_features).items():
        assert_same(frames(tmp_path)[name], expected)


def test_without_ray_the_error_says_what_to_install(people, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match='engine="ray" needs Ray, which is not installed; run: make ray'):
        run(people, tmp_path, engine="ray")
