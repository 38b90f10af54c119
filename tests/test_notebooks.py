"""The notebooks run headless on the sample; how they are stored, tests/test_house.py checks."""

import json
import os
import shutil

import pandas as pd
import papermill
import pytest
from conftest import SAMPLE
from headless import all_text, english_words, run
from PIL import Image

from lib import experiments, metrics, prediction
from lib.experiments.results import stored_results
from lib.features import load_features
from lib.profiles import load_profile
from lib.vcoco import VERBS, load_profile_people

pytest_plugins = ["headless"]  # its fixtures: the notebooks run in their order

FIGURES_02 = ("poses", "scores", "oks_by_score", "body_parts", "neighbours")
FIGURES = ("people", "labels_per_verb", "verbs_per_person", "cooccurrence", "boxes")


# --- Run on the sample


def test_01_writes_people_figures_and_tables(executed):
    folder, _ = executed
    written = pd.read_parquet(folder / "data/sample/people.parquet")
    pd.testing.assert_frame_equal(written, load_profile_people(load_profile("sample")))
    for name in FIGURES:
        assert (folder / f"figures/sample/01_{name}.pdf").read_bytes().startswith(b"%PDF")
        with Image.open(folder / f"figures/sample/01_{name}.png") as image:
            about = json.loads(image.text["Description"])
        assert about["profile"] == "sample"
        assert about["commit"]
    table = pd.read_csv(folder / "figures/sample/01_labels_per_verb.csv", index_col="verb")
    expected = written.groupby("split", sort=False)[list(table.index)].sum().T
    pd.testing.assert_frame_equal(table, expected, check_names=False)


def test_01_shows_its_figures_and_says_how_many_people(executed):
    _, notebook = executed
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == len(FIGURES)
    assert "without_verb" in all_text(notebook)
    assert "nothing to compare" in all_text(notebook)
    assert not [output for output in outputs if output.get("name") == "stderr"]


def test_language_changes_figures_and_nothing_else(executed, tmp_path):
    folder, _ = executed
    run("01_data_preparation", tmp_path, LANGUAGE="ja")
    for kind in ("data/sample/people.parquet", "figures/sample/01_labels_per_verb.csv"):
        assert (tmp_path / kind).read_bytes() == (folder / kind).read_bytes()
    for name in FIGURES:
        image = f"figures/sample/01_{name}.png"
        assert (tmp_path / image).read_bytes() != (folder / image).read_bytes()
    assert "動詞と分割" in (tmp_path / "figures/sample/01_labels_per_verb.tex").read_text(encoding="utf-8")
    assert not english_words(tmp_path, "01_*")


def test_02_writes_features_figures_and_tables(extracted):
    folder, notebook = extracted
    profile = load_profile("sample", folder)
    people = load_profile_people(profile)
    for name, width in (("clip_full", 128), ("clip_crop", 128), ("pose", 108)):
        assert load_features(profile, name, people).shape == (len(people), width)
    for name in FIGURES_02:
        assert (folder / f"figures/sample/02_{name}.pdf").read_bytes().startswith(b"%PDF")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == len(FIGURES_02)
    assert "These data are drawn: they say nothing of V-COCO." in all_text(notebook)
    for name in ("scores", "without_pose", "pose_quality", "body_parts", "clip_knows"):
        assert not pd.read_csv(folder / f"figures/sample/02_{name}.csv").isna().any(axis=None)


def test_02_numbers_are_those_of_the_features(extracted):
    folder, _ = extracted
    profile = load_profile("sample", folder)
    people = load_profile_people(profile)
    poses = load_features(profile, "pose", people)
    scores = pd.read_csv(folder / "figures/sample/02_scores.csv", index_col="split")
    for split, row in scores.iterrows():
        mine = poses.loc[people.index[people["split"] == split], "score"]
        assert row["people"] == len(mine)
        assert row["with a pose"] == mine.notna().sum()
        assert row["mean score"] == pytest.approx(mine.mean())
        assert row["score >= 0.5"] == (mine >= 0.5).sum()
    without = pd.read_csv(folder / "figures/sample/02_without_pose.csv", index_col="reason")
    assert without.to_numpy().sum() == poses["score"].isna().sum()
    shares = pd.read_csv(folder / "figures/sample/02_body_parts.csv", index_col=0)
    of_skiers = poses.loc[people.index[people["ski"]], ["crop_left_knee_score", "crop_right_knee_score"]]
    assert shares.loc["ski", "knees"] == pytest.approx((of_skiers.max(axis="columns") >= 0.3).mean())


