"""Bootstrap intervals that resample images: persons of one image resemble each other and go together.

The cluster bootstrap (Davison & Hinkley 1997, section 3.8): whole images are drawn with replacement, as many
as there are, and the statistic is taken over all persons of the drawn images. Intervals are those between
percentiles; `scipy.stats.bootstrap` draws. With fewer than two images they are NaN, without persons all is.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import DegenerateDataWarning, bootstrap

from lib.metrics.inputs import as_numpy
from lib.metrics.scores import mean_average_precision, weighted_mean_average_precision

MOST_UNDEFINED = 0.1  # of the resamples: a group in three images is absent from 5 %, one in two from 14 %
BATCH_NUMBERS = 2**20  # in each array of a batch of resamples: 8 MB


class Interval(NamedTuple):
    """A statistic and its confidence interval."""

    point: float
    low: float
    high: float


class Difference(NamedTuple):
    """A mean difference, its confidence interval, and the two-sided p of there being none."""

    difference: float
    low: float
    high: float
    p: float


def bootstrap_interval(
    values: ArrayLike, image_ids: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return the mean of one value per person, and its interval over images.

    `values` are (n,), such as `exact_match` gives, or (..., n), such as seeds: then each person's mean over
    them is taken first, and the interval is that of these seeds' mean on other images, not of other seeds.
    `image_ids` are (n,). The order of the people does not matter. NaN values are a ValueError.
    """
    values = _read_values(values, image_ids)
    means = _resample_means(values, image_ids, resamples, seed)
    return Interval(_mean(values), *_percentiles(means, level))


def paired_bootstrap(
    a: ArrayLike,
    b: ArrayLike,
    image_ids: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Difference:
    """Return the mean of a - b over the same persons, its interval over images, and a two-sided p.

    `a` and `b` are like the values of `bootstrap_interval`; each may have its own number of seeds. The p
    inverts the interval: twice the smaller share of resamples with a difference of at most, or at least, 0,
    and at most 1. One more resample is counted on each side, so that p is never 0.
    """
    values = _read_values(a, image_ids) - _read_values(b, image_ids)
    differences = _resample_means(values, image_ids, resamples, seed)
    p = np.nan
    if len(differences):
        sides = (differences <= 0).sum(), (differences >= 0).sum()
        p = min(1.0, 2 * (min(sides) + 1) / (len(differences) + 1))
    return Difference(_mean(values), *_percentiles(differences, level), float(p))


def bootstrap_interval_of(
    statistic: Callable[[np.ndarray], float],
    image_ids: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return a statistic that is no mean, such as mAP, and its interval over images.

    `statistic` gets the positions of persons, some more than once, and returns a number: for example
    `lambda rows: mean_average_precision(logits[rows], labels[rows])`, or the difference of two such. It is
    called once per resample: for mAP on V-COCO's test 2,000 take about 100 s.

    NaN says that it is undefined, such as the mean of a group of whom nobody was drawn. The interval is that
    of the other resamples, that is, given that it is defined; where it is undefined in more than a tenth of
    them, it depends on too few images, and the interval is NaN.
    """
    images, sizes = _read_images(image_ids)
    if not len(images):
        return Interval(np.nan, np.nan, np.nan)
    persons = np.split(np.argsort(images, kind="stable"), np.cumsum(sizes)[:-1])

    def of_images(drawn: np.ndarray) -> float:
        """Return the statistic of the persons of the drawn images."""
        return statistic(np.concatenate([persons[image] for image in drawn]))

    draws = _resample((np.arange(len(sizes)),), of_images, resamples, seed, vectorized=False)
    undefined = np.isnan(draws)
    if undefined.sum() <= MOST_UNDEFINED * len(draws):
        draws = draws[~undefined]
    return Interval(float(statistic(np.arange(len(images)))), *_percentiles(draws, level))


def mean_average_precision_interval(
    logits: ArrayLike,
    labels: ArrayLike,
    image_ids: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return mAP and its interval over images: that of `bootstrap_interval_of`, ten times as fast or more.

    `logits` are (n, v), or (s, n, v): then the seeds' mean. People drawn twice raise the precision of a rare
    verb, so that the interval lies high.
    """
    logits = as_numpy(logits)
    logits = logits.reshape(-1, *logits.shape[-2:])
    images, sizes = _read_images(image_ids)

    def of_images(drawn: np.ndarray, axis: int) -> np.ndarray:
        """Return the mAP of resamples (..., images); scipy asks for the last `axis`."""
        rows = drawn.reshape(-1, len(sizes))
        counts = np.stack([np.bincount(row, minlength=len(sizes)) for row in rows], axis=1)[images]
        by_seed = [weighted_mean_average_precision(one, labels, counts) for one in logits]
        return np.mean(by_seed, axis=0).reshape(drawn.shape[:-1])

    draws = _resample((np.arange(len(sizes)),), of_images, resamples, seed, vectorized=True)
    point = np.mean([mean_average_precision(one, labels) for one in logits])
    return Interval(float(point), *_percentiles(draws, level))


def _read_values(values: ArrayLike, image_ids: ArrayLike) -> np.ndarray:
    values, expected = as_numpy(values).astype(float), np.shape(image_ids)
    if len(expected) != 1 or values.ndim < 1 or values.shape[-1:] != expected or 0 in values.shape[:-1]:
        raise ValueError(
            f"one value and one image_id per person: values (..., n) and image_ids (n,), "
            f"got shapes {values.shape} and {expected}"
        )
    if unknown := int(np.isnan(values).sum()):
        raise ValueError(f"values: {unknown} NaN in shape {values.shape}; leave those people out first")
    return values.mean(axis=tuple(range(values.ndim - 1)))


def _read_images(image_ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return each person's image as a number from 0, and the number of persons of each image."""
    image_ids = np.asarray(image_ids)
    if image_ids.ndim != 1 or pd.isna(image_ids).any():
        raise ValueError(f"image_ids are (people,) without missing values, got shape {image_ids.shape}")
    _, images, sizes = np.unique(image_ids, return_inverse=True, return_counts=True)
    return images, sizes


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan


def _resample_means(values: np.ndarray, image_ids: ArrayLike, resamples: int, seed: int) -> np.ndarray:
    images, sizes = _read_images(image_ids)
    sums = np.bincount(images, weights=values, minlength=len(sizes))
    return _resample((sums, sizes), _ratio, resamples, seed, vectorized=True)


def _ratio(sums: np.ndarray, sizes: np.ndarray, axis: int) -> np.ndarray:
    return sums.sum(axis=axis) / sizes.sum(axis=axis)


def _resample(
    data: tuple[np.ndarray, ...],
    statistic: Callable[..., float | np.ndarray],
    resamples: int,
    seed: int,
    vectorized: bool,
) -> np.ndarray:
    """Return the statistic of each resample of the images of `data`; none with fewer than two images."""
    images = len(data[0])
    if images < 2:
        return np.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # of scipy's own interval, where some are NaN
        result = bootstrap(
            data,
            statistic,
            n_resamples=resamples,
            batch=max(1, BATCH_NUMBERS // images),
            vectorized=vectorized,
            paired=True,
            method="percentile",
            rng=seed,
        )
    return result.bootstrap_distribution


def _percentiles(draws: np.ndarray, level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise ValueError(f"level is between 0 and 1, such as 0.95, got {level}")
    if not len(draws):
        return np.nan, np.nan
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
