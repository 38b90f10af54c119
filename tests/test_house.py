"""The house's rules, read off the files: who imports whom; short, documented, without state or surprises."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import nbformat

from lib.profiles import PARAMETERS, ROOT

# Modules and packages of lib, lowest first: each imports from rows above its own, and from itself.
LAYERS = (
    {"profiles"},
    {"coco", "files", "precision"},
    {"labels", "crops"},
    {"vcoco"},
    {"download", "higherhrnet", "clip_features", "models", "metrics"},
    {"pose"},
    {"features"},
    {"experiments", "figures"},
    {"related", "prediction"},
    {"predict"},
)
# Packages that take seconds to import, or might have to be replaced one day: who alone may know them.
KEPT_IN = {
    "clip": {"clip_features"},
    "ipywidgets": {"prediction"},
    "mmcv": {"higherhrnet"},
    "mmengine": {"higherhrnet", "pose"},
    "mmpose": {"higherhrnet", "pose"},
    "ray": {"features"},
}
# What a module may call while it is imported: it makes a constant.
CONSTANTS = {"Config", "MappingProxyType", "Meta", "Path", "Retry", "TypeVar", "array", "compile", "tuple"}
CONSTANTS |= {"index", "resolve", "values"}  # methods

LIB = sorted((ROOT / "lib").rglob("*.py"))
COMMANDS = sorted((ROOT / "notebooks").glob("*.py"))
SAMPLE = sorted((ROOT / "data/sample").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room(path: Path) -> str:
    """Return the module or package of lib in which a file is."""
    return path.relative_to(ROOT / "lib").with_suffix("").parts[0]


def is_block(node: ast.AST, condition: str) -> bool:
    """Say whether a node is `if TYPE_CHECKING:`, or `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and condition in ast.unparse(node.test)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with what is called, such as `torch.load`."""
    yield from ((ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def argument(call: ast.Call, name: str) -> str | None:
    """Return what a call gives as the named argument, as text."""
    return next((ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == name), None)


def imported(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports at any time, but for type hints."""
    hints = [node for node in ast.walk(parse(path)) if is_block(node, "TYPE_CHECKING")]
    left_out = {node for block in hints for node in ast.walk(block)}
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import) and node not in left_out:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node not in left_out:
            of_lib = node.module == "lib"
            yield from (f"lib.{alias.name}" for alias in node.names) if of_lib else [str(node.module)]


def offenders(paths: Iterable[Path], find: Callable[[Path], Iterable]) -> dict[str, list]:
    """Return what a rule finds wrong in files, by their names."""
    found = {str(path.relative_to(ROOT)): list(find(path)) for path in paths}
    return {name: wrong for name, wrong in found.items() if wrong}


# --- Modules


def test_imports_run_downwards_and_nowhere_in_a_circle():
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    assert {room(path) for path in LIB} - {"__init__"} <= level.keys(), "name the new room in LAYERS"

    def upwards(path: Path) -> Iterator[str]:
        theirs = {module.split(".")[1] for module in imported(path) if module.startswith("lib.")}
        return (name for name in theirs - {room(path)} if level[name] >= level[room(path)])

    assert not offenders(LIB, upwards)


def test_slow_packages_are_known_to_their_own_rooms_only():
    def strangers(path: Path) -> Iterator[str]:
        roots = {module.split(".")[0] for module in imported(path)}
        return (name for name, rooms in KEPT_IN.items() if name in roots and room(path) not in rooms)

    assert not offenders(LIB, strangers)


def test_modules_are_short():
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in [*LIB, *COMMANDS, *SAMPLE, *TESTS]
    }
    assert not {path: lines for path, lines in lengths.items() if lines > 300}


def undocumented(tree: ast.AST) -> Iterator[str]:
    """Yield what is public, and has no docstring that begins with one sentence on a line."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named and node.name.startswith("_"):
            continue
        if named and not re.match(r"[A-Z`].*[.?]$", (ast.get_docstring(node) or "").partition("\n")[0]):
            yield node.name
        yield from undocumented(node)


