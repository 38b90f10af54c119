"""Related systems: the study's learners and zero-shot CLIP, beside literal versions."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from lib import experiments, metrics, vcoco
from lib.coco import KEYPOINTS
from lib.profiles import DataError, Profile, load_profile
from lib.related import learners, naming

VERBS = list(vcoco.VERBS)


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return vcoco.load_profile_people(load_profile("sample"))


# --- The study's learners


def test_verbs_chosen_on_real_labels_are_postures(shared):
    labels = vcoco.read_labels(shared / "vcoco/vcoco_train.json")[VERBS]
    assert learners.choose_verbs(labels) == ["sit", "walk", "jump"]


def test_verbs_are_chosen_as_a_literal_search_has_it(people):
    labels, best = people[VERBS], ((0, 0), [])
    who = {verb: set(people.index[people[verb]]) for verb in VERBS}
    for group in combinations(VERBS, 3):
        counts = [len(who[verb]) for verb in group]
        shares = [len(who[a] & who[b]) / min(len(who[a]), len(who[b])) for a, b in combinations(group, 2)]
        if max(shares) <= 0.02:
            best = max(best, ((min(counts), sum(counts)), list(group)))
    assert learners.choose_verbs(labels) == best[1]
    with pytest.raises(DataError, match="no 2 verbs of the train people exclude each other"):
        learners.choose_verbs(pd.DataFrame({"a": [True, True], "b": [True, False], "c": [False, False]}), 2)


def test_the_rarest_of_the_verbs_chosen_is_frequent():
    """`a` is the most frequent, but only the rare `d` excludes it."""
    who = {"a": range(0, 80), "b": range(40, 80), "c": range(0, 39), "d": range(80, 83)}
    labels = pd.DataFrame({verb: pd.Series(range(83)).isin(people) for verb, people in who.items()})
    assert learners.choose_verbs(labels, 2) == ["b", "c"]


def draw_poses(people: pd.DataFrame) -> pd.DataFrame:
    """Poses in the columns of the view, a third of the joints below the threshold, the first person none."""
    rng = np.random.default_rng(0)
    joints = rng.uniform(0, 200, (len(people), 17, 3))
    joints[..., 2] = rng.uniform(0, 0.3, joints.shape[:2])
    names = [f"image_{joint}_{value}" for joint in KEYPOINTS for value in ("x", "y", "score")]
    poses = pd.DataFrame(joints.reshape(len(people), -1), people.index, names)
    poses.insert(0, "score", joints[..., 2].mean(axis=1))
    poses.iloc[0] = np.nan
    return poses


def test_joints_are_x_and_y_of_those_found(people):
    some, poses = people.head(6), draw_poses(people.head(6))
    inputs = learners.joint_inputs(some, poses)
    assert {form: table.shape for form, table in inputs.items()} == {"box": (5, 34), "pixels": (5, 34)}
    for ann_id, person in some.iloc[1:].iterrows():
        for joint in KEYPOINTS:
            x, y, score = (poses.loc[ann_id, f"image_{joint}_{value}"] for value in ("x", "y", "score"))
            expected = [x, y] if score >= 0.1 else [0, 0]
            assert inputs["pixels"].loc[ann_id, [f"{joint}_x", f"{joint}_y"]].tolist() == pytest.approx(
                expected
            )
            box = [(x - person["x"]) / person["w"], (y - person["y"]) / person["h"]]
            got = inputs["box"].loc[ann_id, [f"{joint}_x", f"{joint}_y"]].tolist()
            assert got == pytest.approx(box if score >= 0.1 else [0, 0], abs=1e-5)


def test_people_of_one_verb_have_one_of_them_and_a_pose(people):
    poses = draw_poses(people)
    one = learners.people_of_one_verb(people, poses, ["stand", "sit"])
    expected = [a for a, person in people.iloc[1:].iterrows() if person["stand"] != person["sit"]]
    assert one.index.tolist() == expected
    for verbs, message in (
        (["stand", "fly"], "unknown verb fly"),
        (["stand"], "two or more different verbs"),
        (["sit", "sit"], "two or more different verbs"),
        (["look", "point"], "nobody with a pose does only"),
    ):
        with pytest.raises(DataError, match=message):
            learners.people_of_one_verb(people[people["look"] | ~people["point"]], poses, verbs)


def test_no_image_is_on_both_sides(people):
    part = learners.split_images(people)
    images = people["image_id"].groupby(part).unique()
    assert not set(images["train"]) & set(images["validation"])
    assert len(images["validation"]) / people["image_id"].nunique() == pytest.approx(0.3, abs=0.01)
    assert part.equals(learners.split_images(people))


@pytest.fixture(scope="module")
def task() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """People whose verb is where their joints are, mostly; two an image."""
    rng = np.random.default_rng(0)
    index = pd.Index(rng.permutation(150) + 1, name="ann_id")
    doing = rng.integers(0, 3, 150)
    labels = pd.DataFrame(np.eye(3, dtype=bool)[doing], index, ["a", "b", "c"])
    joints = rng.standard_normal((150, 34)) + 1.5 * doing[:, None] * (np.arange(34) % 3)
    table = pd.DataFrame(joints.astype(np.float32), index)
    return labels.assign(image_id=np.arange(150) // 2), {"box": table, "pixels": table.iloc[::-1] * 100}


@pytest.fixture
def profile(tmp_path) -> Profile:
    return replace(load_profile("sample"), data=tmp_path)


def test_learners_learn_and_are_kept(task, profile):
    people, inputs = task
    settings = {"seeds": 2, "epochs": 15}
    right = learners.run_learners(profile, people, inputs, ["a", "b", "c"], **settings)
    table = learners.learner_table(right, people)
    validation = learners.split_images(people).eq("validation")
    truth = people.loc[validation, ["a", "b", "c"]].to_numpy().argmax(axis=1)
    share = np.mean(
        truth == np.bincount(people.loc[~validation, ["a", "b", "c"]].to_numpy().argmax(axis=1)).argmax()
    )
    assert table.loc["majority class", "accuracy"].tolist() == pytest.approx([100 * share] * 2)
    learnt = table.loc[["logistic regression", "random forest", "SVM", *learners.NETWORKS], "accuracy"]
    assert learnt.min() > 100 * share + 20, learnt
    for name, row in table.iterrows():
        mine = right.xs(name, level=["learner", "input"])
        assert set(mine.index) == set(people.index[validation])
        assert row["accuracy"] == pytest.approx(100 * mine.to_numpy().mean())
        assert row["low"] <= row["accuracy"] <= row["high"]

    (file,) = profile.results.iterdir()
    written = file.stat().st_mtime_ns
    again = learners.run_learners(profile, people, inputs, ["a", "b", "c"], **settings)
    pd.testing.assert_frame_equal(again, right)
    assert file.stat().st_mtime_ns == written
    other = {"box": inputs["box"] + 1}
    changed = learners.run_learners(profile, people, other, ["a", "b", "c"], **settings)
    assert file.stat().st_mtime_ns > written
    assert changed.attrs["made_of"] != right.attrs["made_of"]
    file.write_bytes(b"no")
    with pytest.raises(DataError, match=r"10_learners.parquet: cannot be read .*; delete it and run again"):
        learners.run_learners(profile, people, inputs, ["a", "b", "c"], **settings)


# --- Ways to name verbs


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of two seeds with ties, labels (one verb of a single person, one of nobody), images."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 60, 6)).round(1)
    labels = logits.mean(axis=0) + rng.standard_normal((60, 6)) > 1
    labels[:, 4:] = False
    labels[7, 4] = True
    return logits, labels, rng.integers(0, 35, 60)


def test_the_interval_of_map_is_that_of_the_slow_bootstrap(drawn):
    logits, labels, images = drawn
    for one in logits:
        slow = metrics.bootstrap_interval_of(
            lambda rows, one=one: metrics.mean_average_precision(one[rows], labels[rows]),
            images,
            resamples=40,
        )
        fast = metrics.mean_average_precision_interval(one, labels, images, resamples=40)
        np.testing.assert_allclose(fast, slow, rtol=1e-12)
    both = metrics.bootstrap_interval_of(
        lambda rows: np.mean([metrics.mean_average_precision(one[rows], labels[rows]) for one in logits]),
        images,
        resamples=40,
    )
    fast = metrics.mean_average_precision_interval(logits, labels, images, resamples=40)
    np.testing.assert_allclose(fast, both, rtol=1e-12)


def test_methods_are_scored_as_their_seeds_one_by_one(drawn):
    logits, labels, images = drawn
    names = list("abcdef")
    people = pd.DataFrame(labels, columns=names).assign(image_id=images)
    table = naming.score_methods({"x": logits, "y": logits[:1]}, people, names)
    exact = [metrics.exact_match(one, labels).mean() for one in logits]
    assert table.loc["x", "exact"] == pytest.approx(100 * np.mean(exact))
    assert table.loc["y", "exact"] == pytest.approx(100 * exact[0])
    assert (table["mAP low"] <= table["mAP high"]).all()
    precision = naming.precision_by_verb({"x": logits, "y": logits[:1]}, people, names)
    assert precision.mean().tolist() == pytest.approx(table["mAP"].tolist())
    assert precision.isna().sum().tolist() == [1, 1]


def test_trained_logits_are_those_of_the_people_asked_for(drawn):
    index = pd.MultiIndex.from_product([["clean", "thesis"], ["A"], [0, 1], range(60)])
    index = index.set_names(["protocol", "arm", "seed", "ann_id"])
    stored = pd.DataFrame(np.tile(drawn[0].reshape(120, 6), (2, 1)), index, list("abcdef"))
    results = experiments.Results(pd.DataFrame(), pd.DataFrame(), stored.sample(frac=1, random_state=0))
    people = pd.Index([9, 3, 40])
    logits = experiments.clean_logits(results, "A", people, list("abcdef"))
    np.testing.assert_array_equal(np.sort(logits, axis=0), np.sort(drawn[0][:, people], axis=0))
