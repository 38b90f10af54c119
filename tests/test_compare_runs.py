"""Runs compared: what is equal, what differs in numbers, what in more."""

import sys

import compare_runs
import numpy as np
import pandas as pd
import pytest

TABLE = pd.DataFrame({"arm": ["a", "b"], "right": [True, False], "score": [0.5, np.nan]})


@pytest.mark.parametrize(
    ("change", "within", "status"),
    [
        (lambda table: table, 0, 0),
        (lambda table: table.assign(score=[0.75, np.nan]), 0, 1),
        (lambda table: table.assign(score=[0.75, np.nan]), 0.3, 0),
        (lambda table: table.assign(score=[0.5, 0.5]), np.inf, 1),
        (lambda table: table.assign(right=[True, True]), 0.5, 1),
        (lambda table: table.assign(right=[True, True]), 1, 0),
        (lambda table: table.assign(arm=["a", "c"]), np.inf, 1),
        (lambda table: table.iloc[:1], np.inf, 1),
        (lambda table: None, np.inf, 1),  # missing
    ],
)
@pytest.mark.parametrize("kind", ["figures/sample/03_clean.csv", "data/sample/results/03_exact.parquet"])
def test_runs_are_equal_near_or_different(tmp_path, monkeypatch, change, within, status, kind):
    for run, table in {"one": TABLE, "other": change(TABLE)}.items():
        (path := tmp_path / run / kind).parent.mkdir(parents=True)
        if table is not None:
            table.to_csv(path, index=False) if path.suffix == ".csv" else table.to_parquet(path)
    arguments = ["compare_runs.py", "--within", str(within), str(tmp_path / "one"), str(tmp_path / "other")]
    monkeypatch.setattr(sys, "argv", arguments)
    assert compare_runs.main() == status


def test_nothing_to_compare_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["compare_runs.py", str(tmp_path), str(tmp_path)])
    assert compare_runs.main() == 1


def test_lists_are_compared_number_by_number(tmp_path):
    one = pd.DataFrame({"features": [np.array([1.0, 2.0]), np.array([3.0, np.nan])]})
    one.to_parquet(tmp_path / "one.parquet")
    one["features"] = [np.array([1.0, 2.5]), np.array([3.0, np.nan])]
    one.to_parquet(tmp_path / "other.parquet")
    said = compare_runs.compare(tmp_path / "one.parquet", tmp_path / "other.parquet")
    assert said == ("numbers differ by at most 0.5", 0.5)
