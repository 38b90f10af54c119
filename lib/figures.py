"""Figures and tables for print: one style, two languages, one function per recurring figure.

Every figure function takes a DataFrame and a language ("en" or "ja") and returns the Figure; `save_figure`
and `save_table` write it. Widths are those of a two-column A4 page. Colours: Okabe & Ito's, safe for
colour-blind readers.
"""

import json
import subprocess
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from lib.coco import BOX, load_image
from lib.profiles import ROOT, DataError, Profile, write_whole

ONE_COLUMN, TWO_COLUMNS = 3.4, 7.0  # inches
BLUE, ORANGE, GREEN, RED, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
SPLIT_COLOURS = {"train": BLUE, "val": GREEN, "test": ORANGE}

# fmt: off
JAPANESE = {
    "hold": "持つ", "stand": "立つ", "sit": "座る", "ride": "乗る", "walk": "歩く", "look": "見る",
    "hit": "打つ", "eat": "食べる", "jump": "跳ぶ", "lay": "横たわる", "talk_on_phone": "電話する",
    "carry": "運ぶ", "throw": "投げる", "catch": "捕る", "cut": "切る", "run": "走る",
    "work_on_computer": "パソコンを使う", "ski": "スキー", "surf": "サーフィン",
    "skateboard": "スケートボード", "smile": "笑う", "drink": "飲む", "kick": "蹴る", "point": "指差す",
    "read": "読む", "snowboard": "スノーボード",
    "train": "訓練", "val": "検証", "test": "テスト",
    "left": "左", "top": "上", "right": "右", "bottom": "下",
    "none": "なし", "labels (log scale)": "ラベル数（対数）", "verbs per person": "一人あたりの動詞数",
    "share of people": "人の割合", "box area / image area (log scale)": "枠の面積 / 画像の面積（対数）",
    "share of people with the verb below, given the verb at left":
        "左の動詞をもつ人のうち、下の動詞ももつ人の割合",
    "share of people with smaller boxes": "より小さい枠の人の割合",
    "box touches the image's border": "画像の端に接する辺",
}
# fmt: on


def use_style(language: str) -> None:
    """Set matplotlib's fonts, sizes and colours for this process, for text in "en" or "ja"."""
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
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "grid.linewidth": 0.4,
            "grid.color": "#dddddd",
            "legend.frameon": False,
            "figure.dpi": 120,
            "savefig.dpi": 220,
            "figure.constrained_layout.use": True,
            "pdf.fonttype": 42,  # text stays text
        }
    )


def text(words: str, language: str) -> str:
    """Translate a verb or a label; English verbs lose their underscores."""
    return JAPANESE.get(words, words) if language == "ja" else words.replace("_", " ")


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


def save_table(table: pd.DataFrame, folder: Path, name: str, caption: str) -> list[Path]:
    """Write a table as LaTeX (booktabs, label `tab:<name>`), CSV and Markdown."""
    label = f"tab:{name}"
    flat = table.reset_index().style.hide(axis="index")
    latex = flat.format(escape="latex", precision=2, thousands=",", na_rep="--")
    latex = latex.format_index(escape="latex", axis="columns")
    contents = {
        "tex": latex.to_latex(hrules=True, caption=caption, label=label, position_float="centering"),
        "csv": table.to_csv(),
        "md": table.to_markdown() + "\n",
    }
    for kind, content in contents.items():
        with write_whole(folder / f"{name}.{kind}") as path:
            path.write_text(content, encoding="utf-8")
    return [folder / f"{name}.{kind}" for kind in contents]


def commit() -> str:
    """Return the repository's commit, marked where files differ from it; "unknown" outside git."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def compare_with_thesis(ours: pd.DataFrame, file_name: str) -> pd.DataFrame:
    """Put our numbers beside the thesis's: columns (<column>, ours | thesis | difference).

    `file_name` is a CSV of `data/thesis/`, whose index and columns say which of our numbers are compared.
    """
    thesis = pd.read_csv(ROOT / "data" / "thesis" / file_name, index_col=0)
    ours = ours.loc[thesis.index, thesis.columns]
    parts = {"ours": ours, "thesis": thesis, "difference": ours - thesis}
    return pd.concat(parts, axis="columns").swaplevel(axis="columns")[list(thesis.columns)]


def draw_people(people: pd.DataFrame, profile: Profile, verbs: list[str], language: str) -> Figure:
    """Show the images of some people, six at most, with each person's box and verbs in one colour."""
    groups = list(people.groupby("image_id", sort=False))[:6]
    figure, axes = plt.subplots(2, 3, figsize=(TWO_COLUMNS, 4.9))
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("S")
    for axis, (_, present) in zip(axes.flat, groups, strict=False):
        first = present.iloc[0]
        axis.imshow(load_image(profile.image_path(first["split"], first["file_name"])))
        for number, ((_, person), colour) in enumerate(zip(present.iterrows(), COLOURS, strict=False)):
            x, y, w, h = person[BOX]
            axis.add_patch(plt.Rectangle((x, y), w, h, fill=False, edgecolor="white", linewidth=2.2))
            axis.add_patch(plt.Rectangle((x, y), w, h, fill=False, edgecolor=colour, linewidth=1.2))
            comma = "、" if language == "ja" else ", "
            words = comma.join(text(verb, language) for verb in verbs if person[verb])
            axis.annotate(
                words,
                (0, 0),
                (0, -4 - 10 * number),
                xycoords="axes fraction",
                textcoords="offset points",
                va="top",
                color=colour,
                fontsize=7,
                fontweight="bold" if language == "en" else "normal",
            )
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
    sns.heatmap(
        shares,
        ax=axis,
        cmap="Blues",
        vmin=0,
        vmax=1,
        square=True,
        xticklabels=names,
        yticklabels=names,
        linewidths=0.3,
        cbar_kws={"shrink": 0.7, "format": PercentFormatter(1, 0)},
    )
    axis.set_facecolor("#e6e6e6")  # the diagonal
    axis.set_xlabel(text("share of people with the verb below, given the verb at left", language))
    axis.tick_params(length=0)
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
