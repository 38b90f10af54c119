"""The document of all figures and tables: every caption is there, and LaTeX compiles it without complaint."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest

from lib import figures
from lib.figures.captions import FIGURES, TABLES
from lib.figures.thesis import NUMBERED
from lib.profiles import ROOT
from lib.vcoco import VERBS

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
NUMBERS = {path.name[:2] for path in NOTEBOOKS}


def calls(function: str) -> list[ast.Call]:
    """List the calls of `figures.<function>` in all notebooks."""
    cells = [cell for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells]
    trees = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in nodes if ast.unparse(node.func) == f"figures.{function}"]


def literal(node: ast.expr) -> str:
    """Return a string as it stands in the code; of an f-string what is fixed."""
    parts = getattr(node, "values", [node])
    return "".join(part.value for part in parts if isinstance(part, ast.Constant))


# --- What notebooks save has captions


def test_every_table_of_the_notebooks_has_captions_of_the_same_protocol():
    for call in calls("save_table"):
        name, caption, language = literal(call.args[2]), literal(call.args[3]), call.args[4]
        assert ast.unparse(language) == "LANGUAGE", name
        assert name in TABLES, f"{name}: add its Japanese caption to lib/figures/captions.py"
        assert caption.endswith(".")
        assert re.findall(r"protocol (\w+)", caption.lower()) == re.findall(
            r"プロトコル([a-z]+)", TABLES[name]
        )
        assert re.findall(r"[Ee]xperiment (\d)", caption) == re.findall(r"実験(\d)", TABLES[name])


def test_every_figure_of_the_notebooks_has_captions_and_a_profile():
    for call in calls("save_figure"):
        name = literal(call.args[2])
        assert name in FIGURES, f"{name}: add its captions to lib/figures/captions.py"
        assert [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg is None] == ["about"]
    for path in NOTEBOOKS:
        assert '"profile": profile.name' in "".join(
            cell.source for cell in nbformat.read(path, as_version=4).cells
        )


def test_no_caption_is_left_over():
    for captions, function in ((FIGURES, "save_figure"), (TABLES, "save_table")):
        saved = {literal(call.args[2]) for call in calls(function)}
        assert {name for name in captions if name[:2] in NUMBERS} <= saved


def test_captions_are_english_and_japanese():
    for english, japanese in FIGURES.values():
        assert english.isascii()
        assert english.endswith(".")
        assert japanese.endswith("。")
        assert re.findall(r"protocol (\w+)", english) == re.findall(r"プロトコル([a-z]+)", japanese)
    assert all(caption.endswith("。") for caption in TABLES.values())


# --- The document


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "sample"


@pytest.fixture(params=["en", "ja"])
def language(request):
    figures.use_style(request.param)
    yield request.param
    plt.close("all")


def save_figures(folder: Path) -> None:
    """Save figures of both widths under some of the names."""
    names = [name for kind, _, name in NUMBERED if kind == "figure"]
    for width, copies in ((figures.TWO_COLUMNS, [*names, "01_boxes"]), (figures.ONE_COLUMN, ["02_scores"])):
        figure, _ = plt.subplots(figsize=(width, 1))
        pdf, _ = figures.save_figure(figure, folder, copies[0], profile="sample")
        for name in copies[1:]:
            shutil.copy(pdf, folder / f"{name}.pdf")


def save_tables(folder: Path, language: str) -> None:
    """Save tables that are long, wide, grouped, and full of special characters."""
    counts = pd.read_csv(ROOT / "data/thesis/table_7_1.csv", index_col="verb").reindex(list(VERBS))
    arms = [f"CLIP + pose, {people}" for people in ("confident", "random", "everybody")]
    tests = pd.DataFrame(
        -12.345,
        pd.Index([f"{one} - {other}" for one in arms for other in arms], name="arms"),
        ["difference", "low", "high", "p", "only_first", "only_second", "mcnemar_p"],
    )
    special = r"50 % & #1 $x_{y} ~ ^ \ < > ≥ ×"
    tables = {
        "07_table_7_1": counts,
        "01_labels_per_verb": counts[["labels"]],
        "05_table_7_1_thesis": figures.compare_with_thesis(counts, "table_7_1.csv"),
        "06_tests": tests,
        "05_clean": pd.concat({"all": tests, "score >= 0.5": tests}, names=["people"]).drop(columns="p"),
        "10_learners": pd.DataFrame({special: [special]}, pd.Index(["SVM"], name=special)),
    }
    for name, table in tables.items():
        figures.save_table(table, folder, name, f"Caption of {special}.", language)


def test_the_document_names_all_there_is_once(folder):
    folder.mkdir()
    (folder / "99_user_s_own.pdf").touch()
    document = figures.save_thesis(folder, "en").read_text(encoding="utf-8")
    shown = re.findall(r"^\\(?:numbered)?(figure|table)(?:file)?(?:\{[\d.]+\})?\{(\w+)\}", document, re.M)
    assert len(shown) == len(set(shown))
    assert {name for kind, name in shown if kind == "figure"} == {*FIGURES, "99_user_s_own"}
    assert {name for kind, name in shown if kind == "table"} == set(TABLES)
    assert r"\numberedfigure{6.2}{03_accuracy_by_epoch}{03\_experiment\_1}{" in document
    assert r"\notebook{05\_experiment\_3}" in document
    assert r"\figurefile{99_user_s_own}{99\_user\_s\_own}" in document


def test_only_the_sample_is_marked_as_drawn(tmp_path):
    marked = {
        name: "(Drawn sample.)" in figures.save_thesis(tmp_path / name, "en").read_text(encoding="utf-8")
        for name in ("sample", "vcoco")
    }
    assert marked == {"sample": True, "vcoco": False}


def compile_latex(folder: Path, name: str, times: int = 1) -> tuple[str, str]:
    """Run lualatex, as often as references need; return its log and the file of references."""
    command = ["lualatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
    for _ in range(times):
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stdout[-2000:]
    log = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").replace("\n", "")
    return log, (folder / f"{name}.aux").read_text(encoding="utf-8")


def complaints(log: str) -> list[str]:
    """List what LaTeX's log complains of; boxes that are less than a point too wide are let pass."""
    words = "Missing character|undefined|multiply defined|Float too large"
    wide = [points for points in re.findall(r"Overfull .hbox .([\d.]+)pt", log) if float(points) > 1]
    return re.findall(words, log) + wide


