"""What differs between verbs: which of two arms gets which right, verb by verb and group by group."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lib.experiments.results import SIGNIFICANT, Results
from lib.experiments.tables import PAIRED, clean_logits, contrast, in_points
from lib.metrics import (
    compare_per_verb,
    correct_holm,
    mcnemar_bounds,
    paired_bootstrap,
    predict_true_k,
)

# What chiefly tells a verb from the others in one image. A reading: the thesis speaks of posture and objects.
VERB_GROUPS = {
    "posture": ("stand", "sit", "walk", "jump", "lay", "run", "point"),
    "object": ("hold", "ride", "eat", "talk_on_phone", "carry", "cut", "work_on_computer", "drink", "read"),
    "scene": ("hit", "throw", "catch", "ski", "surf", "skateboard", "kick", "snowboard"),
    "face": ("look", "smile"),
}


def compare_verbs(
    people: pd.DataFrame, right: pd.DataFrame, verbs: Sequence[str], first: str, second: str
) -> pd.DataFrame:
    """Return table 7.1 of the thesis with tests: labels of `people`, and those on exactly matched people.

    `right` holds one boolean column per arm. Indexed by `verb`; columns: `labels`, the hits of `second` and
    of `first`, the `difference` of their shares in points (first less second) with the 95 % interval `low`
    to `high` (images resampled), `p` (McNemar) and `p_holm`, corrected for the number of verbs.
    """
    a, b = (right.loc[people.index, arm].to_numpy() for arm in (first, second))
    table = compare_per_verb(people[list(verbs)], a, b, verbs, people["image_id"])
    table[PAIRED[:3]] *= 100
    table = table.rename(columns={"a": first, "b": second})
    return table[["labels", second, first, *PAIRED, "p_holm"]]


def bound_published(counts: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Say what published counts can bear when nobody published which people they were.

    The first column of `counts` is how many labels or people there are, two others are each arm's hits. Adds
    `lowest_p` and `highest_p` of McNemar's test over every pairing that the counts allow; `highest_p_holm`,
    corrected for the number of rows (Holm 1979); and `significant`, a row by itself at 5 %: always, never, or
    depends on the pairing.
    """
    hits = counts[[counts.columns[0], first, second]].to_numpy(int)
    bounds = [mcnemar_bounds(*row) for row in hits]
    table = counts.join(pd.DataFrame(bounds, counts.index, ["lowest_p", "highest_p"]))
    table["highest_p_holm"] = correct_holm(table["highest_p"])
    conditions = [table["highest_p"] < SIGNIFICANT, table["lowest_p"] >= SIGNIFICANT]
    return table.assign(significant=np.select(conditions, ["always", "never"], "depends on the pairing"))


def group_verbs(verbs: Sequence[str]) -> dict[str, list[str]]:
    """Return the groups of `VERB_GROUPS` that a profile's verbs have members of, the rest as `other`."""
    groups = {group: [verb for verb in members if verb in verbs] for group, members in VERB_GROUPS.items()}
    known = {verb for members in groups.values() for verb in members}
    groups["other"] = [verb for verb in verbs if verb not in known]
    return {group: members for group, members in groups.items() if members}


def named_verbs(results: Results, arm: str, people: pd.DataFrame, verbs: Sequence[str]) -> np.ndarray:
    """Return the K verbs that an arm names each person, K the true number: booleans (seeds, n, verbs).

    Protocol `clean`; `people` are of val or test.
    """
    logits = clean_logits(results, arm, people.index, verbs)
    return predict_true_k(logits, people[list(verbs)].to_numpy())


def compare_verb_groups(
    results: Results, people: pd.DataFrame, verbs: Sequence[str], first: str, second: str
) -> pd.DataFrame:
    """Compare two arms on the labels of each group of verbs: is a true verb among the K named?

    Protocol `clean`, seeds averaged. Indexed by `group`; columns: `verbs`, `labels`, the share named by
    `second` and by `first` in percent, their `difference` in points with `low`, `high` and `p` of a paired
    bootstrap over images, and `p_holm`. The last row, `posture - all others`, has the difference of the
    differences, with an interval and no p; it is absent where either side has no labels.
    """
    named = [named_verbs(results, arm, people, verbs) for arm in (first, second)]
    person, verb = np.nonzero(people[list(verbs)].to_numpy())
    a, b = (one[:, person, verb].astype(float) for one in named)
    images = people["image_id"].to_numpy()[person]
    rows = {}
    for group, members in group_verbs(verbs).items():
        inside = np.isin(np.array(list(verbs))[verb], members)
        hits = {arm: 100 * one[:, inside].mean() for arm, one in ((second, b), (first, a))}
        paired = in_points(paired_bootstrap(a[:, inside], b[:, inside], images[inside]))
        rows[group] = {"verbs": len(members), "labels": inside.sum(), **hits, **paired}
    table = pd.DataFrame.from_dict(rows, orient="index")
    table["p_holm"] = correct_holm(table["p"])
    posture = np.isin(np.array(list(verbs))[verb], VERB_GROUPS["posture"])
    if 0 < posture.sum() < len(posture):
        gain = 100 * (a.mean(axis=0) - b.mean(axis=0))
        change = pd.DataFrame([contrast(gain, posture, images)], ["posture - all others"], PAIRED[:3])
        table = pd.concat([table, change])
    return table.rename_axis("group")
