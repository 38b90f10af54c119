"""People to look at: those on whom two arms disagree, with what each arm says; those of like features."""

from collections.abc import Sequence

import pandas as pd
from sklearn.neighbors import NearestNeighbors

from lib.experiments.results import Results
from lib.experiments.tables import clean_logits, right_people
from lib.metrics import predict_true_k


def find_disagreements(
    results: Results, people: pd.DataFrame, verbs: Sequence[str], first: str, second: str, count: int
) -> pd.DataFrame:
    """Choose people whom one arm matches exactly with more seeds than the other: `count` for either arm.

    Protocol `clean`. Indexed by `ann_id`; the column `right` names the arm. The most decided come first, then
    the smaller ann_id; no image and no set of verbs comes twice for an arm.
    """
    arms = (first, second)
    hits = {arm: right_people(results, "clean", arm, people.index).mean(axis="columns") for arm in arms}
    chosen = []
    for arm, other in (arms, arms[::-1]):
        lead = (hits[arm] - hits[other]).rename("lead")
        table = people.assign(lead=lead)[lead > 0].sort_index()
        table = table.sort_values("lead", ascending=False, kind="stable")
        table = table.drop_duplicates(list(verbs)).drop_duplicates("image_id")
        chosen.append(pd.DataFrame({"right": arm}, index=table.index[:count]))
    return pd.concat(chosen)


def answers(results: Results, arm: str, people: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return the K verbs with the largest logits, averaged over an arm's seeds: booleans by `ann_id`.

    Protocol `clean`; K is the true number.
    """
    mean = clean_logits(results, arm, people.index, verbs).mean(axis=0)
    named = predict_true_k(mean, people[list(verbs)].to_numpy())
    return pd.DataFrame(named, people.index, list(verbs))


def find_neighbours(queries: pd.DataFrame, features: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return whose features have the smallest angles to each query's: ann_ids, the nearest in the column 0.

    `queries` and `features` are (n, dim) and (m, dim) without missing numbers, by `ann_id`; rows are the
    queries', columns `count`, fewer where there are no more people.
    """
    search = NearestNeighbors(n_neighbors=min(count, len(features)), metric="cosine").fit(features)
    nearest = search.kneighbors(queries, return_distance=False)
    return pd.DataFrame(features.index.to_numpy()[nearest], index=queries.index)
