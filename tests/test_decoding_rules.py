"""Decoding without K: every rule beside its literal definition, and the table beside a loop over seeds."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import f1_score
from studies import VERBS, draw_logits, draw_people

from lib import experiments
from lib.experiments.decodings import decode
from lib.metrics import (
    estimate_k,
    exact_match_at,
    predict_at,
    predict_k,
    predict_seen_set,
    score_decoded,
    tune_threshold,
    tune_thresholds,
)

PEOPLE = draw_people()


@st.composite
def splits(draw) -> tuple[np.ndarray, np.ndarray]:
    """A few people with few different logits, so that ties and rare verbs are common."""
    n, v = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    logits = draw(arrays(np.float32, (n, v), elements=st.sampled_from([-2.0, -0.5, 0.25, 0.5, 1.0, 3.0])))
    return logits, draw(arrays(bool, (n, v)))


def cuts_of(scores: np.ndarray) -> np.ndarray:
    """Return a threshold in every gap between scores, and one on either side."""
    values = np.unique(scores)
    return np.concatenate([[values[0] - 1], (values[:-1] + values[1:]) / 2, [values[-1] + 1]])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(split=splits())
def test_no_threshold_matches_more_people(split):
    logits, labels = split
    matched = exact_match_at(logits, labels, tune_threshold(logits, labels)).sum()
    assert matched == max(exact_match_at(logits, labels, cut).sum() for cut in cuts_of(logits))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(split=splits())
def test_no_threshold_of_a_verb_has_a_higher_f1(split):
    logits, labels = split
    thresholds = tune_thresholds(logits, labels)
    assert thresholds.shape == (logits.shape[1],)
    for scores, truth, threshold in zip(logits.T, labels.T, thresholds, strict=True):
        if not truth.any():
            assert threshold == 0
            continue
        best = max(f1_score(truth, scores > cut, zero_division=0) for cut in cuts_of(scores))
        assert f1_score(truth, scores > threshold) == pytest.approx(best)


def test_thresholds_lie_half_way_and_are_one_per_verb():
    logits = np.array([[3.0, 0.0], [1.0, -4.0], [-1.0, -8.0]])
    labels = np.array([[1, 1], [1, 1], [0, 0]], dtype=bool)
    thresholds = tune_thresholds(logits, labels)
    assert thresholds.tolist() == [0.0, -6.0]
    assert (predict_at(logits, thresholds) == labels).all()
    tensor = predict_at(torch.tensor(logits, dtype=torch.float32), thresholds)
    assert torch.is_tensor(tensor)
    assert (tensor.numpy() == labels).all()
    assert tune_threshold([[2.0, -1.0], [5.0, 1.0]], [[1, 0], [1, 0]]) == 1.5


def test_neighbouring_float32_logits_are_told_apart():
    low = np.float32(1.2345678)
    logits = np.array([[low], [np.nextafter(low, np.float32(2))]])
    labels = np.array([[False], [True]])
    assert (predict_at(logits, tune_thresholds(logits, labels)) == labels).all()


def test_rules_learn_from_several_models_as_from_more_people():
    val = PEOPLE[PEOPLE["split"] == "val"]
    logits = draw_logits(PEOPLE, 1.0)
    by_seed = np.stack([logits.loc[seed].loc[val.index] for seed in (0, 1)])
    labels = val[VERBS].to_numpy()
    pooled = np.concatenate(by_seed), np.concatenate([labels, labels])
    assert tune_threshold(by_seed, labels) == tune_threshold(*pooled)
    assert tune_thresholds(by_seed, labels).tolist() == tune_thresholds(*pooled).tolist()


# --- How many verbs


def test_k_is_found_where_the_logits_tell_it():
    rng = np.random.default_rng(0)
    labels = rng.random((600, 4)) < 0.5
    logits = np.where(labels, 4.0, -4.0) + rng.normal(0, 0.5, labels.shape)
    val, test = slice(0, 400), slice(400, None)
    k = estimate_k(logits[val], labels[val], logits[test])
    assert (k == labels[test].sum(axis=1)).all()
    assert (predict_k(logits[test], k) == labels[test]).all()
    turned = logits[test][:, ::-1]  # which verb has which logit does not matter
    assert (estimate_k(logits[val], labels[val], turned) == k).all()


def test_k_has_the_axes_of_the_logits_and_only_values_of_val():
    rng = np.random.default_rng(0)
    val_labels = np.array([[1, 0, 0, 0], [1, 1, 1, 0]] * 20, dtype=bool)
    k = estimate_k(rng.normal(size=(40, 4)), val_labels, rng.normal(size=(3, 5, 4)))
    assert k.shape == (3, 5)
    assert set(k.ravel()) <= {1, 3}
    assert (
        estimate_k(rng.normal(size=(2, 4)), val_labels[:1].repeat(2, axis=0), np.zeros((5, 4))).tolist()
        == [1] * 5
    )


# --- Sets of verbs


def test_the_likeliest_seen_set_beside_its_likelihood():
    train = PEOPLE.loc[PEOPLE["split"] == "train", VERBS].to_numpy()[:12]
    logits = draw_logits(PEOPLE, 0.5).to_numpy().reshape(2, -1, len(VERBS))
    predicted = predict_seen_set(logits, train)
    assert predicted.shape == logits.shape
    seen = {tuple(row) for row in train}
    for scores, chosen in zip(logits.reshape(-1, 4), predicted.reshape(-1, 4), strict=True):
        p = 1 / (1 + np.exp(-scores.astype(float)))
        likelihood = {one: np.prod([q if y else 1 - q for y, q in zip(one, p, strict=True)]) for one in seen}
        assert tuple(chosen) in seen
        assert likelihood[tuple(chosen)] == pytest.approx(max(likelihood.values()))
    with pytest.raises(ValueError, match="train_labels hold nobody"):
        predict_seen_set(logits, train[:0])


# --- The table


@pytest.fixture(scope="module")
def results() -> experiments.Results:
    arms = {"good": draw_logits(PEOPLE, 1.5), "poor": draw_logits(PEOPLE, 0.5)}
    return experiments.results_from_logits(arms, PEOPLE, VERBS)


def arrays_of(seed: int, people: pd.DataFrame = PEOPLE) -> tuple[np.ndarray, ...]:
    logits = draw_logits(PEOPLE, 1.5).loc[seed]
    val, test = (people[people["split"] == split] for split in ("val", "test"))
    train = people.loc[people["split"] == "train", VERBS].to_numpy()
    parts = [(logits.loc[mine.index].to_numpy(), mine[VERBS].to_numpy()) for mine in (test, val)]
    return *parts[0], *parts[1], train


def test_the_table_is_the_mean_of_the_seeds(results):
    table = experiments.decoding_table(results, PEOPLE, VERBS, "good")
    decoded, labels = [decode(*arrays_of(seed)) for seed in (0, 1)], arrays_of(0)[1]
    assert list(table.index) == list(decoded[0])
    told = np.mean([(one["true K"] == labels).all(axis=1) for one in decoded])
    for rule, row in table.iterrows():
        scores = [score_decoded(one[rule], labels) for one in decoded]
        assert row["exact"] == pytest.approx(100 * np.mean([one["exact"] for one in scores]))
        assert row["macro_F1"] == pytest.approx(100 * np.mean([one["macro_F1"] for one in scores]))
        assert row["predicted"] == pytest.approx(np.mean([one[rule].sum(axis=1).mean() for one in decoded]))
        assert row["low"] < row["exact"] < row["high"]
        if rule != "true K":
            assert row["difference"] == pytest.approx(row["exact"] - 100 * told)
            assert row["difference_low"] <= row["difference"] <= row["difference_high"]
            assert row["p_holm"] >= row["p"]
    assert table.loc["true K", ["difference", "p", "p_holm"]].isna().all()
    test = PEOPLE[PEOPLE["split"] == "test"]
    clean = experiments.clean_table(results, test, VERBS).loc["good"]
    for column in ("exact", "low", "high", "mAP"):
        assert table.loc["true K", column] == pytest.approx(clean[column])


def test_only_the_rule_that_is_told_k_looks_at_the_labels_of_test():
    other = PEOPLE.copy()
    test = other["split"] == "test"
    other.loc[test, VERBS] = ~other.loc[test, VERBS]
    before, after = decode(*arrays_of(0)), decode(*arrays_of(0, other))
    changed = [rule for rule in before if (before[rule] != after[rule]).any()]
    assert changed == ["true K"]


def test_the_order_of_the_people_does_not_matter(results):
    table = experiments.decoding_table(results, PEOPLE, VERBS, "poor")
    shuffled = experiments.decoding_table(results, PEOPLE.sample(frac=1, random_state=0), VERBS, "poor")
    pd.testing.assert_frame_equal(shuffled, table)
