"""Metrics: equal to literal loops and other libraries; intervals that cover; tests that keep their level."""

import subprocess
import sys
import time
import tracemalloc
import warnings
from collections import Counter
from itertools import product
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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
    predict_at,
    predict_k,
    predict_true_k,
    score_verbs,
    summarise,
    verb_frequency,
)
from lib.profiles import ROOT
from lib.vcoco import VERBS, load_people

DEVICES = ["numpy", "cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def put(values: np.ndarray, device: str) -> "np.ndarray | torch.Tensor":
    return values if device == "numpy" else torch.tensor(values, device=device)


def take(values: "np.ndarray | torch.Tensor", device: str) -> np.ndarray:
    """Return what a metric gave, which must be of the kind and on the device that its logits were."""
    assert isinstance(values, np.ndarray if device == "numpy" else torch.Tensor)
    assert device == "numpy" or values.device.type == device
    return values if device == "numpy" else values.cpu().numpy()


# --- Decoding, against its literal version


@st.composite
def logits_and_labels(draw, leading: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits (..., n, v) with many ties, few or none, and labels (n, v) from none to all."""
    shape = draw(st.lists(st.integers(1, 3), max_size=leading))
    people, verbs = draw(st.integers(0, 6)), draw(st.sampled_from([1, 2, 3, 5, 26]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = rng.normal(size=(*shape, people, verbs))
    ties = draw(st.sampled_from(["all", "many", "none", "infinite"]))
    if ties != "none":
        logits = np.round(logits * {"all": 0.0, "many": 1.0, "infinite": 2.0}[ties])
    if ties == "infinite":
        logits[np.abs(logits) > 2] *= np.inf
    return logits, rng.random((people, verbs)) < rng.random((people, 1)) * 1.2 - 0.1


def literal_top(logits: np.ndarray, k: int) -> set[int]:
    order = sorted(range(len(logits)), key=lambda verb: (-logits[verb], verb))
    return set(order[:k])


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=700, deadline=None, derandomize=True)
@given(case=logits_and_labels(), threshold=st.sampled_from([-1.0, 0.0, 0.3]))
def test_decoding_equals_the_literal_version(device, case, threshold):
    logits, labels = case
    given_logits, given_labels = put(logits, device), put(labels, device)
    predicted = take(predict_true_k(given_logits, given_labels), device)
    exact = take(exact_match(given_logits, given_labels), device)
    partial = take(partial_match(given_logits, given_labels), device)
    at = take(predict_at(given_logits, threshold), device)
    exact_at = take(exact_match_at(given_logits, given_labels, threshold), device)
    assert predicted.shape == at.shape == logits.shape
    assert exact.shape == partial.shape == exact_at.shape == logits.shape[:-1]
    assert (exact.dtype, exact_at.dtype, predicted.dtype, partial.dtype.kind) == (bool, bool, bool, "f")
    for place in np.ndindex(*logits.shape[:-1]):
        true = set(np.flatnonzero(labels[place[-1]]))
        top = literal_top(logits[place], len(true))
        above = {verb for verb, logit in enumerate(logits[place]) if logit > threshold}
        assert set(np.flatnonzero(predicted[place])) == top
        assert exact[place] == (top == true)
        assert partial[place] == pytest.approx(len(top & true) / len(true) if true else 1.0)
        assert set(np.flatnonzero(at[place])) == above
        assert exact_at[place] == (above == true)


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(case=logits_and_labels(), seed=st.integers(0, 2**32), each=st.booleans())
def test_predict_k_equals_the_literal_version(device, case, seed, each):
    logits, _ = case
    shape = logits.shape[:-1] if each else logits.shape[-2:-1]
    k = np.random.default_rng(seed).integers(0, logits.shape[-1] + 1, size=shape)
    kind = [np.int64, np.int8, np.uint8, np.uint64][seed % 4]
    predicted = take(predict_k(put(logits, device), k.astype(kind)), device)
    k = np.broadcast_to(k, logits.shape[:-1])
    for place in np.ndindex(*logits.shape[:-1]):
        assert set(np.flatnonzero(predicted[place])) == literal_top(logits[place], k[place])


def test_known_answers():
    logits = np.array([[3.0, 1, 2, -1], [0, 0, 0, 0], [5, 4, 3, 2], [-2, -1, -3, -4]])
    labels = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]])
    assert exact_match(logits, labels).tolist() == [True, False, False, True]
    assert partial_match(logits, labels).tolist() == [1, 0.5, 0, 1]
    assert exact_match_at(logits, labels).tolist() == [False, False, False, True]
    assert exact_match_at(logits, labels, threshold=1.5).tolist() == [True, False, False, True]
    assert predict_k(logits, 1).argmax(axis=1).tolist() == [0, 0, 0, 1]
    assert predict_k(logits, 4).all()


def test_labels_may_have_the_logits_axes():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(3, 4, 5, 6)), rng.random((3, 4, 5, 6)) < 0.4
    together = partial_match(logits, labels)
    for place in np.ndindex(3, 4):
        np.testing.assert_array_equal(together[place], partial_match(logits[place], labels[place]))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int8])
def test_every_number_type_is_ranked_alike(kind):
    logits = torch.tensor(np.random.default_rng(1).permuted(np.tile(np.arange(-13, 13), (40, 1)), axis=1))
    labels = torch.tensor(np.random.default_rng(2).random((40, 26)) < 0.1)
    expected = predict_true_k(logits, labels)
    assert torch.equal(predict_true_k(logits.to(kind), labels), expected)
    assert torch.equal(predict_true_k(logits.to(kind), labels.float()), expected)
    frame = pd.DataFrame(labels.numpy())
    assert torch.equal(predict_true_k(logits.to(kind), frame), expected)


def test_predictions_can_be_scored_as_logits():
    labels = np.array([[1, 0, 1], [0, 1, 0]], dtype=bool)
    for predicted, expected in [(labels, [True, True]), (~labels, [False, False])]:
        assert exact_match(predicted, labels).tolist() == expected
        assert exact_match(torch.tensor(predicted), labels).tolist() == expected


@pytest.mark.parametrize("metric", [exact_match, partial_match])
def test_order_of_people_and_of_verbs_does_not_matter(metric):
    rng = np.random.default_rng(3)
    logits, labels = rng.normal(size=(2, 50, 26)), rng.random((50, 26)) < 0.1
    logits[:, ::2] += 3 * labels[::2]  # half of the people easy, so that both outcomes occur
    expected = metric(logits, labels)
    assert 0.1 < expected.mean() < 0.9
    people, verbs = rng.permutation(50), rng.permutation(26)
    np.testing.assert_array_equal(metric(logits[:, people], labels[people]), expected[:, people])
    np.testing.assert_array_equal(metric(logits[..., verbs], labels[:, verbs]), expected)


class Watched(torch.Tensor):
    """A tensor that remembers which functions were called on it."""

    called: ClassVar[set[str]] = set()

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.called.add(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)


def test_tensors_stay_where_they_are():
    logits = torch.randn(3, 5, 26).as_subclass(Watched)
    for metric in (exact_match, partial_match, exact_match_at):
        metric(logits, torch.rand(5, 26) < 0.2)
    assert "sort" in Watched.called
    assert not Watched.called & {"cpu", "numpy", "tolist", "__array__", "detach"}


@pytest.mark.parametrize("device", DEVICES)
def test_all_epochs_of_a_run_take_about_a_second(device):
    logits = np.random.default_rng(4).normal(size=(50, 7674, 26)).astype(np.float32)
    labels = np.random.default_rng(5).random((7674, 26)) < 0.11
    logits, labels = put(logits, device), put(labels, device)
    start = time.process_time()
    exact_match(logits, labels)
    assert time.process_time() - start < 5  # about 0.5 s; a loop over people takes minutes


def test_arrays_need_no_torch():
    code = (
        "import sys, numpy as np, lib.metrics as m; y = np.eye(26, dtype=bool); m.exact_match(y, y);"
        "m.summarise(y, y); m.compare_per_verb(y, y[0], y[1], m.scores.VERBS, range(26));"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


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


# --- Intervals over images


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


def test_memory_does_not_grow_with_the_number_of_resamples():
    values, image_ids = np.random.default_rng(15).random(5000), np.arange(5000)
    tracemalloc.start()
    bootstrap_interval(values, image_ids, resamples=3000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 5000 * 8 / 2  # half of one array of all resamples


# --- Paired tests


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


# --- Bad input and nobody at all

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
