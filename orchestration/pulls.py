"""What a person reads of pulls from live databases.

Belongs here: wording of what came of a pull. Does not belong here: pulling
(``warehouse/databases``), and when.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb
from rich.console import Console
from rich.markup import escape

from warehouse.settings import load_settings

if TYPE_CHECKING:
    from warehouse.databases.state import Pull


def print_latest_pulls(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """The last pull of each database that the settings name; nothing where they name none."""
    names = {database.name for database in load_settings().landing.databases}
    if names:
        from warehouse.databases.state import latest_pulls

        print_pulls(console, [one for one in latest_pulls(connection) if one.database in names])


def print_pulls(console: Console, pulls: Sequence[Pull]) -> None:
    """One line each, and what is wrong."""
    for at, one in enumerate(pulls):
        head = "[bold]Databases[/] " if at == 0 else " " * 10
        told = f"{one.database}, {one.finished_at:%Y-%m-%d %H:%M} UTC: "
        if one.status == "failed":
            told += "failed; the figures hold what was pulled before"
        elif one.file_name:
            told += f"{one.delivered_lines:,} lines of {one.delivered_orders:,} orders in {one.file_name}"
        else:
            told += f"nothing new ({one.pulled_lines:,} lines looked at)"
        console.print(f"{head} {escape(told)}")
        if one.problem:
            console.print(f"  [yellow]![/] {escape(one.problem)}")
        if one.notes:
            console.print(f"  · {escape(one.notes)}")
