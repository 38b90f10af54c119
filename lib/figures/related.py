"""Figures of the related systems."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lib.figures.language import text
from lib.figures.style import COLOURS, ONE_COLUMN


def draw_precision(precision: pd.DataFrame, language: str) -> Figure:
    """Show each verb's average precision in percent (rows) as one point per method (columns).

    Verbs are in the order of the last method's; one without labels has no points.
    """
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 0.9 + 0.145 * len(precision)))
    precision = precision.sort_values(precision.columns[-1], ascending=False)
    axis.hlines(range(len(precision)), precision.min(axis=1), precision.max(axis=1), color="#cccccc", lw=0.8)
    for method, colour, marker in zip(precision, COLOURS, "osD^v", strict=False):
        axis.plot(
            precision[method],
            range(len(precision)),
            marker,
            color=colour,
            markersize=3.5,
            label=text(method, language),
        )
    axis.set(
        yticks=range(len(precision)),
        yticklabels=[text(verb, language) for verb in precision.index],
        ylim=(len(precision) - 0.4, -0.6),
        xlim=(-2, 102),
        xlabel=text("average precision, %", language),
    )
    axis.tick_params(axis="y", labelsize=6.5)
    axis.grid(axis="x")
    axis.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=2, handletextpad=0.1, columnspacing=1)
    return figure
