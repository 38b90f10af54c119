"""JupyterLab as a user has it: every notebook opened, its parameters typed, run by menu and keys, looked at.

The tests go in the notebooks' order and share one folder of results, as a user's do.
"""

import ast
import hashlib
import json
import re
import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import browser
import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from lib.profiles import ROOT

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUICK = {"SEEDS": 2, "EPOCHS": 2}
VIEWER = "PredictionViewer"
OUTPUT = ".jp-OutputArea-output"
WIDGET = "application/vnd.jupyter.widget-view+json"


class Opened(NamedTuple):
    """A page of JupyterLab, and where its notebooks and their results stand."""

    page: Page
    lab: browser.Lab
    notebooks: Path
    results: Path
    noticed: browser.Noticed


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """JupyterLab on a copy of the notebooks, for it saves by itself; the stored ones stay as they are."""
    before = hashes(ROOT / "notebooks")
    folder = tmp_path_factory.mktemp("ラボ lab")
    (folder / "notebooks").mkdir()
    with (
        browser.open_page() as page,
        browser.serve_lab(folder / "notebooks", folder / "home", OMP_NUM_THREADS="1") as lab,
    ):
        yield page.context.browser, lab, folder
    assert hashes(ROOT / "notebooks") == before


@pytest.fixture
def opened(served):
    chrome, lab, folder = served
    for path in NOTEBOOKS:  # as stored: bars that an earlier test saved would lack their kernel
        shutil.copy(path, folder / "notebooks")
    page = chrome.new_page(viewport={"width": 1200, "height": 900})
    yield Opened(page, lab, folder / "notebooks", folder / "results", browser.watch(page, lab.origin))
    page.close()
    end_kernels(lab)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.ipynb")}


def open_with(opened: Opened, path: Path, **parameters: object) -> None:
    """Open a notebook and type its parameters anew, with quick ones and those given."""
    browser.open_notebook(opened.page, opened.lab, path.name)
    stored = nbformat.read(path, as_version=4).cells
    number, cell = next((n, c) for n, c in enumerate(stored) if "parameters" in c.metadata.get("tags", []))
    values = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}
    values |= QUICK | {"OUTPUT_DIR": str(opened.results)} | parameters
    source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    browser.retype(opened.page, opened.page.locator(".jp-Cell").nth(number), source)


def save(opened: Opened, path: Path) -> NotebookNode:
    """Save the notebook by the menu; return what JupyterLab wrote.

    It writes into the file itself, and keeps a copy of what stood there as `.~<name>` until it is done.
    """
    file = opened.notebooks / path.name
    copy, before = file.with_name(f".~{file.name}"), file.stat().st_mtime_ns
    browser.choose(opened.page, "File", "Save Notebook")
    while file.stat().st_mtime_ns == before or copy.exists():
        opened.page.wait_for_timeout(100)
    return nbformat.read(file, as_version=4)


def end_kernels(lab: browser.Lab) -> None:
    """Leave no kernel to the next test: it would take memory, and be taken for the notebook's own."""
    with urlopen(f"{lab.origin}api/kernels?token={lab.token}") as listing:
        kernels = [kernel["id"] for kernel in json.load(listing)]
    for kernel in kernels:
        urlopen(Request(f"{lab.origin}api/kernels/{kernel}?token={lab.token}", method="DELETE")).close()


# --- What a notebook must look like


def check(opened: Opened, notebook: NotebookNode) -> None:
    """Compare what stands in the page with the outputs that the notebook was saved with."""
    page, code = opened.page, [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source]
    outputs = [output for cell in code for output in cell.outputs]
    kinds = [kind_of(output) for output in outputs]
    assert not browser.error_outputs(page)
    assert not {"stderr", "error"} & set(kinds)
    assert all(cell.execution_count for cell in code)
    check_figures(page.locator(f"{OUTPUT} .jp-RenderedImage img, {OUTPUT}.jp-RenderedImage img"), kinds)
    check_bars(page, outputs, kinds)
    tables = page.locator(f"{OUTPUT}[data-mime-type='text/html'] table")
    expect(tables).to_have_count(kinds.count("text/html"))
    check_finding(page.locator(".jp-Cell").nth(notebook.cells.index(code[-1])).locator(OUTPUT))
    check_widths(page)
    assert not opened.noticed.errors
    assert not opened.noticed.requests


def kind_of(output: NotebookNode) -> str:
    """Return what JupyterLab shows of an output: a stream's name, "error", or the richest of its types."""
    data = output.get("data", {})
    shown = (WIDGET, "text/markdown", "text/html", "image/png", "text/plain")
    return next((kind for kind in shown if kind in data), output.get("name", output.output_type))


def check_figures(images: Locator, kinds: list[str]) -> None:
    """Scroll to each figure: it has loaded and is not blank."""
    expect(images).to_have_count(kinds.count("image/png"))
    for image in images.all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
        seen = Image.open(BytesIO(image.screenshot()))
        assert len(seen.convert("RGB").quantize(16).getcolors()) > 4
        assert min(seen.size) > 100


