"""What several figures show of a person: the crop, the skeleton, the verbs below."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lib.coco import BOX, KEYPOINTS, SKELETON, load_image
from lib.crops import cut, grow_box
from lib.features.views import POSE_GROUPS
from lib.figures.language import comma, text
from lib.figures.style import BLUE, GREEN, ORANGE
from lib.profiles import Profile

SIDE_COLOURS = {"left": BLUE, "right": ORANGE}


def show_crop(axis: Axes, person: pd.Series, profile: Profile) -> tuple[int, int]:
    """Show a person's crop; return its left and top in the image."""
    pixels = np.asarray(load_image(profile.image_path(person["split"], person["file_name"])))
    crop = grow_box(person[BOX].to_numpy(float), pixels.shape[1], pixels.shape[0])
    axis.imshow(cut(pixels, crop))
    axis.set_anchor("S")
    return int(crop[0]), int(crop[1])


def draw_box(axis: Axes, box: Sequence[float], colour: str) -> None:
    """Draw a box (x, y, w, h) in a colour, with white around the line so that any picture shows it."""
    x, y, w, h = box
    for line, width in (("white", 2.2), (colour, 1.2)):
        axis.add_patch(Rectangle((x, y), w, h, fill=False, edgecolor=line, linewidth=width))


def show_person(axis: Axes, person: pd.Series, pose: pd.Series, profile: Profile) -> None:
    """Show a person's crop with the box, dashed, and the skeleton of a row of the view `pose`."""
    left, top = show_crop(axis, person, profile)
    x, y, w, h = person[BOX].to_numpy(float) - [left, top, 0, 0]
    axis.add_patch(Rectangle((x, y), w, h, fill=False, edgecolor="white", linewidth=1, linestyle="--"))
    draw_skeleton(axis, crop_joints(pose))


def crop_joints(pose: pd.Series) -> np.ndarray:
    """Return the joints (17, 3) of a row of the view `pose`, in pixels of the crop."""
    return pose[POSE_GROUPS["crop"]].to_numpy(float).reshape(-1, 3)


def draw_skeleton(axis: Axes, joints: np.ndarray, confident: float = 0, width: float = 1.4) -> None:
    """Draw limbs and joints (17, 3) that were found and are at least so confident; the left side blue."""
    found = (joints[:, 2] > 0) & (joints[:, 2] >= confident)
    for start, end in SKELETON:
        if found[start] and found[end]:
            side = {KEYPOINTS[start].split("_")[0], KEYPOINTS[end].split("_")[0]}
            colour = SIDE_COLOURS[side.pop()] if len(side) == 1 else GREEN
            axis.plot(*joints[[start, end], :2].T, color="white", linewidth=width + 1)
            axis.plot(*joints[[start, end], :2].T, color=colour, linewidth=width)
    axis.plot(*joints[found, :2].T, "o", color="white", markersize=1.3 * width)


def write_caption(axis: Axes, words: str, colour: str = "black") -> None:
    """Write words below a picture."""
    axis.annotate(
        words,
        (0.5, 0),
        (0, -3),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=6.5,
        color=colour,
    )


def verbs_of(person: pd.Series, verbs: Sequence[str], language: str, most: int = 4) -> str:
    """Write a person's verbs, so many at most, two to a line."""
    words = [text(verb, language) for verb in verbs if person[verb]]
    words = [*words[: most - 1], "…"] if len(words) > most else words
    lines = [comma(language).join(words[i : i + 2]) for i in range(0, len(words), 2)]
    return f"{comma(language).rstrip()}\n".join(lines)


def write_lines(axis: Axes, lines: Sequence[tuple[str, str]], **look: Any) -> None:
    """Write lines of words and colours below a picture, from its left edge; `look` is matplotlib's."""
    for number, (words, colour) in enumerate(lines):
        axis.annotate(
            words,
            (0, 0),
            (0, -4 - 10 * number),
            xycoords="axes fraction",
            textcoords="offset points",
            va="top",
            color=colour,
            **{"fontsize": 7, **look},
        )
