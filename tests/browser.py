"""A real browser for tests: Chromium without a network, on files or on a JupyterLab of the test's own.

with browser.open_page() as page, browser.serve_lab(folder, home) as lab:
    noticed = browser.watch(page, lab.origin)
    browser.open_notebook(page, lab, "09_predict_your_images.ipynb")
    browser.run_all_cells(page)
    assert not browser.error_outputs(page)
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # whatever asks for a network finds none
)
OPTIONS = ("--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0")
LOCAL = ("file:", "data:", "blob:", "about:")
# All cells stand in the page, not only the visible ones; nothing pops up over the menus or asks for news.
LAB_SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
}


class Noticed(NamedTuple):
    """What a page did that a reader would not see; both lists grow while the page lives."""

    errors: list[str]  # errors on the console and uncaught exceptions
    requests: list[str]  # addresses outside the disk and the page's own server


class Lab(NamedTuple):
    """A running JupyterLab."""

    origin: str  # "http://127.0.0.1:<port>/"
    token: str


@contextmanager
def open_page(width: int = 1200, height: int = 900) -> Iterator[Page]:
    """Start Chromium and yield a page of this size in pixels; skip the test where there is no Chromium."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if chromium is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium, args=FLAGS) as chrome,
    ):
        yield chrome.new_page(viewport={"width": width, "height": height})


def watch(page: Page, origin: str = "file:") -> Noticed:
    """Note from now on every error of a page, and every request that leaves the disk and `origin`."""
    noticed = Noticed([], [])
    own = (*LOCAL, origin, origin.replace("http", "ws", 1))
    page.on(
        "console", lambda message: noticed.errors.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: noticed.errors.append(str(error)))
    page.on("request", lambda request: _note(noticed, request.url, own))
    page.on("websocket", lambda socket: _note(noticed, socket.url, own))
    return noticed


def _note(noticed: Noticed, url: str, own: tuple[str, ...]) -> None:
    if not url.startswith(own):
        noticed.requests.append(url)


def serve_lab(folder: Path, home: Path, **environment: str) -> AbstractContextManager[Lab]:
    """Serve the notebooks of `folder` by a JupyterLab on loopback, with settings of its own under `home`.

    `environment` reaches the kernels, besides the environment of the test.
    """
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", f"--ServerApp.root_dir={folder}"]
    return serve([*command, *OPTIONS], home, **environment)


@contextmanager
def serve(command: list[str], home: Path, **environment: str) -> Iterator[Lab]:
    """Start JupyterLab by a command that ends in `OPTIONS`, and yield it once it listens."""
    _write_settings(home)
    with (home / "lab.log").open("w") as log:
        process = subprocess.Popen(command, env=_lab_environment(home) | environment, stdout=log, stderr=log)
    try:
        yield _wait_for_lab(process, home)
    finally:
        process.terminate()  # stops its kernels, too
        process.wait(timeout=30)


def _lab_environment(home: Path) -> dict[str, str]:
    """Copy the test's environment without whatever would lead Jupyter to the user's own files."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG_"))}
    return own | {"HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "JUPYTER_PREFER_ENV_PATH": "1"}


def _write_settings(home: Path) -> None:
    for name, settings in LAB_SETTINGS.items():
        path = home / ".jupyter/lab/user-settings/@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))


def _wait_for_lab(process: subprocess.Popen, home: Path, seconds: float = 60) -> Lab:
    """Read the port and token that the server leaves in a file once it listens."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if found := list(home.rglob("jpserver-*.json")):
            server = json.loads(found[0].read_text())
            return Lab(server["url"], server["token"])
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'lab.log').read_text()[-2000:]}")


def open_notebook(page: Page, lab: Lab, name: str, seconds: float = 60) -> None:
    """Open a notebook, named by its path below the served folder, and wait until its kernel is there.

    A notebook that names no kernel fails: JupyterLab asks which one.
    """
    # reset: an earlier notebook's tab would otherwise come back, and its idle kernel be taken for this one's
    page.goto(f"{lab.origin}lab/tree/{name}?reset&token={lab.token}")
    wait_until_idle(page, seconds)


def choose(page: Page, menu: str, entry: str) -> None:
    """Choose an entry of one of JupyterLab's menus by its words."""
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.locator(".lm-Menu").get_by_text(entry, exact=True).click()


def retype(page: Page, cell: Locator, source: str) -> None:
    """Put the cursor into a cell and type `source` in the place of all that stands there."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(source)
    expect(cell.locator(".cm-line")).to_have_text(source.split("\n"))


def run_all_cells(page: Page, seconds: float = 300) -> None:
    """Choose Run > Run All Cells as a user does, and wait until no cell runs or waits."""
    first = page.locator(".jp-CodeCell .jp-InputPrompt").first
    before = first.inner_text()
    choose(page, "Run", "Run All Cells")
    expect(first).not_to_have_text(before, timeout=1000 * seconds)
    wait_until_done(page, seconds)


def wait_until_done(page: Page, seconds: float = 300) -> None:
    """Wait until no cell runs or waits any more."""
    expect(page.locator(".jp-InputPrompt", has_text="[*]:")).to_have_count(0, timeout=1000 * seconds)
    wait_until_idle(page, seconds)


def wait_until_idle(page: Page, seconds: float = 60) -> None:
    """Wait for the status bar's word; the notebook's tool bar says idle before a kernel is there."""
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=1000 * seconds)


def error_outputs(page: Page) -> list[str]:
    """Return what stands in red below the cells: tracebacks, and whatever was written to stderr."""
    return page.locator('.jp-OutputArea-output[data-mime-type$="stderr"]').all_inner_texts()


def drive_viewer(page: Page, image: str, people: list[str]) -> Locator:
    """Choose, in notebook 09's viewer, an image and two of its people, by button and by box; return it."""
    view = page.locator(".jp-OutputArea-output", has=page.locator(".widget-toggle-buttons")).last
    bars, persons = view.locator(".widget-html"), view.locator(".widget-toggle-button")
    view.locator("select").last.select_option(image)
    expect(persons).to_have_text(people)
    persons.nth(1).click()
    expect(bars).to_contain_text(f"{people[1]} · pose score")
    box = view.locator(f'button[title^="{people[0]}:"]')
    inner, outer = box.bounding_box(), view.locator("img").bounding_box()
    for start, length in (("x", "width"), ("y", "height")):
        assert outer[start] - 2 <= inner[start]
        assert inner[start] + inner[length] <= outer[start] + outer[length] + 2
    box.click(position={"x": 4, "y": 4})
    expect(bars).to_contain_text(f"{people[0]} · pose score")
    higher = "rows => rows.filter(row => row.scrollHeight > row.clientHeight + 1).length"
    assert not bars.locator("div[title]").evaluate_all(higher), "words that lie on the next row"
    return view
