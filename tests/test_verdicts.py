"""Verdicts of a study: the rule in words, beside the numbers that it judges; accuracy by pose score."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests
from studies import VERBS, draw_logits, draw_people

from lib import experiments
from lib.experiments.judgements import judge
from lib.metrics import paired_bootstrap

PEOPLE = draw_people(splits={"train": 10, "val": 40, "test": 300})
TEST = PEOPLE[PEOPLE["split"] == "test"]


def study(people: pd.DataFrame, skills: dict[str, float], first: int = 0) -> experiments.Results:
    logits = {
        arm: draw_logits(people, skill, first=first + number)
        for number, (arm, skill) in enumerate(skills.items())
    }
    return experiments.results_from_logits(logits, people, VERBS)


@pytest.fixture(scope="module")
def results() -> experiments.Results:
    return study(PEOPLE, {"plain": 1.0, "better": 2.0, "same": 1.0, "worse": 0.3})


@pytest.fixture(scope="module")
def table(results) -> pd.DataFrame:
    return experiments.verdicts(results, TEST, VERBS, dict.fromkeys(["better", "same", "worse"], "plain"))


def test_arms_are_judged_by_what_they_are(table):
    assert table["verdict"][["plain", "better", "worse"]].tolist() == ["reference", "helps", "hurts"]
    assert table.loc["same", "verdict"] == "no difference shown"
    line = experiments.say_verdicts(table)
    gain = table.loc["better", "difference"]
    assert line.startswith(f"*helps*: better ({gain:+.1f}); *hurts*: worse (")
    assert "; *no difference shown*: same (" in line


def test_every_arm_may_have_its_own_reference(results, table):
    own = experiments.verdicts(results, TEST, VERBS, {"better": "same", "plain": "worse"})
    assert own["reference"].dropna().to_dict() == {"better": "same", "plain": "worse"}
    exact = table["exact"]
    assert own.loc["better", "difference"] == pytest.approx(exact["better"] - exact["same"])
    assert own.loc["plain", "difference"] == pytest.approx(exact["plain"] - exact["worse"])
    assert own.loc[["same", "worse"], "verdict"].tolist() == ["reference", "reference"]


def test_the_numbers_are_those_of_the_other_tables(results, table):
    clean = experiments.clean_table(results, TEST, VERBS)
    columns = ["people", "exact", "low", "high", "mAP"]
    pd.testing.assert_frame_equal(table[columns], clean[columns])
    for arm in ("better", "same", "worse"):
        a, b = (experiments.right_people(results, "clean", one, TEST.index) for one in (arm, "plain"))
        paired = paired_bootstrap(
            a.to_numpy(float).T, b.to_numpy(float).T, TEST["image_id"], resamples=10_000
        )
        row = table.loc[arm]
        assert row["difference"] == pytest.approx(clean.loc[arm, "exact"] - clean.loc["plain", "exact"])
        assert [row["difference_low"], row["difference_high"]] == pytest.approx(
            [100 * paired.low, 100 * paired.high]
        )
        assert row["p"] == paired.p
    others = table.drop("plain")
    assert others["p_holm"].tolist() == pytest.approx(multipletests(others["p"], method="holm")[1].tolist())
    assert table.loc["plain", ["difference", "p", "p_holm"]].isna().all()


@pytest.mark.parametrize(
    ("difference", "low", "high", "p_holm", "verdict"),
    [
        (2.0, 0.5, 3.5, 0.01, "helps"),
        (-2.0, -3.5, -0.5, 0.01, "hurts"),
        (2.0, 0.5, 3.5, 0.06, "no difference shown"),
        (0.3, -1.04, 1.61, 1.0, "no difference shown"),
        (-1.0, -2.5, 0.1, 0.2, "no difference shown"),
        (np.nan, np.nan, np.nan, np.nan, "reference"),
    ],
)
def test_the_rule_in_words(difference, low, high, p_holm, verdict):
    row = SimpleNamespace(difference=difference, difference_low=low, difference_high=high, p_holm=p_holm)
    assert judge(row) == verdict


def test_arms_that_do_not_differ_are_seldom_said_to():
    """Of 12 studies of three equal arms 5 % may err on average: 4 or more have a chance of 0.2 %."""
    people, wrong = draw_people(splits={"train": 2, "val": 2, "test": 120}), 0
    test = people[people["split"] == "test"]
    for number in range(12):
        results = study(people, {"plain": 1.0, "one": 1.0, "other": 1.0}, first=10 * number)
        table = experiments.verdicts(results, test, VERBS, {"one": "plain", "other": "plain"}, resamples=500)
        wrong += table["verdict"].isin(["helps", "hurts"]).any()
    assert wrong < 4


# --- Pose scores


def test_bins_begin_at_their_bound():
    scores = pd.Series([0.0, 0.199, 0.2, 0.35, 0.5, 1.0, np.nan], index=[7, 6, 5, 4, 3, 2, 1])
    bins = experiments.score_bins(scores, [0.2, 0.35, 0.5])
    assert bins.tolist() == ["< 0.2", "< 0.2", "0.2 - 0.35", "0.35 - 0.5", ">= 0.5", ">= 0.5", "no pose"]
    assert list(bins.index) == [7, 6, 5, 4, 3, 2, 1]
    assert list(bins.cat.categories) == ["no pose", "< 0.2", "0.2 - 0.35", "0.35 - 0.5", ">= 0.5"]
    assert experiments.score_bins(scores, [0.5]).tolist()[-3:] == [">= 0.5", ">= 0.5", "no pose"]


def test_accuracy_by_bin_beside_a_loop(results):
    rng = np.random.default_rng(0)
    scores = pd.Series(rng.random(len(PEOPLE)), PEOPLE.index).mask(rng.random(len(PEOPLE)) < 0.1)
    bins = experiments.score_bins(scores, [0.3, 0.6])
    table = experiments.accuracy_by_group(results, TEST, bins)
    assert list(table.columns[:3]) == ["exact", "low", "high"]
    assert list(table.index.unique("pose score")) == ["no pose", "< 0.3", "0.3 - 0.6", ">= 0.6"]
    limits = {"< 0.3": (0, 0.3), "0.3 - 0.6": (0.3, 0.6), ">= 0.6": (0.6, 2)}
    for (group, arm), row in table.iterrows():
        low, high = limits.get(group, (np.nan, np.nan))
        mine = [
            i for i in TEST.index if (np.isnan(scores[i]) if group == "no pose" else low <= scores[i] < high)
        ]
        right = [results.exact.loc[("clean", arm, seed, i), "1"] for seed in (0, 1) for i in mine]
        assert row["exact"] == pytest.approx(100 * np.mean(right))
        assert row["people"] == len(mine)
        assert row["low"] <= row["exact"] <= row["high"]
    assert table["people"].xs("plain", level="arm").sum() == len(TEST)
