"""Rooms may only import the rooms that the design lets them."""

import ast
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
FILES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]


def imported_packages(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


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
