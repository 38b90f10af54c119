"""Profiles: the two that come along, a user's own, and every way to write one wrongly."""

import json
import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import papermill
import pytest
from conftest import SAMPLE
from own_profile import write_own_profile

from lib import profiles
from lib.files import remove_leftovers, write_whole
from lib.prediction import tabulate_people
from lib.profiles import OTHER_COLUMNS, PARAMETERS, ROOT, SPLITS, DataError, check_parameters, load_profile
from lib.vcoco import VERBS, load_profile_people


def test_own_images_and_verbs_in_one_folder(tmp_path, tiny):
    write_own_profile(tmp_path / "mine", tiny.contents)
    profile = load_profile(tmp_path / "mine")
    people = load_profile_people(profile)
    assert profile.name == "mine"
    assert list(people.columns[-2:]) == ["wave", "dance"]
    assert people["split"].unique().tolist() == list(SPLITS)
    assert profile.image_path("val", "a.jpg") == tmp_path / "mine/images/a.jpg"


def test_notebook_01_runs_on_own_images_and_verbs(tmp_path, tiny):
    write_own_profile(tmp_path / "mine", tiny.contents)
    shutil.copytree(SAMPLE / "images/val2014", tmp_path / "mine/images")
    given = {"PROFILE": str(tmp_path / "mine"), "OUTPUT_DIR": str(tmp_path)}
    notebook = ROOT / "notebooks/01_data_preparation.ipynb"
    papermill.execute_notebook(notebook, tmp_path / "out.ipynb", given, progress_bar=False)
    table = pd.read_csv(tmp_path / "figures/mine/01_labels_per_verb.csv", index_col="verb")
    assert table.index.tolist() == ["wave", "dance"]
    assert (tmp_path / "figures/mine/01_people.pdf").exists()


def test_sample_and_vcoco_have_the_same_shape():
    sample, vcoco = load_profile("sample"), load_profile("vcoco")
    for split in SPLITS:
        ours, real = sample.splits[split], vcoco.splits[split]
        assert ours.vcoco_json.relative_to(sample.inputs) == real.vcoco_json.relative_to(vcoco.inputs)
        assert ours.images.relative_to(sample.inputs) == real.images.relative_to(vcoco.inputs)
    assert (sample.downloadable, vcoco.downloadable) == (False, True)


def test_output_dir_moves_everything_that_is_written(tmp_path):
    profile = load_profile("sample", tmp_path)
    assert profile.people == tmp_path / "data/sample/people.parquet"
    assert profile.figures == tmp_path / "figures/sample"
    assert profile.inputs == SAMPLE
    assert load_profile("sample").figures == ROOT / "figures/sample"


def test_figures_of_two_folders_of_one_name_do_not_mix(tmp_path, tiny):
    write_own_profile(tmp_path / "sample", tiny.contents)
    with pytest.raises(DataError, match=r"another name, or set OUTPUT_DIR") as error:
        _ = load_profile(tmp_path / "sample").figures
    assert str(error.value).startswith(f"{tmp_path}/sample: its figures would replace those of {SAMPLE};")
    assert load_profile(tmp_path / "sample", tmp_path).figures == tmp_path / "figures/sample"
    assert load_profile(SAMPLE).figures == ROOT / "figures/sample"
    (tmp_path / "linked").symlink_to(SAMPLE.parent)
    assert load_profile(tmp_path / "linked/sample").figures == ROOT / "figures/sample"


def test_nothing_runs_where_figures_would_mix(tmp_path, tiny):
    write_own_profile(tmp_path / "sample", tiny.contents)
    command = [sys.executable, ROOT / "notebooks/run.py", "01", "-p", "PROFILE", tmp_path / "sample"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode != 0
    assert "another name, or set OUTPUT_DIR" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "sample/people.parquet").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("clip_weights", "clip_wieghts", "clip_wieghts"),
        ('"images"', "3", r"splits\[...\].images"),
        ("splits.val", "splits.validation", "validation"),
        ("= [", "= [[", "not closed|Expected|Unclosed|Invalid"),
        ('verbs = ["wave", "dance"]', 'verbs = "wave"', "verbs"),
        ('"dance"]', '"wave"]', "verbs: wave is there twice"),
        ('"dance"]', '"x"]', "verbs: 'x' cannot be a verb's name"),
        ('"dance"]', '"epoch", "score"]', "verbs: 'epoch', 'score' cannot be a verb's name"),
    ],
)
def test_a_wrong_profile_names_file_and_field(tmp_path, tiny, old, new, said):
    write_own_profile(tmp_path / "mine", tiny.contents)
    toml = tmp_path / "mine/profile.toml"
    toml.write_text(toml.read_text().replace(old, new))
    with pytest.raises(DataError, match=f"profile.toml: .*({said})"):
        load_profile(tmp_path / "mine")


