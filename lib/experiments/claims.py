"""Claims and what the data say of them, by rules that are written before the results."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from lib.experiments.results import SIGNIFICANT

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"


@dataclass(frozen=True)
class Claim:
    """A claim, the verdict (holds, does not hold, cannot be told) and the numbers that decided it."""

    claim: str
    verdict: str
    evidence: str


def judge_difference(claim: str, difference: Mapping[str, float], expected: str) -> Claim:
    """Judge a claim that a difference is `negative` or `positive` by its 95 % interval.

    It holds where the whole interval has that sign, does not where it has the other, and cannot be told where
    it contains 0 or is missing. Where there is a corrected p (`p_holm`), that must be below 0.05, too.
    `difference` has the fields `difference`, `low` and `high`. Raises ValueError for another `expected`.
    """
    if expected not in ("negative", "positive"):
        raise ValueError(f'expected is "negative" or "positive", got {expected!r}')
    sign = 1 if expected == "positive" else -1
    low, high = sorted((sign * difference["low"], sign * difference["high"]))
    corrected = difference.get("p_holm", np.nan)
    verdict = OPEN if corrected >= SIGNIFICANT else HOLDS if low > 0 else FAILS if high < 0 else OPEN
    evidence = f"{difference['difference']:+.1f} ({difference['low']:+.1f} to {difference['high']:+.1f})"
    if not np.isnan(corrected):
        evidence += f", corrected p = {corrected:.3f}"
    return Claim(claim, verdict, evidence)


def judge_seeds(claim: str, values: pd.Series, lowest: float, highest: float) -> Claim:
    """Judge a claim that a number lies from `lowest` to `highest` by its values, one per seed.

    It holds where it does in every seed, does not where it does in none, else it cannot be told.
    """
    inside = values.between(lowest, highest)
    verdict = HOLDS if inside.all() else OPEN if inside.any() else FAILS
    return Claim(claim, verdict, "by seed: " + ", ".join(f"{value:g}" for value in values))


def list_claims(*claims: Claim) -> pd.DataFrame:
    """Tabulate claims, one a row, indexed by `claim`."""
    return pd.DataFrame([asdict(claim) for claim in claims]).set_index("claim")
