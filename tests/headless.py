"""What the tests of notebooks share: running one, and reading what it showed."""

import re

import nbformat
import papermill
import pytest

from lib.profiles import ROOT


def run(name: str, output_dir, **parameters) -> nbformat.NotebookNode:
    """Run a notebook with papermill's API; return it with its outputs."""
    given = {"OUTPUT_DIR": str(output_dir), **parameters}
    output_dir.mkdir(exist_ok=True)
    executed = output_dir / f"{name}.ipynb"
    return papermill.execute_notebook(
        ROOT / "notebooks" / f"{name}.ipynb", executed, given, progress_bar=False
    )


def snapshot() -> dict[str, float]:
    """List what stands under data/ and figures/, with times of modification."""
    paths = [
        path
        for folder in ("data", "figures")
        for path in (ROOT / folder).rglob("*")
        if "__pycache__" not in path.parts
    ]
    return {str(path): path.stat().st_mtime for path in paths if path.is_file()}


def all_text(notebook: nbformat.NotebookNode) -> str:
    """Join everything that the cells printed or displayed as text."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text", "") + str(output.get("data", "")) for output in outputs)


def english_words(folder, pattern: str) -> set[str]:
    """Collect the words in Latin letters in tables that are Japanese."""
    return {
        word
        for path in folder.glob(f"figures/sample/{pattern}.md")
        for word in re.findall("[A-Za-z]{2,}", path.read_text(encoding="utf-8"))
    }


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook 01 日本語")  # a path with a space and Japanese letters
    before = snapshot()
    notebook = run("01_data_preparation", folder)
    assert snapshot() == before, "a test touched data/ or figures/"
    return folder, notebook


@pytest.fixture(scope="session")
def extracted(executed):
    """Notebook 02 after 01, on the sample."""
    folder, _ = executed
    return folder, run("02_feature_extraction", folder)


@pytest.fixture(scope="session")
def experimented(extracted):
    """Notebooks 03 to 06 after 02, quickly: their numbers mean nothing."""
    folder, _ = extracted
    names = ("03_experiment_1", "04_experiment_2", "05_experiment_3", "06_experiment_4")
    return folder, {name[:2]: run(name, folder, EPOCHS=3, SEEDS=2) for name in names}


@pytest.fixture(scope="session")
def beyond(experimented):
    """Notebooks 08 and 09 after 06, quickly: their numbers mean nothing."""
    folder, _ = experimented
    names = ("08_beyond_the_thesis", "09_predict_your_images")
    return folder, {name[:2]: run(name, folder, EPOCHS=2, SEEDS=2) for name in names}
