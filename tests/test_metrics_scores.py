"""Counts per verb, AP, F1 and baselines: beside literal loops, cases by hand and real V-COCO."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from literal_metrics import literal_top, logits_and_labels

from lib.metrics import (
    count_per_verb,
    exact_match,
    mean_average_precision,
    most_frequent_set,
    score_verbs,
    summarise,
    verb_frequency,
)
from lib.vcoco import VERBS, load_people

# --- Counts and scores


def test_counts_per_verb_of_a_case_by_hand():
    labels = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 0]])
    verbs = ["hold", "stand", "sit", "ride"]
    counts = count_per_verb(labels, verbs, clip=[True, False, True, True], both=[False, False, False, True])
    expected = {"labels": [3, 2, 2, 0], "clip": [2, 2, 1, 0], "both": [1, 0, 0, 0]}
    pd.testing.assert_frame_equal(counts, pd.DataFrame(expected, index=pd.Index(verbs, name="verb")))


def test_counts_per_verb_sum_to_the_labels_of_matched_persons():
    rng = np.random.default_rng(6)
    labels, matched = rng.random((300, 26)) < 0.1, rng.random(300) < 0.5
    counts = count_per_verb(pd.DataFrame(labels, columns=VERBS), model=torch.tensor(matched))
    assert counts["model"].sum() == labels[matched].sum()
    assert counts["labels"].tolist() == labels.sum(axis=0).tolist()
    assert list(counts.index) == list(VERBS)


def literal_average_precision(logits: np.ndarray, truth: np.ndarray) -> float:
    """Sum precision times the step in recall, over the distinct logits from the largest down."""
    total, before = 0.0, 0.0
    for cutoff in sorted(set(logits), reverse=True):
        chosen = [right for logit, right in zip(logits, truth, strict=True) if logit >= cutoff]
        recall = sum(chosen) / sum(truth)
        total, before = total + sum(chosen) / len(chosen) * (recall - before), recall
    return total


@settings(max_examples=150, deadline=None, derandomize=True)
@given(case=logits_and_labels(leading=0))
def test_scores_equal_the_literal_version(case):
    logits, labels = np.nan_to_num(case[0], posinf=9, neginf=-9), case[1]
    verbs = VERBS[: labels.shape[1]]
    table, summary = score_verbs(logits, labels, verbs), summarise(torch.tensor(logits), labels)
    precisions = [
        literal_average_precision(logits[:, i], labels[:, i]) if labels[:, i].any() else np.nan
        for i in range(len(verbs))
    ]
    np.testing.assert_allclose(table["AP"], precisions)
    assert table["support"].tolist() == labels.sum(axis=0).tolist()
    known = [precision for precision in precisions if precision == precision]
    mean = sum(known) / len(known) if known else np.nan
    for decoding, row in summary.iterrows():
        assert row["mAP"] == pytest.approx(mean, nan_ok=True)
        expected = literal_summary(logits, labels, decoding)
        for name, value in expected.items():
            assert row[name] == pytest.approx(value, nan_ok=True), (decoding, name)
    assert list(summary.index) == ["true_k", "threshold"]


def literal_summary(logits: np.ndarray, labels: np.ndarray, decoding: str) -> dict[str, float]:
    true = [set(np.flatnonzero(row)) for row in labels]
    if decoding == "true_k":
        predicted = [literal_top(row, len(own)) for row, own in zip(logits, true, strict=True)]
    else:
        predicted = [set(np.flatnonzero(row > 0)) for row in logits]
    pairs = list(zip(predicted, true, strict=True))
    wrong = sum(len(ours ^ own) for ours, own in pairs)
    f1 = []
    for verb in sorted(set().union(*true)):
        both = sum(verb in ours and verb in own for ours, own in pairs)
        f1.append(2 * both / sum((verb in ours) + (verb in own) for ours, own in pairs))
    both, either = (
        sum(len(ours & own) for ours, own in pairs),
        sum(len(ours) + len(own) for ours, own in pairs),
    )
    return {
        "exact": average([ours == own for ours, own in pairs]),
        "partial": average([len(ours & own) / len(own) if own else 1 for ours, own in pairs]),
        "micro_F1": 2 * both / either if either else np.nan,
        "macro_F1": average(f1),
        "jaccard": average([len(ours & own) / len(ours | own) if ours | own else 1 for ours, own in pairs]),
        "hamming": wrong / labels.size if labels.size else np.nan,
    }


def average(values: list[float]) -> float:
    return sum(values) / len(values) if values else np.nan


def test_perfect_logits_score_one_and_random_ones_the_prevalence():
    rng = np.random.default_rng(7)
    labels = rng.random((20_000, 26)) < rng.uniform(0.02, 0.5, 26)
    perfect = summarise(labels * 2.0 - 1, labels).loc["threshold"]
    assert perfect.drop("hamming").eq(1).all()
    assert perfect["hamming"] == 0
    table = score_verbs(rng.normal(size=labels.shape), labels)
    np.testing.assert_allclose(table["AP"], table["prevalence"], atol=0.02)
    assert mean_average_precision(np.zeros(labels.shape), labels) == pytest.approx(labels.mean())


# --- Baselines


@settings(max_examples=300, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), people=st.integers(1, 12), verbs=st.integers(1, 4))
def test_baselines_equal_the_literal_version(seed, people, verbs):
    rng = np.random.default_rng(seed)
    train, k = rng.random((people, verbs)) < 0.5, rng.integers(0, verbs + 1, size=5)
    frequency = [sum(row[verb] for row in train) for verb in range(verbs)]
    logits = verb_frequency(train, 5)
    np.testing.assert_allclose(logits, [[count / people for count in frequency]] * 5)
    for size, predicted in zip(k, most_frequent_set(train, k), strict=True):
        sets = Counter(tuple(np.flatnonzero(row)) for row in train if row.sum() == size)
        if not sets:
            expected = literal_top(np.array(frequency), size)
        else:
            expected = min(
                found for found in sets if sets[found] == max(sets.values())
            )  # earlier verbs first
        assert set(np.flatnonzero(predicted)) == set(expected)


def test_baselines_of_a_case_by_hand():
    train = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_allclose(verb_frequency(train, 2), [[0.6, 0.2, 0.4, 0.4]] * 2)
    assert most_frequent_set(train, [2, 1, 3, 0]).astype(int).tolist() == [
        [0, 0, 1, 1],
        [1, 0, 0, 0],
        [1, 0, 1, 1],  # nobody in train does three things: the three most frequent
        [0, 0, 0, 0],
    ]


def test_baselines_on_real_vcoco(shared):
    """Train on train: 6.3 % and 11.5 % were measured on V-COCO val, these are what its test has."""
    files = {split: shared / f"vcoco/vcoco_{split}.json" for split in ("train", "test")}
    boxes = shared / "vcoco/instances_vcoco_all_2014.json"
    train, test = (load_people(files[split], boxes)[list(VERBS)] for split in files)
    frequent = exact_match(verb_frequency(train, len(test)), test)
    sets = (most_frequent_set(train, test.sum(axis=1)) == test.to_numpy()).all(axis=1)
    order = sorted(VERBS, key=lambda verb: -train[verb].sum())
    rows = [frozenset(np.flatnonzero(row)) for row in train.to_numpy()]
    top = {k: Counter(row for row in rows if len(row) == k).most_common(1)[0][0] for k in range(1, 8)}
    for i, row in enumerate(test.to_numpy()):
        true = {VERBS[verb] for verb in np.flatnonzero(row)}
        assert frequent[i] == (true == set(order[: len(true)]))
        assert sets[i] == (true == {VERBS[verb] for verb in top[len(true)]})
    assert (round(frequent.mean(), 4), round(sets.mean(), 4)) == (0.0646, 0.1181)
