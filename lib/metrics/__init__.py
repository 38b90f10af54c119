"""How well verbs are named: decoding, scores, intervals over images, paired tests, baselines without images.

Everywhere logits are (..., n, v) for n persons and v verbs, 26 in V-COCO, and labels (n, v) booleans. What
scores single persons takes arrays and tensors alike; everything else is NumPy and pandas. What has another
shape, holds NaN or is no boolean raises a ValueError that quotes it.
"""

from lib.metrics.baselines import most_frequent_set, verb_frequency
from lib.metrics.comparisons import (
    McNemar,
    PValueBounds,
    compare_per_verb,
    correct_holm,
    mcnemar,
    mcnemar_bounds,
)
from lib.metrics.decoding import (
    exact_match,
    exact_match_at,
    partial_match,
    predict_at,
    predict_k,
    predict_true_k,
)
from lib.metrics.deployable import estimate_k, predict_seen_set, tune_threshold, tune_thresholds
from lib.metrics.intervals import (
    Difference,
    Interval,
    bootstrap_interval,
    bootstrap_interval_of,
    mean_average_precision_interval,
    paired_bootstrap,
)
from lib.metrics.scores import count_per_verb, mean_average_precision, score_decoded, score_verbs, summarise

__all__ = [
    "Difference",
    "Interval",
    "McNemar",
    "PValueBounds",
    "bootstrap_interval",
    "bootstrap_interval_of",
    "compare_per_verb",
    "correct_holm",
    "count_per_verb",
    "estimate_k",
    "exact_match",
    "exact_match_at",
    "mcnemar",
    "mcnemar_bounds",
    "mean_average_precision",
    "mean_average_precision_interval",
    "most_frequent_set",
    "paired_bootstrap",
    "partial_match",
    "predict_at",
    "predict_k",
    "predict_seen_set",
    "predict_true_k",
    "score_decoded",
    "score_verbs",
    "summarise",
    "tune_threshold",
    "tune_thresholds",
    "verb_frequency",
]
