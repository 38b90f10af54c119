"""Figures of notebook 01: who is in the data, with which verbs, in which boxes."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lib.coco import BOX, load_image
from lib.figures.language import comma, text
from lib.figures.pictures import draw_box, write_lines
from lib.figures.style import COLOURS, ONE_COLUMN, SPLIT_COLOURS, TWO_COLUMNS, draw_shares
from lib.profiles import Profile


def draw_people(people: pd.DataFrame, profile: Profile, verbs: list[str], language: str) -> Figure:
    """Show the images of some people, six at most, with each person's box and verbs in one colour.

    Of an image six people are shown: there are no more colours that everybody can tell apart.
    """
    groups = list(people.groupby("image_id", sort=False))[:6]
    figure, axes = plt.subplots(2, 3, figsize=(TWO_COLUMNS, 4.9))
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("S")
    for axis, (_, present) in zip(axes.flat, groups, strict=False):
        first = present.iloc[0]
        axis.imshow(load_image(profile.image_path(first["split"], first["file_name"])))
        lines = []
        for (_, person), colour in zip(present.iterrows(), COLOURS, strict=False):
            draw_box(axis, person[BOX], colour)
            words = comma(language).join(text(verb, language) for verb in verbs if person[verb])
            lines.append((words, colour))
        write_lines(axis, lines, fontweight="bold" if language == "en" else "normal")
    return figure


def draw_labels_per_verb(counts: pd.DataFrame, language: str) -> Figure:
    """Show the labels of each verb (rows) in each split (columns), the most frequent on top."""
    ordered = counts.sort_values(counts.columns[0])
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 4.4))
    rows = np.arange(len(ordered))
    for split, marker in zip(ordered.columns, "osD", strict=False):
        axis.plot(
            ordered[split].replace(0, np.nan),
            rows,
            marker,
            ms=3.6,
            color=SPLIT_COLOURS[split],
            label=text(split, language),
            mec="white",
            mew=0.3,
        )
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axis.set(
        yticks=rows,
        yticklabels=[text(verb, language) for verb in ordered.index],
        ylim=(-0.7, len(rows) - 0.3),
        xlabel=text("labels (log scale)", language),
    )
    axis.grid(axis="both")
    axis.set_axisbelow(True)
    axis.legend(loc="lower right", handletextpad=0.1, facecolor="white", frameon=True, edgecolor="none")
    return figure


def draw_verbs_per_person(people: pd.DataFrame, verbs: list[str], language: str) -> Figure:
    """Show how many verbs people have, per split."""
    number = people[verbs].sum(axis="columns").rename("verbs")
    shares = pd.crosstab(number, people["split"], normalize="columns")[people["split"].unique()]
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 2.0))
    width = 0.8 / len(shares.columns)
    for i, split in enumerate(shares.columns):
        axis.bar(
            shares.index + (i - (len(shares.columns) - 1) / 2) * width,
            shares[split],
            width,
            color=SPLIT_COLOURS[split],
            label=text(split, language),
        )
    axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axis.set(
        xticks=shares.index,
        xlabel=text("verbs per person", language),
        ylabel=text("share of people", language),
    )
    axis.legend()
    return figure


def draw_cooccurrence(people: pd.DataFrame, verbs: list[str], language: str) -> Figure:
    """Show which verbs go together: the share of people with the row's verb who also have the column's."""
    labels = people[verbs].to_numpy(dtype=float)
    together = labels.T @ labels
    shares = together / np.maximum(np.diag(together), 1)[:, None]
    np.fill_diagonal(shares, np.nan)
    names = [text(verb, language) for verb in verbs]
    figure, axis = plt.subplots(figsize=(TWO_COLUMNS, 5.9))
    scale = {"shrink": 0.7, "format": PercentFormatter(1, 0)}
    draw_shares(axis, shares, names, names, square=True, cbar_kws=scale)
    axis.set_facecolor("#e6e6e6")  # the diagonal
    axis.set_xlabel(text("share of people with the verb below, given the verb at left", language))
    return figure


def draw_boxes(people: pd.DataFrame, touching: pd.DataFrame, language: str) -> Figure:
    """Show box sizes (left, cumulative) and which image borders the boxes touch (right), per split."""
    area = people["w"] * people["h"] / (people["width"] * people["height"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(TWO_COLUMNS, 2.4))
    none = ~touching.any(axis="columns")
    share = touching.assign(none=none).groupby(people["split"], sort=False).mean()
    for i, (split, colour) in enumerate(SPLIT_COLOURS.items()):
        left.ecdf(area[people["split"] == split], color=colour, label=text(split, language))
        right.bar(np.arange(share.shape[1]) + (i - 1) * 0.27, share.loc[split], 0.27, color=colour)
    left.set(
        xscale="log",
        xlabel=text("box area / image area (log scale)", language),
        ylabel=text("share of people with smaller boxes", language),
    )
    left.grid()
    left.legend(loc="upper left")
    right.set(
        xlabel=text("box touches the image's border", language),
        ylabel=text("share of people", language),
        xticks=range(share.shape[1]),
        xticklabels=[text(side, language) for side in share.columns],
    )
    for axis in (left, right):
        axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
    left.xaxis.set_major_formatter(PercentFormatter(1))
    return figure
