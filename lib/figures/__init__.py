"""Figures and tables for print: one style, two languages, one function per recurring figure.

Every figure function takes DataFrames and a language ("en" or "ja") and returns the Figure; `save_figure`,
`save_table` and `save_thesis` write them.
"""

from lib.figures.discussion import draw_answers, draw_factors
from lib.figures.features import (
    draw_body_parts,
    draw_neighbours,
    draw_oks_by_score,
    draw_poses,
    draw_same_posture,
    draw_scores,
)
from lib.figures.language import JAPANESE, text
from lib.figures.model import draw_model
from lib.figures.people import (
    draw_boxes,
    draw_cooccurrence,
    draw_labels_per_verb,
    draw_people,
    draw_verbs_per_person,
)
from lib.figures.predictions import draw_predictions, draw_probabilities
from lib.figures.related import draw_precision
from lib.figures.results import draw_curves, draw_intervals, draw_verdicts
from lib.figures.style import COLOURS, ONE_COLUMN, TWO_COLUMNS, commit, save_figure, use_style
from lib.figures.tables import (
    compare_with_thesis,
    load_thesis,
    put_beside_thesis,
    save_table,
    thesis_accuracies,
)
from lib.figures.thesis import save_thesis

__all__ = [
    "COLOURS",
    "JAPANESE",
    "ONE_COLUMN",
    "TWO_COLUMNS",
    "commit",
    "compare_with_thesis",
    "draw_answers",
    "draw_body_parts",
    "draw_boxes",
    "draw_cooccurrence",
    "draw_curves",
    "draw_factors",
    "draw_intervals",
    "draw_labels_per_verb",
    "draw_model",
    "draw_neighbours",
    "draw_oks_by_score",
    "draw_people",
    "draw_poses",
    "draw_precision",
    "draw_predictions",
    "draw_probabilities",
    "draw_same_posture",
    "draw_scores",
    "draw_verbs_per_person",
    "draw_verdicts",
    "load_thesis",
    "put_beside_thesis",
    "save_figure",
    "save_table",
    "save_thesis",
    "text",
    "thesis_accuracies",
    "use_style",
]
