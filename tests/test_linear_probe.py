"""What CLIP's features know of verbs at first sight: probe, words and frequencies, and the nearest people."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from studies import VERBS, WIDTH, draw_features, draw_people

from lib import experiments
from lib.experiments.linear_probe import probe_verbs

PEOPLE = draw_people()
FEATURES = draw_features(PEOPLE)
PROMPTS = np.random.default_rng(5).standard_normal((len(VERBS), WIDTH)).astype(np.float32)
TRAIN, TEST = (PEOPLE[PEOPLE["split"] == split] for split in ("train", "test"))


def first_precision(features: pd.DataFrame = FEATURES, people: pd.DataFrame = PEOPLE) -> pd.DataFrame:
    return experiments.first_precision(features, PROMPTS, people, VERBS)


def test_the_probe_is_a_logistic_regression_per_verb():
    seen, asked = FEATURES.loc[TRAIN.index], FEATURES.loc[TEST.index]
    probabilities = probe_verbs(seen, TRAIN[VERBS], asked)
    scaled, others = ((table - seen.mean()) / seen.std(ddof=0) for table in (seen, asked))
    for verb in VERBS:
        literal = LogisticRegression(C=0.01).fit(scaled, TRAIN[verb]).predict_proba(others)[:, 1]
        assert probabilities[verb].to_numpy() == pytest.approx(literal, abs=1e-4)
    assert probabilities.index.equals(TEST.index)


def test_precision_of_frequencies_words_and_probe():
    """A rank that is the same for everybody has the verb's share of test, a probe of the labels has 1."""
    table = first_precision()
    assert table["verb frequency"].to_dict() == pytest.approx(TEST[VERBS].mean().to_dict())
    images = FEATURES.loc[TEST.index].to_numpy()
    for verb, words in zip(VERBS, PROMPTS, strict=True):
        cosines = images @ words / np.linalg.norm(images, axis=1) / np.linalg.norm(words)
        assert table.loc[verb, "CLIP zero-shot"] == pytest.approx(
            average_precision_score(TEST[verb], cosines), abs=1e-3
        )
    assert (table["linear probe"] > table["verb frequency"] + 0.1).all()
    labels = pd.DataFrame(np.hstack([PEOPLE[VERBS], np.ones((len(PEOPLE), 2))]), PEOPLE.index)
    assert first_precision(labels)["linear probe"].to_dict() == pytest.approx(dict.fromkeys(VERBS, 1))


def test_people_without_features_and_verbs_that_cannot_be_judged_are_left_out():
    lacking = TEST.index[:30]
    broken = FEATURES.copy()
    broken.loc[lacking, 0] = np.nan
    expected = first_precision(people=PEOPLE.drop(index=lacking))
    pd.testing.assert_frame_equal(first_precision(broken), expected)
    people = PEOPLE.copy()
    people.loc[TRAIN.index, "run"] = True
    people.loc[TEST.index, "point"] = False
    assert first_precision(people=people).index.tolist() == ["hold", "sit"]


def test_val_is_not_looked_at():
    other = PEOPLE.copy()
    other.loc[other["split"] == "val", VERBS] = ~other.loc[other["split"] == "val", VERBS]
    pd.testing.assert_frame_equal(first_precision(people=other), first_precision())


def test_neighbours_are_near_in_angle_whatever_the_length():
    degrees = {11: 0, 12: 100, 13: 20, 14: 350, 15: 180}
    angles = np.deg2rad(list(degrees.values()))
    lengths = np.array([1, 3, 50, 0.1, 1])
    table = pd.DataFrame(
        lengths[:, None] * np.column_stack([np.cos(angles), np.sin(angles)]), pd.Index(degrees, name="ann_id")
    )
    neighbours = experiments.find_neighbours(table.loc[[15, 11]], table.loc[[14, 12, 13]], count=2)
    assert neighbours.T.to_dict("list") == {15: [12, 13], 11: [14, 13]}
    everybody = experiments.find_neighbours(table.loc[[15]], table.loc[[14, 12, 13]], count=6)
    assert set(everybody.loc[15]) == {12, 13, 14}, "there are no more"
