"""Notebooks on real V-COCO's labels, and by the commands that run them."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pandas as pd
import papermill
import pytest
from conftest import SAMPLE
from headless import all_text, run
from PIL import Image

from lib.profiles import ROOT

# --- Run on real V-COCO's labels


def test_01_reproduces_the_thesis_on_real_labels(shared, tmp_path):
    """Real labels and boxes; grey images of the right sizes; val, which ../shared lacks, from the sample."""
    folder = tmp_path / "vcoco"
    (folder / "images").mkdir(parents=True)
    instances = shared / "vcoco/instances_vcoco_all_2014.json"
    keypoints = shared / "coco_keypoints/person_keypoints.json"
    names = {"train": shared / "vcoco/vcoco_train.json", "test": shared / "vcoco/vcoco_test.json"}
    toml = 'clip_weights = "a.pt"\npose_weights = "b.pth"\n'
    for split, labels in names.items():
        toml += split_table(split, labels, instances, keypoints, folder / "images")
    val = SAMPLE / "vcoco/vcoco_val.json", SAMPLE / "annotations/instances_train2014.json"
    toml += split_table("val", *val, keypoints, SAMPLE / "images/train2014")
    (folder / "profile.toml").write_text(toml)
    draw_grey_images(instances, folder / "images")
    notebook = run("01_data_preparation", tmp_path / "out", PROFILE=str(folder))
    assert "0 of 52 counts differ from the thesis" in all_text(notebook)
    table = pd.read_csv(tmp_path / "out/figures/vcoco/01_table_6_1.csv", header=[0, 1], index_col=0)
    assert table[("test", "ours")].sum() == 22070
    assert (table.xs("difference", axis="columns", level=1) == 0).all(axis=None)


def split_table(split, labels, instances, keypoints, images) -> str:
    return (
        f'[splits.{split}]\nvcoco_json = "{labels}"\ninstances_json = "{instances}"\n'
        f'person_keypoints_json = "{keypoints}"\nimages = "{images}"\n'
    )


def draw_grey_images(instances, folder) -> None:
    """Stand in for COCO's images: one file per size, linked under every name."""
    made = {}
    for image in json.loads(instances.read_text())["images"]:
        size = image["width"], image["height"]
        if size not in made:
            made[size] = folder / f"{size[0]}x{size[1]}.jpg"
            Image.new("RGB", size, (128, 128, 128)).save(made[size])
        os.link(made[size], folder / image["file_name"])


# --- What is wrong is said


def test_a_misspelt_parameter_stops_the_notebook(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="Unknown parameter LANGAUGE"):
        run("01_data_preparation", tmp_path, LANGAUGE="ja")
    assert not (tmp_path / "figures").exists()


def test_02_first_says_what_to_run(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match="run notebook 01_data_preparation"):
        run("02_feature_extraction", tmp_path)


# --- As the commands run them


def test_runner_names_unknown_notebooks_and_profiles(tmp_path):
    for arguments, said in (
        (["99"], "No notebook 99"),
        (["-p", "PROFILE", "smaple"], "choose from sample, vcoco"),
        (["01", "-p", "LANGAUGE", "ja"], "Unknown parameter LANGAUGE; choose from DEVICE, EPOCHS, LANGUAGE"),
        (["01", "-p", "PRECISION", "auto"], "Unknown parameter PRECISION"),
    ):
        command = [sys.executable, ROOT / "notebooks/run.py", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert result.returncode == 2
        assert said in result.stderr
        assert "Traceback" not in result.stderr


def test_relative_paths_are_of_the_shells_folder(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "mine", copy_function=os.symlink)
    command = [sys.executable, ROOT / "notebooks/run.py", "01", "-p", "PROFILE", "./mine", "-p", "OUTPUT_DIR"]
    result = subprocess.run([*command, "out"], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/data/mine/people.parquet").is_file()
    assert (tmp_path / "out/figures/mine/01_people.pdf").is_file()
    assert (tmp_path / "out/figures/mine/notebooks/01_data_preparation.ipynb").is_file()
    assert not (ROOT / "notebooks/out").exists()


def test_make_uses_its_own_kernel_whatever_else_is_there(tmp_path):
    """A user's kernel of the same name, a JUPYTER_PATH and a poisoned PYTHONPATH must not be used."""
    decoy = {"argv": ["/bin/false"], "display_name": "decoy", "language": "python"}
    for place in (tmp_path / "home/.local/share/jupyter", tmp_path / "other"):
        (place / "kernels/python3").mkdir(parents=True)
        (place / "kernels/python3/kernel.json").write_text(json.dumps(decoy))
    (tmp_path / "poison").mkdir()
    (tmp_path / "poison/pandas.py").write_text("raise ImportError('not this one')")
    poisoned = {
        "HOME": tmp_path / "home",
        "JUPYTER_PATH": tmp_path / "other",
        "PYTHONPATH": tmp_path / "poison",
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "PYTEST"))}
    environment |= {key: str(value) for key, value in poisoned.items()}
    out = tmp_path / "out"
    command = ["make", "figures", "NOTEBOOKS=01", f"PARAMETERS=-p OUTPUT_DIR {out}"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert result.returncode == 0, result.stderr
    notebook = nbformat.read(out / "figures/sample/notebooks/01_data_preparation.ipynb", as_version=4)
    assert (out / "data/sample/people.parquet").exists()
    assert notebook.metadata.papermill.exception is None
    assert notebook.metadata.commit
