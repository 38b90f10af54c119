"""Intervals over images: they cover, and have the exact distribution; slow versions and other libraries."""

import tracemalloc
from collections import Counter
from itertools import product

import numpy as np
import pytest
import scipy.stats
import torch

from lib.experiments.tables import contrast
from lib.metrics import bootstrap_interval, bootstrap_interval_of, mean_average_precision, paired_bootstrap


def simulate(rng: np.random.Generator, images: int = 150) -> tuple[np.ndarray, np.ndarray]:
    """Draw right or wrong for 1 to 6 persons in each image: alike within one, better where there are many."""
    sizes = rng.integers(1, 7, size=images)
    chances = rng.beta(0.3 + 0.1 * sizes, 0.6)
    image_ids = np.repeat(rng.permutation(images), sizes)
    return rng.random(sizes.sum()) < np.repeat(chances, sizes), image_ids


def expected_share() -> float:
    """The share that `simulate` tends to: a mean over persons, not over images."""
    sizes = np.arange(1, 7)
    alpha = 0.3 + 0.1 * sizes
    return float((sizes * alpha / (alpha + 0.6)).sum() / sizes.sum())


def test_interval_covers_and_one_over_persons_does_not():
    rng, true = np.random.default_rng(8), expected_share()
    covered = {"images": [], "persons": []}
    for seed in range(500):
        right, image_ids = simulate(rng)
        for unit, ids in {"images": image_ids, "persons": np.arange(len(right))}.items():
            interval = bootstrap_interval(right, ids, resamples=400, seed=seed)
            covered[unit].append(interval.low <= true <= interval.high)
    assert 0.92 <= np.mean(covered["images"]) <= 0.98
    assert np.mean(covered["persons"]) < 0.87


def test_interval_has_the_exact_distribution():
    """All 6 ** 6 draws of 6 images, each as likely: the ends are where 5 % of them lie beyond."""
    sums, sizes = np.array([0.3, 2.9, 1.2, 0.1, 4.4, 0.8]), np.array([1, 3, 2, 1, 5, 1])
    draws = np.array(list(product(range(6), repeat=6)))
    exact = sums[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    values, image_ids = np.repeat(sums / sizes, sizes), np.repeat(list("fbdaec"), sizes)
    point, low, high = bootstrap_interval(values, image_ids, level=0.9, resamples=40_000)
    assert point == pytest.approx(sums.sum() / sizes.sum())
    assert (exact <= low).mean() == pytest.approx(0.05, abs=0.006)
    assert (exact >= high).mean() == pytest.approx(0.05, abs=0.006)


def test_interval_of_one_person_per_image_is_scipys():
    values = np.random.default_rng(9).normal(size=80)
    expected = scipy.stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1)
    interval = bootstrap_interval(values, np.arange(80), resamples=20_000, seed=2)
    np.testing.assert_allclose(interval[1:], expected.confidence_interval, atol=0.01)


def test_interval_depends_on_seed_and_level_and_not_on_the_order_of_people():
    right, image_ids = simulate(np.random.default_rng(10))
    interval = bootstrap_interval(right, image_ids)
    order = np.random.default_rng(11).permutation(len(right))
    np.testing.assert_allclose(bootstrap_interval(right[order], image_ids[order]), interval)
    assert bootstrap_interval(right, image_ids, seed=1)[1:] != interval[1:]
    wide = bootstrap_interval(right, image_ids, level=0.99)
    assert wide.low < interval.low < interval.point < interval.high < wide.high


def test_seeds_are_averaged_before_images_are_drawn():
    rng = np.random.default_rng(12)
    image_ids = rng.integers(30, size=100)
    values = rng.random((4, 3, 100))
    expected = bootstrap_interval(values.mean(axis=(0, 1)), image_ids)
    np.testing.assert_allclose(bootstrap_interval(torch.tensor(values), image_ids), expected)
    paired = paired_bootstrap(values[:, 0], values[0, 1], image_ids)
    np.testing.assert_allclose(paired, paired_bootstrap(values[:, 0].mean(axis=0), values[0, 1], image_ids))


