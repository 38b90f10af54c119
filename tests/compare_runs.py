"""Compare the numbers of runs: `python tests/compare_runs.py FOLDER OTHER…`, each an OUTPUT_DIR, or a clone.

Of every table that the notebooks have written it says whether the bytes are equal, else by how much numbers
differ at most; the exit status is 1 where a table is missing, has other rows or columns or another text, or a
number in it differs by more than `--within`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

WRITTEN = ("people", "features/*", "results/*")
PATTERNS = (*(f"data/*/{name}.parquet" for name in WRITTEN), "figures/*/*.csv")


def main() -> int:
    """Compare every run with the first; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--within", type=float, default=0.0, help="the largest difference allowed")
    options = parser.parse_args()
    first, *others = options.folders
    wrong = not others
    for other in others:
        names = sorted(tables(first) | tables(other))
        wrong |= not names
        for name in names:
            said, difference = compare(first / name, other / name)
            wrong |= not difference <= options.within
            if said != "equal":
                print(f"{other}: {name}: {said}")
        print(f"{other}: {len(names)} tables compared with {first}")
    return int(wrong)


def tables(folder: Path) -> set[str]:
    """Name the tables of a run."""
    return {str(path.relative_to(folder)) for pattern in PATTERNS for path in folder.glob(pattern)}


def compare(path: Path, other: Path) -> tuple[str, float]:
    """Say how two tables differ, and by how much at most: NaN where it is not in numbers."""
    if not (path.exists() and other.exists()):
        return "in one run only", np.nan
    if path.read_bytes() == other.read_bytes():
        return "equal", 0.0
    one, two = read(path), read(other)
    if one.shape != two.shape or not one.columns.equals(two.columns) or not one.index.equals(two.index):
        return "other rows or columns", np.nan
    numbers = one.select_dtypes(["number", "bool"]).columns
    if not one.drop(columns=numbers).equals(two.drop(columns=numbers)):
        return "other texts", np.nan
    gaps = (one[numbers].astype(float) - two[numbers].astype(float)).abs().to_numpy()
    if (one[numbers].isna() != two[numbers].isna()).any(axis=None):
        return "other gaps", np.nan
    largest = float(np.nanmax(gaps, initial=0.0))
    return f"numbers differ by at most {largest:.3g}" if largest else "equal but for metadata", largest


def read(path: Path) -> pd.DataFrame:
    """Read a table; lists, as features are stored, as columns of their own."""
    if path.suffix == ".csv":
        return pd.read_csv(path)
    table = pd.read_parquet(path)
    lists = [name for name in table if isinstance(table[name].iloc[0], np.ndarray)]
    for name in lists:
        spread = pd.DataFrame(np.stack(table.pop(name)), index=table.index)
        table = table.join(spread.add_prefix(f"{name}_"))
    return table


if __name__ == "__main__":
    sys.exit(main())
