"""The model that is used on new images: chosen and given thresholds on val, measured once on test."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from lib.experiments.results import Results
from lib.experiments.tables import chosen_epochs
from lib.metrics import (
    bootstrap_interval,
    exact_match,
    mean_average_precision_interval,
    tune_threshold,
)
from lib.models import SeededModule, predict


def accuracy_on_val(results: Results) -> pd.Series:
    """Return each arm's exact match on val in percent at the epochs chosen there, seeds averaged: `clean`.

    What arms may be chosen by. The epoch was chosen on the same people, of every arm alike.
    """
    history = results.history.xs("clean", level="protocol").set_index("epoch", append=True)["val_exact"]
    chosen = chosen_epochs(results, "clean")
    at_chosen = history[pd.MultiIndex.from_frame(chosen.rename("epoch").reset_index())]
    return 100 * at_chosen.groupby("arm", sort=False).mean()


def mean_probabilities(network: SeededModule, numbers: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return the verbs' probabilities, the mean over a network's seeds; NaN for who lacks a number."""
    complete = numbers[numbers.notna().all(axis="columns")]
    logits = predict(network, complete.to_numpy(np.float32, copy=True))
    return pd.DataFrame(expit(logits).mean(axis=0), complete.index, list(verbs)).reindex(numbers.index)


def tune_probabilities(probabilities: pd.DataFrame, people: pd.DataFrame) -> dict[str, float]:
    """Return, by verb, the probability above which it is named: one for all, tuned on these people (val's).

    `probabilities` is indexed by `ann_id`, one column per verb. Tuned for exact match; thresholds of their
    own, tuned for each verb's F1, name too many verbs where val is small.
    """
    verbs = list(probabilities.columns)
    known = logit(probabilities.astype(float).clip(1e-7, 1 - 1e-7))
    threshold = tune_threshold(known.to_numpy(), people.loc[probabilities.index, verbs].to_numpy())
    return dict.fromkeys(verbs, float(expit(threshold)))


def measure_probabilities(
    probabilities: pd.DataFrame, people: pd.DataFrame, thresholds: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Measure probabilities, the mean over a model's seeds, on these people (test's), in percent.

    By measure: `point`, with `low` and `high`, 95 % of a bootstrap over images.
    """
    verbs, people = list(probabilities.columns), people.loc[probabilities.index]
    scores, labels, images = probabilities.to_numpy(float), people[verbs].to_numpy(), people["image_id"]
    named = scores > np.array([thresholds[verb] for verb in verbs])
    intervals = {
        "exact match, K known": bootstrap_interval(exact_match(scores, labels).astype(float), images),
        "exact match, thresholds": bootstrap_interval((named == labels).all(axis=1).astype(float), images),
        "mAP": mean_average_precision_interval(scores, labels, images),
    }
    return {
        name: {key: 100 * value for key, value in one._asdict().items()} for name, one in intervals.items()
    }
