"""One list of pins for every Python and system, installed as written; no file of ours ignored by git."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from lib.profiles import ROOT

PIN = re.compile(r"([A-Za-z0-9_.-]+)(?:\[\w+\])?==(\S+)(\s|$)")
LISTS = ("requirements.txt", "requirements-ray.txt", "constraints.txt")
OURS = ("opencv-python", "pose-and-clip", "xtcocotools")
OPTIONS = (
    "-c constraints.txt",
    "--only-binary :all:",
    *(f"--no-binary {name}" for name in ("chumpy", *OURS)),
)
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
SYSTEMS = ("x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")


def lines(file: str) -> list[str]:
    """Return what a requirements file asks for, with the reasons, without comments and options."""
    written = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [line for line in written if line and not line.startswith("#") and line not in OPTIONS]


def pins(file: str) -> dict[str, str]:
    """Read the pins of a requirements file, stand-ins with the versions that they call themselves."""
    found = {}
    for line in lines(file):
        if line.startswith("./"):
            project = tomllib.loads((ROOT / line.split()[0] / "pyproject.toml").read_text())["project"]
            found[project["name"]] = project["version"]
        else:
            match = PIN.match(line)
            assert match, line
            found[normal(match[1])] = match[2]
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """List what stands in the environment; not what setuptools carries inside and adds to the path."""
    folder = sysconfig.get_paths()["purelib"]
    return {normal(d.name): d.version for d in importlib.metadata.distributions(path=[folder])}


def default_torch() -> bool:
    """Say whether torch is the package index's build, whose libraries constraints.txt pins."""
    return "+" not in importlib.metadata.version("torch")


# --- The lists


@pytest.mark.parametrize("file", LISTS[:2])
def test_every_requirement_is_pinned_and_has_its_reason(file):
    for line in lines(file):
        assert re.fullmatch(r"([\w.-]+(\[\w+\])?==|\./)\S+\s+# \S.+", line), line


def test_only_wheels_are_installed_but_for_chumpy():
    assert set(OPTIONS) < set((ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines())


def test_one_range_of_pythons_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={VERSIONS[0]},<3.{int(VERSIONS[-1][2:]) + 1}"
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, lists = environment["dependencies"]
    assert python == "python" + project["requires-python"]
    assert (pip, lists) == ("pip", {"pip": ["-r requirements.txt", "-e ."]})
    script = (ROOT / "install.sh").read_text(encoding="utf-8")
    first, last = (version.replace(".", ", ") for version in (VERSIONS[0], VERSIONS[-1]))
    assert f"({first}) <= sys.version_info[:2] <= ({last})" in script
    assert f"Python {', '.join(VERSIONS[:-1])} or {VERSIONS[-1]}" in script


def test_build_uses_the_pinned_setuptools():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert build == [f"setuptools=={pins('requirements.txt')['setuptools']}"]


@pytest.mark.long
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_pins_resolve_completely_on_every_system(system, version, tmp_path):
    """As wheels, and to nothing that is not pinned; asks the package index, which is not everywhere."""
    files = [ROOT / file for file in LISTS[:2]]
    options = ["--python-platform", system, "--python-version", version, "--no-annotate", "--no-header"]
    command = [uv(), "pip", "compile", "--quiet", *options, *files]
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # the oldest with wheels of torch
    result = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, cwd=ROOT)
    if "Failed to fetch" in result.stderr:
        pytest.skip("needs the package index")
    assert result.returncode == 0, result.stderr
    resolved = dict(PIN.match(line).groups()[:2] for line in result.stdout.splitlines() if PIN.match(line))
    pinned = {name: pin for file in LISTS for name, pin in pins(file).items()}
    assert len(resolved) > 150
    assert not {name: pin for name, pin in resolved.items() if pinned.get(normal(name)) != pin}


def uv() -> str:
    """Return the uv that the environment holds."""
    return str(Path(sysconfig.get_path("scripts"), "uv"))


# --- What is installed


@pytest.mark.parametrize("file", LISTS)
def test_pins_are_what_is_installed(file):
    there = installed()
    if not default_torch():  # another build has a name of its own behind the version, and other libraries
        there = {name: pin.split("+")[0] if name.startswith("torch") else pin for name, pin in there.items()}
    wrong = {name: there[name] for name, pin in pins(file).items() if there.get(name, pin) != pin}
    assert not wrong
    if file == "requirements-ray.txt" and "ray" not in there:
        pytest.skip("needs Ray: make ray")
    if file != "constraints.txt":
        assert not pins(file).keys() - there.keys()


def test_everything_installed_is_pinned():
    more = installed().keys() - {name for file in LISTS for name in pins(file)} - {"pose-and-clip"}
    if not default_torch():  # torch itself says which
        more = {name for name in more if not name.startswith(("nvidia-", "cuda-"))}
    assert not more


def test_required_packages_import_together():
    names = "jupyterlab, papermill, torch, clip, mmpose, mmcv, pycocotools, matplotlib, seaborn"
    assert run_python(f"import {names}") == ""


