"""Ways to name verbs, such as CLIP zero-shot and a trained network, scored side by side."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from lib.metrics import (
    bootstrap_interval,
    exact_match,
    mean_average_precision_interval,
    score_verbs,
)


def score_methods(
    logits: Mapping[str, np.ndarray], people: pd.DataFrame, verbs: Sequence[str]
) -> pd.DataFrame:
    """Score ways to name verbs, logits (seeds, n, verbs) each, on the same people, all in percent.

    Columns: `exact`, with the true K; `mAP`; each with `low` and `high`, 95 % of a bootstrap over images.
    """
    labels, images, rows = people[list(verbs)].to_numpy(), people["image_id"], {}
    for method, values in logits.items():
        exact = bootstrap_interval(exact_match(values, labels).astype(float), images)
        precision = mean_average_precision_interval(values, labels, images)
        rows[method] = 100 * np.array([*exact, *precision])
    columns = ["exact", "low", "high", "mAP", "mAP low", "mAP high"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("method")


def precision_by_verb(
    logits: Mapping[str, np.ndarray], people: pd.DataFrame, verbs: Sequence[str]
) -> pd.DataFrame:
    """Return each verb's average precision in percent, the seeds' mean, one column per method.

    NaN for a verb without labels.
    """
    labels = people[list(verbs)].to_numpy()
    columns = {
        method: 100 * np.mean([score_verbs(one, labels, verbs)["AP"] for one in values], axis=0)
        for method, values in logits.items()
    }
    return pd.DataFrame(columns, pd.Index(verbs, name="verb"))
