"""Figures of notebook 09: what a model says of people in images, beside the truth where it is known."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lib.coco import load_image
from lib.figures.language import text
from lib.figures.pictures import draw_box, draw_skeleton, write_lines
from lib.figures.style import COLOURS, ORANGE, TWO_COLUMNS, draw_shares

if TYPE_CHECKING:
    from lib.prediction import ImageResult, Person

RIGHT, WRONG = "✓", "✗"
LETTERS = {"en": 44, "ja": 30}  # of a line below a picture


def draw_predictions(
    results: Sequence["ImageResult"], truth: pd.DataFrame, verbs: Sequence[str], language: str
) -> Figure:
    """Show images, six at most, with boxes and skeletons; below, the verbs named of six people at most.

    truth  booleans, one column a verb, by `image` and `person`, of those whose verbs are known: with them, a
           verb is marked as right or wrong, and those missed follow in brackets
    """
    shown = [result for result in results if not result.failure][:6]
    figure, axes = plt.subplots(2, 3, figsize=(TWO_COLUMNS, 5.6))
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("S")
    for axis, result in zip(axes.flat, shown, strict=False):
        axis.imshow(load_image(result.image))
        lines = []
        for person, colour in zip(result.people, COLOURS, strict=False):
            _draw_person(axis, person, colour)
            true = true_verbs(truth, result.image, person.person)
            words = f"{person.person}: {_compare(person, true, verbs, language)}"
            lines += [(line, colour) for line in wrap(words, LETTERS[language])]
        write_lines(axis, lines[:8], fontsize=6.5)
    return figure


def true_verbs(truth: pd.DataFrame, image: str, person: str) -> list[str] | None:
    """Return the verbs that a person truly does, from a `truth` as of `draw_predictions`; None if unknown."""
    known = truth[truth.index == (image, person)]
    return list(known.columns[known.iloc[0]]) if len(known) else None


def _draw_person(axis: Axes, person: "Person", colour: str) -> None:
    """Draw a person's box, its name and its skeleton."""
    draw_box(axis, (person.x, person.y, person.w, person.h), colour)
    if person.keypoints:
        draw_skeleton(axis, np.array(person.keypoints))
    look = {"facecolor": colour, "edgecolor": "none", "pad": 1}
    axis.text(person.x, person.y, person.person, color="white", fontsize=6, va="bottom", bbox=look)


def _compare(person: "Person", true: list[str] | None, verbs: Sequence[str], language: str) -> str:
    """Write the verbs named, the most probable first; where the truth is known, marked, then those missed."""
    named = list(person.ranked_verbs())
    if true is None:
        words = [text(verb, language) for verb in named]
    else:
        words = [f"{text(verb, language)}{RIGHT if verb in true else WRONG}" for verb in named]
        words += [f"({text(verb, language)})" for verb in verbs if verb in true and verb not in named]
    return (", " if language == "en" else " ").join(words) or text("none", language)


def draw_probabilities(
    people: pd.DataFrame, truth: pd.DataFrame, verbs: Sequence[str], language: str
) -> Figure:
    """Show the verbs' probabilities (columns) of people (rows), 24 at most; a dot where the verb is true.

    people  as `tabulate_people` gives them
    truth   as in `draw_predictions`
    """
    shown = people.dropna(subset=list(verbs)).head(24)
    figure, axis = plt.subplots(figsize=(TWO_COLUMNS, 1.2 + 0.17 * max(3, len(shown))))
    if shown.empty:
        axis.axis("off")
        axis.text(0.5, 0.5, text("nobody was found", language), ha="center")
        return figure
    rows = [f"{Path(image).stem[-12:]} · {person}" for image, person in shown[["image", "person"]].to_numpy()]
    columns = [text(verb, language) for verb in verbs]
    draw_shares(axis, shown[list(verbs)], rows, columns, cbar_kws={"format": PercentFormatter(1, 0)})
    keys = pd.MultiIndex.from_frame(shown[["image", "person"]])
    true = truth.reindex(keys)[list(verbs)].eq(True).to_numpy()
    row, column = np.nonzero(true)
    axis.plot(column + 0.5, row + 0.5, "o", color=ORANGE, markersize=3.5, mec="white", mew=0.4)
    axis.tick_params(axis="x", rotation=90)
    axis.set(xlabel="", ylabel="")
    return figure
