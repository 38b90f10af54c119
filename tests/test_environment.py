"""One list of pins, installed as written; no file of ours ignored by git; lib importable anywhere."""

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
import tomllib

import pytest
import yaml

from lib.profiles import ROOT

PIN = re.compile(r"([A-Za-z0-9_.-]+)(?:\[\w+\])?==(\S+)")


def pins(file: str) -> dict[str, str]:
    """Read the pins of a requirements file."""
    lines = [
        line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-c"))
    ]
    found = [PIN.match(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    return {normal(match[1]): match[2] for match in found}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-ray.txt"])
def test_every_requirement_is_pinned_and_has_its_reason(file):
    lines = (ROOT / file).read_text().splitlines()
    for line in lines:
        if line and not line.startswith(("#", "-c")):
            assert re.fullmatch(r"[\w.-]+(\[\w+\])?==\S+\s+# \S.+", line), line


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-ray.txt", "constraints.txt"])
def test_pins_are_what_is_installed(file):
    there = installed()
    wrong = {name: there[name] for name, pin in pins(file).items() if there.get(name, pin) != pin}
    assert not wrong
    if file != "constraints.txt":
        assert not pins(file).keys() - there.keys()


def installed() -> dict[str, str]:
    """List what stands in .venv; not what setuptools carries inside and adds to the path once imported."""
    folder = sysconfig.get_paths()["purelib"]
    return {normal(d.name): d.version for d in importlib.metadata.distributions(path=[folder])}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_everything_installed_is_pinned():
    assert (
        not installed().keys()
        - pins("requirements.txt").keys()
        - pins("requirements-ray.txt").keys()
        - pins("constraints.txt").keys()
        - {"pose-and-clip"}
    )


def test_conda_installs_the_same_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, lists = environment["dependencies"]
    assert (pip, lists) == ("pip", {"pip": ["-r requirements.txt", "-e ."]})
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert python.replace("python=", "==") + ".*" == required
    assert f"{sys.version_info.major}.{sys.version_info.minor}" == python.removeprefix("python=")


def test_build_uses_the_pinned_setuptools():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert build == [f"setuptools=={pins('requirements.txt')['setuptools']}"]


def test_required_packages_import_together():
    names = "jupyterlab, papermill, torch, clip, mmpose, mmcv, pycocotools, matplotlib, seaborn"
    command = [sys.executable, "-W", "ignore", "-c", f"import {names}"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_lib_imports_from_any_folder(tmp_path):
    command = [sys.executable, "-c", "import lib.vcoco; print(lib.vcoco.__file__)"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.stdout.strip() == str(ROOT / "lib/vcoco.py"), result.stderr


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("lib/new.py", False),
        ("lib/data/new.py", False),
        ("data/sample/images/val2014/new.jpg", False),
        ("data/mine/profile.toml", False),
        ("data/vcoco/profile.toml", False),
        ("figures/readme/new.png", False),
        ("data/vcoco/images/train2014/new.jpg", True),
        ("data/sample/people.parquet", True),
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
