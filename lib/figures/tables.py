"""Tables in the forms a thesis needs, and ours beside the thesis's."""

import re
from collections.abc import Hashable
from numbers import Integral
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from lib.figures.captions import TABLES
from lib.figures.language import text
from lib.figures.latex import Printable, to_latex
from lib.files import write_whole
from lib.profiles import ROOT, Profile


def save_table(table: pd.DataFrame, folder: Path, name: str, caption: str, language: str) -> list[Path]:
    """Write a table as LaTeX (booktabs, label `tab:<name>`), Markdown and CSV.

    LaTeX and Markdown are rounded, their headings and names of rows in the language; so is LaTeX's caption,
    in Japanese that of `lib.figures.captions`. The CSV is English, with all digits.
    """
    caption = TABLES.get(name, caption) if language == "ja" else caption
    printable = _print(table, language)
    contents = {
        "tex": to_latex(printable, caption, f"tab:{name}"),
        "csv": table.to_csv(),
        "md": _to_markdown(printable),
    }
    for kind, content in contents.items():
        with write_whole(folder / f"{name}.{kind}") as path:
            path.write_text(content, encoding="utf-8")
    return [folder / f"{name}.{kind}" for kind in contents]


def _print(table: pd.DataFrame, language: str) -> Printable:
    """Write every heading and cell of a table in the language."""
    names = [table.index.get_level_values(level) for level in range(table.index.nlevels)]
    columns = [table.iloc[:, column] for column in range(table.shape[1])]
    headings = [_levels(name, table.columns.nlevels) for name in (*table.index.names, *table.columns)]
    cells = [[text(str(name), language) for name in level] for level in names]
    cells += [
        _print_column(column, heading[-1], language)
        for column, heading in zip(columns, headings[len(names) :], strict=True)
    ]
    return Printable(
        headings=[tuple(text(part, language) for part in heading) for heading in headings],
        alignment=["l" if _holds_text(column) else "r" for column in (*names, *columns)],
        rows=[list(row) for row in zip(*cells, strict=True)],
        levels=len(names),
    )


def _levels(name: Hashable, depth: int) -> tuple[str, ...]:
    """Return a column's headings from the top level down; those it lacks are "" and come first."""
    parts = [str(part) for part in (name if isinstance(name, tuple) else (name,)) if part not in (None, "")]
    return ("",) * (depth - len(parts)) + tuple(parts)


def _holds_text(column: pd.Series | pd.Index) -> bool:
    return any(isinstance(value, str) for value in column)


def _print_column(column: pd.Series, heading: str, language: str) -> list[str]:
    """Write counts whole, a p with three decimals, other numbers with two, what is missing as --."""
    known = pd.to_numeric(column, errors="coerce").dropna()
    counts = bool((known % 1 == 0).all())  # also as floats, which a missing one makes of them
    is_p = "p" in re.split(r"[_ ]", heading)
    cells = []
    for value in column:
        decimals = 3 if is_p else 0 if counts or isinstance(value, Integral) else 2
        if isinstance(value, str):
            cells.append(re.sub(r"(?<!\w)-(?=\d)", "−", text(value, language)))
        elif pd.isna(value):
            cells.append("--")
        elif is_p and value < 0.001:
            cells.append("<0.001")
        else:
            cells.append(f"{round(value, decimals) + 0:,.{decimals}f}".replace("-", "−"))
    return cells


def _to_markdown(table: Printable) -> str:
    headings = [", ".join(filter(None, levels)) for levels in table.headings]
    sides = [{"l": "left", "r": "right"}[side] for side in table.alignment]
    options = {"tablefmt": "pipe", "disable_numparse": True, "colalign": sides if table.rows else None}
    return tabulate(table.rows, headings, **options) + "\n"


def compare_with_thesis(ours: pd.DataFrame, file_name: str) -> pd.DataFrame:
    """Put our numbers beside the thesis's: columns (<column>, ours | thesis | difference).

    `file_name` is a CSV of `data/thesis/`, whose index and columns say which of our numbers are compared.
    """
    thesis = load_thesis(file_name)
    ours = ours.loc[thesis.index, thesis.columns]
    parts = {"ours": ours, "thesis": thesis, "difference": ours - thesis}
    return pd.concat(parts, axis="columns").swaplevel(axis="columns")[list(thesis.columns)]


def thesis_accuracies(profile: Profile, experiment: int) -> pd.Series:
    """Return the thesis's accuracies of an experiment in percent, by arm.

    Of real V-COCO only: of other people's pictures there is nothing to compare, and the series is empty.
    """
    accuracies = load_thesis("accuracies.csv").loc[experiment].set_index("arm")["accuracy"]
    return accuracies if profile.name == "vcoco" else accuracies.iloc[:0]


def put_beside_thesis(ours: pd.Series, thesis: pd.Series) -> pd.DataFrame:
    """Return the columns `ours`, `thesis`, `difference`; `ours` alone where `thesis` is empty."""
    table = ours.to_frame("ours")
    return table if thesis.empty else table.assign(thesis=thesis, difference=ours - thesis)


def load_thesis(file_name: str) -> pd.DataFrame:
    """Load numbers that the thesis reports, `data/thesis/<file_name>`, indexed by the first column."""
    return pd.read_csv(ROOT / "data" / "thesis" / file_name, index_col=0)
