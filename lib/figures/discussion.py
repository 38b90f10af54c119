"""Figures of the discussion: what makes people hard, and people on whom two arms disagree."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lib.figures.language import comma, text
from lib.figures.pictures import show_person, write_caption
from lib.figures.style import COLOURS, GREEN, RED, TWO_COLUMNS
from lib.profiles import Profile

SHARES = ("hidden joints",)  # factors between 0 and 1 that are read as percent


def draw_factors(accuracies: pd.DataFrame, language: str) -> Figure:
    """Show each arm's exact match against each factor, one panel a factor, from `accuracy_by_factor`."""
    names = list(accuracies.index.unique("factor"))
    figure, axes = plt.subplots(
        1, len(names), figsize=(TWO_COLUMNS, 2.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, name in zip(axes[0], names, strict=True):
        rows = accuracies.loc[name]
        _draw_arms(axis, rows, language)
        axis.set(xlabel=text(name, language), ylim=(0, None))
        axis.margins(x=0.12)
        axis.grid()
        axis.set_axisbelow(True)
        if name in SHARES:
            axis.xaxis.set_major_formatter(PercentFormatter(1, 0))
        if set(rows["value"]) == {0, 1}:
            axis.set(
                xticks=[0, 1], xticklabels=[text(word, language) for word in ("no", "yes")], xlim=(-0.5, 1.5)
            )
    axes[0, 0].set_ylabel(text("exact match on test, %", language))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(COLOURS))
    return figure


def _draw_arms(axis: Axes, rows: pd.DataFrame, language: str) -> None:
    """Draw each arm's accuracy with its interval by the `value` of a factor, side by side."""
    for number, arm in enumerate(rows.index.unique("arm")):
        one = rows.loc[[arm]]
        shift = (number - 0.5) * 0.02 * np.ptp(rows["value"])
        axis.errorbar(
            one["value"] + shift,
            one["exact"],
            [one["exact"] - one["low"], one["high"] - one["exact"]],
            fmt="o-",
            markersize=3.5,
            linewidth=1,
            color=COLOURS[number],
            label=text(arm, language),
        )


def draw_answers(
    people: pd.DataFrame,
    poses: pd.DataFrame,
    answers: Mapping[str, pd.DataFrame],
    profile: Profile,
    verbs: Sequence[str],
    language: str,
) -> Figure:
    """Show people, eight at most, with box and skeleton; below what each arm names, green where all is right.

    `answers` holds one table of booleans per arm, indexed by `ann_id`, one column per verb.
    """
    figure, axes = plt.subplots(2, 4, figsize=(TWO_COLUMNS, 5.2))
    for axis in axes.flat:
        axis.axis("off")
    for axis, (ann_id, person) in zip(axes.flat, people.iterrows(), strict=False):
        show_person(axis, person, poses.loc[ann_id], profile)
        for line, (arm, named) in enumerate(answers.items()):
            right = (named.loc[ann_id, verbs] == person[verbs]).all()
            words = _wrapped(
                "✓" if right else "✗", arm, [verb for verb in verbs if named.loc[ann_id, verb]], language
            )
            write_caption(axis, "\n" * 4 * line + words, GREEN if right else RED)
    return figure


def _wrapped(mark: str, arm: str, verbs: Sequence[str], language: str) -> str:
    """Write an arm's name and its verbs on three lines."""
    words = [text(verb, language) for verb in verbs]
    lines = [comma(language).join(words[start : start + 2]) for start in (0, 2)]
    return "\n".join([f"{mark} {text(arm, language)}:", *lines])
