"""What the bench measures, as plain rows, and how they become tables in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from lib.files import write_whole

GIB = 2**30


@dataclass(frozen=True)
class Row:
    """One thing measured, beside its literal version where it has one.

    work        how many of `unit` one run does
    ours        seconds of each round; `literal` those of the literal version, in the same rounds
    memory      GiB that a process of its own had at most; `literal_memory` where it was measured, too
    limit_rate  how many of `unit` a second `limit` allows at best
    """

    what: str
    unit: str
    work: float
    ours: list[float]
    memory: float
    literal_way: str = ""
    literal: list[float] = field(default_factory=list)
    limit: str = ""
    limit_rate: float | None = None
    literal_memory: float | None = None


@dataclass(frozen=True)
class Sample:
    """One size of a growth: so many people took so many seconds and GiB at most."""

    what: str
    people: int
    seconds: float
    memory: float


@dataclass(frozen=True)
class Estimate:
    """A measured time of one `unit`, by round, in wall and processor's seconds, and how many there are."""

    what: str
    count: float
    unit: str
    each: list[float]
    busy: list[float]


@dataclass(frozen=True)
class Size:
    """What something takes on disk, in bytes, and how that was reckoned."""

    what: str
    how: str
    bytes: float


@dataclass(frozen=True)
class Outcome:
    """All that one part measured; notes are sentences that a reader of its numbers needs."""

    rows: list[Row] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ratios(row: Row) -> np.ndarray:
    """Return the literal version's seconds over ours, round by round."""
    return np.array(row.literal) / np.array(row.ours)


def share_of_limit(row: Row) -> float:
    """Return the median rate over the rate that the machine allows."""
    return row.work / float(np.median(row.ours)) / row.limit_rate


def fit_exponent(people: Sequence[float], seconds: Sequence[float]) -> float:
    """Return the k of seconds ~ people ** k, fitted by least squares of the logarithms: 1 is linear."""
    return float(np.polyfit(np.log(people), np.log(seconds), 1)[0])


def main_table(rows: Sequence[Row]) -> pd.DataFrame:
    """Tabulate rates, ratios by round (median and range), memory, and the share of the machine's limit."""
    table = [
        {
            "what": row.what,
            "ours": say_rate(row.work, row.ours, row.unit),
            "the literal way": say_rate(row.work, row.literal, row.unit) + f": {row.literal_way}"
            if row.literal
            else "",
            "ratio": f"{say_range(ratios(row), '.1f')} ×" if row.literal else "",
            "memory, GiB": say_memory(row),
            "of the limit": f"{share_of_limit(row):.1%} of {row.limit}" if row.limit_rate else "",
        }
        for row in rows
    ]
    return pd.DataFrame(table)


def growth_table(samples: Sequence[Sample]) -> pd.DataFrame:
    """Tabulate seconds and memory by number of people, and the exponent of each thing that grows."""
    table = []
    for what in dict.fromkeys(sample.what for sample in samples):
        sizes = [sample for sample in samples if sample.what == what]
        exponent = fit_exponent([one.people for one in sizes], [one.seconds for one in sizes])
        table += [
            {
                "what": what if number == 0 else "",
                "people": f"{one.people:,}",
                "seconds": f"{one.seconds:.3g}",
                "ms a person": f"{1000 * one.seconds / one.people:.3g}",
                "memory, GiB": f"{one.memory:.2f}",
                "exponent": f"{exponent:.2f}" if number == 0 else "",
            }
            for number, one in enumerate(sizes)
        ]
    return pd.DataFrame(table)


def estimate_table(estimates: Sequence[Estimate]) -> pd.DataFrame:
    """Tabulate count times measured time, with the range that the rounds span."""
    table = [
        {
            "what": one.what,
            "how many": f"{one.count:,.1f}".removesuffix(".0") + f" {one.unit}",
            "each": say_seconds(float(np.median(one.each))),
            "in all": say_seconds(one.count * float(np.median(one.each))),
            "from": say_seconds(one.count * min(one.each)),
            "to": say_seconds(one.count * max(one.each)),
            "processor": say_seconds(one.count * float(np.median(one.busy))),
        }
        for one in estimates
    ]
    return pd.DataFrame(table)


def size_table(sizes: Sequence[Size]) -> pd.DataFrame:
    """Tabulate what stands on disk."""
    return pd.DataFrame(
        [{"what": one.what, "how": one.how, "on disk": f"{one.bytes / 1e6:,.0f} MB"} for one in sizes]
    )


def say_rate(work: float, seconds: Sequence[float], unit: str) -> str:
    """Say the median rate, or the seconds where a run is one piece of work."""
    if not len(seconds):
        return ""
    median = float(np.median(seconds))
    return say_seconds(median) if unit == "run" else f"{work / median:.3g} {unit}/s"


def say_memory(row: Row) -> str:
    """Say our peak, and the literal version's where it was measured."""
    theirs = f" (literal {row.literal_memory:.2f})" if row.literal_memory is not None else ""
    return f"{row.memory:.2f}{theirs}"


def say_range(values: Sequence[float], form: str) -> str:
    """Say the median, and the least and the most in brackets."""
    return f"{np.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def say_seconds(seconds: float) -> str:
    """Say a time in the unit that suits it."""
    for limit, unit, name in ((0.1, 1e-3, "ms"), (100, 1, "s"), (6000, 60, "min")):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 3600:.3g} h"


def markdown(table: pd.DataFrame) -> str:
    """Write a table in Markdown, its text as it stands."""
    return table.to_markdown(index=False, disable_numparse=True)


def write_report(
    path: Path, machine: dict[str, str], outcomes: dict[str, Outcome], samples: Sequence[Sample]
) -> None:
    """Write the whole file, or nothing."""
    with write_whole(path) as temporary:
        temporary.write_text(report(machine, outcomes, samples), encoding="utf-8")


def report(machine: dict[str, str], outcomes: dict[str, Outcome], samples: Sequence[Sample]) -> str:
    """Put what was measured into one text: machine, table, growth, estimates, disk, notes."""
    rows, estimates, sizes, notes = (
        [one for outcome in outcomes.values() for one in getattr(outcome, name)]
        for name in ("rows", "estimates", "sizes", "notes")
    )
    parts = {
        "Machine": pd.DataFrame({"": machine.keys(), " ": machine.values()}),
        "Ours and the literal way": main_table(rows),
        "Growth with the number of people": growth_table(samples),
        "All of V-COCO on this machine, estimated": estimate_table(estimates),
        "All of V-COCO on disk": size_table(sizes),
    }
    text = ["# What it costs", "Written by `make bench`: one run, nothing typed in.", HOW_TO_READ]
    text += [f"## {title}\n\n{markdown(table)}" for title, table in parts.items() if len(table)]
    return "\n\n".join([*text, "## Notes", *(f"- {note}" for note in notes)]) + "\n"


HOW_TO_READ = """\
Both sides are first shown to give the same, then timed in turn, round by round; ratios are medians of
the rounds, with the lowest and the highest. Memory is the peak of a process in which only ours had run.
The limit is what this machine reached in the same run: its own matrix products, memory bandwidth
(STREAM's triad), disk and JPEG decoding, against the operations and bytes that the task needs at least.
Seconds grow as people ** exponent: 1 is linear, less says that starting has its cost. Estimates are time
measured × number, of the fastest to the slowest round."""
