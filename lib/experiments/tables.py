"""The numbers of an experiment: the thesis's accuracies, sound ones with intervals, tests between arms."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lib.experiments.results import KEYS, Results
from lib.metrics import (
    Difference,
    Interval,
    bootstrap_interval,
    bootstrap_interval_of,
    correct_holm,
    exact_match,
    mcnemar,
    mean_average_precision,
    most_frequent_set,
    paired_bootstrap,
    partial_match,
    verb_frequency,
)

PAIRED = ["difference", "low", "high", "p"]


def in_points(paired: Difference) -> dict[str, float]:
    """Return a difference of shares and its interval in points; the p as it is."""
    return {name: value * (1 if name == "p" else 100) for name, value in paired._asdict().items()}


def thesis_table(results: Results) -> pd.DataFrame:
    """Return, per arm, the thesis's accuracy: the highest exact match on test over the epochs of one seed.

    Columns: `people` of test, `accuracy` in percent, the `epoch`, and `overfit`: the points of accuracy that
    are lost from there to the last epoch.
    """
    rows = {}
    for arm, history in results.history.xs("thesis", level="protocol").groupby("arm", sort=False):
        best = history.iloc[history["test_exact"].argmax()]
        rows[arm] = {
            "people": int(best["test_people"]),
            "accuracy": 100 * best["test_exact"],
            "epoch": int(best["epoch"]),
            "overfit": 100 * (best["test_exact"] - history["test_exact"].iloc[-1]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("arm")


def chosen_epochs(results: Results, protocol: str) -> pd.Series:
    """Return the epoch that a protocol chose, by arm and seed."""
    chosen = results.logits.xs(protocol, level="protocol")["epoch"]
    return chosen.groupby(["arm", "seed"], sort=False).first()


def test_people(results: Results, people: pd.DataFrame) -> pd.DataFrame:
    """Return those of `people` who are of test and whom `clean` measured in every arm."""
    measured = results.logits.xs("clean", level="protocol").reset_index()[["arm", "ann_id"]].drop_duplicates()
    arms = measured.groupby("ann_id")["arm"].size().reindex(people.index, fill_value=0)
    return people[(people["split"] == "test") & (arms == measured["arm"].nunique())]


def right_people(
    results: Results,
    protocol: str,
    arm: str,
    people: pd.Index,
    epochs: Mapping[int, int] | None = None,
) -> pd.DataFrame:
    """Return who of `people` is exactly matched: one row a person, one column a seed.

    At the epochs that the protocol chose, or at `epochs` by seed.
    """
    epochs = chosen_epochs(results, protocol)[arm] if epochs is None else pd.Series(epochs)
    columns = {}
    for seed, epoch in epochs.items():
        exact = results.exact.xs((protocol, arm, seed), level=KEYS)
        columns[seed] = exact.loc[people, str(epoch)]
    return pd.DataFrame(columns)


def clean_logits(results: Results, arm: str, people: pd.Index, verbs: Sequence[str]) -> np.ndarray:
    """Return an arm's logits (seeds, n, verbs) of people at the epochs chosen on val: protocol `clean`."""
    logits = results.logits.xs(("clean", arm), level=["protocol", "arm"])[list(verbs)]
    seeds = logits.index.unique("seed")
    return np.stack([logits.xs(seed, level="seed").loc[people].to_numpy() for seed in seeds])


