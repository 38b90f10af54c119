"""One style for print: sizes, colours, fonts; and files that say what they were made from.

Widths are those of a two-column A4 page. Colours: Okabe & Ito's, safe for colour-blind readers.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from lib.files import write_whole
from lib.profiles import DataError, commit

ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0  # inches
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
SPLIT_COLOURS = {"train": BLUE, "val": GREEN, "test": ORANGE}


def use_style(language: str) -> None:
    """Set matplotlib's fonts, sizes and colours for this process, for text in "en" or "ja".

    Raises DataError for another language.
    """
    if language not in ("en", "ja"):
        raise DataError(f'LANGUAGE is {language!r}; choose "en" or "ja".')
    mpl.rcdefaults()
    fonts = ["DejaVu Sans"]
    if language == "ja":
        import matplotlib_fontja  # sets rcParams while it is imported, so not at the top

        matplotlib_fontja.japanize()
        fonts = [*mpl.rcParams["font.family"], *fonts]
    mpl.rcParams.update(
        {
            "font.family": fonts,
            "font.size": 8,
            "axes.titlesize": 8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.6,
            "axes.prop_cycle": cycler(color=COLOURS),
            "grid.linewidth": 0.4,
            "grid.color": "#dddddd",
            "legend.frameon": False,
            "figure.dpi": 120,
            "savefig.dpi": 220,
            "figure.constrained_layout.use": True,
            "pdf.fonttype": 42,  # text stays text
        }
    )


def draw_shares(
    axis: Axes, shares: pd.DataFrame | np.ndarray, rows: list[str], columns: list[str], **options: Any
) -> None:
    """Draw shares from 0 to 1 as a heat map with named rows and columns; `options` are seaborn's."""
    look = {"cmap": "Blues", "vmin": 0, "vmax": 1, "linewidths": 0.3}
    sns.heatmap(shares, ax=axis, xticklabels=columns, yticklabels=rows, **look, **options)
    axis.tick_params(length=0)


def save_figure(figure: Figure, folder: Path, name: str, **parameters: object) -> list[Path]:
    """Write `<name>.pdf` and `<name>.png`, whole or not at all; the metadata hold parameters and commit."""
    about = json.dumps({**parameters, "commit": commit()}, ensure_ascii=True, default=str)
    metadata = {"pdf": {"Title": name, "Subject": about, "CreationDate": None}, "png": {"Description": about}}
    paths = []
    for kind, fields in metadata.items():
        with write_whole(folder / f"{name}.{kind}") as path:
            figure.savefig(path, metadata=fields)
        paths.append(folder / f"{name}.{kind}")
    return paths
