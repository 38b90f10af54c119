"""Decoding that is not told K, the number of a person's verbs: what a deployed system could do.

Every rule learns from val, or from the labels of train, and is then a function of the logits alone. Logits
are (..., n, v) for n persons and v verbs, finite; what is learnt from several models is one rule for all.
"""

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.metrics.inputs import as_numpy, read_labels, read_logits, read_pair


def tune_threshold(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the one threshold for `predict_at` that matches most persons exactly.

    A person is matched by the thresholds from the highest logit of a false verb to below the lowest of a true
    one. Of equally good thresholds the lowest, half-way between two logits; 0 where none matches anybody.
    """
    logits, labels = _pool(logits, labels)
    lows = np.where(labels, -np.inf, logits).max(axis=1)
    highs = np.where(labels, logits, np.inf).min(axis=1)
    matchable = lows < highs
    lows, highs = np.sort(lows[matchable]), np.sort(highs[matchable])
    bounds = np.unique(np.concatenate([lows, highs]))
    bounds = bounds[np.isfinite(bounds)]
    if not len(bounds):
        return 0.0
    candidates = np.concatenate([[bounds[0] - 1], (bounds[:-1] + bounds[1:]) / 2, [bounds[-1] + 1]])
    matched = np.searchsorted(lows, candidates) - np.searchsorted(highs, candidates)
    return float(candidates[matched.argmax()])


def tune_thresholds(logits: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Return each verb's threshold (v,) for `predict_at` with the highest F1.

    F1, as exact match is no property of a single verb. Of equally good thresholds the highest, half-way
    between two logits, minus infinity where everybody is to have the verb; 0, a probability of 0.5, for a
    verb without labels.
    """
    logits, labels = _pool(logits, labels)
    return np.array([_best_cut(*verb) for verb in zip(logits.T, labels.T, strict=True)])


def _best_cut(scores: np.ndarray, truth: np.ndarray) -> float:
    if not truth.any():
        return 0.0
    precision, recall, cuts = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    best = np.flatnonzero(f1[:-1] == f1[:-1].max())[-1]
    return (cuts[best] + cuts[best - 1]) / 2 if best else -np.inf


def estimate_k(val_logits: ArrayLike, val_labels: ArrayLike, logits: ArrayLike) -> np.ndarray:
    """Estimate K, the number of a person's verbs, from the logits: whole numbers (..., n) for `predict_k`.

    Multinomial logistic regression on a person's sorted and standardised logits, learnt from val's logits and
    labels. Only a K that somebody of val has is estimated.
    """
    val_logits, val_labels = _pool(val_logits, val_labels)
    logits, known = read_logits(as_numpy(logits)), val_labels.sum(axis=1)
    if len(np.unique(known)) == 1:  # nothing to learn
        return np.full(logits.shape[:-1], known[0])
    rule = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    rule.fit(np.sort(val_logits, axis=1), known)
    return rule.predict(np.sort(logits, axis=-1).reshape(-1, logits.shape[-1])).reshape(logits.shape[:-1])


def predict_seen_set(logits: ArrayLike, train_labels: ArrayLike) -> np.ndarray:
    """Predict the likeliest of the sets of verbs that somebody of train has: booleans (..., n, v).

    `train_labels` are (m, v). With independent verbs log L(set) is the sum of log p over its verbs and of
    log(1 - p) over all others: but for a part that all sets share, the sum of the set's logits. Of equally
    likely sets the first in lexical order wins.
    """
    logits = read_logits(as_numpy(logits))
    sets = np.unique(read_labels(train_labels), axis=0)
    if not len(sets):
        raise ValueError(f"train_labels hold nobody, got shape {np.shape(train_labels)}")
    return sets[(logits @ sets.T.astype(logits.dtype)).argmax(axis=-1)]


def _pool(logits: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return logits (..., n, v) and labels as (m, v), in float64: midpoints of neighbours need the digits."""
    logits, labels = read_pair(as_numpy(logits), labels)
    verbs = logits.shape[-1]
    return logits.reshape(-1, verbs).astype(float), np.broadcast_to(labels, logits.shape).reshape(-1, verbs)
