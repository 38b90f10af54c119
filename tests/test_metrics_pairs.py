"""Tests of paired models: they keep their level, and equal scipy's, loops and cases by hand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch

from lib.metrics import compare_per_verb, mcnemar, paired_bootstrap
from lib.vcoco import VERBS


def simulate_two(rng: np.random.Generator, effect: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw two models, both right on about half; where they differ is alike within an image."""
    sizes = rng.integers(1, 6, size=120)
    image_ids = np.repeat(np.arange(120), sizes)
    easy = rng.random((2, 120))[:, image_ids] + rng.normal(0, 0.2, size=(2, len(image_ids)))
    return easy[0] < 0.5 + effect, easy[1] < 0.5, image_ids


def test_paired_bootstrap_keeps_its_level_and_mcnemar_only_without_images():
    rng, rejected = np.random.default_rng(16), {"bootstrap": [], "McNemar": [], "McNemar, apart": []}
    for seed in range(1500):
        a, b, image_ids = simulate_two(rng)
        rejected["bootstrap"].append(paired_bootstrap(a, b, image_ids, resamples=400, seed=seed).p < 0.05)
        rejected["McNemar"].append(mcnemar(a, b).p < 0.05)
        apart = np.unique(image_ids, return_index=True)[1]
        rejected["McNemar, apart"].append(mcnemar(a[apart], b[apart]).p < 0.05)
    rates = {test: np.mean(rejections) for test, rejections in rejected.items()}
    assert 0.035 <= rates["bootstrap"] <= 0.065
    assert 0.01 <= rates["McNemar, apart"] <= 0.06  # an exact test of discrete numbers stays below 5 %
    assert rates["McNemar"] > 0.12  # persons of one image are not independent


def test_known_effects_are_found_with_their_sign():
    a, b, image_ids = simulate_two(np.random.default_rng(17), effect=0.25)
    paired = paired_bootstrap(a, b, image_ids)
    assert 0 < paired.low < paired.difference < paired.high
    assert paired.difference == a.mean() - b.mean()
    assert paired.p < 0.01
    assert mcnemar(a, b).p < 0.01
    np.testing.assert_allclose(
        paired_bootstrap(b, a, image_ids), [-paired[0], -paired[2], -paired[1], paired[3]]
    )


def test_p_inverts_the_interval():
    inside = 0
    for seed in range(30):
        a, b, image_ids = simulate_two(np.random.default_rng(seed), effect=0.06)
        p = paired_bootstrap(a, b, image_ids).p
        assert 0 < p <= 1
        if 0.02 < p < 0.9:
            inside += 1
            narrow, wide = (paired_bootstrap(a, b, image_ids, 1 - p + step) for step in (-0.01, 0.01))
            assert not narrow.low <= 0 <= narrow.high
            assert wide.low <= 0 <= wide.high
    assert inside > 10


def test_equal_models_do_not_differ():
    a, _, image_ids = simulate_two(np.random.default_rng(18))
    assert paired_bootstrap(a, a, image_ids) == (0, 0, 0, 1)
    assert mcnemar(a, a) == (0, 0, 1)


@pytest.mark.parametrize(("only_a", "only_b"), list(product([0, 1, 2, 5, 9, 30], repeat=2)))
def test_mcnemar_equals_scipys_binomial_test(only_a, only_b):
    rng = np.random.default_rng(19)
    pairs = rng.permutation([[1, 0]] * only_a + [[0, 1]] * only_b + [[1, 1]] * 7 + [[0, 0]] * 3)
    b, c, p = mcnemar(pairs[:, 0], torch.tensor(pairs[:, 1]))
    assert (b, c) == (only_a, only_b)
    expected = scipy.stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1
    assert p == pytest.approx(expected)


def test_comparison_per_verb_of_a_case_by_hand():
    """8, 6 and 5 : 1 disagreements: p = 2 / 2**8, 2 / 2**6, 2 * 7 / 2**6; Holm times 3, 2 and 1."""
    labels = np.repeat(np.eye(4, dtype=bool)[:3], [10, 7, 8], axis=0)
    a = np.repeat([1, 0, 1, 1, 1, 0], [9, 1, 7, 0, 6, 2])
    b = np.repeat([0, 1, 0, 0, 1, 0, 1, 0], [8, 1, 1, 6, 1, 5, 2, 1])
    table = compare_per_verb(labels, a, b, ["hold", "stand", "sit", "ride"], np.arange(25))
    assert table["labels"].tolist() == [10, 7, 8, 0]
    assert table[["a", "b"]].to_numpy().tolist() == [[9, 1], [7, 1], [6, 2], [0, 0]]
    assert table[["only_a", "only_b"]].to_numpy().tolist() == [[8, 0], [6, 0], [5, 1], [0, 0]]
    np.testing.assert_allclose(table["p"], [2 / 256, 2 / 64, 14 / 64, np.nan])
    np.testing.assert_allclose(table["p_holm"], [6 / 256, 4 / 64, 14 / 64, np.nan])
    np.testing.assert_allclose(table["difference"], [0.8, 6 / 7, 0.5, np.nan])
    assert table.loc["ride", ["low", "high"]].isna().all()
    assert table.index.name == "verb"


def test_holm_does_not_fall_with_larger_p():
    """p = 2/64, 2/64, 2/32: times 3, then at least as large as the one before, as in Holm's procedure."""
    labels = np.repeat(np.eye(3, dtype=bool), [6, 6, 5], axis=0)
    table = compare_per_verb(labels, np.ones(17), np.zeros(17), VERBS[:3], np.arange(17))
    np.testing.assert_allclose(table["p_holm"], [6 / 64, 6 / 64, 6 / 64])


@pytest.mark.parametrize("per_verb", [False, True])
def test_comparison_per_verb_equals_a_loop(per_verb):
    rng = np.random.default_rng(20)
    labels, image_ids = rng.random((200, 6)) < 0.3, rng.integers(60, size=200)
    a, b = rng.random((2, *labels.shape)) < 0.5 if per_verb else rng.random((2, 200)) < 0.5
    people = pd.DataFrame(labels, columns=VERBS[:6])
    table = compare_per_verb(people, a, b, VERBS[:6], image_ids, level=0.8, resamples=300, seed=4)
    for i, verb in enumerate(VERBS[:6]):
        rows = [row for row in range(200) if labels[row, i]]
        ours, theirs = ([hits[row, i] if per_verb else hits[row] for row in rows] for hits in (a, b))
        row = table.loc[verb]
        assert (row["labels"], row["a"], row["b"]) == (len(rows), sum(ours), sum(theirs))
        assert (row["only_a"], row["only_b"], row["p"]) == mcnemar(ours, theirs)
        paired = paired_bootstrap(ours, theirs, image_ids[rows], 0.8, 300, 4)
        assert tuple(row[["difference", "low", "high"]]) == paired[:3]
