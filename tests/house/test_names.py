"""The house: what things are called, how large they grow, and where they stand."""

import ast
import configparser
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reconcile"
NAMELESS = {"one", "told", "made", "held", "kept", "said"}
LINES_MAX = 400
FUNCTION_LINES_MAX = 60


def modules(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*.py"))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def names_in(node: ast.AST) -> Iterator[str | None]:
    """Yield every name that a node gives or uses."""
    match node:
        case ast.Name():
            yield node.id
        case ast.arg() | ast.keyword():
            yield node.arg
        case ast.Attribute():
            yield node.attr
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.MatchAs() | ast.MatchStar():
            yield node.name
        case ast.alias():
            yield node.asname


def test_every_name_names_a_thing() -> None:
    nameless = [
        f"{where(path, node)}: {name}"
        for folder in ("reconcile", "tests", "scripts", "docs")
        for path in modules(ROOT / folder)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in names_in(node)
        if name in NAMELESS
    ]

    assert nameless == []


def test_no_two_public_classes_have_one_name() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in modules(PACKAGE):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(where(path, node))

    assert {name: at for name, at in homes.items() if len(at) > 1} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules(PACKAGE)
        if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]

    assert silent == []


def test_no_module_is_longer_than_a_reader_bears() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in (PACKAGE, ROOT / "tests")
        for path in modules(folder)
        if (lines := path.read_text("utf-8").count("\n")) > LINES_MAX
    }

    assert long == {}


def test_no_builder_of_the_tests_has_the_name_of_another() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path in modules(ROOT / "tests"):
        if path.name.startswith("test_") or path.parent.name == "sdk":
            continue  # a test's own helper, or a program of its own
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                homes[node.name].append(where(path, node))

    assert {name: at for name, at in homes.items() if len(at) > 1} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{where(path, node)}: {node.name}"
        for path in modules(PACKAGE)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert long == []


def test_the_import_contract_names_every_room() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    contract = settings["importlinter:contract:down"]
    named = set(contract["layers"].replace("|", " ").replace(":", " ").split())
    rooms = {
        path.stem
        for path in PACKAGE.iterdir()
        if path.is_dir() or path.suffix == ".py"
        if not path.name.startswith("__")
    }

    assert contract["exhaustive"] == "True"
    assert rooms == {name for name in named if not name.startswith("(")}