def skip_without_latex(language: str) -> None:
    """Skip a test where LaTeX, or a package that the document needs, is not installed."""
    if not shutil.which("lualatex"):
        pytest.skip("needs lualatex: apt-get install texlive-luatex texlive-latex-recommended")
    for package in ("booktabs.sty", "float.sty", *(["ltjsarticle.cls"] if language == "ja" else [])):
        if not subprocess.run(["kpsewhich", package], capture_output=True).stdout:
            pytest.skip(f"needs {package}: apt-get install texlive-latex-recommended texlive-lang-japanese")


def test_the_document_compiles_without_complaint(folder, language):
    """Written before there is any figure, it shows them all."""
    skip_without_latex(language)
    figures.save_thesis(folder, language)
    save_figures(folder)
    save_tables(folder, language)
    log, auxiliary = compile_latex(folder, "thesis", times=2)
    assert not complaints(log)
    labels = dict(re.findall(r"\\newlabel\{(\w+:\w+)\}\{\{([^}]+)\}", auxiliary))
    numbered = {f"{kind[:3]}:{name}": number for kind, number, name in NUMBERED}
    assert {label: labels[label] for label in numbered} == numbered
    assert labels["fig:01_boxes"] == "A.1"
    assert labels.keys() > numbered.keys() | {"fig:02_scores", "tab:05_clean", "tab:06_tests"}
    caption = FIGURES["02_scores"][language == "ja"]
    assert re.sub(r"\s", "", caption) in re.sub(r"\s", "", auxiliary)


def test_tables_fit_a_thesis_of_16_cm_and_11_points(folder, language):
    skip_without_latex(language)
    save_tables(folder, language)
    kind = {"en": "article", "ja": "ltjsarticle"}[language]
    lines = [
        rf"\documentclass[a4paper,11pt]{{{kind}}}",
        r"\usepackage[text={16cm,24cm}]{geometry}",
        r"\usepackage{booktabs}",
        r"\begin{document}",
        *(rf"\input{{{path.name}}}\clearpage" for path in sorted(folder.glob("*.tex"))),
        r"\end{document}",
    ]
    (folder / "all.tex").write_text("\n".join(lines))
    assert not complaints(compile_latex(folder, "all")[0])