def test_a_missing_split_is_named(tmp_path, tiny):
    write_own_profile(tmp_path / "mine", tiny.contents)
    toml = tmp_path / "mine/profile.toml"
    toml.write_text(toml.read_text().split("[splits.test]")[0])
    with pytest.raises(DataError, match=r"table splits.test is missing"):
        load_profile(tmp_path / "mine")


def test_an_unknown_profile_lists_the_known_ones():
    with pytest.raises(DataError, match=r"choose from sample, vcoco"):
        load_profile("smaple")


def test_a_name_that_looks_like_a_number_is_a_name():
    with pytest.raises(DataError, match=r"data/2024/profile\.toml: no such profile"):
        load_profile(2024)  # what papermill makes of -p PROFILE 2024


def test_no_verb_may_have_the_name_of_another_column():
    """`OTHER_COLUMNS` are those of people and of predictions, and some of the results."""
    people = load_profile_people(load_profile("sample"))
    predictions = tabulate_people([], VERBS)
    columns = {people.index.name, *people.columns, *predictions.columns} - set(VERBS)
    assert columns <= set(OTHER_COLUMNS)


def test_a_split_of_nobody_is_refused(tmp_path, tiny):
    write_own_profile(tmp_path / "mine", tiny.contents)
    labels = tmp_path / "mine/val_vcoco.json"
    content = [entry | {"label": [0] * len(entry["label"])} for entry in json.loads(labels.read_text())]
    labels.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"mine/val_vcoco\.json: label: nobody has a verb"):
        load_profile_people(load_profile(tmp_path / "mine"))


def test_splits_that_share_people_are_refused(tmp_path, tiny):
    write_own_profile(tmp_path / "mine", tiny.contents)
    shutil.copy(tmp_path / "mine/train_vcoco.json", tmp_path / "mine/test_vcoco.json")
    shutil.copy(tmp_path / "mine/train_instances.json", tmp_path / "mine/test_instances.json")
    with pytest.raises(DataError, match="in two splits"):
        load_profile_people(load_profile(tmp_path / "mine"))


def test_misspelt_parameters_are_errors():
    check_parameters(dict.fromkeys(PARAMETERS, 1) | {"profile": 1, "In": [], "FOLD": 2}, "FOLD")
    with pytest.raises(DataError, match="Unknown parameter SEED;"):
        check_parameters({"SEED": 3, "SEEDS": 3})


@pytest.mark.parametrize(
    ("name", "value"), [("SEEDS", 0), ("EPOCHS", -1), ("SEEDS", "three"), ("EPOCHS", 2.5)]
)
def test_seeds_and_epochs_are_whole_numbers_from_one_on(name, value):
    with pytest.raises(DataError, match=f"^{name} is {value!r}; choose a whole number of 1 or more"):
        check_parameters(dict.fromkeys(PARAMETERS, 1) | {name: value})


def test_files_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "table.csv"

    with pytest.raises(KeyboardInterrupt), write_whole(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert list(path.parent.iterdir()) == []
    with write_whole(path) as temporary:
        pd.DataFrame({"a": [1]}).to_csv(temporary)
        assert not path.exists()
    assert list(path.parent.iterdir()) == [path]
    assert pd.read_csv(path, index_col=0).to_dict() == {"a": {0: 1}}


def test_leftovers_of_killed_writers_go_and_those_of_living_ones_stay(tmp_path):
    killed = """import os, pathlib, sys, lib.files
with lib.files.write_whole(pathlib.Path(sys.argv[1], "a.csv")) as path:
    path.write_text("x")
    os.kill(os.getpid(), 9)"""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", killed, tmp_path], env=environment).returncode == -9
    left = list(tmp_path.iterdir())
    assert {path.suffix for path in left} == {".csv", ".lock"}
    (tmp_path / ".hidden.csv").touch()
    with write_whole(tmp_path / "b.csv") as alive:
        alive.write_text("y")
        remove_leftovers(tmp_path)
        assert alive.exists()
        assert not any(path.exists() for path in left)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden.csv", "b.csv"]


def test_asking_for_the_commit_writes_nothing_into_git(tmp_path, monkeypatch):
    """A kill while git wrote its index would leave it locked, so that the user could commit no more."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "file").write_text("text")
    for arguments in (["init", "-q"], ["add", "file"], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True)
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    os.utime(tmp_path / "file", (1e9, 1e9))  # git looks into the file, and would note that it is the same
    index = (tmp_path / ".git/index").read_bytes()
    clean = profiles.commit()
    assert re.fullmatch("[0-9a-f]{12}", clean)
    assert (tmp_path / ".git/index").read_bytes() == index
    (tmp_path / "file").write_text("other")
    assert profiles.commit() == f"{clean}-dirty"


def test_verbs_are_the_published_ones_in_order():
    published = pd.read_csv(ROOT / "data/thesis/table_6_1.csv")["verb"]
    assert list(VERBS) == published.tolist()
