"""Scores of a whole split as tables: per verb, and in one row per decoding."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score, f1_score

from lib.metrics.decoding import predict_at, predict_true_k, share_found
from lib.metrics.inputs import as_numpy, read_labels, read_outcomes, read_pair
from lib.vcoco import VERBS


def count_per_verb(
    labels: ArrayLike, verbs: Sequence[str] = VERBS, **correct_by_model: ArrayLike
) -> pd.DataFrame:
    """Count each verb's labels, and those of them on persons whom each model matches exactly.

    Table 7.1 of the thesis. `labels` are (n, v); each model is named by its keyword and gives one boolean per
    person, (n,), as from `exact_match`. Indexed by `verb`; columns: `labels`, then one per model.
    """
    labels = read_labels(labels, verbs)
    counts = {"labels": labels.sum(axis=0)}
    for model, correct in correct_by_model.items():
        counts[model] = labels[read_outcomes(correct, model, labels.shape[:1])].sum(axis=0)
    return pd.DataFrame(counts, index=pd.Index(verbs, name="verb"))


def score_verbs(logits: ArrayLike, labels: ArrayLike, verbs: Sequence[str] = VERBS) -> pd.DataFrame:
    """Score how well each verb's logits rank the persons, (n, v) both.

    Indexed by `verb`; columns: `support`, the number of labels; `prevalence`, their share of the persons,
    about what random logits score; `AP`, scikit-learn's average precision (no interpolation; persons of equal
    logits are one step). AP is NaN for a verb without labels; infinite logits are a ValueError.
    """
    read_labels(labels, verbs)
    logits, labels = _read_split(logits, labels)
    support = labels.sum(axis=0)
    scores = {
        "support": support,
        "prevalence": support / len(labels) if len(labels) else np.nan,
        "AP": _average_precisions(logits, labels),
    }
    return pd.DataFrame(scores, index=pd.Index(verbs, name="verb"))


def mean_average_precision(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the mean of the verbs' average precisions, verbs without labels left out; NaN if all are."""
    precisions = _average_precisions(*_read_split(logits, labels))
    known = precisions[~np.isnan(precisions)]
    return float(known.mean()) if len(known) else np.nan


def weighted_mean_average_precision(logits: ArrayLike, labels: ArrayLike, weights: np.ndarray) -> np.ndarray:
    """Return `mean_average_precision` of r resamples of the persons, (r,).

    `weights` (n, r), whole numbers, say how many times each person is in a resample.
    """
    logits, labels = _read_split(logits, labels)
    total, known = np.zeros((2, weights.shape[1]))
    for score, truth in zip(logits.T, labels.T, strict=True):
        order = np.argsort(-score, kind="stable")
        ends = np.flatnonzero(np.diff(score[order], append=np.nan))  # equal logits are one step
        seen = np.cumsum(weights[order], axis=0)[ends]
        hits = np.cumsum(weights[order] * truth[order, None], axis=0)[ends]
        area = (np.diff(hits, prepend=0, axis=0) * (hits / np.maximum(seen, 1))).sum(axis=0)
        total += area / np.maximum(hits[-1], 1)
        known += hits[-1] > 0
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def summarise(logits: ArrayLike, labels: ArrayLike) -> pd.DataFrame:
    """Score a split, (n, v) logits and labels, in one row per decoding, `true_k` and `threshold`.

    `true_k` predicts as the thesis does, knowing K; `threshold` every verb with a probability above 0.5.
    Columns: `mAP`, which needs no decoding, the same in both; `exact`, the share of persons with all verbs
    right; `partial`, the mean of |predicted & true| / K; `micro_F1` over all decisions; `macro_F1`, the mean
    over the verbs that have labels; `jaccard`, the mean over persons of |predicted & true| over the number of
    verbs predicted or true, 1 where there are none; `hamming`, the share of the n * v decisions that are
    wrong. A mean of nothing is NaN.
    """
    logits, labels = _read_split(logits, labels)
    decoded = {"true_k": predict_true_k(logits, labels), "threshold": predict_at(logits)}
    ranking = {"mAP": mean_average_precision(logits, labels)}
    rows = {decoding: ranking | score_decoded(predicted, labels) for decoding, predicted in decoded.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("decoding")


def _read_split(logits: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = read_pair(as_numpy(logits), labels)
    if logits.ndim != 2:
        raise ValueError(
            f"logits of one model are (people, verbs), got shape {logits.shape}; loop over the rest"
        )
    return logits, labels


def _average_precisions(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    scores = [
        average_precision_score(truth, score) if truth.any() else np.nan
        for truth, score in zip(labels.T, logits.T, strict=True)
    ]
    return np.array(scores)


def score_decoded(predicted: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Score predicted verbs, booleans (n, v) as the labels: all columns of `summarise` but mAP."""
    if not len(labels):  # scikit-learn refuses an empty split
        return dict.fromkeys(["exact", "partial", "micro_F1", "macro_F1", "jaccard", "hamming"], np.nan)
    # Verb by verb, as scikit-learn takes a table of one column for something else.
    f1 = [f1_score(labels[:, i], predicted[:, i]) for i in np.flatnonzero(labels.any(axis=0))]
    both, either = (predicted & labels).sum(axis=1), (predicted | labels).sum(axis=1)
    scores = {
        "exact": (predicted == labels).all(axis=1).mean(),
        "partial": share_found(predicted, labels).mean(),
        "micro_F1": f1_score(labels.ravel(), predicted.ravel(), zero_division=np.nan),
        "macro_F1": np.mean(f1) if f1 else np.nan,
        "jaccard": np.where(either == 0, 1, both / either.clip(1)).mean(),
        "hamming": (predicted != labels).mean(),
    }
    return {name: float(score) for name, score in scores.items()}
