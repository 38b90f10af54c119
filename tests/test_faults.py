"""Kills, full disks, read-only folders, two runs at once, strange clocks and locales: the same results."""

import itertools
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import faults
import hosts
import nbformat
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import studies
import tiny_vcoco
import torch
from matplotlib.figure import Figure
from mirror import serve
from PIL import Image

from lib import figures
from lib.experiments import results_from_logits
from lib.features import FeatureStore
from lib.files import write_whole
from lib.models import ActionMLP
from lib.models.checkpoint import save_checkpoint
from lib.models.weights import save_weights
from lib.prediction.results import ImageResult, write_record
from lib.profiles import ROOT, DataError, load_profile

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
NUMBERS = ["01", "02", "03"]  # the three kinds of work: files are read, people encoded, networks trained


@pytest.fixture(scope="module")
def parameters(tmp_path_factory) -> dict[str, object]:
    """A profile and a folder for results, in a path with spaces and Japanese letters."""
    folder = tmp_path_factory.mktemp("障害 1")
    profile = faults.make_profile(folder / "小さな 例")
    return {"PROFILE": profile, "OUTPUT_DIR": folder / "出力 1", "SEEDS": 2, "EPOCHS": 2}


@pytest.fixture(scope="module")
def reference(parameters) -> Path:
    """What a run leaves that nothing disturbs."""
    ended = faults.run(NUMBERS, **parameters)
    assert (ended.returncode, ended.stderr) == (0, "")
    return Path(shutil.move(parameters["OUTPUT_DIR"], parameters["OUTPUT_DIR"].with_name("そのまま")))


@pytest.fixture
def output(parameters) -> Iterator[Path]:
    """The folder for results, empty; every test uses the same, which notebooks print."""
    yield parameters["OUTPUT_DIR"]
    shutil.rmtree(parameters["OUTPUT_DIR"], ignore_errors=True)


def notebooks_of(folder: Path) -> Path:
    return folder / "figures/小さな 例/notebooks"


def differing(reference: Path, output: Path, numbers: Sequence[str]) -> list[str]:
    """List what some of the notebooks have left otherwise than an undisturbed run of all of them."""
    theirs = ["people.parquet", *(f"{number}_" for number in numbers)]
    names = faults.compare(reference, output)
    return [name for name in names if (output / name).exists() or any(part in name for part in theirs)]


def privately(script: str) -> list[str]:
    """Return what makes a command see mounts that nobody else sees; `script` ends in running "$@"."""
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *as_root, "sh", "-ec", script, "sh"]


def read_only(*folders: Path) -> list[str]:
    """Return what makes a command see folders as read-only, for root too; skip where that is refused."""
    names = [shlex.quote(str(folder)) for folder in folders if folder.exists()]
    mounts = [f"mount --bind {name} {name}; mount -o remount,ro,bind {name}" for name in names]
    prefix = privately("; ".join([*mounts, 'exec "$@"']))
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("needs Linux and the right to mount")
    return prefix


# --- Kills, and two at once


def test_kills_at_random_moments_change_nothing(reference, parameters, output):
    fell = []
    for number, kills in zip(NUMBERS, (1, 2, 1), strict=True):
        fell += faults.run_with_kills([number], kills, notebooks_of(reference), int(number), **parameters)
    assert len(fell) == 4, fell
    assert faults.compare(reference, output) == [], fell


def test_two_runs_at_once_end_in_the_same_results(reference, parameters, output):
    both = [faults.start(NUMBERS[:2], subprocess.PIPE, **parameters) for _ in range(2)]
    said = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("another run writes there; waiting" in out for out, _ in said) == 1
    assert [err for _, err in said] == ["", ""]
    assert differing(reference, output, NUMBERS[:2]) == []


# --- The disk


def test_a_full_disk_is_told_in_one_sentence_and_the_next_run_goes_on(reference, parameters, output):
    output.mkdir()
    here = shlex.quote(str(output))
    script = f"""mount -t tmpfs -o size=700k tmpfs {here}
        "$@" && exit 3; find {here} -type f | sed 's/^/left /'
        mount -o remount,size=100m {here}; "$@"; cp -r {here} {here}.kept"""
    read_only()  # skips where nothing may be mounted
    ended = faults.run(["01"], before=privately(script), **parameters)
    kept = output.with_name(output.name + ".kept")
    output.rmdir()
    kept.rename(output)
    assert ended.returncode == 0, ended.stderr
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"{output}/")
    assert "cannot be written (No space left on device); free space" in sentence
    left = [Path(line[5:]) for line in ended.stdout.splitlines() if line.startswith("left ")]
    assert left
    assert all(faults.same(path, reference / path.relative_to(output)) for path in left)
    assert differing(reference, output, ["01"]) == []


