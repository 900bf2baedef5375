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
from warehouse.wording import moment, plural

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
        told = f"{one.database}, {moment(one.finished_at)}: "
        if one.status == "failed":
            told += "failed; the figures hold what was pulled before"
        elif one.file_name:
            lines, orders = plural(one.delivered_lines, "line"), plural(one.delivered_orders, "order")
            told += f"{lines} of {orders} in {one.file_name}"
        else:
            told += f"nothing new ({plural(one.pulled_lines, 'line')} looked at)"
        console.print(f"{head} {escape(told)}")
        if one.problem:
            console.print(f"  [yellow]![/] {escape(one.problem)}")
        if one.notes:
            console.print(f"  · {escape(one.notes)}")