def check_bars(page: Page, outputs: list[NotebookNode], kinds: list[str]) -> None:
    """Progress bars are widgets, not their names in words, and have come to their end."""
    shown = [output for output, kind in zip(outputs, kinds, strict=True) if kind == WIDGET]
    expected = sum(VIEWER not in output.data["text/plain"] for output in shown)
    bars = page.locator(f"{OUTPUT} .widget-hprogress")
    expect(bars).to_have_count(expected)
    for bar in bars.all():
        expect(bar.locator(".progress-bar-success")).to_have_attribute("style", re.compile("width: 100%"))
    words = "\n".join(page.locator(OUTPUT).all_inner_texts())
    assert words.count("100%") >= expected
    assert "HBox(" not in words
    assert "Error displaying widget" not in words


def check_finding(finding: Locator) -> None:
    """The last cell is a list in words and numbers."""
    expect(finding).to_have_count(1)
    points = finding.locator("li").all_inner_texts()
    assert points
    assert any(re.search(r"\d", point) for point in points)
    assert not re.search(r"[{}$\\]|\bnan\b|\*\*", "\n".join(points))


def check_widths(page: Page) -> None:
    """Nothing is wider than its place, to be scrolled sideways, and pandas leaves nothing out."""
    wide = "one => one.scrollWidth > one.clientWidth + 1"
    outputs = page.locator(OUTPUT)
    assert not outputs.evaluate_all(f"all => all.filter({wide}).map(one => one.innerText)")
    assert not [words for words in outputs.all_inner_texts() if "..." in words]


# --- Run by the menu, in order


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_run_by_the_menu_and_looks_as_it_should(opened, path):
    open_with(opened, path)
    browser.run_all_cells(opened.page, seconds=600)
    check(opened, save(opened, path))
    if path.name.startswith("09"):
        shown = pd.read_csv(opened.results / "figures/sample/09_predictions.csv", dtype=str)
        several = shown["image"].value_counts(sort=False).idxmax()
        browser.drive_viewer(opened.page, several, list(shown["person"][shown["image"] == several]))


# --- As a user does otherwise


def test_cell_by_cell_and_after_a_restart_all_looks_the_same(opened):
    (path,) = (ROOT / "notebooks").glob("03_*.ipynb")
    open_with(opened, path)
    cells = opened.page.locator(".jp-Cell")
    number = cells.count()
    cells.first.click()
    for _ in range(number):
        opened.page.keyboard.press("Shift+Enter")
    browser.wait_until_done(opened.page)
    stepped = save(opened, path)
    assert [bool(cell.source) for cell in stepped.cells] == [True] * number + [False], "one new, empty cell"
    check(opened, stepped)
    browser.choose(opened.page, "Kernel", "Restart Kernel and Run All Cells…")
    opened.page.locator(".jp-Dialog").get_by_text("Restart", exact=True).click()
    expect(opened.page.locator(".jp-CodeCell .jp-InputPrompt").first).to_have_text("[*]:", timeout=60_000)
    browser.wait_until_done(opened.page)
    check(opened, save(opened, path))


def test_an_interrupted_training_goes_on_where_it_was(opened):
    """The first training, of several, had ended: it is not done again."""
    (path,) = (ROOT / "notebooks").glob("03_*.ipynb")
    anew = opened.results.with_name("interrupted")
    for name in ("people.parquet", "features"):
        (anew / "data/sample").mkdir(parents=True, exist_ok=True)
        (anew / "data/sample" / name).symlink_to(opened.results / "data/sample" / name)
    page, epochs = opened.page, 15
    open_with(opened, path, OUTPUT_DIR=str(anew), EPOCHS=epochs)
    browser.choose(page, "Run", "Run All Cells")
    bars = page.locator(f"{OUTPUT} .widget-hprogress")
    expect(bars.nth(1)).to_be_visible(timeout=300_000)
    browser.choose(page, "Kernel", "Interrupt Kernel")
    browser.wait_until_done(page)
    assert ["KeyboardInterrupt" in text for text in browser.error_outputs(page)] == [True]
    assert not list((anew / "data/sample/results").glob("*.parquet"))
    browser.run_all_cells(page)
    notebook = save(opened, path)
    check(opened, notebook)
    first = page.locator(OUTPUT, has=page.locator(".widget-hprogress")).first
    expect(first).to_contain_text(re.compile(rf"{epochs}/{epochs}\s*\[00:00<\?"))


def test_in_japanese_no_letter_is_missing(opened):
    """A letter that the font lacks would be a warning below the cell."""
    path, results = NOTEBOOKS[0], opened.results / "日本語"
    open_with(opened, path, LANGUAGE="ja", OUTPUT_DIR=str(results))
    browser.run_all_cells(opened.page)
    check(opened, save(opened, path))
    table = (results / "figures/sample/01_labels_per_verb.md").read_text(encoding="utf-8")
    assert re.search("[ぁ-ん]", table)


def test_make_lab_serves_the_notebooks(tmp_path):
    ready = tmp_path / "ready"
    ready.touch()  # nothing is installed: this very environment serves
    command = ["make", "-C", str(ROOT), "lab", f"BIN={Path(sys.executable).parent}", f"READY={ready}"]
    command += [f"LAB_OPTIONS={' '.join(browser.OPTIONS)}"]
    with browser.serve(command, tmp_path / "home") as lab:
        with urlopen(f"{lab.origin}lab?token={lab.token}") as page:
            assert "<title>JupyterLab</title>" in page.read().decode()
        with urlopen(f"{lab.origin}api/contents?token={lab.token}") as listing:
            names = {entry["name"] for entry in json.load(listing)["content"]}
    assert {path.name for path in NOTEBOOKS} <= names
