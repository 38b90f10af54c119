"""What about a person makes an arm right or wrong: pose score, hidden joints, cut boxes, size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm

from lib.coco import KEYPOINTS
from lib.experiments.judgements import accuracy_by_group
from lib.experiments.results import Results
from lib.experiments.tables import right_people
from lib.metrics import correct_holm
from lib.vcoco import find_border_contact


def describe_people(people: pd.DataFrame, scores: pd.Series, truth: pd.DataFrame) -> pd.DataFrame:
    """Return what may make a person hard: one row per person, NaN where unknown.

    `pose score`          of the estimated pose
    `hidden joints`       the share of the joints marked by COCO's annotators that they mark as hidden
    `cut by border`       1 where the box touches the image's border, else 0
    `box area, log2 px`   1 more is twice the area

    `scores` and `truth` (as `load_keypoints`) are indexed by `ann_id`.
    """
    marked = truth.loc[people.index, [f"{joint}_v" for joint in KEYPOINTS]]
    return pd.DataFrame(
        {
            "pose score": scores.loc[people.index],
            "hidden joints": (marked == 1).sum(axis="columns") / (marked > 0).sum(axis="columns"),
            "cut by border": find_border_contact(people).any(axis="columns").astype(float),
            "box area, log2 px": np.log2(people["w"] * people["h"]),
        }
    )


def accuracy_by_factor(
    results: Results,
    people: pd.DataFrame,
    factors: pd.DataFrame,
    arms: Sequence[str],
    groups: int = 4,
) -> pd.DataFrame:
    """Return each arm's exact match in groups of people of like size: quantiles of each factor.

    Protocol `clean`, seeds averaged. A factor of two values has these as groups. Indexed by `factor`, `arm`;
    columns: `exact` in percent, `low` and `high` (images resampled), `people`, the group's mean `value`.
    People for whom a factor is unknown are in none of its groups.
    """
    parts = []
    for name, values in factors.loc[people.index].items():
        known = values.dropna()
        cut = known if known.nunique() <= 2 else pd.qcut(known, groups, duplicates="drop")
        table = accuracy_by_group(results.arms(*arms), people.loc[known.index], cut.rename("group"))
        value = known.groupby(cut, observed=True).mean().rename_axis("group").rename("value")
        table = table.join(value).reset_index("group", drop=True)
        parts.append(pd.concat({name: table}, names=["factor"]))
    return pd.concat(parts)


def regress(values: pd.Series, factors: pd.DataFrame, image_ids: pd.Series) -> pd.DataFrame:
    """Regress one value per person on all factors at once, each in units of its standard deviation.

    Ordinary least squares with errors clustered by image (statsmodels; Cameron & Miller 2015). Indexed by
    `factor`; columns: the `effect` of one standard deviation, other factors held, its 95 % interval `low` and
    `high`, `p`, and `p_holm`, corrected for the number of factors. People with an unknown factor are left
    out; a factor without spread among the others has NaN.
    """
    known = factors.loc[values.index].dropna()
    varied = known.loc[:, known.std() > 0]
    design = sm.add_constant((varied - varied.mean()) / varied.std())
    clusters = pd.factorize(image_ids[known.index])[0]
    fitted = sm.OLS(values[known.index].astype(float), design).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )
    table = pd.concat([fitted.params, fitted.conf_int(), fitted.pvalues], axis="columns")
    table = table.set_axis(["effect", "low", "high", "p"], axis="columns").reindex(factors.columns)
    return table.assign(p_holm=correct_holm(table["p"])).rename_axis("factor")


def explain_gain(
    results: Results, people: pd.DataFrame, factors: pd.DataFrame, first: str, second: str
) -> pd.DataFrame:
    """Regress exact match, in points, on the factors: of each arm, and of `first` less `second`.

    Protocol `clean`, seeds averaged; the same people in all three. Indexed by `outcome`, `factor`, as
    `regress`.
    """
    a, b = (
        100 * right_people(results, "clean", arm, people.index).mean(axis="columns")
        for arm in (first, second)
    )
    outcomes = {second: b, first: a, f"{first} - {second}": a - b}
    tables = {name: regress(values, factors, people["image_id"]) for name, values in outcomes.items()}
    return pd.concat(tables, names=["outcome"])
