"""Tables for print: what every number and name becomes, in both languages and three formats."""

import numpy as np
import pandas as pd
import pytest

from lib import figures
from lib.figures.captions import TABLES
from lib.figures.latex import SIZES, escape
from lib.profiles import ROOT


@pytest.fixture
def save(tmp_path):
    """Return a function that saves a table as `some`, and returns LaTeX and Markdown, the latter as cells."""

    def save_and_read(table, language="en", caption="Some."):
        figures.save_table(table, tmp_path, "some", caption, language)
        lines = (tmp_path / "some.md").read_text(encoding="utf-8").splitlines()
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return (tmp_path / "some.tex").read_text(encoding="utf-8"), [cells[0], *cells[2:]]

    return save_and_read


def test_the_csv_is_english_with_all_digits(tmp_path):
    index = pd.Index(["hold", "talk_on_phone"], name="verb")
    table = pd.DataFrame({"train": [1838, 5], "exact": [1 / 3, float("nan")]}, index)
    figures.save_table(table, tmp_path, "counts", "Counts.", "ja")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "counts.csv", index_col="verb"), table)


def test_numbers_have_the_digits_they_deserve(save):
    table = pd.DataFrame(
        {
            "people": [12345, 7],
            "exact": [47.8391, -0.001],
            "thesis": [1557, float("nan")],
            "hits": [3160.0, 3133.0],
            "evidence": ["-16.0 (-20.7 to -11.8)", "by seed"],
            "p": [0.0004, 0.05],
            "mcnemar_p": [0.001, float("nan")],
            "mixed": pd.Series([np.int64(3), 0.5], ["one", "two"], dtype=object),
            "difference": [-1643, 0],
        },
        index=pd.Index(["one", "two"], name="arm"),
    )
    latex, cells = save(table)
    assert cells[1:] == [
        [
            "one",
            "12,345",
            "47.84",
            "1,557",
            "3,160",
            "−16.0 (−20.7 to −11.8)",
            "<0.001",
            "0.001",
            "3",
            "−1,643",
        ],
        ["two", "7", "0.00", "--", "3,133", "by seed", "0.050", "--", "0.50", "0"],
    ]
    numbers = "12,345 & 47.84 & 1,557 & 3,160 & $-$16.0 ($-$20.7 to $-$11.8) & $<$0.001 & 0.001 & 3"
    assert rf"one & {numbers} & $-$1,643 \\" in latex
    assert r"\begin{tabular}{lrrrrlrrrr}" in latex


def test_latex_has_rules_caption_and_label(save):
    latex, _ = save(pd.DataFrame({"50 %": [1]}, pd.Index(["talk_on_phone"], name="verb")), caption="A, %.")
    for line in (
        r"\caption{A, \%.}",
        r"\label{tab:some}",
        r"\toprule",
        r"verb & 50 \% \\",
        r"talk on phone & 1 \\",
    ):
        assert f"\n{line}\n" in latex
    assert latex.count("{") == latex.count("}")


def test_headings_names_and_differences_are_in_the_language(save):
    index = pd.Index(["CLIP + pose - CLIP only", "CLIP only, confident - CLIP only, random"], name="arms")
    table = pd.DataFrame({"score >= 0.5": [1, 2], "only_first": [3, 4]}, index)
    _, english = save(table)
    assert english[0] == ["arms", "score ≥ 0.5", "only first right"]
    assert english[1][0] == "CLIP + pose − CLIP only"
    latex, japanese = save(table, "ja")
    assert japanese[0] == ["モデルの差", "スコア0.5以上", "前者のみ正解"]
    assert japanese[2][0] == "CLIPのみ、高スコアで訓練 − CLIPのみ、無作為で訓練"
    assert r"CLIPのみ、高スコアで訓練\\\quad $-$ CLIPのみ、無作為で訓練" in latex


def test_captions_are_japanese_where_there_is_one(tmp_path):
    table = pd.DataFrame({"train": [1]}, pd.Index(["hold"], name="verb"))
    for name, caption in (("01_labels_per_verb", TABLES["01_labels_per_verb"]), ("of_a_user", "Mine.")):
        figures.save_table(table, tmp_path, name, "Mine.", "ja")
        assert rf"\caption{{{caption}}}" in (tmp_path / f"{name}.tex").read_text(encoding="utf-8")


def test_numbers_that_name_rows_are_not_counts(save):
    _, cells = save(pd.DataFrame({"people": [1]}, pd.Index([512100], name="ann_id")))
    assert cells[1] == ["512100", "1"]


def test_levels_of_rows_are_named_once_and_set_apart(save):
    index = pd.MultiIndex.from_product([["all", "score < 0.5"], ["CLIP only", "CLIP + pose"]])
    latex, cells = save(pd.DataFrame({"exact": [1.25, 2, 3, 4]}, index.set_names(["people", "arm"])))
    body = latex.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    assert body == [
        r"all & CLIP only & 1.25 \\",
        r" & CLIP + pose & 2.00 \\",
        r"\addlinespace",
        r"score $<$ 0.5 & CLIP only & 3.00 \\",
        r" & CLIP + pose & 4.00 \\",
    ]
    assert [row[0] for row in cells[1:]] == ["all", "all", "score < 0.5", "score < 0.5"]


def test_levels_of_columns_span_what_they_head(save):
    columns = pd.MultiIndex.from_tuples([("train", "ours"), ("train", "thesis"), ("people", "")])
    latex, cells = save(pd.DataFrame([[1, 2, 3]], pd.Index(["hold"], name="verb"), columns))
    assert "\\toprule\n & \\multicolumn{2}{c}{train} &  \\\\\n\\cmidrule(lr){2-3}\n" in latex
    assert "verb & ours & thesis & people \\\\\n\\midrule" in latex
    assert cells[0] == ["verb", "train, ours", "train, thesis", "people"]


def test_long_tables_stand_in_two_halves(save):
    verbs = pd.Index([f"verb {number}" for number in range(25)], name="verb")
    latex, cells = save(pd.DataFrame({"train": range(25)}, verbs))
    body = latex.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    assert len(body) == 13
    assert body[0] == r"verb 0 & 0 & verb 13 & 13 \\"
    assert body[-1] == r"verb 12 & 12 &  &  \\"
    assert [row[1] for row in cells[1:]] == [str(number) for number in range(25)]


def test_wide_tables_are_smaller(save):
    sizes = [size for size, *_ in SIZES]
    used = [
        next(size for size in sizes if size in save(pd.DataFrame(1.25, ["a"], range(width)))[0])
        for width in (3, 15, 17)
    ]
    assert used == sizes


def test_a_table_without_rows_can_be_saved(save):
    latex, cells = save(pd.DataFrame({"train": []}, pd.Index([], name="reason")))
    assert cells == [["reason", "train"]]
    assert r"reason & train \\" in latex


def test_every_special_character_is_escaped():
    assert escape(r"50 % & #1 $ _x {y} ~ ^ \ < ≥") == (
        r"50 \% \& \#1 \$ \_x \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{} $<$ $\geq$"
    )


def test_comparison_with_the_thesis():
    thesis = pd.read_csv(ROOT / "data/thesis/table_6_1.csv", index_col="verb")
    ours = thesis.assign(val=0)
    ours.loc["hold", "test"] += 7
    comparison = figures.compare_with_thesis(ours, "table_6_1.csv")
    assert comparison.loc["hold", ("test", "difference")] == 7
    assert comparison.xs("difference", axis="columns", level=1).to_numpy().sum() == 7
    assert list(comparison.columns[:3]) == [("train", "ours"), ("train", "thesis"), ("train", "difference")]
