"""Claims: what published counts can bear, and which verdicts intervals and seeds allow."""

import json

import numpy as np
import pandas as pd
import pytest

from lib import experiments
from lib.metrics import mcnemar, mcnemar_bounds

# --- What published counts can bear


@pytest.mark.parametrize(("people", "a", "b"), [(50, 7, 11), (12, 9, 8), (6, 6, 2), (9, 0, 0), (30, 30, 30)])
def test_bounds_are_those_of_every_pairing_tried(people, a, b):
    tried = []
    for both in range(people + 1):
        if both <= min(a, b) and a + b - both <= people:
            right = np.zeros((2, people), bool)
            right[:, :both] = True
            right[0, both:a] = True
            right[1, a : a + b - both] = True
            assert (right.sum(axis=1) == [a, b]).all()
            tried.append(mcnemar(*right).p)
    assert mcnemar_bounds(people, a, b) == pytest.approx((min(tried), max(tried)))


def test_the_thesis_s_winning_verbs_cannot_be_significant_and_four_losing_ones_must_be():
    counts = pd.DataFrame(
        {
            "labels": [50, 66, 17, 626, 1557],
            "CLIP only": [7, 11, 1, 264, 813],
            "CLIP + pose": [11, 13, 2, 206, 753],
        },
        index=["ride", "walk", "work_on_computer", "hold", "all"],
    )
    table = experiments.bound_published(counts, "CLIP + pose", "CLIP only")
    assert table.loc["ride", "lowest_p"] == pytest.approx(2 * 0.5**4)
    highest = table["highest_p"].sort_values()
    corrected = np.minimum(np.maximum.accumulate(highest * np.arange(len(highest), 0, -1)), 1)  # Holm 1979
    pd.testing.assert_series_equal(table["highest_p_holm"], corrected[table.index], check_names=False)
    assert list(table["significant"]) == ["never", "never", "never", "always", "depends on the pairing"]


@pytest.mark.parametrize("hits", [(-1, 2), (2, 11)])
def test_impossible_counts_are_refused(hits):
    with pytest.raises(ValueError, match="between 0 and 10"):
        mcnemar_bounds(10, *hits)


# --- Claims


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "expected", "verdict"),
    [
        (-5, -1, None, "negative", "holds"),
        (-5, -1, None, "positive", "does not hold"),
        (-5, 1, None, "negative", "cannot be told"),
        (1, 5, 0.2, "positive", "cannot be told"),
        (1, 5, 0.01, "positive", "holds"),
        (1, 5, float("nan"), "positive", "holds"),
    ],
)
def test_a_claim_holds_only_where_the_whole_interval_agrees(low, high, p_holm, expected, verdict):
    fields = {"difference": (low + high) / 2, "low": low, "high": high}
    claim = experiments.judge_difference(
        "x", fields | ({} if p_holm is None else {"p_holm": p_holm}), expected
    )
    assert claim.verdict == verdict


def test_claims_of_seeds_need_all_or_none():
    verdicts = [experiments.judge_seeds("x", pd.Series(v), 1, 5).verdict for v in ([1, 5], [1, 6], [6, 7])]
    assert verdicts == ["holds", "cannot be told", "does not hold"]
    with pytest.raises(ValueError, match="positive"):
        experiments.judge_difference("x", {"difference": 0, "low": 0, "high": 0}, "lower")
    claims = experiments.list_claims(experiments.Claim("a", "holds", "b"))
    assert json.loads(claims.to_json()) == {"verdict": {"a": "holds"}, "evidence": {"a": "b"}}
