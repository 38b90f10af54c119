"""Tables in the forms a thesis needs, and ours beside the thesis's."""

from pathlib import Path

import pandas as pd

from lib.profiles import ROOT, write_whole


def save_table(table: pd.DataFrame, folder: Path, name: str, caption: str) -> list[Path]:
    """Write a table as LaTeX (booktabs, label `tab:<name>`), CSV and Markdown."""
    label = f"tab:{name}"
    flat = table.reset_index().style.hide(axis="index")
    latex = flat.format(escape="latex", precision=2, thousands=",", na_rep="--")
    latex = latex.format_index(escape="latex", axis="columns")
    contents = {
        "tex": latex.to_latex(hrules=True, caption=caption, label=label, position_float="centering"),
        "csv": table.to_csv(),
        "md": _flat(table).to_markdown() + "\n",
    }
    for kind, content in contents.items():
        with write_whole(folder / f"{name}.{kind}") as path:
            path.write_text(content, encoding="utf-8")
    return [folder / f"{name}.{kind}" for kind in contents]


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Join the levels of an index or of columns, which Markdown does not have."""
    for axis in ("index", "columns"):
        names = getattr(table, axis)
        if names.nlevels > 1:
            table = table.set_axis([", ".join(map(str, name)) for name in names], axis=axis)
    return table


def compare_with_thesis(ours: pd.DataFrame, file_name: str) -> pd.DataFrame:
    """Put our numbers beside the thesis's: columns (<column>, ours | thesis | difference).

    `file_name` is a CSV of `data/thesis/`, whose index and columns say which of our numbers are compared.
    """
    thesis = load_thesis(file_name)
    ours = ours.loc[thesis.index, thesis.columns]
    parts = {"ours": ours, "thesis": thesis, "difference": ours - thesis}
    return pd.concat(parts, axis="columns").swaplevel(axis="columns")[list(thesis.columns)]


def load_thesis(file_name: str) -> pd.DataFrame:
    """Load numbers that the thesis reports, `data/thesis/<file_name>`, indexed by the first column."""
    return pd.read_csv(ROOT / "data" / "thesis" / file_name, index_col=0)
