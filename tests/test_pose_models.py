"""Pose models side by side: profile, weights, views, tables; notebook 10 with a model of random weights."""

from typing import get_args

import numpy as np
import pandas as pd
import papermill
import pytest
import torch
from conftest import SAMPLE

from lib import experiments, features, figures, vcoco
from lib.coco import BOX
from lib.experiments.results import stored_results
from lib.pose import PoseEstimator
from lib.pose.detectors import TOP_DOWN_CONFIGS
from lib.profiles import ROOT, DataError, PoseModel, Profile, load_profile
from lib.related import learners, pose_models

VERBS = list(vcoco.VERBS)
NOTEBOOK = ROOT / "notebooks" / "10_related_systems.ipynb"
PEOPLE_OF = {"train": 28, "val": 8, "test": 16}
SETTINGS = {"seeds": 2, "epochs": 2}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return vcoco.load_profile_people(load_profile("sample"))


# --- Profile and weights


def test_names_of_pose_models_agree_everywhere():
    names = set(get_args(PoseModel))
    assert names == set(TOP_DOWN_CONFIGS) == set(pose_models.FURTHER)


def test_an_unknown_pose_model_is_refused(tmp_path):
    toml = (SAMPLE / "profile.toml").read_text() + '\n[pose_models]\nopenpose = "x.pth"\n'
    (tmp_path / "profile.toml").write_text(toml)
    with pytest.raises(DataError, match="Invalid enum value 'openpose'"):
        load_profile(tmp_path)


# --- Poses


def test_true_poses_are_perfect(people):
    sample = load_profile("sample")
    some = people[people["split"] == "test"].head(80)
    truth = vcoco.load_profile_keypoints(sample, some)
    quality = pose_models.measure_poses(some, {"true": experiments.true_poses(sample, some)}, truth)
    assert quality.loc["true", ["AP", "mean OKS"]].tolist() == pytest.approx([1, 1])
    assert quality.loc["true", "people with a pose"] == truth.notna().any(axis="columns").sum()


# --- Notebook 10, with one further pose model, of random weights


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, people) -> Profile:
    """A profile of few people of the sample that names RTMPose, with features and results of experiment 1."""
    folder, output = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("output")
    toml = (SAMPLE / "profile.toml").read_text().replace('= "', f'= "{SAMPLE}/')
    (folder / "profile.toml").write_text(
        f'{toml}\n[pose_models]\nrtmpose = "rtmpose.pth"\nhrnet_w32 = "absent.pth"\n'
    )
    network = PoseEstimator(model="rtmpose").detector.network
    torch.save({"state_dict": network.state_dict(), "meta": {}}, folder / "rtmpose.pth")
    profile = load_profile(folder, output)
    few = pd.concat([people[people["split"] == split].head(count) for split, count in PEOPLE_OF.items()])
    profile.data.mkdir(parents=True)
    few.to_parquet(profile.people)
    views, store = features.profile_views(profile), features.FeatureStore(profile.features)
    features.extract(few, profile.image_path, views, store)
    arms = {"CLIP only": ["clip_crop"], "pose only": ["pose"]}
    inputs = {arm: experiments.assemble(profile, few, seen) for arm, seen in arms.items()}
    experiments.run_experiment(profile, "03", few, inputs, VERBS, **SETTINGS)
    return profile


@pytest.fixture(scope="module")
def executed(prepared):
    """Notebook 10, run as a user runs it; the folder of its figures, and its cells."""
    output = prepared.figures.parents[1]
    parameters = {"PROFILE": str(prepared.inputs), "OUTPUT_DIR": str(output), "SEEDS": 2, "EPOCHS": 2}
    notebook = papermill.execute_notebook(NOTEBOOK, output / "10.ipynb", parameters, progress_bar=False)
    return prepared.figures, notebook