def test_lib_imports_from_any_folder(tmp_path):
    code = "import lib.vcoco; print(lib.vcoco.__file__)"
    assert run_python(code, tmp_path) == str(ROOT / "lib/vcoco.py")


def run_python(code: str, folder: Path = ROOT) -> str:
    """Run code in a process of its own; return what it prints."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=folder)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_everything_imports_where_there_is_no_fcntl(tmp_path):
    """As on Windows; files still appear whole, under locks of another kind."""
    code = f"""
import pathlib, pkgutil, sys
sys.modules |= dict.fromkeys(["fcntl", "grp", "pwd", "termios"])
sys.path.insert(0, {str(ROOT / "notebooks")!r})
import lib, run, report
for module in pkgutil.walk_packages(lib.__path__, "lib."):
    __import__(module.name)
from lib.files import remove_leftovers, write_whole
folder = pathlib.Path({str(tmp_path)!r})
with run.only_run(folder, folder), write_whole(folder / "a.csv") as path:
    path.write_text("a")
    remove_leftovers(folder)
print(*sorted(path.name for path in folder.iterdir() if path.name != ".run.lock"))
"""
    assert run_python(code) == "a.csv"


# --- The stand-ins


def test_mmpose_reads_data_sets_and_masks_through_the_stand_in():
    code = """
import mmpose.datasets, mmpose.evaluation, pycocotools.coco, pycocotools.mask, xtcocotools.mask
from mmpose.datasets.datasets.base import base_coco_style_dataset
print(base_coco_style_dataset.COCO is pycocotools.coco.COCO, xtcocotools.mask.iou is pycocotools.mask.iou)
"""
    assert run_python(code) == "True True"


def test_mmposes_keypoint_metric_gives_cocos_numbers(tmp_path, capsys):
    """Through the stand-in; the sample's true keypoints, disturbed, against pycocotools itself."""
    from mmengine.structures import InstanceData
    from mmpose.evaluation import CocoMetric
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    file = ROOT / "data/sample/annotations/person_keypoints_val2014.json"
    truth, rng, found, metric = COCO(file), np.random.default_rng(0), [], CocoMetric(str(file))
    metric.dataset_meta = {"sigmas": COCOeval(truth, iouType="keypoints").params.kpt_oks_sigmas}
    metric.dataset_meta |= {"CLASSES": ["person"], "num_keypoints": 17}
    for person in truth.loadAnns(truth.getAnnIds()):
        joints = np.array(person.get("keypoints", []), float).reshape(-1, 3)
        if not joints[:, 2].any():
            continue
        joints[:, :2] += rng.normal(0, np.sqrt(person["area"]) / 20, (17, 2))
        there = InstanceData(keypoints=joints[None, :, :2], keypoint_scores=rng.uniform(0.5, 1, (1, 17)))
        metric.process([], [sample_of(person, there)])
        score = float(np.mean(there.keypoint_scores[there.keypoint_scores > 0.2]))
        joints[:, 2] = there.keypoint_scores[0]
        found.append({"image_id": person["image_id"], "category_id": 1, "score": score})
        found[-1]["keypoints"] = joints.ravel().tolist()
    ours = metric.evaluate(len(found))
    (tmp_path / "found.json").write_text(json.dumps(found))
    literal = COCOeval(truth, truth.loadRes(str(tmp_path / "found.json")), "keypoints")
    literal.evaluate(), literal.accumulate(), literal.summarize()
    assert list(ours.values()) == pytest.approx(literal.stats.tolist(), abs=1e-6)
    assert 0.05 < ours["coco/AP"] < 0.95


def sample_of(person: dict, found) -> dict:
    """Wrap an annotation and what was found for it as MMPose's loops do."""
    return {
        "id": person["id"],
        "img_id": person["image_id"],
        "pred_instances": found,
        "gt_instances": {"bbox_scores": np.ones(1), "bbox_scales": np.array([person["bbox"][2:]])},
    }


# --- Git


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("lib/new.py", False),
        ("lib/data/new.py", False),
        ("stand_ins/new/new.py", False),
        ("data/sample/images/val2014/new.jpg", False),
        ("data/mine/profile.toml", False),
        ("data/vcoco/profile.toml", False),
        ("figures/readme/new.png", False),
        ("data/vcoco/images/train2014/new.jpg", True),
        ("data/sample/people.parquet", True),
        ("data/sample/.run.lock", True),
        ("figures/sample/01_people.png", True),
        ("data/sample/higherhrnet_small.pth", False),
        ("data/sample/higherhrnet_small.part", True),
        ("data/sample/clip_small.pt", False),
        ("data/sample/features/clip_crop.parquet", True),
    ],
)
def test_git_ignores_what_is_made_and_nothing_of_ours(path, ignored):
    result = subprocess.run(["git", "-C", ROOT, "check-ignore", "--quiet", "--no-index", path])
    assert (result.returncode == 0) == ignored
