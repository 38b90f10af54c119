"""`make figures` killed at random moments: a profile small enough for it, and what two runs must share.

As a script it is the proof at full length: `python tests/faults.py KILLS FOLDER` runs all notebooks on the
sample undisturbed, then each with its share of so many kills, and says what differs.
"""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pandas as pd
from PIL import Image

from lib.profiles import ROOT, load_profile

PEOPLE = {"train": 60, "val": 20, "test": 40}
# This repository's lib; and no commit in any file, as the repository may change between two runs.
OURS = {"PYTHONPATH": str(ROOT), "GIT_DIR": "/nonexistent"}
START = 8  # seconds until a notebook's first cell runs
WIDGET = "application/vnd.jupyter.widget-view+json"
# What no two runs share: times, dates, and the names that pandas and Python give to what a cell shows.
CLOCK = re.compile(
    r"\d[\d.,:]* ?(s|ms|min|people/s|person/s)\b|20\d\d-\d\d-\d\d|\bT_[0-9a-f]{5}|0x[0-9a-f]{6,}"
)


def make_profile(folder: Path) -> Path:
    """Describe the sample, its labels cut down to a few people, as a profile in another folder."""
    folder.mkdir(parents=True)
    sample = load_profile("sample")
    toml = f'clip_weights = "{sample.clip_weights}"\npose_weights = "{sample.pose_weights}"\n'
    for split, files in sample.splits.items():
        (folder / f"画像 {split}").symlink_to(files.images)
        labels = json.loads(files.vcoco_json.read_text(encoding="utf-8"))
        cut_labels(labels, PEOPLE[split])
        (folder / f"{split}.json").write_text(json.dumps(labels), encoding="utf-8")
        toml += (
            f'[splits.{split}]\nvcoco_json = "{split}.json"\nimages = "画像 {split}"\n'
            f'instances_json = "{files.instances_json[0]}"\n'
            f'person_keypoints_json = "{files.person_keypoints_json[0]}"\n'
        )
    (folder / "profile.toml").write_text(toml, encoding="utf-8")
    return folder


def cut_labels(labels: list[dict], people: int) -> None:
    """Keep the labels of the first people."""
    for verb in labels:
        everybody = len(verb["ann_id"])
        roles = range(0, everybody * len(verb["role_name"]), everybody)
        verb["role_object_id"] = [one for role in roles for one in verb["role_object_id"][role:][:people]]
        for field in ("image_id", "ann_id", "label"):
            verb[field] = verb[field][:people]


def command(notebooks: Sequence[str], **parameters: object) -> list[str]:
    """Return the command that `make figures` calls."""
    given = [part for name, value in parameters.items() for part in ("-p", name, str(value))]
    return [sys.executable, str(ROOT / "notebooks/run.py"), *notebooks, *given]


def run(
    notebooks: Sequence[str],
    environment: dict[str, str] | None = None,
    before: Sequence[str] = (),
    **parameters,
) -> subprocess.CompletedProcess:
    """Run notebooks to their end; `before` stands before the command."""
    return subprocess.run(
        [*before, *command(notebooks, **parameters)],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
        env={**(os.environ if environment is None else environment), **OURS},
    )


def run_with_kills(
    notebooks: Sequence[str], kills: int, reference: Path, seed: int, **parameters
) -> list[str]:
    """Run each notebook to its end after so many runs of it that are killed at random moments.

    `reference` holds the notebooks of an undisturbed run, which tell how long each takes. Every second kill
    spares the kernel. Returns where the kills fell, in words.
    """
    rng, fell = random.Random(seed), []
    for number in notebooks:
        path = next(reference.glob(f"{number}_*.ipynb"))
        seconds = START + nbformat.read(path, as_version=4).metadata.papermill.duration
        for which in range(kills):
            moment = rng.uniform(0, seconds)
            while not killed(start([number], **parameters), moment, parent_only=which % 2 == 1):
                moment /= 2  # it had ended before, having less to do than the undisturbed run
            fell.append(f"{number} after {moment:.0f} of {seconds:.0f} s")
        ended = run([number], **parameters)
        if ended.returncode or ended.stderr:
            raise AssertionError(f"{number}: {ended.stderr}")
    return fell


def start(notebooks: Sequence[str], output: int = subprocess.DEVNULL, **parameters) -> subprocess.Popen:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        command(notebooks, **parameters),
        stdout=output,
        stderr=output,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, **OURS},
        start_new_session=True,
    )


def killed(process: subprocess.Popen, moment: float, parent_only: bool = False) -> bool:
    """Kill a run after some seconds, with its kernel or without it; False where it had ended."""
    try:
        process.wait(moment)
    except subprocess.TimeoutExpired:
        (os.kill if parent_only else os.killpg)(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode == -signal.SIGKILL


def compare(first: Path, second: Path) -> list[str]:
    """List the files that two runs do not share, but for times and dates."""
    names = {path.relative_to(folder) for folder in (first, second) for path in folder.rglob("*")}
    files = sorted(name for name in names if not (first / name).is_dir() or not (second / name).is_dir())
    differing = [name for name in files if not same(first / name, second / name)]
    return [str(name) for name in differing]


def same(first: Path, second: Path) -> bool:
    """Say whether two files hold the same."""
    if not (first.is_file() and second.is_file()):
        return False
    return first.read_bytes() == second.read_bytes() or content(first) == content(second)


def content(path: Path) -> object:
    """Return what a file says, without what depends on the clock."""
    if path.suffix == ".ipynb":
        return [cell_content(cell) for cell in nbformat.read(path, as_version=4).cells]
    if path.suffix == ".png":
        with Image.open(path) as image:
            return image.size, image.tobytes(), image.text
    if path.suffix == ".json":
        return CLOCK.sub("", path.read_text(encoding="utf-8"))
    return path.read_bytes()


def cell_content(cell: nbformat.NotebookNode) -> object:
    """Return a cell's source and outputs, without progress bars; how much was left to compute may differ."""
    outputs = [output for output in cell.get("outputs", []) if output.get("name") != "stderr"]
    outputs = [output for output in outputs if WIDGET not in output.get("data", {})]
    if "extract(" in cell.source:
        return cell.source, len(outputs)
    return cell.source, CLOCK.sub("", json.dumps(outputs))


def make_environment(clone: Path) -> None:
    """Give a clone a `.venv` with this one's packages and the clone's own lib."""
    venv.create(clone / ".venv")
    (packages,) = (clone / ".venv/lib").glob("python*/site-packages")
    (packages / "packages.pth").write_text(f"{clone}\n{Path(pd.__file__).parents[1]}\n", encoding="utf-8")
    (clone / ".venv/ready").touch()


def main(kills: int, folder: Path) -> int:
    """Run the proof at full length."""
    numbers = [path.name[:2] for path in sorted((ROOT / "notebooks").glob("*_*.ipynb"))]
    parameters = {"OUTPUT_DIR": folder / "出力", "EPOCHS": 4}
    began = time.monotonic()
    print(run(numbers, **parameters), time.monotonic() - began, flush=True)
    (folder / "出力").rename(folder / "reference")
    notebooks = folder / "reference/figures/sample/notebooks"
    fell = run_with_kills(numbers, kills // len(numbers), notebooks, 0, **parameters)
    differing = compare(folder / "reference", folder / "出力")
    print(f"{len(fell)} kills: {'; '.join(fell)}\n{len(differing)} files differ: {', '.join(differing)}")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
