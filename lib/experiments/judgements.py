"""What a study may conclude: a rule that is fixed before the numbers are seen, applied to every arm."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from lib.experiments.results import SIGNIFICANT, Results
from lib.experiments.tables import clean_table, right_people
from lib.metrics import bootstrap_interval, correct_holm, paired_bootstrap


def verdicts(
    results: Results,
    people: pd.DataFrame,
    verbs: Sequence[str],
    references: Mapping[str, str],
    resamples: int = 10_000,
) -> pd.DataFrame:
    """Judge arms of a study against their references, on the same people, under `clean`.

    `references` names the arm that each judged arm is compared with. `people` are as in `clean_table`, and so
    are `people`, `exact`, `low`, `high`, `mAP`, of every arm. `difference` is the arm's exact match less its
    reference's, in points, seeds averaged, with its 95 % interval `difference_low` and `difference_high` and
    `p` from a paired bootstrap over images; `p_holm` is corrected for the number of arms judged (Holm 1979).
    `verdict`:

    helps, hurts          `p_holm` is below 0.05 and the interval above, or below, 0
    no difference shown   otherwise: what lies outside of the interval, this arm's own, is excluded
    reference             the arm is not judged

    p is at least 2 / (`resamples` + 1), and Holm multiplies it: fewer resamples could prove nothing.
    """
    table = clean_table(results, people, verbs)[["people", "exact", "low", "high", "mAP"]]
    right = {arm: right_people(results, "clean", arm, people.index).to_numpy(float).T for arm in table.index}
    paired = {
        arm: paired_bootstrap(right[arm], right[reference], people["image_id"], resamples=resamples)
        for arm, reference in references.items()
    }
    names = ["difference", "difference_low", "difference_high", "p"]
    compared = pd.DataFrame.from_dict(paired, orient="index", columns=names)
    compared[names[:3]] *= 100
    table.insert(0, "reference", pd.Series(references, dtype=object))
    table = table.join(compared.assign(p_holm=correct_holm(compared["p"])))
    table["verdict"] = [judge(row) for row in table.itertuples()]
    return table


def say_verdicts(table: pd.DataFrame) -> str:
    """Say in one line what `verdicts` found: the judged arms by verdict, with their differences."""
    parts = []
    for kind in ("helps", "hurts", "no difference shown"):
        mine = table[table["verdict"] == kind]
        if len(mine):
            arms = [
                f"{arm} ({row.difference:+.1f})"
                for arm, row in zip(mine.index, mine.itertuples(), strict=True)
            ]
            parts.append(f"*{kind}*: {', '.join(arms)}")
    return "; ".join(parts)


def judge(row: Any) -> str:
    """Say in words what follows from a row of `verdicts`, one of its `itertuples`."""
    if math.isnan(row.difference):
        return "reference"
    if row.p_holm < SIGNIFICANT and row.difference_low > 0:
        return "helps"
    if row.p_holm < SIGNIFICANT and row.difference_high < 0:
        return "hurts"
    return "no difference shown"


def score_bins(scores: pd.Series, bounds: Sequence[float]) -> pd.Series:
    """Return each person's bin of the pose score as an ordered categorical, `no pose` where it is missing.

    Bounds 0.2 and 0.5 give the bins `< 0.2`, `0.2 - 0.5`, which begins at 0.2 and ends below 0.5, `>= 0.5`.
    """
    between = [f"{low:g} - {high:g}" for low, high in pairwise(bounds)]
    names = ["no pose", f"< {bounds[0]:g}", *between, f">= {bounds[-1]:g}"]
    numbers = np.where(scores.isna(), 0, 1 + np.digitize(scores, bounds))
    return pd.Series(pd.Categorical.from_codes(numbers, names, ordered=True), scores.index, name="pose score")


def accuracy_by_group(results: Results, people: pd.DataFrame, groups: pd.Series) -> pd.DataFrame:
    """Return every arm's exact match in percent within each group of people, under `clean`.

    `groups` names the group of each of `people`, as `score_bins` does. Indexed by group and arm, in the order
    of both; columns `exact`, `low` and `high`, 95 % of a bootstrap over images, seeds averaged, and `people`.
    Different groups are different people: only arms of one group compare, see `compare_groups`.
    """
    rows = {}
    for group, mine in people.groupby(groups.loc[people.index], observed=True):
        for arm in results.arm_names:
            right = right_people(results, "clean", arm, mine.index).to_numpy(float)
            interval = bootstrap_interval(right.T, mine["image_id"])
            rows[group, arm] = [*(100 * np.array(interval)), len(mine)]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["exact", "low", "high", "people"])
    table.index = pd.MultiIndex.from_tuples(table.index, names=[groups.name, "arm"])
    return table.astype({"people": int})