def test_a_statistic_that_is_a_mean_has_the_interval_of_the_mean():
    right, image_ids = simulate(np.random.default_rng(13))
    general = bootstrap_interval_of(lambda rows: right[rows].mean(), image_ids, resamples=500, seed=3)
    np.testing.assert_allclose(general, bootstrap_interval(right, image_ids, resamples=500, seed=3))


def test_interval_of_map_resamples_whole_images():
    rng = np.random.default_rng(14)
    labels, image_ids = rng.random((60, 4)) < 0.4, rng.integers(12, size=60)
    logits, seen = labels + rng.normal(size=labels.shape), []

    def statistic(rows: np.ndarray) -> float:
        seen.append(Counter(rows.tolist()))
        return mean_average_precision(logits[rows], labels[rows])

    interval = bootstrap_interval_of(statistic, image_ids, resamples=200)
    assert interval.low < interval.point < interval.high
    assert interval.point == mean_average_precision(logits, labels)
    for counts in seen:
        times = {image: {counts[i] for i in np.flatnonzero(image_ids == image)} for image in set(image_ids)}
        assert {len(numbers) for numbers in times.values()} == {1}  # all persons of an image equally often
        assert sum(min(numbers) for numbers in times.values()) == len(times)


def group_mean(values: np.ndarray, inside: np.ndarray):
    """Return the statistic that is a group's mean, undefined where nobody of the group is drawn."""
    return lambda rows: values[rows][inside[rows]].mean() if inside[rows].any() else np.nan


def test_an_interval_of_a_statistic_that_may_be_undefined_has_the_exact_distribution():
    """All 7 ** 7 draws of 7 images, of which three hold the group: 2 % hold none of it and are left out."""
    values, inside = np.array([0.3, 2.9, 1.2, 0.1, 4.4, 0.8, 2.0]), np.arange(7) < 3
    draws = np.array(list(product(range(7), repeat=7)))
    with np.errstate(invalid="ignore"):
        exact = (values * inside)[draws].sum(axis=1) / inside[draws].sum(axis=1)
    assert np.isnan(exact).mean() == pytest.approx((4 / 7) ** 7)
    exact = exact[~np.isnan(exact)]
    statistic = group_mean(values, inside)
    point, low, high = bootstrap_interval_of(statistic, np.arange(7), level=0.9, resamples=20_000)
    assert point == values[inside].mean()
    assert (exact < low).mean() <= 0.05 + 0.01
    assert (exact <= low).mean() >= 0.05 - 0.01
    assert (exact > high).mean() <= 0.05 + 0.01
    assert (exact >= high).mean() >= 0.05 - 0.01


@pytest.mark.parametrize(("images", "known"), [(1, False), (2, False), (3, True), (10, True)])
def test_a_group_of_one_or_two_images_has_no_interval(images, known):
    values, inside = np.random.default_rng(16).random(200), np.arange(200) < images
    interval = bootstrap_interval_of(group_mean(values, inside), np.arange(200), resamples=1000)
    assert interval.point == values[inside].mean()
    assert np.isfinite(interval[1:]).tolist() == [known, known]


@pytest.mark.filterwarnings("error")
def test_a_contrast_with_three_people_has_an_interval():
    """In some resamples nobody of them is drawn: those say nothing, and must not spoil the others."""
    values, inside = np.random.default_rng(17).random(200), np.arange(200) < 3
    for mine, sign in ((inside, 1), (~inside, -1)):
        point, low, high = contrast(values, mine, np.arange(200))
        assert point == pytest.approx(sign * (values[:3].mean() - values[3:].mean()))
        assert low < point < high
        assert high - low < np.ptp(values[:3]) + 0.2


def test_memory_does_not_grow_with_the_number_of_resamples():
    values, image_ids = np.random.default_rng(15).random(5000), np.arange(5000)
    tracemalloc.start()
    bootstrap_interval(values, image_ids, resamples=3000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 5000 * 8 / 2  # half of one array of all resamples