def clean_table(results: Results, people: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return, per arm, sound numbers of the same people: means over the seeds, epochs chosen on val.

    `people` are those to count, test people complete in every arm. Columns: `people`; `exact` in percent with
    `low` and `high`, 95 % of a bootstrap over images; `seeds_sd`, the spread between seeds; `partial`; `mAP`.
    """
    rows = {}
    for arm in results.arm_names:
        right = right_people(results, "clean", arm, people.index).to_numpy(float)
        point, low, high = 100 * np.array(bootstrap_interval(right.T, people["image_id"]))
        by_seed = clean_logits(results, arm, people.index, verbs)
        labels = people[list(verbs)].to_numpy()
        rows[arm] = {
            "people": len(people),
            "exact": point,
            "low": low,
            "high": high,
            "seeds_sd": 100 * right.mean(axis=0).std(ddof=1) if right.shape[1] > 1 else np.nan,
            "partial": 100 * np.mean([partial_match(one, labels).mean() for one in by_seed]),
            "mAP": 100 * np.mean([mean_average_precision(one, labels) for one in by_seed]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("arm")


def compare_arms(results: Results, people: pd.DataFrame, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Compare pairs of arms on the same people under the protocol `clean`: the first less the second.

    Columns: `difference` of exact match in points, its 95 % interval `low` and `high` and `p`, from a paired
    bootstrap that resamples images, seeds averaged; `p_holm`, corrected for the number of pairs (Holm 1979);
    `only_first`, `only_second`, `mcnemar_p`: seed 0 alone, McNemar's exact test, which takes people of one
    image as independent.
    """
    rows = {}
    for first, second in pairs:
        a, b = (right_people(results, "clean", arm, people.index) for arm in (first, second))
        paired = paired_bootstrap(a.to_numpy(float).T, b.to_numpy(float).T, people["image_id"])
        tested = mcnemar(a[0].to_numpy(), b[0].to_numpy())
        rows[f"{first} - {second}"] = {
            **in_points(paired),
            "only_first": tested.only_a,
            "only_second": tested.only_b,
            "mcnemar_p": tested.p,
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("arms")
    table.insert(len(PAIRED), "p_holm", correct_holm(table["p"]))
    return table


def compare_groups(
    results: Results, people: pd.DataFrame, groups: pd.Series, first: str, second: str
) -> pd.DataFrame:
    """Compare two arms, as `compare_arms`, within each group of people, and the groups' differences.

    `groups` names the group of each of `people`; a categorical gives the groups' order, too, which else is
    that of the people. Two groups only have the last row, `<one> - <other>`: the first group's difference
    less the second's, with an interval from the same bootstrap, without a p.
    """
    ordered = groups.cat.categories if isinstance(groups.dtype, pd.CategoricalDtype) else groups.unique()
    parts = {
        name: compare_arms(results, people[groups == name], [(first, second)]).iloc[0][PAIRED]
        for name in ordered
        if (groups == name).any()
    }
    gain = right_people(results, "clean", first, people.index).mean(axis="columns")
    gain = 100 * (gain - right_people(results, "clean", second, people.index).mean(axis="columns")).to_numpy()
    if len(parts) == 2:
        one, other = parts
        change = contrast(gain, (groups == one).to_numpy(), people["image_id"])
        parts[f"{one} - {other}"] = pd.Series([*change, np.nan], PAIRED)
    return pd.DataFrame.from_dict(parts, orient="index").astype(float).rename_axis("people")


def contrast(values: np.ndarray, inside: np.ndarray, image_ids: ArrayLike) -> Interval:
    """Return the mean of the `values` inside a group less that of all others, and its interval over images.

    All are (n,), `inside` booleans. Both sides are drawn together, as people of one image may be on either.
    The interval is NaN where a side has people in one or two images only: see `bootstrap_interval_of`.
    """

    def difference(rows: np.ndarray) -> float:
        """Return the difference among the people drawn; NaN where a side has nobody."""
        drawn, mine = values[rows], inside[rows]
        return drawn[mine].mean() - drawn[~mine].mean() if 0 < mine.sum() < len(mine) else np.nan

    return bootstrap_interval_of(difference, image_ids)


def optimism(results: Results) -> pd.DataFrame:
    """Return what choosing the epoch on test adds, per arm: means over the seeds of `clean`, in points."""
    history = results.history.xs("clean", level="protocol").reset_index()
    chosen = chosen_epochs(results, "clean").rename("chosen").reset_index()
    at_chosen = history.merge(chosen, left_on=["arm", "seed", "epoch"], right_on=["arm", "seed", "chosen"])
    by_arm = [100 * at_chosen.groupby("arm", sort=False)["test_exact"].mean()]
    best = history.groupby(["arm", "seed"], sort=False)["test_exact"].max()
    by_arm.append(100 * best.groupby("arm", sort=False).mean())
    table = pd.concat(by_arm, axis="columns", keys=["epoch chosen on val", "epoch chosen on test"])
    return table.assign(optimism=table.iloc[:, 1] - table.iloc[:, 0])


def baselines(train: pd.DataFrame, people: pd.DataFrame, verbs: Sequence[str]) -> pd.DataFrame:
    """Return the exact match in percent, with intervals, of rules that see no image, only the true K.

    The K most frequent verbs of train; and the most frequent set of K verbs.
    """
    labels, known = people[list(verbs)].to_numpy(), train[list(verbs)].to_numpy()
    right = {
        "verb frequency": exact_match(verb_frequency(known, len(people)), labels),
        "most frequent set": (most_frequent_set(known, labels.sum(axis=1)) == labels).all(axis=1),
    }
    rows = {
        rule: 100 * np.array(bootstrap_interval(hits.astype(float), people["image_id"]))
        for rule, hits in right.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["exact", "low", "high"])
    return table.assign(people=len(people)).rename_axis("rule")