def write(name: str, save: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a writer as a notebook has it: `write_whole` around what a library saves."""

    def into(folder: Path) -> None:
        with write_whole(folder / name) as path:
            save(path)

    return into


def write_results(folder: Path) -> None:
    people = studies.draw_people()
    logits = {"arm": studies.draw_logits(people, 1.0)}
    results_from_logits(logits, people, studies.VERBS).save(load_profile("sample", folder), "03")


def write_figure(folder: Path) -> None:
    figure = Figure()
    figure.subplots().plot([1, 2])
    figures.save_figure(figure, folder, "01_a")


TABLE = pd.DataFrame(np.arange(1800.0).reshape(200, 9), columns=list("abcdefghi"))
FEATURES = pa.table({"ann_id": np.arange(999), "score": np.arange(999.0)})
NOTEBOOK = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("a" * 999)])
WRITERS = {
    "people": write("people.parquet", TABLE.to_parquet),
    "features": lambda folder: FeatureStore(folder).write("pose", FEATURES),
    "results": write_results,
    "training": lambda folder: save_checkpoint(folder / "03.part", "", {"a": torch.zeros(999)}),
    "figure": write_figure,
    "table": lambda folder: figures.save_table(TABLE, folder, "01_a", "Caption.", "en"),
    "model": lambda folder: save_weights(folder / "a.safetensors", ActionMLP(5, hidden=9, verbs=1), ["run"]),
    "image": write("a.jpg", Image.effect_noise((99, 99), 50).save),
    "record": lambda folder: write_record(folder / "a.json", "", ImageResult(image="a.jpg")),
    "notebook": write("01.ipynb", lambda path: nbformat.write(NOTEBOOK, path)),
}


@contextmanager
def no_room() -> Iterator[None]:
    """Let every byte written to a file be one too many, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", WRITERS)
def test_every_writer_says_where_and_leaves_nothing_half_written(kind, tmp_path):
    with pytest.raises(DataError) as error, no_room():
        WRITERS[kind](tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/")
    assert "cannot be written (File too large); free space" in str(error.value)
    assert "OUTPUT_DIR" in str(error.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    WRITERS[kind](tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()]


# --- Folders that are read-only, or not there


def test_a_read_only_folder_is_named_with_the_way_out(parameters, output):
    output.mkdir()
    ended = faults.run(["01"], before=read_only(output), **parameters)
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"{output}/data: cannot be written (Read-only file system); ")
    assert "OUTPUT_DIR" in sentence


def test_without_a_temporary_folder_the_message_names_tmpdir(parameters, output):
    output.mkdir()
    places = [Path(place) for place in ("/tmp", "/var/tmp", "/usr/tmp", tempfile.gettempdir())]
    ended = faults.run(["01"], before=read_only(ROOT, *places), **parameters)
    assert ended.returncode == 1
    (sentence,) = ended.stderr.splitlines()
    assert "No usable temporary directory" in sentence
    assert "let TMPDIR be a folder with free space" in sentence


def test_a_downloaded_profile_may_be_read_only(tmp_path):
    served, profile = tmp_path / "served", tiny_vcoco.make_profile(tmp_path / "vcoco")
    tiny_vcoco.make_hosts(served)
    hosts.write_sources(profile.inputs, served)
    with serve(served) as server:
        command = [sys.executable, "-m", "lib.download", profile.inputs, "--mirror", server.url]
        environment = {**os.environ, **faults.OURS, "NO_PROXY": "127.0.0.1"}
        first = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert first.returncode == 0, first.stderr
    for place in ("verified.jsonl", "images.json", "lock"):  # as where all files were put there by hand
        (profile.inputs / "downloads" / place).unlink()
    again = [*read_only(profile.inputs), *command]
    second = subprocess.run(again, capture_output=True, encoding="utf-8", env=environment)
    assert (second.returncode, second.stdout) == (0, first.stdout), second.stderr


# --- Other machines


HOSTILE = {
    "HOME": "/dev/null/home",  # where not even root can make a folder
    "TMPDIR": "/dev/null/tmp",
    "LC_ALL": "xx_YY.ISO-8859-1",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "TZ": "Pacific/Kiritimati",
}


def test_a_shared_checkout_a_strange_locale_and_no_home_change_nothing(reference, parameters, output):
    output.mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS") if name in os.environ}
    environment = {**kept, **HOSTILE}  # with other numbers of threads sums are rounded otherwise
    ended = faults.run(NUMBERS, environment, read_only(ROOT), **parameters)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert faults.compare(reference, output) == []
    for path in notebooks_of(output).iterdir():
        outputs = [o for cell in nbformat.read(path, 4).cells for o in cell.get("outputs", [])]
        said = "".join(o.text for o in outputs if o.get("name") == "stderr")
        assert "Warning" not in said
        assert "not a writable directory" not in said


def test_files_from_the_future_and_the_past_are_neither_believed_nor_doubted(reference, parameters, output):
    shutil.copytree(reference, output)
    kept = [*output.glob("data/*/features/*.parquet"), *output.glob("data/*/results/*.parquet")]
    times = dict(zip(kept, itertools.cycle([4e9, 1e6]), strict=False))
    for path, seconds in times.items():
        os.utime(path, (seconds, seconds))
    ended = faults.run(NUMBERS[2:], **parameters)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert {path: path.stat().st_mtime for path in kept} == times, "computed anew"
    assert faults.compare(reference, output) == []


def test_make_works_in_a_path_with_spaces_and_japanese_letters(parameters, output, tmp_path):
    clone = tmp_path / "研究 その1"
    made = ("features", "results", "model", "people.parquet")
    shutil.copytree(ROOT / "data", clone / "data", ignore=shutil.ignore_patterns(*made))
    for name in ("lib", "notebooks"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.glob("[Mrcpi]*"):
        if path.is_file():
            shutil.copy(path, clone)
    faults.make_environment(clone)
    given = "".join(f" -p {name} {shlex.quote(str(parameters[name]))}" for name in ("OUTPUT_DIR", "EPOCHS"))
    command = ["make", "figures", "NOTEBOOKS=01", f"PROFILE={parameters['PROFILE']}", f"PARAMETERS={given}"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ended = subprocess.run(command, cwd=clone, capture_output=True, encoding="utf-8", env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert list(clone.glob("lib/__pycache__/profiles.*")), "it was another repository's lib that ran"
    assert (notebooks_of(output) / "01_data_preparation.ipynb").exists()
