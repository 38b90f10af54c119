"""Run the numbered notebooks headless, in order, with papermill.

    python notebooks/run.py                                    every notebook, on the sample
    python notebooks/run.py 01 02 -p PROFILE vcoco             two of them, on real V-COCO
    python notebooks/run.py -p LANGUAGE ja -p OUTPUT_DIR /tmp/x

Executed notebooks land in `figures/<profile>/notebooks/`. `-p` sets a notebook's parameter: a Python literal,
or text.
"""

import argparse
import ast
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import papermill
from filelock import FileLock, Timeout

from lib.files import disk_errors, remove_leftovers, write_whole
from lib.profiles import DataError, Profile, commit, load_profile

NOTEBOOKS = Path(__file__).resolve().parent
PATHS = ("PROFILE", "OUTPUT_DIR", "IMAGES", "BOXES")  # parameters that name files and folders


def main() -> int:
    """Run the command and return its exit status: 1 where a notebook stopped, 2 for wrong arguments."""
    if sys.getfilesystemencoding() != "utf-8":  # a locale in which names of files would not be text
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.argv])
    arguments = parse_arguments()
    parameters = {name: absolute(name, literal(value)) for name, value in arguments.parameter}
    try:
        profile = load_asked_profile(parameters)
        chosen = {notebook: own(notebook, parameters) for notebook in choose(arguments.notebooks)}
        check_known(parameters, chosen)
    except DataError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        with own_folders(), only_run(profile.data, profile.figures):
            for notebook, its_parameters in chosen.items():
                execute(notebook, profile.figures / "notebooks" / notebook.name, its_parameters)
    except papermill.PapermillExecutionError as error:
        print(error.evalue if error.ename == DataError.__name__ else error, file=sys.stderr)
        return 1
    except DataError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Figures, tables and executed notebooks: {profile.figures}")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", help="numbers, such as 01; all where none is given")
    parser.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    return parser.parse_args()


def choose(numbers: list[str]) -> list[Path]:
    """Return the notebooks with these numbers, or all, in order; raise DataError for an unknown one."""
    notebooks = {path.name[:2]: path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    if unknown := [number for number in numbers if number not in notebooks]:
        raise DataError(f"No notebook {', '.join(unknown)}; choose from {', '.join(notebooks)}.")
    return [path for number, path in notebooks.items() if not numbers or number in numbers]


def load_asked_profile(parameters: dict[str, object]) -> Profile:
    """Load the profile that PROFILE and OUTPUT_DIR name; raises DataError as `load_profile` does."""
    return load_profile(str(parameters.get("PROFILE", "sample")), str(parameters.get("OUTPUT_DIR", "")))


def own(notebook: Path, parameters: dict[str, object]) -> dict[str, object]:
    """Return those of the parameters that a notebook has: some belong to one notebook only."""
    return {name: value for name, value in parameters.items() if name in papermill.inspect_notebook(notebook)}


def check_known(parameters: dict[str, object], chosen: dict[Path, dict]) -> None:
    """Raise DataError, before anything runs, for a parameter that none of the notebooks has."""
    unknown = parameters.keys() - {name for own_parameters in chosen.values() for name in own_parameters}
    if unknown:
        known = sorted({name for notebook in chosen for name in papermill.inspect_notebook(notebook)})
        raise DataError(f"Unknown parameter {', '.join(sorted(unknown))}; choose from {', '.join(known)}.")


@contextmanager
def own_folders() -> Iterator[None]:
    """Give Jupyter folders of this run's own, and none in HOME, which may be unwritable or full.

    Nor can a user's start-up files change results. Matplotlib's cache takes seconds to make, so that it stays
    in HOME where it can.
    """
    try:
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    except FileNotFoundError as error:
        raise DataError(f"{error.strerror}; let TMPDIR be a folder with free space.") from None
    with folder as own:
        os.environ |= {"JUPYTER_RUNTIME_DIR": f"{own}/runtime", "IPYTHONDIR": f"{own}/ipython"}
        if not os.access(os.path.expanduser("~"), os.W_OK):
            os.environ["MPLCONFIGDIR"] = f"{own}/matplotlib"
        os.environ["PYTHONUTF8"] = "1"  # whatever the locale
        yield


@contextmanager
def only_run(data: Path, figures: Path) -> Iterator[None]:
    """Wait while another run writes into these folders, and remove what killed runs left in them.

    The system frees the lock when a process dies.
    """
    with disk_errors(data):
        data.mkdir(parents=True, exist_ok=True)
    lock = FileLock(data / ".run.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"{data}: another run writes there; waiting for its end.", flush=True)
        lock.acquire()
    except OSError:  # a file system without locks, or a folder to read only
        pass
    remove_leftovers(data, figures)
    try:
        yield
    finally:
        remove_leftovers(data, figures)  # a kernel outlives a killed run for a second
        lock.release()


def execute(notebook: Path, executed: Path, parameters: dict[str, object]) -> None:
    """Run one notebook in this interpreter's kernel; keep it with its outputs and the commit it ran from."""
    # Unknown parameters: the notebook itself refuses them.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    print(notebook.name, flush=True)
    commit_then = commit()
    with write_whole(executed) as path:
        result = papermill.execute_notebook(
            notebook,
            path,
            parameters,
            kernel_name="python3",
            cwd=NOTEBOOKS,
            progress_bar=sys.stderr.isatty(),
            # ipykernel 7 warns at every start that it uses loopback TCP, and calls its own end an error.
            extra_arguments=["--log-level=CRITICAL"],
        )
        result.metadata["commit"] = commit_then
        nbformat.write(result, path)


def absolute(name: str, value: object) -> object:
    """Return a path as seen from here, as the notebooks run in another folder; what is no path as it is."""
    if isinstance(value, list):
        return [absolute(name, one) for one in value]
    if name not in PATHS or not isinstance(value, str) or not value:
        return value
    is_name = name == "PROFILE" and os.sep not in value
    return value if is_name else os.path.abspath(value)


def literal(value: str) -> object:
    """Read a number, list or quoted text; any other text stands for itself."""
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


if __name__ == "__main__":
    sys.exit(main())
