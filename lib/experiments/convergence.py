"""How fast an arm learns, and what it loses when it is trained on."""

import pandas as pd

from lib.experiments.results import KEYS, THESIS_SEEDS, Results
from lib.experiments.tables import in_points, right_people, thesis_table
from lib.metrics import paired_bootstrap

NEARLY = 0.95  # of the highest accuracy


def right_at_best(results: Results, people: pd.Index) -> pd.DataFrame:
    """Return who of `people` each arm matches exactly at the epoch best on them: protocol `thesis`.

    One row a person, one boolean column an arm.
    """
    (seed,) = THESIS_SEEDS
    columns = {}
    for arm, epoch in thesis_table(results.on(people))["epoch"].items():
        columns[arm] = right_people(results, "thesis", arm, people, {seed: epoch})[seed]
    return pd.DataFrame(columns)


def convergence(results: Results) -> pd.DataFrame:
    """Return when each seed is nearly at its best, when at its best, and how far it falls afterwards.

    Exact match on test. Indexed by `protocol`, `arm`, `seed`; columns: `nearly_best`, the first epoch with
    95 % of the highest accuracy; `best`, the epoch of the highest; `highest`, in percent; `fall`, the points
    from there to the last epoch.
    """
    rows = {}
    for key, history in results.history.groupby(KEYS, sort=False):
        accuracy = 100 * history.set_index("epoch")["test_exact"]
        rows[key] = {
            "nearly_best": int((accuracy >= NEARLY * accuracy.max()).idxmax()),
            "best": int(accuracy.idxmax()),
            "highest": accuracy.max(),
            "fall": accuracy.max() - accuracy.iloc[-1],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(KEYS)


def change_after_choice(results: Results, people: pd.DataFrame) -> pd.DataFrame:
    """Return how exact match changes from the epoch chosen on val to the last one, in points.

    Protocol `clean`, seeds averaged, the same people. Indexed by `arm`; columns `difference` (last less
    chosen), `low`, `high` and `p` of a paired bootstrap over images. Unlike `fall` it is no fall by choice.
    """
    rows = {}
    for arm in results.arm_names:
        chosen = right_people(results, "clean", arm, people.index)
        end = dict.fromkeys(chosen.columns, results.exact.columns[-1])
        last = right_people(results, "clean", arm, people.index, end)
        paired = paired_bootstrap(last.to_numpy(float).T, chosen.to_numpy(float).T, people["image_id"])
        rows[arm] = in_points(paired)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("arm")
