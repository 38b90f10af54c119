"""The commands for real V-COCO, from an empty profile to thesis.tex, against hosts of the real shape."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import small_vcoco
from hosts import at
from mirror import FailingMirror, serve
from report import SAVED

from lib.download import read_catalogue
from lib.features import load_features
from lib.profiles import ROOT, Profile, load_profile
from lib.vcoco import load_prepared_people, read_labels

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
# Of the sample's networks: ViT-B/32 has 512; a pose's joints in image and crop, score, found, the crop's box.
SIZES = {"clip_full": 128, "clip_crop": 128, "pose": 2 * 51 + 6}
THESIS = {"01_table_6_1", "03_thesis", "04_thesis", "05_thesis", "05_table_7_1_thesis", "06_thesis"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    small_vcoco.make_hosts(folder)
    return folder


@pytest.fixture(scope="module")
def first(served: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Profile, list[str], str]:
    """All notebooks, begun with nothing on the disk; the paths asked for, and the address of the mirror."""
    folder = tmp_path_factory.mktemp("first")
    small_vcoco.make_profile(folder / "vcoco", served)
    with serve(served) as mirror:
        assert make("figures", folder / "vcoco", mirror.url) == 0
    assert {request.status for request in mirror.log} == {200}
    paths = [request.path for request in mirror.log]
    return load_profile(folder / "vcoco", folder / "out"), paths, mirror.url


def make(target: str, folder: Path, mirror: str, notebooks: str = "") -> int:
    """Run what `make` runs, in this interpreter; everything made goes to `out` beside the profile."""
    parameters = f"-p OUTPUT_DIR {folder.with_name('out')} -p SEEDS 2 -p EPOCHS 2"
    given = [f"PROFILE={folder}", f"NOTEBOOKS={notebooks}", f"PARAMETERS={parameters}"]
    here = ["READY=", f"BIN={Path(sys.executable).parent}"]
    printed = ["make", "--no-print-directory", "--dry-run", target, *given, *here]
    command = subprocess.run(printed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    environment = os.environ | {"DOWNLOAD_MIRROR": mirror, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(shlex.split(command), cwd=ROOT, env=environment, check=False).returncode


def saved_by(notebook: Path) -> set[tuple[str, str]]:
    """List the kinds and names of what a notebook saves."""
    cells = nbformat.read(notebook, as_version=4).cells
    return set(SAVED.findall("\n".join(cell.source for cell in cells if cell.cell_type == "code")))


def tables(profile: Profile) -> dict[str, str]:
    """Read every table as text."""
    return {path.name: path.read_text(encoding="utf-8") for path in profile.figures.glob("*.csv")}


def parquets(profile: Profile) -> dict[str, pd.DataFrame]:
    """Read people, features and results."""
    paths = sorted(profile.data.rglob("*.parquet"))
    return {str(path.relative_to(profile.data)): pd.read_parquet(path) for path in paths}


def downloads(profile: Profile) -> dict[str, bytes]:
    """Read all that was downloaded or unpacked."""
    folders = ("vcoco", "annotations", "images", "weights")
    paths = [path for folder in folders for path in sorted((profile.inputs / folder).rglob("*.*"))]
    return {str(path.relative_to(profile.inputs)): path.read_bytes() for path in paths if path.is_file()}


def assert_same_tables(ours: dict[str, pd.DataFrame], others: dict[str, pd.DataFrame]) -> None:
    assert ours.keys() == others.keys()
    for name, table in ours.items():
        pd.testing.assert_frame_equal(table, others[name], check_exact=True, obj=name)


def test_only_what_the_catalogue_lists_is_asked_for_and_once(first, served):
    profile, asked, _ = first
    listed = read_catalogue(profile)
    chosen = [*listed.labels, listed.annotations, *(choice[0] for choice in listed.weights)]
    expected = {at(served, file.urls[0]) for file in chosen}
    for split, files in profile.splits.items():
        folder = files.images.name
        assert folder == ("val2014" if split == "test" else "train2014")
        for image_id in read_labels(files.vcoco_json)["image_id"]:
            expected.add(at(served, f"{listed.image_hosts[0]}{folder}/COCO_{folder}_{image_id:012d}.jpg"))
    assert sorted(served / path.lstrip("/") for path in asked) == sorted(expected)
    assert not list(profile.inputs.rglob("*.part"))


def test_everybody_is_there_with_features_of_the_right_size(first):
    profile, _, _ = first
    people = load_prepared_people(profile)
    for split, files in profile.splits.items():
        labels = [verb["label"] for verb in json.loads(files.vcoco_json.read_text())]
        assert (people["split"] == split).sum() == np.any(labels, axis=0).sum() < len(labels[0])
    for view, size in SIZES.items():
        table = load_features(profile, view, people)
        assert table.index.equals(people.index)
        assert table.shape[1] == size
    lost = pd.read_csv(profile.figures / "02_without_pose.csv", index_col=0)
    assert (lost.sum() > 0).all(), "nobody is found in an empty image of each split"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_ends_and_saves_what_it_names(first, notebook: Path):
    profile, _, _ = first
    executed = nbformat.read(profile.figures / "notebooks" / notebook.name, as_version=4)
    assert executed.metadata.papermill.exception is None
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
    assert "Warning" not in str([output for output in outputs if output.get("name") == "stderr"])
    for kind, name in saved_by(notebook):
        for suffix in {"figure": ("pdf", "png"), "table": ("csv", "md", "tex")}[kind]:
            assert (profile.figures / f"{name}.{suffix}").stat().st_size, f"{name}.{suffix}"


def test_the_thesis_stands_beside_ours(first):
    profile, _, _ = first
    heading = re.compile(r"^[^\n]*thesis,difference", re.MULTILINE)
    compared = {name for name, text in tables(profile).items() if heading.search(text)}
    assert compared == {f"{name}.csv" for name in THESIS}
    document = (profile.figures / "thesis.tex").read_text(encoding="utf-8")
    assert "03_accuracy_by_epoch" in document
    assert "Drawn sample" not in document


def test_again_without_any_host_nothing_changes(first):
    profile, _, mirror = first  # where nobody listens any more
    files = [path for path in profile.data.rglob("*.parquet") if path != profile.people]
    files += [path for path in profile.inputs.rglob("*.*") if path.is_file()]
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}
    made, drawn = parquets(profile), tables(profile)
    for figure in profile.figures.glob("*.pdf"):
        figure.unlink()
    assert make("figures", profile.inputs, mirror) == 0
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files} == before
    assert_same_tables(made, parquets(profile))
    assert drawn == tables(profile)
    saved = {name for notebook in NOTEBOOKS for kind, name in saved_by(notebook) if kind == "figure"}
    assert saved <= {path.stem for path in profile.figures.glob("*.pdf")}


def test_the_report_shows_all_of_it(first):
    profile, _, mirror = first
    assert make("report", profile.inputs, mirror) == 0
    index = (profile.figures / "report" / "index.html").read_text(encoding="utf-8")
    assert all(notebook.stem in index for notebook in NOTEBOOKS)


def test_hosts_that_fail_at_random_give_the_same(first, served, tmp_path):
    """The same files and features by any number of runs; under another name the thesis is not beside them."""
    whole, _, _ = first
    folder = tmp_path / "other"
    small_vcoco.make_profile(folder, served)
    with serve(served, FailingMirror) as mirror:
        statuses = []
        while not statuses or (statuses[-1] and len(statuses) < 8):
            statuses.append(make("figures", folder, mirror.url, "01"))
    assert statuses[-1] == 0
    assert len(mirror.failed) == 5, "each kind of fault happened"
    assert make("figures", folder, mirror.url, "02 03") == 0
    other = load_profile(folder, tmp_path / "out")
    assert downloads(other) == downloads(whole)
    made = parquets(other)
    assert_same_tables(made, {name: table for name, table in parquets(whole).items() if name in made})
    assert {"people.parquet", "features/pose.parquet", "results/03_exact.parquet"} <= made.keys()
    assert not (other.figures / "01_table_6_1.csv").exists()
    assert pd.read_csv(other.figures / "03_thesis.csv").columns.tolist() == ["arm", "ours"]
