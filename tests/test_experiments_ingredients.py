"""Who and what is in an experiment: people without a pose, rare verbs, networks of every kind."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from arms import VERBS, draw_inputs, draw_people, run

from lib import experiments
from lib.coco import BOX, KEYPOINTS
from lib.experiments.inputs import POSE_COLUMNS
from lib.features import FeatureStore, extract, profile_views
from lib.models import ActionMLP, GatedFusion, LateFusion, LinearProbe
from lib.profiles import DataError, Profile, load_profile
from lib.vcoco import load_profile_people


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return draw_people()


@pytest.fixture(scope="module")
def inputs(people) -> dict[str, pd.DataFrame]:
    return draw_inputs(people)


# --- Who is in which arm


def test_the_poses_of_the_thesis_are_51_numbers_joint_by_joint():
    assert len(POSE_COLUMNS) == 51
    assert POSE_COLUMNS[:3] == ["crop_nose_x", "crop_nose_y", "crop_nose_score"]
    assert POSE_COLUMNS[-3:] == [f"crop_{KEYPOINTS[-1]}_{value}" for value in ("x", "y", "score")]


@pytest.fixture
def extracted(tmp_path) -> tuple[Profile, pd.DataFrame]:
    """Sample people with features: one in whom no pose is found, one whose image cannot be read."""
    profile = replace(load_profile("sample"), data=tmp_path)
    people = load_profile_people(profile).head(12).copy()
    people.iloc[3, people.columns.get_indexer(BOX)] = [0, 0, 0, 0]  # twenty pixels of a corner
    broken = people["file_name"].iloc[-1]

    def image_path(split: str, name: str) -> Path:
        return Path("/nowhere") / name if name == broken else profile.image_path(split, name)

    extract(people, image_path, profile_views(profile), FeatureStore(profile.features))
    return profile, people


def test_people_without_a_pose_are_dropped_or_have_zeros(extracted):
    profile, people = extracted
    unreadable = people["file_name"] == people["file_name"].iloc[-1]
    dropped = experiments.assemble(profile, people, ["clip_crop", "pose"])
    assert dropped.shape == (12, 128 + 51)
    poses = dropped[POSE_COLUMNS]
    assert poses.iloc[3].isna().all()
    counts = experiments.count_people(profile, people, {"both": dropped}).sum()
    assert counts["no pose"] == (poses.isna().all(axis="columns") & ~unreadable).sum() >= 1
    assert counts["image unreadable"] == unreadable.sum()
    assert counts["people"] == 12 == counts[["used", "image unreadable", "no pose"]].sum()

    kept = experiments.assemble(profile, people, ["clip_crop", "pose"], without_pose="zeros")
    assert (kept[POSE_COLUMNS].iloc[3] == 0).all()
    assert kept[unreadable].isna().all(axis=None)
    found = dropped.notna().all(axis="columns")
    pd.testing.assert_frame_equal(kept[found], dropped[found])
    assert experiments.count_people(profile, people, {"both": kept}).sum()["no pose"] == 0
    with pytest.raises(DataError, match=r"WITHOUT_POSE is 'keep'; choose .drop. or .zeros."):
        experiments.assemble(profile, people, ["pose"], without_pose="keep")


def test_a_drop_without_a_known_reason_is_an_error(extracted):
    profile, people = extracted
    table = experiments.assemble(profile, people, ["clip_crop"])
    table.iloc[0, 5] = np.nan
    with pytest.raises(ValueError, match="both: 1 people lack numbers, and neither an image nor a pose"):
        experiments.count_people(profile, people, {"both": table})


def test_rare_verbs_are_counted_in_train_and_dropped_everywhere(people):
    counts = people.loc[people["split"] == "train", VERBS].sum()
    kept, rare = experiments.drop_rare_verbs(people, VERBS, fewest=int(counts["point"]) + 1)
    assert rare == ["point"]
    assert experiments.drop_rare_verbs(people, VERBS, fewest=int(counts["point"]))[1] == []
    assert set(kept) == {ann_id for ann_id, person in people.iterrows() if not person["point"]}


def test_confident_people_are_those_of_a_score_of_a_half_and_more(people):
    scores = pd.Series(np.random.default_rng(0).uniform(0.1, 0.9, len(people)), people.index)
    scores.iloc[:3] = [0.5, 0.49999, np.nan]
    expected = [ann_id for ann_id in people.index if scores[ann_id] >= 0.5]
    assert experiments.confident_people(people, scores).index.tolist() == expected
    scores[people.index[people["split"] == "val"]] = 0.3
    with pytest.raises(DataError, match=r"Nobody of val has a pose score of 0.5 or more"):
        experiments.confident_people(people, scores)


def test_an_arm_without_people_is_a_clear_error(people, inputs, tmp_path):
    nobody = people[people["split"] != "test"]
    with pytest.raises(ValueError, match="Experiment x: nobody of test is left who has all the numbers"):
        run(nobody, inputs, tmp_path)


# --- Which networks


def test_another_network_is_another_experiment(people, inputs, tmp_path):
    """However it is made: by a class, its settings, a function of the same name."""
    kinds = {
        "thesis": ActionMLP,
        "narrow": partial(ActionMLP, hidden=8),
        "narrower": partial(ActionMLP, hidden=7),
        "function": lambda width, **options: ActionMLP(width, hidden=6, **options),
        "other function": lambda width, **options: ActionMLP(width, hidden=5, **options),
        "probe": LinearProbe,
        "text": partial(LinearProbe, text=np.eye(4, 8)),
        "other text": partial(LinearProbe, text=np.eye(4, 8)[::-1]),
        "late": partial(LateFusion, clip_features=2, hidden=8),
        "gated": partial(GatedFusion, clip_features=2, hidden=8),
        "late mlp": partial(LateFusion, clip_features=2, hidden=8, pose="mlp"),
        "late of more": partial(LateFusion, clip_features=5, hidden=8),
    }
    arm, marks = {"strong": inputs["strong"]}, {}
    for name, make_model in kinds.items():
        marks[name] = run(people, arm, tmp_path, make_model=make_model, seeds=1, epochs=1).made_of
    assert len(set(marks.values())) == len(kinds)
    assert "" not in marks.values()


def test_a_configured_network_is_trained_and_then_loaded(people, inputs, tmp_path):
    arms = {"strong": inputs["strong"]}
    make_model = partial(GatedFusion, clip_features=5, pose="mlp", hidden=8)
    first = run(people, arms, tmp_path, make_model=make_model, epochs=2)
    before = (tmp_path / "results/x_history.parquet").stat().st_mtime_ns
    run(people, arms, tmp_path, make_model=partial(make_model), epochs=2)
    assert (tmp_path / "results/x_history.parquet").stat().st_mtime_ns == before
    other = run(people, arms, tmp_path, make_model=partial(make_model, pose="joints"), epochs=2)
    assert not other.logits.equals(first.logits)
