"""Metrics of bad input, which is a clear error, of nobody at all and of one image."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from lib.metrics import (
    bootstrap_interval,
    bootstrap_interval_of,
    compare_per_verb,
    count_per_verb,
    exact_match,
    exact_match_at,
    mcnemar,
    mean_average_precision,
    most_frequent_set,
    paired_bootstrap,
    partial_match,
    predict_k,
    score_verbs,
    summarise,
    verb_frequency,
)
from lib.vcoco import VERBS

Y = np.eye(4, dtype=bool)
V = list(VERBS[:4])
BAD = {
    "labels of others": (lambda: exact_match(np.ones((2, 5, 4)), Y), r"\(2, 5, 4\).*\(5, 4\), got \(4, 4\)"),
    "labels of one person": (lambda: exact_match(np.ones((4, 4)), Y[0]), r"\(4, 4\), got \(4,\)"),
    "logits of one person": (lambda: partial_match(np.ones(4), Y[0]), r"\(\.\.\., people, verbs\).*\(4,\)"),
    "no verbs": (lambda: exact_match(np.ones((4, 0)), np.ones((4, 0))), r"got shape \(4, 0\)"),
    "NaN": (lambda: exact_match(np.where(Y, np.nan, 1), Y), r"4 NaN in shape \(4, 4\)"),
    "NaN tensor": (lambda: partial_match(torch.full((1, 4, 4), torch.nan), Y), "16 NaN"),
    "NaN at a threshold": (lambda: exact_match_at(np.where(Y, np.nan, 1), Y), "4 NaN"),
    "labels of 2": (lambda: exact_match(np.ones((4, 4)), Y * 2), "labels are booleans, or 0 and 1"),
    "k too large": (lambda: predict_k(Y, 5), "from 0 to 4, got 5 to 5"),
    "k negative": (lambda: predict_k(Y, np.array([0, 1, -1, 2])), "got -1 to 2"),
    "k no whole number": (lambda: predict_k(torch.ones(4, 4), torch.ones(4)), "from 0 to 4.*float32"),
    "k of others": (
        lambda: predict_k(np.ones((2, 4, 4)), [1, 2]),
        r"\(2, 4, 4\) has shape \(2, 4\), got \(2,\)",
    ),
    "verbs missing": (lambda: score_verbs(Y * 1.0, Y, V[:3]), r"\(4, 4\) need 4 verbs, got 3"),
    "verb twice": (lambda: count_per_verb(Y, [*V[:3], "hold"]), "hold named twice"),
    "verbs in another order": (
        lambda: count_per_verb(pd.DataFrame(Y, columns=V[::-1]), V),
        r"columns are not the verbs \['hold', .*got \['ride'",
    ),
    "unknown verb": (
        lambda: compare_per_verb(pd.DataFrame(Y, columns=[*V[:3], "fly"]), Y[0], Y[1], V, range(4)),
        "fly",
    ),
    "outcomes of others": (
        lambda: count_per_verb(Y, V, clip=[True]),
        r"clip: expected shape \(4,\), got \(1,\)",
    ),
    "outcomes no booleans": (lambda: count_per_verb(Y, V, clip=[0.5] * 4), "clip are booleans"),
    "labels of one axis": (lambda: verb_frequency(Y[0], 3), r"\(people, verbs\), got shape \(4,\)"),
    "scores of two models": (lambda: summarise(np.ones((2, 4, 4)), Y), r"got shape \(2, 4, 4\)"),
    "infinite scores": (lambda: mean_average_precision(np.where(Y, np.inf, 1), Y), "infinity"),
    "nobody in train": (lambda: most_frequent_set(Y[:0], [1]), r"\(0, 4\)"),
    "images of others": (lambda: bootstrap_interval(np.ones(4), [1, 2]), r"\(4,\) and \(2,\)"),
    "no seeds": (lambda: bootstrap_interval(np.ones((0, 4)), range(4)), r"\(0, 4\) and \(4,\)"),
    "NaN values": (lambda: bootstrap_interval([1, np.nan], [1, 2]), "1 NaN"),
    "missing images": (lambda: bootstrap_interval([1, 2], [1, np.nan]), "missing values"),
    "level in per cent": (lambda: bootstrap_interval([1, 2], [1, 2], level=95), "between 0 and 1.*95"),
    "pairs of others": (lambda: paired_bootstrap([1, 2], [1], [1, 2]), r"\(1,\) and \(2,\)"),
    "McNemar of others": (lambda: mcnemar([True, False], [True]), r"b: expected shape \(2,\), got \(1,\)"),
    "McNemar of floats": (lambda: mcnemar([0.3, 0.1], [1, 0]), "a are booleans"),
    "hits of others": (
        lambda: compare_per_verb(Y, Y[0], Y[:, :3], V, range(4)),
        r"b: .*\(4, 4\), got \(4, 3\)",
    ),
    "verbs' images of others": (lambda: compare_per_verb(Y, Y[0], Y[1], V, range(3)), r"\(4,\), got \(3,\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_a_value_error_with_what_was_expected(name):
    call, said = BAD[name]
    with pytest.raises(ValueError, match=said):
        call()


def test_nobody_at_all_is_empty_or_nan_without_warnings():
    logits, labels, nobody = np.ones((3, 0, 26)), np.ones((0, 26), dtype=bool), np.ones(0, dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (np.array, torch.tensor):
            for metric in (exact_match, partial_match, exact_match_at):
                assert metric(kind(logits), kind(labels)).shape == (3, 0)
        assert summarise(logits[0], labels).isna().all(axis=None)
        assert score_verbs(logits[0], labels)[["prevalence", "AP"]].isna().all(axis=None)
        assert np.isnan(bootstrap_interval(nobody, nobody)).all()
        assert np.isnan(bootstrap_interval_of(len, nobody)).all()
        assert np.isnan(paired_bootstrap(nobody, nobody, nobody)).all()
        assert mcnemar(nobody, nobody)[:2] == (0, 0)
        table = compare_per_verb(labels, nobody, nobody, VERBS, nobody)
        assert table[["p", "p_holm", "difference", "low", "high"]].isna().all(axis=None)
        assert (table[["labels", "a", "b", "only_a", "only_b"]] == 0).all(axis=None)
        assert most_frequent_set(np.eye(26), np.array([], dtype=int)).shape == (0, 26)
        assert verb_frequency(np.eye(26), 0).shape == (0, 26)


def test_one_image_has_a_mean_and_no_interval():
    point, low, high = bootstrap_interval([1, 0, 1, 1], ["a"] * 4)
    assert point == 0.75
    assert np.isnan([low, high]).all()
    difference, *rest = paired_bootstrap([1, 0], [0, 0], [7, 7])
    assert difference == 0.5
    assert np.isnan(rest).all()
