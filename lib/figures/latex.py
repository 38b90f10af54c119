"""Tables in LaTeX that fit the text of an A4 page; they need the package booktabs and nothing else."""

import textwrap
import unicodedata
from itertools import groupby, takewhile
from operator import itemgetter
from typing import NamedTuple

LONG = 20  # rows; a longer table is set as two halves side by side, where these fit
LINE = 440  # points, a little less than 16 cm, the text of an A4 page with ordinary margins
# A table is set in the first size that fits: the command, points of a digit, points on each side of a column.
SIZES = ((r"\small", 5.0, 6), (r"\footnotesize", 4.5, 4), (r"\scriptsize", 4.0, 3))
HEADING, ROW_NAME = 12, 24  # digits, beyond which headings and names of rows are broken into lines

INDENT = "   "  # of what follows in the name of a row
SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"}
SPECIAL |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
SPECIAL |= {"−": "$-$", "<": "$<$", ">": "$>$", "≥": r"$\geq$", "≤": r"$\leq$", "×": r"$\times$"}


class Printable(NamedTuple):
    """A table as text; the first `levels` cells of a row name it.

    `headings` holds, per column, those of every level from the top down, "" where there is none; `alignment`
    "l" or "r" per column.
    """

    headings: list[tuple[str, ...]]
    alignment: list[str]
    rows: list[list[str]]
    levels: int


def escape(words: str) -> str:
    """Write text so that LaTeX shows it as it is."""
    return "".join(SPECIAL.get(character, character) for character in words)


def to_latex(table: Printable, caption: str, label: str) -> str:
    """Write a table with its caption above, as small as it must be for a line of 16 cm."""
    table = _break_lines(table)
    if len(table.rows) > LONG and table.levels == 1 and _fits(_halves(table), SIZES[1]):
        table = _halves(table)
    size, _, gap = next((size for size in SIZES if _fits(table, size)), SIZES[-1])
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{{label}}}",
        rf"{size}\setlength{{\tabcolsep}}{{{gap}pt}}",
        rf"\begin{{tabular}}{{{''.join(table.alignment)}}}",
        r"\toprule",
        *_head(table),
        r"\midrule",
        *_body(table),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _break_lines(table: Printable) -> Printable:
    """Break headings that are longer than their column's cells, and long differences of two names."""
    headings = []
    for column, levels in enumerate(table.headings):
        widest = max([HEADING, *(_width(row[column]) for row in table.rows)])
        headings.append((*levels[:-1], "\n".join(textwrap.wrap(levels[-1], widest, break_long_words=False))))
    rows = [
        [cell.replace(" − ", f"\n{INDENT}− ") if _width(cell) > ROW_NAME else cell for cell in row]
        for row in table.rows
    ]
    return table._replace(headings=headings, rows=rows)


def _halves(table: Printable) -> Printable:
    """Put the second half of the rows beside the first."""
    half = (len(table.rows) + 1) // 2
    right = [*table.rows[half:], [""] * len(table.headings)]
    *first, last = table.alignment
    return table._replace(
        headings=table.headings * 2,
        alignment=[*first, last + r"@{\hspace{3em}}", *table.alignment],
        rows=[[*a, *b] for a, b in zip(table.rows[:half], right, strict=False)],
    )


def _fits(table: Printable, size: tuple[str, float, int]) -> bool:
    _, digit, gap = size
    columns = zip(*([levels[-1] for levels in table.headings], *table.rows), strict=True)
    return sum(digit * max(map(_width, cells)) + 2 * gap for cells in columns) <= LINE


def _width(words: str) -> int:
    """Return the width of the longest line in digits; a Japanese letter is as wide as two."""
    return max(sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) for line in words.split("\n"))


def _head(table: Printable) -> list[str]:
    """Write the headings, a line for every level, ruled below what spans several columns."""
    lines = []
    for level in range(len(table.headings[0]) - 1):
        cells, rules, start = [], "", 1
        for above, group in groupby(table.headings, key=itemgetter(slice(level + 1))):
            span = len(list(group))
            words = above[-1]
            cells.append(rf"\multicolumn{{{span}}}{{c}}{{{escape(words)}}}" if words else "&" * (span - 1))
            rules += rf"\cmidrule(lr){{{start}-{start + span - 1}}}" if words else ""
            start += span
        lines += [" & ".join(cells) + r" \\", rules]
    columns = zip(table.headings, table.alignment, strict=True)
    return [*lines, " & ".join(_cell(levels[-1], side[0], "b") for levels, side in columns) + r" \\"]


def _body(table: Printable) -> list[str]:
    """Write the rows; a name that stands above already is not repeated, and another one has space above."""
    lines, previous = [], None
    for row in table.rows:
        names = row[: table.levels - 1]
        same = 0
        if previous is not None:
            same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(names, previous, strict=False))))
            lines += [r"\addlinespace"] if same < len(names) else []
        cells = [""] * same + row[same:]
        columns = zip(cells, table.alignment, strict=True)
        lines.append(" & ".join(_cell(cell, side[0], "t") for cell, side in columns) + r" \\")
        previous = row
    return lines


def _cell(words: str, side: str, vertical: str) -> str:
    """Write one cell, of several lines where it is broken."""
    if "\n" not in words:
        return escape(words)
    lines = r"\\".join(map(escape, words.split("\n"))).replace(INDENT, r"\quad ")
    return rf"\begin{{tabular}}[{vertical}]{{@{{}}{side}@{{}}}}{lines}\end{{tabular}}"
