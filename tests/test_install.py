"""`make`'s environment on machines of many kinds: which Python, uv and torch it takes; what it says if none.

In a copy of the Makefile with a short list of pins; Python's, uv's and pip's own programs, and indexes on
loopback.
"""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from indexes import Proxy, closed_port, repack, running, serve_index, serve_python, write_wheel
from machines import Machine
from test_environment import pins, uv

from lib.profiles import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have other builds of torch"),
]
KNOWN = "Python 3.11, 3.12, 3.13 or 3.14"
TORCH, VISION = pins("requirements.txt")["torch"], pins("requirements.txt")["torchvision"]
BUILDS = ("cpu", "cu126", "cu130")  # what the index in these tests has
PROGRAMS = ("sh", "awk", "cat", "env", "grep", "head", "id", "make", "mktemp", "rm", "sed", "touch")


@pytest.fixture(scope="session")
def served(tmp_path_factory) -> Path:
    """The wheels of both indexes, and the certificates."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl for PyTorch's index over HTTPS")
    folder = tmp_path_factory.mktemp("served")
    for name in ("uv", "pip", "setuptools"):
        repack(folder / "simple", name)
    for name, version in {"torch": TORCH, "torchvision": VISION}.items():
        write_wheel(folder / "simple", name, version)
        for build in BUILDS:
            write_wheel(folder / "whl" / build, name, f"{version}+{build}")
    return folder


@pytest.fixture(scope="session")
def addresses(served) -> Iterator[dict[str, str]]:
    """Where the indexes answer, as uv is told."""
    with running(serve_index(served)) as index, running(proxy := Proxy(served, served / "keys")) as proxied:
        yield {
            "UV_DEFAULT_INDEX": f"{index}/simple",
            "HTTPS_PROXY": proxied,
            "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(proxy.authority),
            "UV_HTTP_RETRIES": "0",
            "UV_CACHE_DIR": str(served / "cache"),
        }


@pytest.fixture
def machine(tmp_path, addresses) -> Machine:
    """A machine with this Python, uv and the indexes, and nothing else."""
    house, programs = tmp_path / "house", tmp_path / "bin"
    (house / "lib").mkdir(parents=True)
    programs.mkdir()
    for name in ("Makefile", "install.sh", "pyproject.toml"):
        shutil.copy(ROOT / name, house)
    for name in ("README.md", "constraints.txt", "requirements-ray.txt"):
        (house / name).touch()
    listed = {name: pins("requirements.txt")[name] for name in ("torch", "torchvision", "uv", "pip")}
    (house / "requirements.txt").write_text("".join(f"{name}=={pin}\n" for name, pin in listed.items()))
    for name in PROGRAMS:
        (programs / name).symlink_to(shutil.which(name))
    machine = Machine(house, programs, {"PATH": str(programs), "HOME": str(tmp_path), **addresses})
    machine.add("python3", f'exec {sys.executable} "$@"')
    (programs / "uv").symlink_to(uv())
    return machine


# --- Which torch


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="has an NVIDIA driver")
def test_without_a_driver_torch_is_the_build_for_cpus(machine):
    ended = machine.make()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.torch() == f"{TORCH}+cpu"
    assert ended.stdout == f".venv: Python {platform.python_version()}, torch {TORCH}+cpu\n"


@pytest.mark.parametrize(
    ("driver", "card", "build"),
    [
        ("580.65.06", "8.9", "cu130"),
        ("550.54.14", "8.0", "cu126"),
        ("470.57.02", "8.0", "cpu"),  # too old for any of this torch's builds
        ("580.65.06", "7.0", "cu126"),  # a V100: CUDA 13 has left it out
        ("580.65.06", "9.0\n6.1", "cu126"),  # one of several
        ("580.65.06", "Field is not a valid field to query.", "cu130"),  # an old nvidia-smi
    ],
)
def test_with_a_driver_torch_is_the_build_for_it_and_the_card(machine, driver, card, build):
    machine.add("nvidia-smi", f"echo '{card}'")
    ended = machine.make(UV_CUDA_DRIVER_VERSION=driver)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.torch() == f"{TORCH}+{build}"
    assert machine.versions()["torchvision"] == f"{VISION}+{build}"


def test_torch_can_be_chosen_and_changed_and_is_kept(machine):
    assert machine.make("TORCH=cu126").returncode == 0
    assert machine.torch() == f"{TORCH}+cu126"
    install(machine, "nvidia-cublas", "cuda-toolkit")  # what such a build brings
    assert machine.make("TORCH=cu126").stdout == "make: Nothing to be done for 'ready'.\n"
    assert machine.make("TORCH=cpu").returncode == 0
    assert machine.torch() == f"{TORCH}+cpu"
    assert not [name for name in machine.versions() if name.startswith(("nvidia", "cuda"))]
    assert machine.make().stdout == "make: Nothing to be done for 'ready'.\n"
    os.utime(machine.house / "requirements.txt")  # new pins
    assert machine.make().returncode == 0
    assert machine.torch() == f"{TORCH}+cpu"
    assert machine.make("TORCH=default").returncode == 0
    assert machine.torch() == TORCH


def test_a_build_that_could_not_be_had_can_be_asked_for_again(machine):
    offline = machine.make("TORCH=cpu", HTTPS_PROXY=closed_port())
    assert "the default wheels are taken" in offline.stdout
    assert "the default wheels are taken" in machine.make("TORCH=cpu", HTTPS_PROXY=closed_port()).stdout
    assert machine.torch() == TORCH
    assert machine.make().stdout == "make: Nothing to be done for 'ready'.\n"
    assert machine.make("TORCH=cpu").returncode == 0
    assert machine.torch() == f"{TORCH}+cpu"


def install(machine: Machine, *names: str) -> None:
    wheels = [write_wheel(machine.house / "wheels", name.replace("-", "_"), "1.0") for name in names]
    command = [uv(), "pip", "install", "--quiet", "--offline", "--python", ".venv/bin/python", *wheels]
    subprocess.run(command, cwd=machine.house, check=True)


@pytest.mark.parametrize("asked", [[], ["TORCH=cpu"]])
def test_where_pytorchs_index_does_not_answer_the_default_wheels_are_taken_and_it_is_said(machine, asked):
    ended = machine.make(*asked, HTTPS_PROXY=closed_port())
    assert (ended.returncode, ended.stderr) == (0, "")
    said, made = ended.stdout.splitlines()
    assert said.startswith(f"PyTorch's own index gives no torch=={TORCH} for TORCH=")
    assert "the default wheels are taken" in said
    assert made.endswith(f"torch {TORCH}")
    assert machine.torch() == TORCH


def test_a_build_that_there_is_not_is_said(machine):
    ended = machine.make("TORCH=cu118")
    assert ended.stdout.startswith(f"PyTorch's own index gives no torch=={TORCH} for TORCH=cu118 (")
    assert machine.torch() == TORCH


# --- Which Python


def test_an_old_python_is_replaced_by_one_that_uv_downloads(machine, served, tmp_path):
    pretend_old(machine)
    index = machine.environment["UV_DEFAULT_INDEX"].removesuffix("/simple")
    ended = machine.make(**serve_python(served, tmp_path), UV_PYTHON_INSTALL_MIRROR=f"{index}/pythons")
    assert ended.returncode == 0, ended.stderr
    said, made = ended.stdout.splitlines()
    assert said.startswith(f"python3 is Python 3.8.18; {KNOWN} is needed: uv ")
    assert made.startswith(f".venv: Python {platform.python_version()}, ")
    used = (machine.house / ".venv/bin/python").resolve()
    assert used.is_relative_to(tmp_path / "pythons")


def pretend_old(machine: Machine, name: str = "python3", folder: Path | None = None) -> None:
    """Let a Python be one of 2018, which can do nothing."""
    machine.add(name, '[ "$1" = --version ] && echo Python 3.8.18 && exit; exit 1', folder)


def test_without_a_python_one_sentence_says_what_to_install(machine):
    pretend_old(machine)
    ended = machine.make(HTTPS_PROXY=closed_port(), UV_PYTHON_DOWNLOADS="never")
    assert ended.returncode == 2
    sentence, _ = ended.stderr.splitlines()  # the second is make's
    assert sentence.startswith(".venv: no environment could be made with >=3.11,<3.14 (")
    assert sentence.endswith(f"install {KNOWN} and name it, make PYTHON=/path/to/python3.12.")


def test_the_environment_may_lie_elsewhere_and_no_other_folder_is_touched(machine, tmp_path):
    elsewhere = tmp_path / "scratch/me/venv"
    assert machine.make(f"VENV={elsewhere}").returncode == 0
    assert machine.torch(str(elsewhere)).startswith(TORCH)
    assert not (machine.house / ".venv").exists()
    (precious := tmp_path / "thesis").mkdir()
    (precious / "text.tex").touch()
    ended = machine.make(f"VENV={precious}")
    assert ended.returncode == 2
    assert f"{precious}: no environment could be made" in ended.stderr
    for target in ("clean", "ready"):
        subprocess.run(["make", target, f"VENV={precious}"], cwd=machine.house, env=machine.environment)
    assert [path.name for path in precious.iterdir()] == ["text.tex"]


def test_an_environment_of_an_old_python_is_refused_in_a_sentence(machine):
    assert machine.make().returncode == 0
    pretend_old(machine, "python", machine.house / ".venv/bin")
    os.utime(machine.house / "requirements.txt")
    ended = machine.make()
    assert ended.returncode == 2
    assert ended.stderr.startswith(f".venv is of Python 3.8.18; {KNOWN} is needed: make clean")


def begun(machine: Machine) -> None:
    """Leave the environment as a kill does before uv is in it."""
    command = [uv(), "pip", "uninstall", "--quiet", "--python", ".venv/bin/python", "uv", "pip", "torch"]
    subprocess.run(command, cwd=machine.house, check=True)


def orphaned(machine: Machine) -> None:
    """Take the Python away that the environment was made of."""
    python = machine.house / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")


@pytest.mark.parametrize("harm", [begun, orphaned])
def test_an_environment_that_is_not_whole_is_made_whole(machine, harm):
    assert machine.make().returncode == 0
    harm(machine)
    (machine.house / ".venv/ready").unlink()
    ended = machine.make()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert machine.versions().keys() >= {"torch", "torchvision", "uv", "pip"}


# --- Which uv, and pip


def test_without_uv_pip_brings_it(machine):
    machine.programs.joinpath("uv").unlink()
    ended = machine.make(**pip_reads(machine))
    assert ended.returncode == 0, ended.stderr
    assert machine.versions()["uv"] == pins("requirements.txt")["uv"]


def test_without_uv_and_pip_the_sentence_names_the_command(machine):
    machine.programs.joinpath("uv").unlink()
    machine.add("python3", f'[ "$1" = -m ] && exit 1; exec {sys.executable} "$@"')
    ended = machine.make()
    assert ended.returncode == 2
    sentence, _ = ended.stderr.splitlines()
    assert sentence.startswith("python3 has no pip to get uv with")
    assert "apt-get install python3-pip" in sentence


def test_without_uv_and_a_network_it_is_not_pip_that_is_said_to_lack(machine):
    machine.programs.joinpath("uv").unlink()
    ended = machine.make(PIP_INDEX_URL=closed_port(), PIP_RETRIES="0")
    assert ended.returncode == 2
    assert f"\npip could not get uv=={pins('requirements.txt')['uv']}: see above" in ended.stderr
    assert "has no pip" not in ended.stderr


def test_what_pip_alone_reaches_pip_installs(machine):
    """uv does not read pip's configuration, where firms write their index."""
    read = pip_reads(machine)
    ended = machine.make("TORCH=default", **read, UV_DEFAULT_INDEX=closed_port())
    assert ended.returncode == 0, ended.stderr
    assert machine.torch() == TORCH
    assert machine.versions()["uv"] == pins("requirements.txt")["uv"]


def pip_reads(machine: Machine) -> dict[str, str]:
    """Give pip's configuration the index."""
    configuration = machine.house.parent / "pip.conf"
    configuration.write_text(f"[global]\nindex-url = {machine.environment['UV_DEFAULT_INDEX']}\n")
    return {"PIP_CONFIG_FILE": str(configuration), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
