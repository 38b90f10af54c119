"""Figures of notebook 02: crops and skeletons, what pose sees of whom, neighbours in CLIP's space."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lib.features.poses import CONFIDENT
from lib.figures.language import text
from lib.figures.pictures import crop_joints, draw_skeleton, show_crop, show_person, verbs_of, write_caption
from lib.figures.style import BLUE, GREEN, ONE_COLUMN, RED, SPLIT_COLOURS, TWO_COLUMNS, draw_shares
from lib.pose.keypoints import CONFIDENT_JOINT
from lib.profiles import Profile


def draw_poses(
    people: pd.DataFrame, poses: pd.DataFrame, profile: Profile, verbs: Sequence[str], language: str
) -> Figure:
    """Show crops of people, eight at most, with the box, the skeleton (the person's left blue), the score."""
    figure, axes = plt.subplots(2, 4, figsize=(TWO_COLUMNS, 4.6))
    for axis in axes.flat:
        axis.axis("off")
    for axis, (ann_id, person) in zip(axes.flat, people.iterrows(), strict=False):
        show_person(axis, person, poses.loc[ann_id], profile)
        score = poses.loc[ann_id, "score"]
        score = text("no pose", language) if np.isnan(score) else f"{score:.2f}"
        write_caption(axis, f"{score}\n{verbs_of(person, verbs, language)}")
    return figure


def draw_same_posture(
    people: pd.DataFrame,
    poses: pd.DataFrame,
    chosen: pd.DataFrame,
    profile: Profile,
    verbs: Sequence[str],
    language: str,
) -> Figure:
    """Show pairs of people, one above the other, with the joints that count and the verbs.

    `chosen` is indexed by `ann_id`, with the column `pair`, as `find_same_posture` returns it.
    """
    pairs = chosen.groupby("pair").groups
    figure, axes = plt.subplots(2, max(1, len(pairs)), figsize=(TWO_COLUMNS, 4.4), squeeze=False)
    for column, both in zip(axes.T, pairs.values(), strict=False):
        for axis, ann_id in zip(column, both, strict=True):
            show_crop(axis, people.loc[ann_id], profile)
            draw_skeleton(axis, crop_joints(poses.loc[ann_id]), CONFIDENT_JOINT)
            write_caption(axis, verbs_of(people.loc[ann_id], verbs, language, most=len(verbs)))
    for axis in axes.flat:
        axis.axis("off")
    return figure


def draw_scores(scores: pd.Series, splits: pd.Series, language: str) -> Figure:
    """Show the pose scores per split, as the share of people with a score below; the mean and 0.5 as lines.

    People without a pose (NaN) count as below everything, so the curves begin at their share.
    """
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 2.3))
    for split, colour in SPLIT_COLOURS.items():
        mine = scores[splits == split]
        axis.ecdf(mine.fillna(-1), color=colour, label=f"{text(split, language)} ({mine.mean():.2f})")
        axis.axvline(mine.mean(), color=colour, linewidth=0.8, linestyle=":")
    axis.axvline(CONFIDENT, color="black", linewidth=0.8, linestyle="--")
    axis.set(
        xlim=(0, 1),
        ylim=(0, 1),
        xlabel=text("pose score", language),
        ylabel=text("share of people with a lower score", language),
    )
    axis.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axis.grid()
    axis.legend(loc="upper left", title=text("split (mean score)", language), alignment="left")
    return figure


def draw_oks_by_score(scores: pd.Series, similarity: pd.Series, language: str) -> Figure:
    """Show OKS against score: every person, and the mean with its standard error in tenths of the score."""
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 2.3))
    bins = pd.cut(scores, np.arange(0, 1.01, 0.1))
    means = similarity.groupby(bins, observed=True).agg(["mean", "sem", "size"])
    means = means[means["size"] >= 5]
    axis.plot(scores, similarity, ".", color=BLUE, markersize=2, alpha=max(0.05, min(0.4, 150 / len(scores))))
    centres = [interval.mid for interval in means.index]
    axis.errorbar(centres, means["mean"], means["sem"], fmt="o-", color=RED, markersize=4, linewidth=1)
    axis.axvline(CONFIDENT, color="black", linewidth=0.8, linestyle="--")
    axis.set(xlim=(0, 1), ylim=(0, 1), xlabel=text("pose score", language), ylabel="OKS")
    axis.grid()
    return figure


def draw_body_parts(shares: pd.DataFrame, language: str) -> Figure:
    """Show, per verb (rows), the share of people whose body part (columns) the pose network found."""
    figure, axis = plt.subplots(figsize=(ONE_COLUMN, 5.2))
    verbs, parts = ([text(name, language) for name in names] for names in (shares.index, shares.columns))
    numbers = {"annot": shares * 100, "fmt": ".0f", "annot_kws": {"fontsize": 6}}
    draw_shares(axis, shares, verbs, parts, cbar=False, **numbers)
    axis.set(ylabel="", xlabel=text("found, % of people", language))
    axis.tick_params(axis="x", rotation=45)
    return figure


def draw_neighbours(
    people: pd.DataFrame, neighbours: pd.DataFrame, profile: Profile, verbs: Sequence[str], language: str
) -> Figure:
    """Show people (rows of `neighbours`) and, to the right, those whose features are nearest (its columns).

    `neighbours` holds ann_ids of `people`. Captions are green where a verb is shared with the first picture.
    """
    rows, columns = len(neighbours), neighbours.shape[1] + 1
    figure, axes = plt.subplots(rows, columns, figsize=(TWO_COLUMNS, 1.5 * rows), squeeze=False)
    for line, (query, nearest) in zip(axes, neighbours.iterrows(), strict=True):
        for axis, ann_id in zip(line, [query, *nearest], strict=True):
            axis.axis("off")
            show_crop(axis, people.loc[ann_id], profile)
            shared = bool((people.loc[ann_id, verbs] & people.loc[query, verbs]).any())
            colour = "black" if ann_id == query else GREEN if shared else RED
            write_caption(axis, verbs_of(people.loc[ann_id], verbs, language), colour)
    return figure
