"""Figures of the experiments: accuracy by epoch (the thesis's 6.2 to 6.5), and intervals side by side."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.figures.language import text
from lib.figures.style import COLOURS, ONE_COLUMN, TWO_COLUMNS

GREY = "#777777"


def draw_curves(
    history: pd.DataFrame,
    chosen: pd.Series,
    rules: pd.DataFrame,
    thesis: Mapping[str, float],
    language: str,
) -> Figure:
    """Show the exact match on test by epoch: left the protocol `thesis`, right `clean`.

    history  as in `Results`
    chosen   the epochs that `clean` chose on val, by arm and seed: the points on the right
    rules    baselines without an image, with `exact` in percent: grey lines
    thesis   the thesis's accuracies by arm, drawn as short lines on the left; none where not comparable
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(TWO_COLUMNS, 2.7), sharey=True)
    arms = history.index.unique("arm")
    for arm, colour in zip(arms, COLOURS, strict=False):
        one = history.xs(("thesis", arm), level=["protocol", "arm"])
        accuracy = 100 * one["test_exact"].to_numpy()
        left.plot(one["epoch"], accuracy, color=colour, label=text(arm, language))
        left.plot(one["epoch"].iloc[accuracy.argmax()], accuracy.max(), "o", color=colour, markersize=4)
        if arm in thesis:
            left.plot(len(one) * np.array([0.96, 1.04]), [thesis[arm]] * 2, color=colour, linewidth=2.5)
        _draw_seeds(right, history.xs(("clean", arm), level=["protocol", "arm"]), chosen[arm], colour)
    for axis, title in ((left, "one seed, as the thesis"), (right, "all seeds, same people")):
        for accuracy in rules["exact"]:
            axis.axhline(accuracy, color=GREY, linewidth=0.7, linestyle=":")
        axis.set(xlabel=text("epoch", language), title=text(title, language), ylim=(0, None))
        axis.grid()
        axis.set_axisbelow(True)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    left.set_ylabel(text("exact match on test, %", language))
    _name_rules(right, rules["exact"], language)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(arms))
    return figure


def _draw_seeds(axis: Axes, history: pd.DataFrame, chosen: pd.Series, colour: str) -> None:
    """Draw each seed's curve thinly, their mean, and a point where val chose the epoch."""
    curves = 100 * history.reset_index().pivot_table(index="epoch", columns="seed", values="test_exact")
    axis.plot(curves, color=colour, linewidth=0.5, alpha=0.6)
    axis.plot(curves.mean(axis="columns"), color=colour)
    for seed, epoch in chosen.items():
        axis.plot(epoch, curves.loc[epoch, seed], "o", color=colour, markersize=3.5, mec="white", mew=0.4)


def _name_rules(axis: Axes, accuracies: pd.Series, language: str) -> None:
    """Write the rules' names at their lines: the highest above its own, the others below."""
    for rule, accuracy in accuracies.items():
        highest = accuracy == accuracies.max()
        axis.annotate(
            text(rule, language),
            (1, accuracy),
            (0, 1 if highest else -1),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="bottom" if highest else "top",
            color=GREY,
            fontsize=6.5,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )


def draw_intervals(table: pd.DataFrame, language: str, label: str = "exact match on test, %") -> Figure:
    """Show rows of a table as points with intervals: the first of its columns, then `low` and `high`.

    Rows may have a second level; its values get colours and a legend.
    """
    grouped = table.index.nlevels > 1
    names = table.index.unique(0) if grouped else table.index
    groups = list(table.index.unique(1)) if grouped else [None]
    row = 0.28 if len(names) < 10 else 0.17  # inches
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 0.55 + row * len(names) * max(1, 0.6 * len(groups))))
    for number, group in enumerate(groups):
        rows = table.xs(group, level=1) if grouped else table
        positions = np.array([list(names).index(name) for name in rows.index])
        offset = (number - (len(groups) - 1) / 2) * 0.22
        values = rows.iloc[:, 0]
        axis.errorbar(
            values,
            positions + offset,
            xerr=[values - rows["low"], rows["high"] - values],
            fmt="o",
            markersize=4,
            linewidth=1.2,
            color=COLOURS[number],
            label=text(group, language) if group else None,
        )
    axis.set(
        yticks=range(len(names)),
        yticklabels=[text(name, language) for name in names],
        ylim=(len(names) - 0.4, -0.6),
        xlabel=text(label, language),
    )
    axis.grid(axis="x")
    axis.set_axisbelow(True)
    if grouped:
        columns = len(groups) if len(groups) < 4 else 2
        figure.legend(loc="outside upper center", ncols=columns, handletextpad=0.1)
    if (table["low"] < 0).any():
        axis.axvline(0, color="black", linewidth=0.7)
    return figure


def draw_verdicts(table: pd.DataFrame, language: str) -> Figure:
    """Show the judged arms of a study, from `verdicts`: each one's difference to its reference in points."""
    judged = table.dropna(subset="difference")[["difference", "difference_low", "difference_high"]]
    judged = judged.set_axis(["difference", "low", "high"], axis="columns")
    return draw_intervals(judged, language, "difference, points")
