"""The report: what its index says, that it needs no network, and that it is whole or not there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlparse

import browser
import nbformat
import papermill
import pytest
import report
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lib.profiles import ROOT, DataError, load_profile

STORED = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
CALLS_OUT = """
<script src="https://example.org/a.js"></script><script>fetch("https://example.org/b")</script>
<link rel="stylesheet" href="https://example.org/c.css"><iframe src="https://example.org/d"></iframe>
<img src="https://example.org/e.png"><img src="//example.org/f.png"><b>kept</b>
"""
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
SMALL = [
    f"# 91 · 姿勢: small & *quick*\n\nDoes 1 < 2?\n\n![remote](https://example.org/g.png) ![]({PIXEL})",
    'PROFILE = "sample"  # the default\nSEEDS = 3  # how many',
    "import ipywidgets, sys\nfrom IPython.display import HTML, Markdown\nfrom PIL import Image\n"
    "from tqdm.auto import tqdm",
    "def save_figure(image, folder, name):\n    Image.init()\n    image.save(f'{folder}/{name}.pdf')",
    "## 1. Figures & such\n\nA [link](#section-1), math $x < y$.",
    'image = Image.new("RGB", (90, 60), "teal")\nsave_figure(\n    image, FOLDER, "91_small")\nimage',
    "import pandas as pd\npd.DataFrame({'wide' * 9: [1.5], 'wider' * 9: [2], 'widest' * 9: ['x' * 40]})",
    "for step in tqdm(range(3)): pass",
    "sys.stderr.write('\\r  0%| | 0/3')\nsys.stderr.write('\\r100%|#| 3/3\\n');",
    "ipywidgets.IntSlider()",
    f"HTML('''{CALLS_OUT}''')",
    "## Findings",
    'seen = 41 + 1\nMarkdown(f"- We saw *{seen}* & more.")',
]
STOPS = ["# 92 · Stops\n\nDoes it stop?", "'shown'", "raise ValueError('<b>no</b> poses')", "'never'"]


def execute(folder: Path, name: str, sources: list[str]) -> None:
    """Run a notebook made of these sources, Markdown where they begin with #, as run.py does."""
    cells = [(new_markdown_cell if text.startswith("#") else new_code_cell)(text) for text in sources]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "commit": "abc123"})
    nbformat.write(notebook, folder / "stored.ipynb")
    executed = folder / "figures/sample/notebooks" / f"{name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    given = {"SEEDS": 5, "FOLDER": str(folder / "figures/sample")}
    papermill.execute_notebook(folder / "stored.ipynb", executed, given, progress_bar=False)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> Path:
    """A folder of figures with two executed notebooks, one of which stopped."""
    folder = tmp_path_factory.mktemp("report 日本語")
    execute(folder, "91_small", SMALL)
    with pytest.raises(papermill.PapermillExecutionError):
        execute(folder, "92_stops", STOPS)
    return folder


@pytest.fixture(scope="module")
def site(outputs, tmp_path_factory) -> Path:
    """The site as the command makes it, moved away from everything that it was made of."""
    command = [sys.executable, ROOT / "notebooks/report.py", "-p", "OUTPUT_DIR", outputs, "-p", "EPOCHS", "9"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=outputs)
    assert result.returncode == 0, result.stderr
    made = outputs / "figures/sample/report"
    assert result.stdout.strip() == f"Report: {made / 'index.html'}"
    assert sorted(path.name for path in made.parent.iterdir()) == ["91_small.pdf", "notebooks", "report"]
    return shutil.copytree(made, tmp_path_factory.mktemp("elsewhere") / "サイト 1")


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def words(tag) -> str:
    return " ".join(tag.get_text(" ").split())


def test_index_has_title_finding_figure_and_facts_of_each(site):
    articles = soup(site / "index.html").select("article")
    assert len(articles) == len(STORED) + 2
    small, stops = articles[-2:]
    assert words(small.h2) == "91 · 姿勢: small & quick"
    assert small.h2.a["href"] == "91_small.html"
    assert words(small.p) == "Does 1 < 2?"
    assert words(small.select_one(".finding")) == "We saw 42 & more."
    assert small.img["alt"] == "1. Figures & such, 91_small"
    assert (site / small.img["src"]).read_bytes().startswith(b"\x89PNG")
    facts = words(small.select_one(".facts"))
    assert re.match(r"run \d+ \w+ 20\d\d, \d\d:\d\d UTC took \d+ s commit abc123 parameters ", facts)
    assert "PROFILE sample, SEEDS 5" in facts
    assert "ValueError: <b>no</b> poses" in words(stops)
    assert not stops.select(".finding li, img")


