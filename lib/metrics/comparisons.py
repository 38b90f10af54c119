"""Paired tests of two models on the same persons: McNemar's, and verb by verb with Holm's correction."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_table
from statsmodels.stats.multitest import multipletests

from lib.metrics.inputs import as_numpy, read_labels, read_outcomes
from lib.metrics.intervals import Difference, paired_bootstrap


class McNemar(NamedTuple):
    """The persons whom only one of two models gets right (b and c of the table), and the exact p."""

    only_a: int
    only_b: int
    p: float


def mcnemar(a: ArrayLike, b: ArrayLike) -> McNemar:
    """Test whether two models are right equally often, by McNemar's exact test (binomial, two-sided).

    `a` and `b` are (n,) booleans, one model of one seed each, such as `exact_match` gives. p is 1 where the
    models never disagree, NaN without persons. The test takes persons as independent, which those of one
    image are not quite: `paired_bootstrap` does not.
    """
    a = as_numpy(a)
    a, b = read_outcomes(a, "a", (a.size,)), read_outcomes(b, "b", (a.size,))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    table = [[int((a & b).sum()), only_a], [only_b, int((~a & ~b).sum())]]
    p = float(mcnemar_of_table(table, exact=True).pvalue) if len(a) else np.nan
    return McNemar(only_a, only_b, p)


class PValueBounds(NamedTuple):
    """The smallest and the largest p that a test can give."""

    lowest: float
    highest: float


def mcnemar_bounds(people: int, right_a: int, right_b: int) -> PValueBounds:
    """Return the smallest and largest p of `mcnemar` when only both models' numbers of hits are known.

    How many people both get right lies between `right_a` + `right_b` - `people` (or 0) and the smaller of
    the two; every number between is tried. NaN without people; ValueError for more hits than people.
    """
    if not (0 <= right_a <= people and 0 <= right_b <= people):
        raise ValueError(f"hits are between 0 and {people} people, got {right_a} and {right_b}")
    if not people:
        return PValueBounds(np.nan, np.nan)
    both = np.arange(max(0, right_a + right_b - people), min(right_a, right_b) + 1)
    only_a, only_b = right_a - both, right_b - both
    p = np.minimum(1, 2 * binom.cdf(np.minimum(only_a, only_b), only_a + only_b, 0.5))
    return PValueBounds(float(p.min()), float(p.max()))


def compare_per_verb(
    labels: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    verbs: Sequence[str],
    image_ids: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare two models on the persons of each verb.

    `labels` are (n, v), `image_ids` (n,); `a` and `b` are booleans of one seed: (n,), whether the person is
    exactly matched, as table 7.1 of the thesis counts, or (n, v), whether each verb is predicted.
    Indexed by `verb`; columns: `labels`; `a` and `b`, the hits; `only_a`, `only_b` and `p` of `mcnemar`;
    `p_holm`, corrected for the number of verbs tested (Holm 1979); `difference` of the shares a - b, with
    `low` and `high` of `paired_bootstrap`. A verb without persons has counts of 0, all else NaN, and no part
    in the correction.
    """
    labels = read_labels(labels, verbs)
    a, b, image_ids = _per_verb(a, "a", labels), _per_verb(b, "b", labels), np.asarray(image_ids)
    if image_ids.shape != labels.shape[:1]:
        raise ValueError(f"image_ids: expected shape {labels.shape[:1]}, got {image_ids.shape}")
    rows = []
    for i, doing in enumerate(labels.T):
        hits = a[doing, i], b[doing, i]
        tested = mcnemar(*hits)
        paired = paired_bootstrap(*hits, image_ids[doing], level, resamples, seed)
        rows.append([doing.sum(), hits[0].sum(), hits[1].sum(), *tested, *paired[:3]])
    columns = ["labels", "a", "b", *McNemar._fields, *Difference._fields[:3]]
    table = pd.DataFrame(rows, pd.Index(verbs, name="verb"), columns)
    table.insert(columns.index("p") + 1, "p_holm", correct_holm(table["p"]))
    return table


def correct_holm(p: pd.Series) -> pd.Series:
    """Correct p for the number of tests (Holm 1979); a NaN stays one and does not count."""
    known = p.dropna()
    if known.empty:
        return p
    return pd.Series(multipletests(known, method="holm")[1], index=known.index).reindex(p.index)


def _per_verb(hits: ArrayLike, name: str, labels: np.ndarray) -> np.ndarray:
    hits = as_numpy(hits)
    if hits.ndim == 1:
        return np.broadcast_to(read_outcomes(hits, name, labels.shape[:1])[:, None], labels.shape)
    return read_outcomes(hits, name, labels.shape)
