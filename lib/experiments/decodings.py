"""What an arm's logits are worth without being told K: decoding rules side by side."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.experiments.results import Results
from lib.experiments.tables import clean_logits
from lib.metrics import (
    bootstrap_interval,
    correct_holm,
    estimate_k,
    mean_average_precision,
    paired_bootstrap,
    predict_at,
    predict_k,
    predict_seen_set,
    predict_true_k,
    score_decoded,
    tune_threshold,
    tune_thresholds,
)

TRUE_K = "true K"


def decode(
    logits: np.ndarray,
    labels: np.ndarray,
    val_logits: np.ndarray,
    val_labels: np.ndarray,
    train_labels: np.ndarray,
) -> dict[str, np.ndarray]:
    """Return the verbs that each decoding rule predicts of one model's logits, booleans (n, v) all.

    true K               the thesis's rule, which alone looks at `labels`
    probability 0.5      above a logit of 0
    one threshold        tuned on val for exact match
    threshold per verb   tuned on val for the verb's F1
    estimated K          the K that a regression learnt on val says
    seen set             the likeliest set of verbs among train's
    """
    return {
        TRUE_K: predict_true_k(logits, labels),
        "probability 0.5": predict_at(logits),
        "one threshold": predict_at(logits, tune_threshold(val_logits, val_labels)),
        "threshold per verb": predict_at(logits, tune_thresholds(val_logits, val_labels)),
        "estimated K": predict_k(logits, estimate_k(val_logits, val_labels, logits)),
        "seen set": predict_seen_set(logits, train_labels),
    }


def decoding_table(results: Results, people: pd.DataFrame, verbs: Sequence[str], arm: str) -> pd.DataFrame:
    """Compare the decoding rules on an arm's test logits under the protocol `clean`: one row per rule.

    `people` are of all splits; counted are those of test who are in the results. In percent, means over the
    seeds: `exact` with `low` and `high`, 95 % of a bootstrap over images; its `difference` to the rule
    `true K`, with `difference_low`, `difference_high` and `p` of a paired bootstrap and `p_holm`, corrected
    for the number of rules; `micro_F1`, `macro_F1`; `mAP`, the same for every rule. `predicted` is how many
    verbs the rule predicts a person, on average.
    """
    measured = results.logits.xs(("clean", arm), level=["protocol", "arm"]).index.unique("ann_id")
    there = people[people.index.isin(measured)]
    val, test = (there[there["split"] == split] for split in ("val", "test"))
    val_logits, test_logits = (clean_logits(results, arm, mine.index, verbs) for mine in (val, test))
    labels, val_labels = test[list(verbs)].to_numpy(), val[list(verbs)].to_numpy()
    train_labels = people.loc[people["split"] == "train", list(verbs)].to_numpy()
    decoded = [
        decode(one, labels, of_val, val_labels, train_labels)
        for one, of_val in zip(test_logits, val_logits, strict=True)
    ]
    by_rule = {rule: np.stack([predicted[rule] for predicted in decoded]) for rule in decoded[0]}
    rows = {rule: _score(by_rule[rule], by_rule[TRUE_K], labels, test["image_id"]) for rule in by_rule}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("rule")
    table.loc[TRUE_K, ["difference", "difference_low", "difference_high", "p"]] = np.nan
    table.insert(table.columns.get_loc("p") + 1, "p_holm", correct_holm(table["p"]))
    precision = np.mean([mean_average_precision(one, labels) for one in test_logits])
    return table.assign(mAP=100 * precision)


def _score(
    predicted: np.ndarray, told: np.ndarray, labels: np.ndarray, image_ids: pd.Series
) -> dict[str, float]:
    """Score a rule's predictions (seeds, n, v) beside those of the rule that is told K."""
    right, right_told = ((one == labels).all(axis=-1).astype(float) for one in (predicted, told))
    exact, paired = bootstrap_interval(right, image_ids), paired_bootstrap(right, right_told, image_ids)
    scores = pd.DataFrame([score_decoded(one, labels) for one in predicted]).mean()
    return {
        "exact": 100 * exact.point,
        "low": 100 * exact.low,
        "high": 100 * exact.high,
        "difference": 100 * paired.difference,
        "difference_low": 100 * paired.low,
        "difference_high": 100 * paired.high,
        "p": paired.p,
        "predicted": predicted.sum(axis=-1).mean(),
        "micro_F1": 100 * scores["micro_F1"],
        "macro_F1": 100 * scores["macro_F1"],
    }
