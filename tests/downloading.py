"""What the tests of downloads share: a served tiny V-COCO, an empty profile, and the command."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import tiny_vcoco
from hosts import ANNOTATIONS, write_sources
from mirror import Mirror, serve

from lib.download import download
from lib.profiles import ROOT, Profile

IMAGE = "COCO_train2014_000000000001.jpg"
ZIP = Path(ANNOTATIONS).name


@pytest.fixture(scope="session")
def tiny_hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    served = tmp_path_factory.mktemp("served")
    tiny_vcoco.make_hosts(served)
    return served


@pytest.fixture
def served(tiny_hosts: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_hosts, tmp_path / "served")


@pytest.fixture
def server(served: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("DOWNLOAD_MIRROR", raising=False)
    with serve(served) as running:
        yield running


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return tiny_vcoco.make_profile(tmp_path / "vcoco")


def get(profile: Profile, server: Mirror) -> pd.DataFrame:
    """Download from the server with a catalogue that fits what it serves."""
    write_sources(profile.inputs, server.folder)
    return download(profile, server.url)


def command(profile: Profile, served: Path, url: str) -> list[str]:
    write_sources(profile.inputs, served)
    return [sys.executable, "-m", "lib.download", str(profile.inputs), "--mirror", url]


def start(arguments: list[str]) -> subprocess.Popen:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(arguments, env=os.environ | {"PYTHONPATH": str(ROOT)}, **pipes)


def until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def files_of(profile: Profile) -> dict[str, bytes]:
    """Read all files of a profile but the downloader's own."""
    paths = [path for path in profile.inputs.rglob("*") if path.is_file()]
    return {str(path.relative_to(profile.inputs)): path.read_bytes() for path in paths}


def parts_of(profile: Profile) -> list[Path]:
    return list(profile.inputs.rglob("*.part"))
