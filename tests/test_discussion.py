"""The discussion: every number on hand-made results with known answers, or beside a literal loop."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from statsmodels.stats.multitest import multipletests

from lib import experiments
from lib.coco import KEYPOINTS
from lib.experiments.results import KEYS, Results
from lib.metrics import bootstrap_interval, paired_bootstrap, predict_true_k

VERBS = ["stand", "hold", "ski", "look"]
ARMS = ("CLIP only", "CLIP + pose")
SEEDS, EPOCHS = 3, 5


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    """Test people, two or three an image, and as many of val."""
    rng = np.random.default_rng(1)
    index = pd.Index(rng.permutation(np.arange(100, 340)), name="ann_id")
    verbs = pd.DataFrame(rng.random((240, 4)) < [0.6, 0.4, 0.2, 0.5], index, VERBS)
    verbs.loc[~verbs.any(axis="columns"), "look"] = True
    image = pd.Series(rng.integers(0, 100, 240), index, name="image_id")
    return pd.concat([image, verbs], axis="columns").assign(split=np.repeat(["test", "val"], 120))


@pytest.fixture(scope="module")
def results(people) -> Results:
    """Two arms of random answers, the first right more often."""
    rng = np.random.default_rng(2)
    exact, logits, history = [], [], []
    for protocol, seeds in (("clean", range(SEEDS)), ("thesis", [0])):
        for arm, skill in zip(ARMS, (0.6, 0.4), strict=True):
            for seed in seeds:
                index = pd.MultiIndex.from_product(
                    [[protocol], [arm], [seed], people.index], names=[*KEYS, "ann_id"]
                )
                right = rng.random((240, EPOCHS)) < skill * np.array([0.3, 0.97, 1.1, 0.9, 0.8])
                exact.append(pd.DataFrame(right, index, [str(epoch + 1) for epoch in range(EPOCHS)]))
                chosen = 2 + seed % 3
                scores = people[VERBS].to_numpy() * skill + rng.random((240, 4))
                logits.append(pd.DataFrame(scores, index, VERBS).assign(epoch=chosen))
                row = {
                    "epoch": range(1, EPOCHS + 1),
                    "test_exact": right[:120].mean(axis=0),
                    "test_people": 120,
                }
                history.append(
                    pd.DataFrame(row).assign(protocol=protocol, arm=arm, seed=seed).set_index(KEYS)
                )
    return Results(pd.concat(history), pd.concat(exact), pd.concat(logits))


@pytest.fixture(scope="module")
def test(people) -> pd.DataFrame:
    return people[people["split"] == "test"]


# --- Table 7.1


def test_table_7_1_of_a_known_case():
    people = pd.DataFrame({"image_id": range(12), "run": [True] * 12, "sit": [True] * 4 + [False] * 8})
    right = pd.DataFrame(
        {"CLIP only": [False] * 10 + [True] * 2, "CLIP + pose": [True] * 9 + [False] * 2 + [True]}
    )
    table = experiments.compare_verbs(people, right, ["run", "sit"], "CLIP + pose", "CLIP only")
    assert table[["labels", "CLIP only", "CLIP + pose"]].to_numpy().tolist() == [[12, 2, 10], [4, 0, 4]]
    p = [binomtest(1, 10).pvalue, binomtest(0, 4).pvalue]  # only one arm right: 9 and 1, 4 and 0
    assert table["p"].tolist() == pytest.approx(p)
    assert table["p_holm"].tolist() == pytest.approx([2 * p[0], p[1]])
    assert table["difference"].tolist() == pytest.approx([100 * 8 / 12, 100])
    assert table.loc["sit", ["low", "high"]].tolist() == [100, 100]
    gain = right["CLIP + pose"].to_numpy(float) - right["CLIP only"]
    low, high = bootstrap_interval(gain, people["image_id"])[1:]
    assert table.loc["run", ["low", "high"]].tolist() == pytest.approx([100 * low, 100 * high])


def test_right_people_at_the_epoch_best_on_them(results, test):
    some = test.index[:50]
    right = experiments.right_at_best(results, some)
    for arm in ARMS:
        exact = results.exact.xs(("thesis", arm, 0), level=KEYS).loc[some]
        best = max(range(1, EPOCHS + 1), key=lambda epoch: (exact[str(epoch)].mean(), -epoch))
        assert (right[arm] == exact[str(best)]).all()


def test_test_people_are_those_whom_every_arm_measured(results, people, test):
    assert experiments.test_people(results, people).equals(test)
    lost = test.index[3]
    gone = (results.logits.index.get_level_values("ann_id") == lost) & (
        results.logits.index.get_level_values("arm") == ARMS[1]
    )
    fewer = Results(results.history, results.exact, results.logits[~gone])
    assert experiments.test_people(fewer, people).index.equals(test.index.drop(lost))


# --- Groups of verbs


def test_every_verb_of_v_coco_is_in_one_group():
    from lib.vcoco import VERBS as ALL

    groups = experiments.group_verbs(ALL)
    assert sorted(verb for members in groups.values() for verb in members) == sorted(ALL)
    assert experiments.group_verbs(["run", "yodel"]) == {"posture": ["run"], "other": ["yodel"]}


def test_groups_of_verbs_count_labels_as_a_literal_loop_does(results, test):
    table = experiments.compare_verb_groups(results, test, VERBS, "CLIP + pose", "CLIP only")
    truth = test[VERBS].to_numpy()
    hits = {arm: {verb: [] for verb in VERBS} for arm in ARMS}
    images = {verb: [] for verb in VERBS}
    for person in range(len(test)):
        for column in np.flatnonzero(truth[person]):
            for arm in ARMS:
                seeds = []
                for seed in range(SEEDS):
                    scores = results.logits.loc[("clean", arm, seed, test.index[person]), VERBS].to_numpy(
                        float
                    )
                    largest = np.argsort(-scores)[: truth[person].sum()]
                    seeds.append(column in largest)
                hits[arm][VERBS[column]].append(np.mean(seeds))
            images[VERBS[column]].append(test["image_id"].iloc[person])
    for group, verb in (("posture", "stand"), ("object", "hold"), ("scene", "ski"), ("face", "look")):
        pose, clip = np.array(hits["CLIP + pose"][verb]), np.array(hits["CLIP only"][verb])
        row = table.loc[group]
        assert row["labels"] == len(pose)
        assert row["CLIP only"] == pytest.approx(100 * clip.mean())
        paired = paired_bootstrap(pose, clip, images[verb])
        assert row[["difference", "low", "high"]].tolist() == pytest.approx([100 * x for x in paired[:3]])
        assert row["p"] == paired.p
    measured = table["p"].dropna()
    corrected = multipletests(measured, method="holm")[1]
    np.testing.assert_allclose(table.loc[measured.index, "p_holm"], corrected)
    assert (table.loc[measured.index, "p_holm"] > measured).any()
    gains = {verb: np.subtract(hits["CLIP + pose"][verb], hits["CLIP only"][verb]) for verb in VERBS}
    others = np.concatenate([gains[verb] for verb in VERBS[1:]])
    change = table.loc["posture - all others", "difference"]
    assert change == pytest.approx(100 * (gains["stand"].mean() - others.mean()))


# --- Convergence


def test_convergence_of_a_known_curve():
    accuracy = [0.1, 0.38, 0.40, 0.39, 0.30]
    history = pd.DataFrame({"epoch": range(1, 6), "test_exact": accuracy})
    history = history.assign(protocol="clean", arm="x", seed=0).set_index(KEYS)
    row = experiments.convergence(Results(history, None, None)).iloc[0]
    assert row.tolist() == pytest.approx([2, 3, 40, 10])


def test_change_after_choice_is_the_last_epoch_less_the_chosen(results, test):
    table = experiments.change_after_choice(results, test)
    for arm in ARMS:
        differences = []
        for seed in range(SEEDS):
            exact = results.exact.xs(("clean", arm, seed), level=KEYS).loc[test.index].to_numpy(float)
            differences.append(exact[:, -1] - exact[:, 1 + seed % 3])
        interval = bootstrap_interval(np.array(differences), test["image_id"])
        assert table.loc[arm, ["difference", "low", "high"]].tolist() == pytest.approx(
            [100 * x for x in interval]
        )


# --- What makes a person hard


def test_people_are_described_by_score_hidden_joints_border_and_area():
    box = {"x": [0, 10], "y": [10, 10], "w": [16, 8], "h": [64, 8], "width": [100, 100], "height": [100, 100]}
    people = pd.DataFrame(box, index=[7, 8])
    truth = pd.DataFrame(0.0, [8, 7], [f"{joint}_v" for joint in KEYPOINTS])
    truth.iloc[1, :4] = [1, 2, 2, 2]
    table = experiments.describe_people(people, pd.Series({8: 0.2, 7: np.nan}), truth)
    np.testing.assert_equal(table.to_numpy(), [[np.nan, 0.25, 1, 10], [0.2, np.nan, 0, 6]])


def test_accuracy_by_factor_counts_each_group_as_a_literal_loop_does(results, test):
    rng = np.random.default_rng(0)
    factors = pd.DataFrame(
        {"size": rng.random(120), "cut": rng.integers(0, 2, 120).astype(float)}, test.index
    )
    factors.iloc[:10, 0] = np.nan
    table = experiments.accuracy_by_factor(results, test, factors, ARMS)
    assert table.groupby(["factor", "arm"])["people"].sum().loc["size"].tolist() == [110, 110]
    assert table.groupby(["factor", "arm"]).size().loc[["cut", "size"]].tolist() == [2, 2, 4, 4]
    quarter = factors["size"].dropna().sort_values().index[:28]
    hits = [
        results.exact.loc[("clean", ARMS[0], seed, ann_id), str(2 + seed % 3)]
        for seed in range(SEEDS)
        for ann_id in quarter
    ]
    first = table.loc[("size", ARMS[0])].iloc[0]
    assert (first["people"], first["exact"]) == (28, pytest.approx(100 * np.mean(hits)))
    assert first["low"] < first["exact"] < first["high"]


def test_the_regression_finds_known_effects_and_no_others():
    rng = np.random.default_rng(0)
    index = pd.Index(range(3000))
    factors = pd.DataFrame(rng.standard_normal((3000, 3)) * [1, 5, 1], index, ["a", "b", "none"])
    factors["constant"] = 1.0
    images = pd.Series(np.arange(3000) // 2, index)
    values = 10 * factors["a"] - 0.4 * factors["b"] + rng.standard_normal(3000)
    table = experiments.regress(values, factors, images)
    assert table.loc["a", "effect"] == pytest.approx(10, abs=0.2)
    assert table.loc["b", "effect"] == pytest.approx(-2, abs=0.2)
    assert table.loc["none", "low"] < 0 < table.loc["none", "high"]
    assert table.loc["constant"].isna().all()
    assert table.loc["b", "p_holm"] == pytest.approx(2 * table.loc["b", "p"], rel=1e-6)


def test_copies_of_people_in_the_same_images_add_no_certainty():
    rng = np.random.default_rng(0)
    factors = pd.DataFrame({"a": rng.standard_normal(400)})
    values, images = factors["a"] + rng.standard_normal(400), pd.Series(np.arange(400))
    once = experiments.regress(values, factors, images)
    copies = [pd.concat([table] * 3, ignore_index=True) for table in (values, factors, images)]
    thrice = experiments.regress(*copies)
    width = (once["high"] - once["low"]).iloc[0]
    assert (thrice["high"] - thrice["low"]).iloc[0] == pytest.approx(width, rel=0.02)


def test_the_effect_on_the_gain_is_the_difference_of_the_effects(results, test):
    factors = pd.DataFrame({"a": np.random.default_rng(0).random(120)}, test.index)
    table = experiments.explain_gain(results, test, factors, "CLIP + pose", "CLIP only")["effect"]
    gain = table[("CLIP + pose - CLIP only", "a")]
    assert gain == pytest.approx(table[("CLIP + pose", "a")] - table[("CLIP only", "a")])


# --- Examples


def test_disagreements_are_people_whom_one_arm_gets_right_more_often(results, test):
    chosen = experiments.find_disagreements(results, test, VERBS, "CLIP + pose", "CLIP only", 3)
    assert chosen["right"].tolist() == ["CLIP + pose"] * 3 + ["CLIP only"] * 3
    right = {arm: experiments.right_people(results, "clean", arm, test.index).mean(axis=1) for arm in ARMS}
    for ann_id, arm in chosen["right"].items():
        (other,) = set(ARMS) - {arm}
        assert right[arm][ann_id] > right[other][ann_id]


def test_no_image_and_no_set_of_verbs_is_shown_twice_for_an_arm(results, test):
    crowded = test.assign(image_id=np.arange(len(test)) % 5)
    chosen = experiments.find_disagreements(results, crowded, VERBS, "CLIP + pose", "CLIP only", 100)
    for _, people in crowded.loc[chosen.index].groupby(chosen["right"]):
        assert not people.duplicated(VERBS).any()
        assert people["image_id"].is_unique


def test_answers_average_the_seeds(results, test):
    named = experiments.answers(results, "CLIP only", test, VERBS)
    for ann_id, person in test.iloc[:20].iterrows():
        logits = [results.logits.loc[("clean", "CLIP only", seed, ann_id), VERBS] for seed in range(SEEDS)]
        mean = np.mean([one.to_numpy(float) for one in logits], axis=0)
        truth = person[VERBS].to_numpy(bool)
        assert (named.loc[ann_id].to_numpy() == predict_true_k(mean[None], truth[None])[0]).all()