def test_everything_public_is_documented():
    assert not offenders([*LIB, *COMMANDS], lambda path: undocumented(parse(path)))
    assert not [path for path in LIB if path.parent.name != "lib" and not ast.get_docstring(parse(path))]


def test_only_commands_print():
    def prints(path: Path) -> Iterator[int]:
        command = any(is_block(node, "__main__") for node in parse(path).body)
        return (call.lineno for name, call in calls(parse(path)) if name == "print" and not command)

    assert not offenders(LIB, prints)


def work_or_state(path: Path) -> Iterator[str]:
    """Yield the statements of a module that do more, when it is imported, than to define names."""
    for node in parse(path).body:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            fine = {name.rpartition(".")[2] for name, _ in calls(node)} <= CONSTANTS
        elif isinstance(node, ast.With):  # around imports that warn, or need a stand-in
            fine = all(isinstance(inner, ast.Import | ast.ImportFrom | ast.Expr) for inner in node.body)
        elif isinstance(node, ast.Expr):
            fine = isinstance(node.value, ast.Constant)  # the docstring
        else:
            fine = isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)
            fine |= is_block(node, "TYPE_CHECKING") or is_block(node, "__main__")
        if not fine:
            yield ast.unparse(node)
    yield from (ast.unparse(node) for node in ast.walk(parse(path)) if isinstance(node, ast.Global))


def test_importing_does_no_work_and_keeps_no_state():
    assert not offenders([*LIB, *COMMANDS], work_or_state)


def text_of_the_machine(path: Path) -> Iterator[str]:
    """Yield what reads or writes text in an encoding that depends on the machine."""
    for name, call in calls(parse(path)):
        is_text = name.endswith((".read_text", ".write_text"))
        if name == "open" or (
            name.endswith(".open") and name not in ("Image.open", "os.open", "zipped.open")
        ):
            is_text = not any("b" in ast.unparse(mode) for mode in call.args)
        if is_text and argument(call, "encoding") is None:
            yield ast.unparse(call)


def test_text_has_an_encoding():
    assert not offenders([*LIB, *COMMANDS, *SAMPLE], text_of_the_machine)


def unpickled(path: Path) -> Iterator[str]:
    """Yield what could run code that stands in a file."""
    unsafe = re.compile(r"(pickle|joblib|dill|shelve|marshal)\.|read_pickle|yaml\.load$|^(eval|exec)$")
    for name, call in calls(parse(path)):
        trusting = name == "torch.load" and argument(call, "weights_only") != "True"
        if trusting or unsafe.search(name) or argument(call, "allow_pickle"):
            yield ast.unparse(call)


def test_nothing_is_unpickled():
    assert not offenders([*LIB, *COMMANDS, *SAMPLE], unpickled)


# --- Notebooks


@cache
def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_notebooks_are_stored_clean():
    for path in NOTEBOOKS:
        nbformat.validate(read(path))
        assert read(path).metadata.kernelspec.name == "python3", path
        assert [cell.id for cell in read(path).cells] == [
            f"cell-{i:02}" for i in range(len(read(path).cells))
        ]
        assert not any(cell.outputs or cell.execution_count for cell in code_cells(path)), path


def test_notebooks_define_nothing():
    definition = re.compile(r"^\s*(async )?(def|class) ", re.MULTILINE)
    assert not offenders(
        NOTEBOOKS, lambda path: filter(definition.search, (c.source for c in code_cells(path)))
    )


def test_notebooks_begin_with_question_and_facts():
    for path in NOTEBOOKS:
        title, *text = read(path).cells[0].source.splitlines()
        assert title.startswith(f"# {path.name[:2]} · ")
        facts = [line.split("**")[1] for line in text if line.startswith("| **")]
        assert facts == ["Reads", "Writes", "Time", "Thesis"], path


def test_parameters_are_literals_with_a_reason():
    for path in NOTEBOOKS:
        (cell,) = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
        values = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}
        assert tuple(values)[: len(PARAMETERS)] == PARAMETERS, path
        assert values["PROFILE"] == "sample"
        assert all(re.search(r"  # \S+", line) for line in cell.source.splitlines()), path
