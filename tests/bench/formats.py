"""Networks in float32 and in this machine's fastest number format, beside one literal version."""

from collections.abc import Mapping, Sequence

import torch

from bench.machine import Seconds, matmul_rate, walls
from bench.table import Estimate, Row
from lib.precision import choose_dtype


def formats() -> tuple[str, ...]:
    """Return the precisions to measure: the smaller first, as memory may stay with the process."""
    fastest = choose_dtype("auto", "cpu")
    return ("float32",) if fastest == torch.float32 else (name_of(fastest), "float32")


def name_of(dtype: torch.dtype) -> str:
    """Return a number type's name, as `precision` takes it."""
    return str(dtype).removeprefix("torch.")


def make_rows(
    what: str,
    unit: str,
    count: int,
    times: Mapping[str, Sequence[Seconds]],
    memory: Mapping[str, float],
    way: str,
    operations: float,
    decoding: float = 0,
) -> list[Row]:
    """Return a row per format.

    `times` hold the formats' rounds and those of `literal`; `operations` are those of one run, and `decoding`
    seconds that it needs besides at least.
    """
    rows = []
    for name in reversed(formats()):
        least = operations / matmul_rate(getattr(torch, name)) + decoding
        limit = f"matrix products in {name}" + (" and PIL's decoding" if decoding else "")
        ours, theirs = walls(times[name]), walls(times["literal"])
        rows.append(
            Row(f"{what}, {name}", unit, count, ours, memory[name], way, theirs, limit, count / least)
        )
    return rows


def make_estimates(
    what: str, count: int, unit: str, times: Mapping[str, Sequence[Seconds]], share: float
) -> list[Estimate]:
    """Return an estimate per format; one of `count` takes that share of a run."""
    estimates = []
    for name in reversed(formats()):
        each, busy = ([share * seconds for seconds in column] for column in zip(*times[name], strict=True))
        estimates.append(Estimate(f"{what}, {name}", count, unit, each, busy))
    return estimates
