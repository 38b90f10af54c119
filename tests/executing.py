"""What the tests of notebooks share: running one, and reading what it showed."""

import re

import nbformat
import papermill

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