def test_what_was_not_run_says_how_to_run_it(site):
    for article, name in zip(soup(site / "index.html").select("article"), STORED, strict=False):
        assert words(article.h2).startswith(f"{name[:2]} · ")
        assert f"make figures PROFILE=sample NOTEBOOKS={name[:2]}" in words(article)
        assert not (site / f"{name}.html").exists()


def test_pages_show_the_whole_notebook_and_link_the_files_for_print(site):
    page = soup(site / "91_small.html")
    assert words(page.title) == "91 · 姿勢: small & quick · sample"
    assert [a["href"] for a in page.select(".files a")] == ["files/91_small.pdf"]
    assert (site / "files/91_small.pdf").read_bytes().startswith(b"%PDF")
    assert [words(a) for a in page.select(".sections a")] == ["1. Figures & such", "Findings"]
    assert "image = Image.new" in page.get_text()
    assert "interactive view" in words(page), "of the slider"
    assert [words(tag) for tag in page.select(".stderr")] == ["100%|#| 3/3"], "the bar's last state only"
    assert "math $x < y$" in words(page)
    assert words(page.select_one("b:-soup-contains('kept')")) == "kept"
    assert [a.get("rel") for a in page.select(".steps a[rel]")] == [["next"], ["next"]]
    assert [a.get("rel") for a in soup(site / "92_stops.html").select(".steps a[rel]")] == [
        ["prev"],
        ["prev"],
    ]
    for name in ("index", "91_small", "92_stops"):
        assert "data are drawn" in words(soup(site / f"{name}.html"))


@pytest.mark.parametrize("width", [1200, 390])
def test_every_page_opens_from_disk_without_errors_or_requests(site, width):
    with browser.open_page(width) as page:
        noticed = browser.watch(page)
        for path in sorted(site.glob("*.html")):
            page.goto(path.as_uri())
            widths = page.evaluate("Array.from(document.images, image => image.naturalWidth)")
            assert all(widths), path.name
            assert len(widths) == {"index": 1, "91_small": 2, "92_stops": 0}[path.stem]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
            for href in page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
                link = urlparse(href)
                assert link.hostname == "example.org" or Path(unquote(link.path)).is_file(), href
                assert not link.fragment or page.locator(f'[id="{link.fragment}"]').count() == 1
    assert noticed == ([], [])


def test_a_site_is_whole_or_not_there(outputs, tmp_path):
    shutil.copytree(outputs / "figures", tmp_path / "figures")
    profile = load_profile("sample", tmp_path)
    (profile.figures / "report/stale.html").write_text("of an earlier run")
    before = {path: path.read_bytes() for path in profile.figures.rglob("*") if path.is_file()}
    broken = profile.figures / "notebooks/93_broken.ipynb"
    broken.write_text("half a noteb")
    with pytest.raises(DataError, match=r"93_broken\.ipynb: not a notebook"):
        report.write_report(profile)
    broken.unlink()
    assert {path: path.read_bytes() for path in profile.figures.rglob("*") if path.is_file()} == before
    report.write_report(profile)
    assert not (profile.figures / "report/stale.html").exists()
    assert not list(profile.figures.glob(".report-*"))


@pytest.mark.parametrize(
    "content",
    ["", "{}", '{"cells": 3}', '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}'],
)
def test_what_is_no_notebook_is_told(tmp_path, content):
    path = tmp_path / "01_broken.ipynb"
    path.write_text(content)
    with pytest.raises(
        DataError, match=r"01_broken.ipynb: not a notebook \(.+\); delete it and run `make figures`"
    ):
        report.read_notebook(path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["-p", "PROFILE", "vcoco"],
            r"vcoco/notebooks: no executed notebook; run `make figures PROFILE=vcoco` first",
        ),
        (["-p", "PROFILE", "smaple"], "choose from sample, vcoco"),
        (["-p", "LANGAUGE", "ja"], "Unknown parameter LANGAUGE; choose from "),
    ],
)
def test_wrong_input_is_told_in_one_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.setattr(sys, "argv", ["report.py", "-p", "OUTPUT_DIR", str(tmp_path), *arguments])
    assert report.main() == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", STORED)
def test_whatever_a_notebook_saves_is_known_by_its_name(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    for source in (cell.source for cell in cells if cell.cell_type == "code"):
        saved = [file for _, file in report.SAVED.findall(source)]
        assert len(saved) == len(re.findall(r"\bsave_(?:figure|table)\(", source))
        assert all(file.startswith(name[:2]) for file in saved)
