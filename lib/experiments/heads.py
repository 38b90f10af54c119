"""Heads without training on CLIP's features: words alone, and words with the votes of labelled neighbours."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import softmax
from sklearn.preprocessing import normalize

from lib.metrics import exact_match
from lib.models.inputs import check_features

QUERIES = 1024  # whose cosines are in memory at once: 32 MB with the 8,359 people of train and val
ALPHAS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
BETAS = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)


def zero_shot(features: pd.DataFrame, prompts: np.ndarray, verbs: Sequence[str]) -> pd.DataFrame:
    """Return the cosines of people's image features (n, dim) and verbs' text features (v, dim).

    A ranking that needs no label (Radford et al. 2021); no log-odds: a threshold of 0 means nothing.
    """
    images = check_features(features, prompts.shape[1])
    return pd.DataFrame(normalize(images) @ normalize(prompts).T, features.index, list(verbs))


def cache_logits(
    features: pd.DataFrame,
    prompts: np.ndarray,
    people: pd.DataFrame,
    verbs: Sequence[str],
    *,
    alpha: float,
    beta: float,
    cached: Sequence[str] = ("train",),
) -> pd.DataFrame:
    """Return Tip-Adapter's logits of the people who are not cached: cosine + `alpha` * votes.

    features   (n, dim) of CLIP's images, one row per person of `people`
    prompts    (v, dim) of CLIP's texts
    cached     the splits whose people vote

    Training-free (Zhang et al., Tip-Adapter, ECCV 2022), for several verbs a person: see `neighbour_votes`.
    An `alpha` of 0 is zero-shot, a large one leaves the neighbours alone. Raises ValueError for missing
    numbers.
    """
    known = people["split"].isin(cached)
    asked = features.loc[people.index[~known]]
    votes = _vote(features, people[known], asked, verbs, [beta])[0]
    return zero_shot(asked, prompts, verbs) + np.float32(alpha) * votes


def tune_cache(
    features: pd.DataFrame,
    prompts: np.ndarray,
    people: pd.DataFrame,
    verbs: Sequence[str],
    alphas: Sequence[float] = ALPHAS,
    betas: Sequence[float] = BETAS,
) -> pd.DataFrame:
    """Return the share of val that is exactly matched with train cached: `alpha`, `beta`, `val_exact`.

    One row per pair, best first; of equals the smaller alpha, then beta. Arguments as of `cache_logits`.
    """
    train, val = (people[people["split"] == split] for split in ("train", "val"))
    asked, labels = features.loc[val.index], val[list(verbs)].to_numpy()
    words = zero_shot(asked, prompts, verbs).to_numpy()
    votes = _vote(features, train, asked, verbs, betas)
    rows = [
        (alpha, beta, right.mean())
        for alpha in alphas
        for beta, right in zip(betas, exact_match(words + np.float32(alpha) * votes, labels), strict=True)
    ]
    grid = pd.DataFrame(rows, columns=["alpha", "beta", "val_exact"])
    return grid.sort_values("val_exact", ascending=False, kind="stable", ignore_index=True)


def neighbour_votes(
    queries: np.ndarray, cached: np.ndarray, labels: np.ndarray, betas: Sequence[float]
) -> np.ndarray:
    """Return the share of each verb among a query's neighbours, by beta: (len(betas), n, v) float32.

    `queries` (n, dim) and `cached` (m, dim) are features, `labels` (m, v) those of the cached people, who
    count with Tip-Adapter's weights exp(-beta (1 - cosine)). These are scaled to a sum of 1, so that a verb's
    vote is a share (Nadaraya 1964, Watson 1964) and one alpha fits caches of any size.
    """
    queries, cached, labels = normalize(queries), normalize(cached), labels.astype(np.float32)
    votes = np.empty((len(betas), len(queries), labels.shape[1]), dtype=np.float32)
    for start in range(0, len(queries), QUERIES):
        rows = slice(start, start + QUERIES)
        cosines = queries[rows] @ cached.T
        for vote, beta in zip(votes, betas, strict=True):
            vote[rows] = softmax(np.float32(beta) * cosines, axis=1) @ labels
    return votes


def _vote(
    features: pd.DataFrame,
    voters: pd.DataFrame,
    asked: pd.DataFrame,
    verbs: Sequence[str],
    betas: Sequence[float],
) -> np.ndarray:
    width = features.shape[1]
    cached = check_features(features.loc[voters.index], width, "cached features")
    return neighbour_votes(check_features(asked, width), cached, voters[list(verbs)].to_numpy(), betas)
