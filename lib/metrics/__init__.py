"""How well verbs are named: decoding, scores, intervals over images, paired tests, baselines without images.

Everywhere logits are (..., n, v) for n persons and v verbs, 26 in V-COCO, and labels (n, v) booleans. What
scores single persons takes arrays and tensors alike; everything else is NumPy and pandas.
"""

from lib.metrics.baselines import most_frequent_set, verb_frequency
from lib.metrics.comparisons import McNemar, compare_per_verb, mcnemar
from lib.metrics.decoding import (
    exact_match,
    exact_match_at,
    partial_match,
    predict_at,
    predict_k,
    predict_true_k,
)
from lib.metrics.intervals import (
    Difference,
    Interval,
    bootstrap_interval,
    bootstrap_interval_of,
    mean_average_precision_interval,
    paired_bootstrap,
)
from lib.metrics.scores import count_per_verb, mean_average_precision, score_verbs, summarise

__all__ = [
    "Difference",
    "Interval",
    "McNemar",
    "bootstrap_interval",
    "bootstrap_interval_of",
    "compare_per_verb",
    "count_per_verb",
    "exact_match",
    "exact_match_at",
    "mcnemar",
    "mean_average_precision",
    "mean_average_precision_interval",
    "most_frequent_set",
    "paired_bootstrap",
    "partial_match",
    "predict_at",
    "predict_k",
    "predict_true_k",
    "score_verbs",
    "summarise",
    "verb_frequency",
]
