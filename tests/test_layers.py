"""Imports point one way: each folder of a package may import only the ones before it."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import tuner

PACKAGE = Path(tuner.__file__).parent
ROOT = PACKAGE.parent
ORDER = (
    ("errors", "console", "__init__"),
    ("units", "bundled", "cgroups", "files", "machine", "schemas", "statistics", "terminal"),
    ("study", "runtimes"),
    ("target",),
    ("load", "settings"),
    ("measure",),
    ("gate",),
    ("search", "doctor"),
    ("report",),
    ("cli",),
    ("__main__",),
)
AGENT_ORDER = (
    ("errors", "clock", "__init__"),
    ("agents",),
    ("command_line",),
    ("inference", "queueing"),
    ("evaluation",),
    ("variants",),
    ("settings",),
    ("workers",),
    ("metrics", "jobs"),
    ("dispatcher",),
    ("http",),
    ("server",),
    ("__main__",),
)
AGENT = ROOT / "targets" / "reference" / "reference_agent"
RECORDER = Path("load", "recorder")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(package: Path) -> list[Path]:
    return [path for path in sorted(package.rglob("*.py")) if "_bundled" not in path.parts]


def room(path: Path, package: Path) -> str:
    """The folder or the module directly in a package that a file belongs to."""
    return path.relative_to(package).parts[0].removesuffix(".py")


ORDERS = pytest.mark.parametrize(("package", "order"), [(PACKAGE, ORDER), (AGENT, AGENT_ORDER)], ids=["tuner", "agent"])


@ORDERS
def test_every_room_has_its_place_in_the_order(package: Path, order: Sequence[Sequence[str]]) -> None:
    ranked = [name for names in order for name in names]
    assert sorted(ranked) == sorted({room(path, package) for path in modules(package)})


@ORDERS
def test_imports_point_down(package: Path, order: Sequence[Sequence[str]]) -> None:
    rank = {name: place for place, names in enumerate(order) for name in names}
    for path in modules(package):
        own = room(path, package)
        for name in imports(path):
            parts = name.split(".")
            # What a package's __init__ defines, such as its version, is a name and no room.
            if parts[0] == package.name and len(parts) > 1 and parts[1] in rank and parts[1] != own:
                assert rank[parts[1]] < rank[own], f"{path}: {own} must not import {parts[1]}"


@pytest.mark.parametrize("path", modules(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    place = path.relative_to(PACKAGE)
    for name in imports(path):
        library = name.split(".")[0]
        if library in ("locust", "gevent"):
            assert place.parent == RECORDER
        if library == "optuna":
            assert place.parts[0] == "search"
        if library in ("plotly", "jinja2", "pandas"):
            assert place.parts[0] == "report"
        assert not name.startswith("tuner.load.recorder"), "importing the recorder would patch this process with gevent"


def test_what_runs_in_processes_of_its_own_knows_nothing_of_tuner() -> None:
    folders = (ROOT / "targets", ROOT / "locustfiles", PACKAGE / RECORDER)
    for path in [path for folder in folders for path in folder.rglob("*.py")]:
        assert not any(name.split(".")[0] == "tuner" for name in imports(path)), path


def test_no_test_module_needs_another() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        borrowed = [name for name in imports(path) if re.search(r"(^|\.)test_", name)]
        assert not borrowed, f"{path}: what two test modules share has a module of its own"
