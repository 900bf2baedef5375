"""Rooms may only import the rooms that the design lets them."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "warehouse": set(),
    "ml": set(),
    "expectations": {"warehouse"},
    "serving": {"warehouse", "ml"},
    "orchestration": {"warehouse", "ml", "expectations"},
}
# the command line starts the server and writes the files, and nothing else of orchestration may
ALSO_MAY_IMPORT = {"orchestration/cli.py": {"serving"}}
KEPT_OUT = {
    "ml": {"dagster", "duckdb", "dbt", "great_expectations"},
    "serving": {"dagster", "dbt", "great_expectations"},
    "warehouse": {"dagster", "dbt", "great_expectations", "sklearn"},
}
# within serving, by folder or file
BENEATH = {"filters", "snapshot"}
SERVING_MAY_IMPORT = {
    **{room: set[str]() for room in ("downloads", "filters", "listening", "palette", "security")},
    "snapshot": {"filters"},
    "roles": {"security"},
    "queries": BENEATH,
    "lists": {"queries"},
    "answers": {"queries"},
    "classify": BENEATH | {"answers", "downloads", "queries"},
    "report": BENEATH | {"palette", "queries"},
    "export": BENEATH | {"downloads", "queries"},
    "files": BENEATH | {"downloads", "lists", "queries", "report", "roles", "security"},
    "api": BENEATH | {"answers", "classify", "downloads", "lists", "queries", "roles"},
    "dashboard": BENEATH | {"classify", "downloads", "lists", "palette", "queries", "roles", "security"},
    "metrics": {"api", "queries", "snapshot"},
    # a server of its own, over homes of several shops
    "shops": {"listening", "queries", "security", "snapshot"},
    # puts the parts together, and nothing imports it
    "server": {"api", "classify", "dashboard", "files", "listening", "metrics", "security", "snapshot"},
}
FILES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]


def imported_modules(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            # of "from serving import lists" the module is the second half
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def imported_packages(source: str) -> set[str]:
    return {module.partition(".")[0] for module in imported_modules(source)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    imported = imported_packages(path.read_text())
    also = ALSO_MAY_IMPORT.get(path.relative_to(ROOT).as_posix(), set())
    assert not (imported & set(MAY_IMPORT)) - MAY_IMPORT[room] - {room} - also
    assert not imported & KEPT_OUT.get(room, set())


def test_every_room_is_looked_at() -> None:
    rooms_with_code = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert {"warehouse", "ml", "expectations", "orchestration"} <= rooms_with_code
    assert imported_packages("def f():\n    from ml.segments import fit\n    import dagster as dg\n") == {
        "ml",
        "dagster",
    }


SERVING_FILES = [path for path in FILES if path.relative_to(ROOT).parts[0] == "serving"]


@pytest.mark.parametrize("path", SERVING_FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_within_serving_go_one_way(path: Path) -> None:
    room = path.relative_to(ROOT / "serving").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    imported = {module.split(".")[1] for module in imported_modules(path.read_text()) if module.startswith("serving.")}
    assert imported - {room} - SERVING_MAY_IMPORT[room] == set()


def test_every_room_of_serving_is_there_and_none_leads_back_to_itself() -> None:
    rooms = {path.relative_to(ROOT / "serving").parts[0].removesuffix(".py") for path in SERVING_FILES}
    assert rooms - {"__init__"} == set(SERVING_MAY_IMPORT)
    above: set[str] = set()
    for room in graphlib.TopologicalSorter(SERVING_MAY_IMPORT).static_order():
        assert SERVING_MAY_IMPORT[room] <= above
        above.add(room)
    assert imported_modules("from serving import lists\nfrom serving.api import problems") == {
        "serving.lists",
        "serving.api.problems",
    }
