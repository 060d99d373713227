"""The layers, and how large a file and a function may grow."""

import ast
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

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
MEET = ("bench/", "chaos/load", "cli", "demo")
FAUST = {"faust", "mode"}
KAFKA = {"kafka", "aiokafka"}
FORBIDDEN = {
    "models": FAUST | KAFKA | {"rocksdict", "time", "stream", "producers", "datetime", "random", "secrets"},
    "producers": FAUST | {"torch", "river", "rocksdict", "stream"},
    "stream": set[str](),
}
# A global state, or the clock, under another name.
FORBIDDEN_IN_MODELS = {"os.environ", "os.getenv", "torch.manual_seed", "np.random.seed", "asyncio.sleep"}


def imports(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield each module that is imported, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node


IMPORTS = {path: list(imports(tree)) for path, tree in FILES.items()}


def known(path: Path) -> set[str]:
    """Return the first names of what a file imports."""
    return {name.split(".")[0] for name, _ in IMPORTS[path]}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(FILES[path]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def offenders(found: Callable[[Path], object], layer: str = "") -> dict[str, object]:
    """Return what was found, by file, where something was."""
    paths = (path for path in FILES if not layer or path.parts[0] == layer)
    return {str(path): wrong for path in paths if (wrong := found(path))}


def test_a_layer_imports_only_what_it_may_know() -> None:
    assert not offenders(lambda path: known(path) & (FORBIDDEN[path.parts[0]] | {"tests"}))


def test_producers_know_the_records_of_models_alone() -> None:
    records = {"models.events", "models.codec", "models.errors"}
    assert not offenders(
        lambda path: {name for name, _ in IMPORTS[path] if name.startswith("models")} - records, "producers"
    )


def test_producers_and_worker_meet_in_the_commands_alone() -> None:
    assert not offenders(
        lambda path: not str(path.relative_to("stream")).startswith(MEET) and known(path) & {"producers"},
        "stream",
    )


def test_models_use_no_environment_clock_or_global_state() -> None:
    def impure(path: Path) -> set[str]:
        nodes = list(ast.walk(FILES[path]))
        used = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
        return used & FORBIDDEN_IN_MODELS | {"global" for node in nodes if isinstance(node, ast.Global)}

    assert not offenders(impure, "models")


def test_imports_stand_at_the_top_and_hide_behind_nothing() -> None:
    def hidden(path: Path) -> list[str]:
        top = FILES[path].body
        names = {node.id for node in ast.walk(FILES[path]) if isinstance(node, ast.Name)}
        inside = [name for name, node in IMPORTS[path] if node not in top or name.startswith(".")]
        return inside + sorted(names & {"TYPE_CHECKING"})

    assert not offenders(hidden)


def test_modules_import_each_other_in_no_circle() -> None:
    module_of = {path: ".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in FILES}
    modules = set(module_of.values())
    graph = {module_of[path]: {name for name, _ in found} & modules for path, found in IMPORTS.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


def test_a_file_is_one_idea() -> None:
    assert not offenders(lambda path: len((ROOT / path).read_text().splitlines()) > MAX_LINES)


def test_a_function_does_one_thing() -> None:
    def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        body = function.body[1:] if ast.get_docstring(function) else function.body
        return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0

    assert not offenders(lambda path: [f.name for f in functions(path) if lines(f) > MAX_BODY_LINES])


def test_a_function_takes_few_arguments() -> None:
    def taken(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        return len([name for name in names if name not in ("self", "cls")])

    assert not offenders(lambda path: [f.name for f in functions(path) if taken(f) > MAX_ARGUMENTS])
