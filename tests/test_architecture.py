"""The layers, and how large a file and a function may grow."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("models", "producers", "stream")
FILES = {
    path.relative_to(ROOT): ast.parse(path.read_text())
    for layer in LAYERS
    for path in (ROOT / layer).glob("**/*.py")
}
MAX_LINES = 200
MAX_BODY_LINES = 25
MAX_ARGUMENTS = 4  # the object itself not counted, nor those that must be named

# Only these start both the producers and the worker.
MEET = ("cli", "demo")
FAUST = {"faust", "mode"}
KAFKA = {"kafka", "aiokafka"}
FORBIDDEN = {
    "models": FAUST | KAFKA | {"rocksdict", "time", "stream", "producers", "datetime", "random", "secrets"},
    "producers": FAUST | {"torch", "river", "rocksdict", "stream"},
    "stream": set[str](),
}
# A global state, or the clock, under another name.
FORBIDDEN_IN_MODELS = {"os.environ", "os.getenv", "torch.manual_seed", "np.random.seed", "asyncio.sleep"}

sources = pytest.mark.parametrize("path", FILES, ids=str)


def imports(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield each module that is imported, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node


def module_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


@sources
def test_a_layer_imports_only_what_it_may_know(path: Path) -> None:
    known = {name.split(".")[0] for name, _ in imports(FILES[path])}
    assert not known & FORBIDDEN[path.parts[0]]
    assert "tests" not in known


@sources
def test_producers_know_the_records_of_models_alone(path: Path) -> None:
    if path.parts[0] == "producers":
        ours = {name for name, _ in imports(FILES[path]) if name.startswith("models")}
        assert ours <= {"models.events", "models.codec", "models.errors"}


@sources
def test_producers_and_worker_meet_in_the_commands_alone(path: Path) -> None:
    if path.parts[0] == "stream" and not path.name.startswith(MEET):
        assert not [name for name, _ in imports(FILES[path]) if name.split(".")[0] == "producers"]


@sources
def test_models_use_no_environment_clock_or_global_state(path: Path) -> None:
    if path.parts[0] == "models":
        used = {ast.unparse(node) for node in ast.walk(FILES[path]) if isinstance(node, ast.Attribute)}
        assert not used & FORBIDDEN_IN_MODELS
        assert not [node for node in ast.walk(FILES[path]) if isinstance(node, ast.Global)]


@sources
def test_imports_stand_at_the_top_and_hide_behind_nothing(path: Path) -> None:
    tree = FILES[path]
    assert not [name for name, node in imports(tree) if node not in tree.body]
    assert not [name for name, _ in imports(tree) if name.startswith(".")]
    assert "TYPE_CHECKING" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def test_modules_import_each_other_in_no_circle() -> None:
    modules = {module_of(path) for path in FILES}
    graph = {module_of(path): {name for name, _ in imports(tree)} & modules for path, tree in FILES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


@sources
def test_a_file_is_one_idea(path: Path) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= MAX_LINES


@sources
def test_a_function_does_one_thing(path: Path) -> None:
    assert not [name for name, size in bodies(FILES[path]) if size > MAX_BODY_LINES]


def bodies(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each function and the lines of its body, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@sources
def test_a_function_takes_few_arguments(path: Path) -> None:
    assert not [name for name, count in arguments(FILES[path]) if count > MAX_ARGUMENTS]


def arguments(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield each function and how many arguments it takes by position."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            yield node.name, len([name for name in names if name not in ("self", "cls")])
