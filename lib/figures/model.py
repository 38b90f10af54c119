"""The thesis's model as a drawing (its figure 6.1), with the numbers of the model at hand."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import FancyBboxPatch

from lib.coco import BOX, KEYPOINTS, load_image
from lib.figures.language import text
from lib.figures.pictures import crop_joints, draw_skeleton, show_crop
from lib.figures.style import BLUE, ORANGE, RED, TWO_COLUMNS
from lib.profiles import Profile

HEIGHT = 2.3  # of the figure, as all lengths here in inches
UPPER, MIDDLE, LOWER = 1.85, 1.3, 0.75  # heights of CLIP's branch, of what both share, of the pose's
FROZEN, TRAINED, NUMBERS = ("#d6e7f3", BLUE), ("#fdebc8", ORANGE), ("white", "black")
ARROW = {"arrowstyle": "-|>,head_length=0.3,head_width=0.15", "shrinkA": 0, "shrinkB": 0, "fc": "black"}
ARROWS = (
    ((1.07, MIDDLE), (1.2, MIDDLE)),
    ((1.8, MIDDLE + 0.1), (1.97, UPPER)),
    ((1.8, MIDDLE - 0.1), (1.97, LOWER)),
    ((2.925, UPPER), (3.175, UPPER)),
    ((2.925, LOWER), (3.1, LOWER)),
    ((3.625, UPPER), (3.975, MIDDLE + 0.1)),
    ((3.7, LOWER), (3.975, MIDDLE - 0.1)),
    ((4.425, MIDDLE), (4.725, MIDDLE)),
    ((5.275, MIDDLE), (5.475, MIDDLE)),
    ((6.025, MIDDLE), (6.225, MIDDLE)),
)


def draw_model(
    person: pd.Series,
    pose: pd.Series,
    profile: Profile,
    language: str,
    *,
    networks: tuple[str, str],
    clip: int,
    hidden: int,
    verbs: int,
) -> Figure:
    """Draw the model with CLIP and pose: a person's crop, two frozen networks, the layers that are trained.

    `person` and `pose` are that person's rows. `networks` names CLIP and the pose network; `clip`, `hidden`
    and `verbs` are how many numbers CLIP, each hidden layer and the last layer give.
    """
    whole = ConstrainedLayoutEngine(w_pad=0, h_pad=0)  # the page is the whole figure
    figure, page = plt.subplots(figsize=(TWO_COLUMNS, HEIGHT), layout=whole)
    page.set(xlim=(0, TWO_COLUMNS), ylim=(0, HEIGHT))
    page.axis("off")
    _draw_pictures(page, person, pose, profile)
    frozen = [f"{network}\n({text('frozen', language)})" for network in networks]
    _draw_boxes(page, frozen, clip, hidden, verbs)
    notes = [
        (0.55, 0.6, "image"),
        (1.5, 0.6, "person's crop"),
        (3.4, 0.2, f"{len(KEYPOINTS)} × 3 = {3 * len(KEYPOINTS)}"),
        (4.2, 0.95, "concatenated"),
        (5.75, 1.9, "trained"),
        (6.5, 0.95, "a logit per verb"),
    ]
    for x, y, words in notes:
        page.text(x, y, text(words, language), ha="center", va="top", fontsize=7)
    for start, end in ARROWS:
        page.annotate("", end, start, arrowprops=ARROW)
    return figure


def _draw_boxes(page: Axes, frozen: Sequence[str], clip: int, hidden: int, verbs: int) -> None:
    """Draw the networks, what they give, and the layers."""
    for height, network in zip((UPPER, LOWER), frozen, strict=True):
        _draw_box(page, 2.45, height, 0.95, network, FROZEN)
    _draw_box(page, 3.4, UPPER, 0.45, f"{clip}", NUMBERS)
    _draw_box(page, 4.2, MIDDLE, 0.45, f"{clip + 3 * len(KEYPOINTS)}", NUMBERS)
    for x in (5.0, 5.75):
        _draw_box(page, x, MIDDLE, 0.55, f"Linear\n{hidden}\nReLU", TRAINED)
    _draw_box(page, 6.5, MIDDLE, 0.55, f"Linear\n{verbs}", TRAINED)
    page.plot([4.73, 6.77], [1.72, 1.72], color=TRAINED[1], linewidth=0.8)


def _draw_pictures(page: Axes, person: pd.Series, pose: pd.Series, profile: Profile) -> None:
    """Show the image with the person's box, the crop, and the crop with the skeleton."""
    image = _add_picture(page, 0.55, MIDDLE, 1.0, 1.3)
    image.imshow(load_image(profile.image_path(person["split"], person["file_name"])))
    x, y, w, h = person[BOX]
    image.add_patch(plt.Rectangle((x, y), w, h, fill=False, edgecolor=RED, linewidth=1.2))
    show_crop(_add_picture(page, 1.5, MIDDLE, 0.6, 1.3), person, profile)
    skeleton = _add_picture(page, 3.4, LOWER, 0.6, 1.0)
    show_crop(skeleton, person, profile)
    draw_skeleton(skeleton, crop_joints(pose), width=0.8)


def _add_picture(page: Axes, x: float, y: float, w: float, h: float) -> Axes:
    """Add axes for a picture of at most w by h with its middle at x, y."""
    axis = page.inset_axes((x - w / 2, y - h / 2, w, h), transform=page.transData)
    axis.axis("off")
    return axis


def _draw_box(page: Axes, x: float, y: float, w: float, words: str, colours: tuple[str, str]) -> None:
    h = 0.6
    shape = FancyBboxPatch(
        (x - w / 2, y - h / 2), w, h, "round,pad=0,rounding_size=0.05", fc=colours[0], ec=colours[1], lw=0.8
    )
    page.add_patch(shape)
    page.text(x, y, words, ha="center", va="center", fontsize=7, linespacing=1.3)
