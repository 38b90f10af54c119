"""The literal way to score: person by person, verb by verb, resample by resample."""

from collections.abc import Sequence

import numpy as np


def match(logits: np.ndarray, labels: np.ndarray) -> tuple[list[bool], list[float]]:
    """Return exact and partial match of each person."""
    exact, partial = [], []
    for row, truth in zip(logits, labels, strict=True):
        true = {verb for verb, there in enumerate(truth) if there}
        predicted = set(sorted(range(len(row)), key=lambda verb: -row[verb])[: len(true)])
        exact.append(predicted == true)
        partial.append(len(predicted & true) / len(true) if true else 1.0)
    return exact, partial


def mean_average_precision(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return mAP, going down each verb's ranking of the people; no two logits are equal."""
    precisions = []
    for scores, truth in zip(logits.T, labels.T, strict=True):
        hits, total = 0, 0.0
        for rank, person in enumerate(sorted(range(len(scores)), key=lambda i: -scores[i]), start=1):
            if truth[person]:
                hits += 1
                total += hits / rank
        if hits:
            precisions.append(total / hits)
    return sum(precisions) / len(precisions)


def bootstrap(
    values: Sequence[float], image_ids: Sequence[int], resamples: int, seed: int
) -> tuple[float, float]:
    """Return the 95 % interval of the mean over images that are drawn again and again."""
    by_image: dict[int, list[float]] = {}
    for value, image_id in zip(values, image_ids, strict=True):
        by_image.setdefault(image_id, []).append(value)
    groups = [by_image[image_id] for image_id in sorted(by_image)]
    rng, means = np.random.default_rng(seed), []
    for _ in range(resamples):
        drawn = [value for image in rng.integers(0, len(groups), len(groups)) for value in groups[image]]
        means.append(sum(drawn) / len(drawn))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
