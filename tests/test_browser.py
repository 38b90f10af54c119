"""The browser that other tests look through: it must see errors, missing images and calls to the network."""

import browser
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def test_a_page_cannot_err_or_call_out_unnoticed(tmp_path):
    page_file = tmp_path / "ページ 1.html"
    page_file.write_text(
        '<script>throw new Error("thrown"); </script><script>console.error("logged")</script>'
        '<img src="https://example.org/a.png">',
        encoding="utf-8",
    )
    with browser.open_page() as page:
        noticed = browser.watch(page)
        page.goto(page_file.as_uri())
        assert page.viewport_size["width"] == 1200
    assert noticed.requests == ["https://example.org/a.png"]
    assert any("thrown" in error for error in noticed.errors)
    assert "logged" in noticed.errors


def write_notebook(path, *sources) -> None:
    cells = [new_markdown_cell("# 題"), *map(new_code_cell, sources)]
    kernel = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


def test_jupyterlab_runs_a_notebook_and_its_errors_are_found(tmp_path):
    write_notebook(
        tmp_path / "well.ipynb", "import os\nos.environ['GIVEN']", *["7"] * 40
    )  # taller than the page
    write_notebook(tmp_path / "badly.ipynb", "import time\ntime.sleep(1)", "1 / 0", "'never'")
    with browser.open_page() as page, browser.serve_lab(tmp_path, tmp_path / "home", GIVEN="here") as lab:
        noticed = browser.watch(page, lab.origin)
        browser.open_notebook(page, lab, "well.ipynb")
        browser.run_all_cells(page)
        outputs = page.locator(".jp-OutputArea-executeResult").all_inner_texts()
        assert [text.split()[-1] for text in outputs] == ["'here'", *["7"] * 40]
        assert not browser.error_outputs(page)
        browser.open_notebook(page, lab, "badly.ipynb")
        browser.run_all_cells(page)
        assert ["ZeroDivisionError" in text for text in browser.error_outputs(page)] == [True]
        assert "never" not in page.locator(".jp-OutputArea-output").all_inner_texts()
    assert not noticed.requests