def test_02_again_computes_nothing(extracted):
    folder, _ = extracted
    before = {path: path.stat().st_mtime for path in folder.glob("data/sample/features/*.parquet")}
    notebook = run("02_feature_extraction", folder, LANGUAGE="ja")
    assert {path: path.stat().st_mtime for path in before} == before
    assert len(before) == 3
    assert not [o for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert english_words(folder, "02_*") == {"CLIP", "AP", "AR", "mAP"}


@pytest.mark.parametrize("number", ["03", "04", "05", "06"])
def test_experiments_leave_figures_tables_and_findings(experimented, number):
    folder, notebooks = experimented
    figures = folder / "figures/sample"
    for name in ("accuracy_by_epoch", "clean"):
        assert (figures / f"{number}_{name}.pdf").read_bytes().startswith(b"%PDF")
    for name in ("people", "clean", "optimism", "thesis"):
        assert len(pd.read_csv(figures / f"{number}_{name}.csv"))
        assert f"tab:{number}_{name}" in (figures / f"{number}_{name}.tex").read_text()
    assert "Choosing the epoch on test adds" in all_text(notebooks[number])
    assert "Warning" not in all_text(notebooks[number])


def test_accuracies_of_the_notebooks_are_those_of_the_results(experimented):
    folder, _ = experimented
    figures, results = folder / "figures/sample", folder / "data/sample/results"
    history = pd.read_parquet(results / "03_history.parquet").reset_index()
    assert sorted(history["epoch"].unique()) == [1, 2, 3]
    assert history.groupby("protocol")["seed"].nunique().to_dict() == {"clean": 2, "thesis": 1}
    table = pd.read_csv(figures / "03_thesis.csv", index_col="arm")
    for arm, row in table.iterrows():
        mine = history[(history["protocol"] == "thesis") & (history["arm"] == arm)]
        assert row["ours"] == pytest.approx(100 * mine["test_exact"].max())
    second = pd.read_csv(figures / "04_thesis.csv", index_col="arm")
    assert second.loc[["CLIP only", "pose only"]].equals(table.loc[["CLIP only", "pose only"]])


def test_experiment_3_counts_confident_people_and_experiment_4_drops_rare_verbs(experimented):
    folder, _ = experimented
    profile = load_profile("sample", folder)
    people = load_profile_people(profile)
    confident = people[load_features(profile, "pose", people)["score"] >= 0.5]
    figures = folder / "figures/sample"
    table = pd.read_csv(figures / "05_people.csv", index_col="source")
    assert table.loc["ours", "score >= 0.5"] == (confident["split"] == "test").sum()
    counts = confident.loc[confident["split"] == "train", list(VERBS)].sum()
    kept = confident[~confident[counts.index[counts < 10]].any(axis="columns")]
    table = pd.read_csv(figures / "06_people.csv", index_col=0)
    for split in ("train", "val", "test"):
        assert table.loc[split, "score >= 0.5"] == (confident["split"] == split).sum()
        assert table.loc[split, "without rare verbs"] == (kept["split"] == split).sum()
    per_verb = pd.read_csv(figures / "05_table_7_1.csv", index_col="verb")
    labels = confident.loc[confident["split"] == "test", list(VERBS)].sum()
    assert per_verb["labels"].to_dict() == labels.to_dict()
    assert (per_verb[["CLIP only", "CLIP + pose"]].max(axis="columns") <= per_verb["labels"]).all()


def test_experiments_are_redrawn_without_training(experimented):
    folder, _ = experimented
    files = list((folder / "data/sample/results").iterdir())
    before = {path: path.stat().st_mtime_ns for path in files}
    assert all(path.suffix == ".parquet" for path in files), "no state of a training is left"
    notebook = run("06_experiment_4", folder, EPOCHS=3, SEEDS=2, LANGUAGE="ja")
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert "epoch/s" not in all_text(notebook), "a progress bar of a training"
    assert english_words(folder, "06_*") == {"CLIP", "mAP", "SD", "McNemar", "Holm"}


def test_07_every_p_and_interval_is_that_of_the_tested_functions(experimented):
    folder, _ = experimented
    notebook = run("07_discussion", folder, EPOCHS=3, SEEDS=2)
    profile, figures = load_profile("sample", folder), folder / "figures/sample"
    people = load_profile_people(profile)
    results = experiments.load_results(profile, "03", "03", seeds=2, epochs=3)
    test = experiments.test_people(results, people)
    confident = test[load_features(profile, "pose", test)["score"] >= 0.5]

    table = pd.read_csv(figures / "07_table_7_1.csv", index_col="verb")
    right = experiments.right_at_best(results, confident.index)
    pair = right["CLIP + pose"].to_numpy(), right["CLIP only"].to_numpy()
    verbs = list(VERBS)
    expected = metrics.compare_per_verb(confident[verbs], *pair, verbs, confident["image_id"])
    columns = ["labels", "p", "p_holm"]
    pd.testing.assert_frame_equal(table[columns], expected[columns], check_dtype=False)
    shares = ["difference", "low", "high"]
    pd.testing.assert_frame_equal(table[shares], 100 * expected[shares], check_dtype=False)

    claims = pd.read_csv(figures / "07_claims.csv", index_col="claim")
    chosen = [
        experiments.right_people(results, "clean", arm, test.index).to_numpy(float).T
        for arm in ("CLIP + pose", "CLIP only")
    ]
    difference, low, high, _ = metrics.paired_bootstrap(*chosen, test["image_id"])
    evidence = f"{100 * difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
    assert claims["evidence"].iloc[0].startswith(f"{evidence}, corrected p = ")
    published = pd.read_csv(figures / "07_published_verbs.csv", index_col="verb")
    assert set(published.index[published["significant"] == "always"]) == {"hold", "stand", "look", "throw"}
    assert "Warning" not in all_text(notebook)
    assert "cannot be significant whatever the pairing" in all_text(notebook)


def test_results_of_other_settings_are_not_mixed_in(experimented):
    folder, _ = experimented
    with pytest.raises(papermill.PapermillExecutionError, match="trained with SEEDS 2, EPOCHS 3, asked are"):
        run("05_experiment_3", folder, EPOCHS=4, SEEDS=2)
    with pytest.raises(papermill.PapermillExecutionError, match="03_experiment_1 with WITHOUT_POSE zeros"):
        run("04_experiment_2", folder, EPOCHS=3, SEEDS=2, WITHOUT_POSE="zeros")


def test_08_judges_every_study_by_the_tested_rule(beyond):
    folder, notebooks = beyond
    profile, figures = load_profile("sample", folder), folder / "figures/sample"
    people = load_profile_people(profile)
    results = stored_results(profile, "08_scale")
    test = experiments.test_people(results, people)
    table = pd.read_csv(figures / "08_scale.csv", index_col="arm")
    references = table["reference"].dropna().to_dict()
    assert len(references) == 10
    assert set(references.values()) == {"CLIP", "unit CLIP"}
    expected = experiments.verdicts(results, test, list(VERBS), references)
    pd.testing.assert_frame_equal(table, expected[table.columns].rename_axis("arm"), check_dtype=False)
    assert {"difference", "difference_low", "difference_high", "p_holm", "verdict"} <= set(table.columns)
    for study in ("scale_pixels", "view", "fusion", "confidence", "oracles", "heads"):
        judged = pd.read_csv(figures / f"08_{study}.csv", index_col="arm").dropna(subset="p_holm")
        assert judged["verdict"].str.match("helps|hurts|no difference shown").all()
    text = all_text(notebooks["08"])
    assert text.count("**Verdict.**") == 8
    assert "Warning" not in text


def test_09_predicts_as_the_features_of_notebook_02_do_with_the_model_of_08(beyond):
    folder, notebooks = beyond
    profile = load_profile("sample", folder)
    people = load_profile_people(profile)
    model = prediction.load_profile_model(profile)
    tables = {view: load_features(profile, view, people) for view in model.card.inputs.views}
    expected = model.probabilities(model.card.inputs.apply(people, tables))
    written = pd.read_csv(folder / "figures/sample/09_predictions/model/predictions.csv")
    written["file_name"] = written["image"].str.rpartition("/")[2]
    compared = 0
    for _, row in written.iterrows():
        same = (people["file_name"] == row["file_name"]) & ((people["x"] - row["x"]).abs() < 0.01)
        (ann_id,) = people.index[same & ((people["w"] - row["w"]).abs() < 0.01)]
        assert row[list(VERBS)].to_numpy(float) == pytest.approx(expected.loc[ann_id].to_numpy(), abs=1e-4)
        compared += 1
    assert compared >= 12
    assert "Warning" not in all_text(notebooks["09"])


def test_08_is_redrawn_without_training_and_09_first_says_what_to_run(beyond, tmp_path):
    folder, _ = beyond
    files = [path for path in (folder / "data/sample/results").iterdir() if path.name.startswith("08")]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert all(path.suffix == ".parquet" for path in files), "no state of a training is left"
    run("08_beyond_the_thesis", folder, EPOCHS=2, SEEDS=2, LANGUAGE="ja")
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert english_words(folder, "08_*") == {"CLIP", "FiLM", "Holm", "MLP", "mAP"}
    people = tmp_path / "data/sample/people.parquet"
    people.parent.mkdir(parents=True)
    shutil.copy(folder / "data/sample/people.parquet", people)
    with pytest.raises(papermill.PapermillExecutionError, match="run notebook 08_beyond_the_thesis"):
        run("09_predict_your_images", tmp_path)


def test_on_vcoco_experiments_end_with_ours_the_thesis_and_the_difference(experimented, tmp_path):
    """The sample's people, features and results under the name vcoco: nothing is trained again."""
    folder, _ = experimented
    shutil.copytree(SAMPLE, tmp_path / "vcoco", copy_function=os.symlink)
    shutil.copytree(folder / "data/sample", tmp_path / "out/data/vcoco")
    for name in ("03_experiment_1", "05_experiment_3", "06_experiment_4", "07_discussion"):
        run(name, tmp_path / "out", PROFILE=str(tmp_path / "vcoco"), EPOCHS=3, SEEDS=2)
    figures = tmp_path / "out/figures/vcoco"
    accuracies = {"03": [50.40, 41.18, 20.19], "05": [52.22, 48.36], "06": [47.11, 40.04]}
    for number, thesis in accuracies.items():
        table = pd.read_csv(figures / f"{number}_thesis.csv", index_col="arm")
        assert table["thesis"].tolist() == thesis
        assert (table["ours"] - table["thesis"]).tolist() == pytest.approx(table["difference"].tolist())
    assert pd.read_csv(figures / "05_people.csv", index_col=0).loc["thesis", "score >= 0.5"] == 1557
    people = pd.read_csv(figures / "06_people.csv", index_col=0)
    assert people["thesis, score >= 0.5"].tolist()[::2] == [777, 1557]
    assert people["thesis, without rare verbs"].tolist()[::2] == [765, 1541]
    table = pd.read_csv(figures / "05_table_7_1_thesis.csv", header=[0, 1], index_col=0)
    assert table["labels", "thesis"].sum() == 4860
    assert table["CLIP only", "thesis"].sum() == 2268


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("03_experiment_1", "run notebook 02_feature_extraction"),
        ("04_experiment_2", "run notebook 03_experiment_1"),
        ("05_experiment_3", "run notebook 03_experiment_1"),
        ("07_discussion", "run notebook 03_experiment_1"),
    ],
)
def test_experiments_run_first_say_what_to_run(extracted, tmp_path, name, missing):
    folder, _ = extracted
    people = tmp_path / "data/sample/people.parquet"
    people.parent.mkdir(parents=True)
    shutil.copy(folder / "data/sample/people.parquet", people)
    with pytest.raises(papermill.PapermillExecutionError, match=missing):
        run(name, tmp_path, EPOCHS=1)
