"""The bench's table: known ratios, exponents and estimates, and a file that is whole or absent."""

import msgspec
import nbformat
import numpy as np
import pytest
from bench import literal_metrics, studies, table
from bench.__main__ import PARTS, main
from bench.table import Estimate, Outcome, Row, Sample, Size

from lib.metrics import bootstrap_interval, exact_match, mean_average_precision, partial_match
from lib.profiles import ROOT

ROW = Row(
    "pose",
    "people",
    work=10,
    ours=[2.0, 4.0, 5.0],
    memory=1.5,
    literal_way="one by one",
    literal=[8.0, 8.0, 30.0],
    limit="matrix products",
    limit_rate=5,
    literal_memory=3,
)
OUTCOME = Outcome(
    [ROW], [Estimate("pose", 3600, "people", [1.0, 2.0, 4.0], [2.0])], [Size("features", "", 5e7)]
)
GROWTH = [Sample("training", 100 * scale, 3 * scale**1.5, 0.5) for scale in (1, 2, 4, 8)]
MACHINE = {"GPU": "no GPU at hand"}


def test_ratios_are_of_the_same_round_and_the_share_is_of_the_limits_rate():
    (row,) = table.main_table([ROW]).to_dict("records")
    assert row["ratio"] == "4.0 (2.0 to 6.0) ×"  # not 8 / 4
    assert row["ours"] == "2.5 people/s"
    assert row["the literal way"] == "1.25 people/s: one by one"
    assert row["memory, GiB"] == "1.50 (literal 3.00)"
    assert row["of the limit"] == "50.0% of matrix products"


def test_what_has_no_literal_version_or_limit_leaves_its_cells_empty():
    row = table.main_table([Row("alone", "run", 1, [90.0], 1)]).iloc[0]
    assert row.tolist() == ["alone", "90 s", "", "", "1.00", ""]


@pytest.mark.parametrize("exponent", [0, 1, 1.5, 2])
def test_exponent(exponent):
    people = np.array([100, 200, 400, 800])
    assert table.fit_exponent(people, 7 * people**exponent) == pytest.approx(exponent)


def test_growth_has_one_exponent_for_each_thing():
    linear = [Sample("loading", n, n / 10, 1) for n in (10, 20)]
    rows = table.growth_table(GROWTH + linear)
    assert rows["exponent"].tolist() == ["1.50", "", "", "", "1.00", ""]
    assert rows["people"].tolist() == ["100", "200", "400", "800", "10", "20"]
    assert rows["ms a person"].iloc[-1] == "100"


def test_estimates_are_count_times_median_and_range():
    (row,) = table.estimate_table(OUTCOME.estimates).to_dict("records")
    assert [row["each"], row["in all"], row["from"], row["to"], row["processor"]] == [
        "2 s",
        "2 h",
        "60 min",
        "4 h",
        "2 h",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 ms"), (0.05, "50 ms"), (99, "99 s"), (120, "2 min"), (7200, "2 h")]
)
def test_times_are_said_in_the_unit_that_suits_them(seconds, said):
    assert table.say_seconds(seconds) == said


def test_an_outcome_survives_its_way_between_processes():
    assert msgspec.json.decode(msgspec.json.encode(OUTCOME), type=Outcome) == OUTCOME


def test_the_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "bench.md"
    table.write_report(path, MACHINE, {"pose": OUTCOME}, GROWTH)
    written = path.read_text()
    for text in ("no GPU at hand", "4.0 (2.0 to 6.0) ×", "1.50", "2 h", "50 MB"):
        assert text in written
    broken = Outcome([Row("pose", "people", 10, [1.0, 2.0], 1, literal=[1.0, 2.0, 3.0])])
    with pytest.raises(ValueError, match="broadcast"):
        table.write_report(path, MACHINE, {"pose": broken}, [])
    assert path.read_text() == written
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_part_is_named(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["bench", "pose", "posse"])
    with pytest.raises(SystemExit):
        main()
    assert f"unknown part posse; choose from {', '.join(PARTS)}" in capsys.readouterr().err


def test_the_literal_metrics_are_ours():
    rng = np.random.default_rng(0)
    labels, image_ids = rng.random((60, 5)) < 0.4, rng.integers(20, size=60)
    logits = (labels + rng.normal(size=labels.shape)).astype(np.float32)
    exact, partial = literal_metrics.match(logits, labels)
    assert exact == exact_match(logits, labels).tolist()
    assert partial == pytest.approx(partial_match(logits, labels))
    assert literal_metrics.mean_average_precision(logits, labels) == pytest.approx(
        mean_average_precision(logits, labels)
    )
    interval = literal_metrics.bootstrap(exact, image_ids.tolist(), 50, 3)
    assert interval == pytest.approx(bootstrap_interval(exact, image_ids, resamples=50, seed=3)[1:])


def test_the_studies_are_timed_for_as_many_epochs_as_the_notebook_trains():
    cells = nbformat.read(ROOT / "notebooks/08_beyond_the_thesis.ipynb", as_version=4).cells
    (parameters,) = (cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
    assert f"\nEPOCHS = {studies.EPOCHS}  #" in parameters