def test_notebook_10_compares_the_models_that_are_here(executed, prepared):
    folder, _ = executed
    table = pd.read_csv(folder / "10_pose_models.csv", index_col="model")
    assert table.index.tolist() == ["HigherHRNet", "RTMPose-m", "true keypoints"]
    assert table.loc["true keypoints", "AP"] == pytest.approx(1)
    assert table.loc["RTMPose-m", "people with a pose"] == PEOPLE_OF["test"]
    assert table.loc["RTMPose-m", "AP"] < table.loc["HigherHRNet", "AP"], "its weights are random"
    listed = pd.read_csv(folder / "10_pose_weights.csv", index_col="model")
    assert listed["here"].tolist() == [True, False, False, True]
    get = pose_models.list_models(prepared)["get"]
    assert "Put its weights there" in get["HRNet-W32"]
    assert "Name its weights as simple_baseline" in get.iloc[2]
    results = stored_results(prepared, "10_pose_models")
    arms = [f"{model}, {seen}" for model in table.index for seen in ("pose only", "CLIP + pose")]
    assert results.logits.index.unique("arm").tolist() == arms
    people = results.exact.xs("clean", level="protocol").reset_index().groupby("arm")["ann_id"]
    assert len(set(people.agg(frozenset))) == 1, "the same people in every arm"
    tests = pd.read_csv(folder / "10_pose_model_tests.csv", index_col="arms")
    for pair, row in tests.iterrows():
        model, seen = pair.split(" - ")[0].rsplit(", ", 1)
        expected = table.loc[model, seen] - table.loc["HigherHRNet", seen]
        assert row["difference"] == pytest.approx(expected)


def test_poses_of_the_view_are_those_of_the_estimator(executed, prepared):
    people = vcoco.load_prepared_people(prepared).head(5)
    table = features.load_features(prepared, "pose_rtmpose", people)
    default = features.load_features(prepared, "pose", people)
    crops = ["crop_x", "crop_y", "crop_w", "crop_h"]
    assert table.columns.equals(default.columns)
    assert table[crops].equals(default[crops])
    estimator = PoseEstimator(prepared.pose_models["rtmpose"], model="rtmpose")
    paths = [prepared.image_path(row.split, row.file_name) for row in people.itertuples()]
    poses = estimator.estimate(paths, people[BOX].to_numpy()).to_frame(people.index)
    np.testing.assert_allclose(table, poses, rtol=1e-4, atol=1e-3)


def test_notebook_10_puts_the_studys_learners_beside_ours(executed, prepared):
    folder, _ = executed
    table = pd.read_csv(folder / "10_learners.csv", index_col="learner")
    study = figures.load_thesis("openpose_learners.csv")["validation_accuracy"]
    assert table["theirs (STAIR Actions)"].dropna().to_dict() == pytest.approx((100 * study).to_dict())
    right = pd.read_parquet(prepared.results / "10_learners.parquet")
    for form in ("box", "pixels"):
        ours = right.xs(form, level="input").mean(axis=1).groupby("learner").mean()
        assert (100 * ours).to_dict() == pytest.approx(table[form].to_dict())
    assert set(learners.NETWORKS) < set(table.index)


def test_notebook_10_scores_zero_shot_on_the_people_of_experiment_1(executed, prepared):
    folder, _ = executed
    table = pd.read_csv(folder / "10_zero_shot.csv", index_col="method")
    results = stored_results(prepared, "03")
    people = vcoco.load_prepared_people(prepared)
    ids = results.logits.xs("clean", level="protocol").index.unique("ann_id")
    test = people[people.index.isin(ids) & (people["split"] == "test")]
    clean = experiments.clean_table(results, test, VERBS)
    for number in ("exact", "low", "high", "mAP"):
        assert table.loc["trained, crop", number] == pytest.approx(clean.loc["CLIP only", number])
    assert table.loc["zero-shot, crop", "mAP"] > table.loc["verb frequency", "mAP"]


def test_notebook_10_leaves_figures_and_findings_and_no_warning(executed, prepared):
    folder, notebook = executed
    for name in ("learners", "precision", "pose_models"):
        assert (folder / f"10_{name}.pdf").read_bytes().startswith(b"%PDF")
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "\n".join(output.get("text", "") + str(output.get("data", "")) for output in outputs)
    assert "2 of 4 pose models are here" in text
    assert "These data are drawn" not in text, "that is said of the profile `sample` alone"
    assert "Warning" not in text
    assert not list(prepared.results.glob("*.part")), "no state of a training is left"
