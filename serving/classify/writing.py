"""A classification as bytes and as lines of a terminal.

Belongs here: the two forms of the answer that HTTP and the command line share, and the
command's summary. Does not belong here: the fields of the answer (:mod:`serving.classify.answer`).
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from serving.classify.answer import answer
from serving.classify.results import Classification, rows_of
from serving.downloads import csv_bytes
from warehouse.wording import count, day, money, plural


def written(done: Classification, file_format: str, table: str = "customers", *, indent: int | None = None) -> bytes:
    """The whole answer as ``json``, or one table as ``csv``: ``customers`` with labels, or the lines ``set_aside``."""
    if file_format == "json":
        return answer(done).model_dump_json(indent=indent).encode()
    return csv_bytes(done.customers_with_texts() if table == "customers" else done.set_aside)


def print_accounting(console: Console, done: Classification) -> None:
    """What became of the lines, and what to know before acting on the labels."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Lines")
    table.add_column("count", justify="right")
    table.add_column("amount", justify="right")
    for row in rows_of(done.accounting):
        if row["row_count"]:
            amount = money(row["gross_amount"], done.currency, pence=True)
            table.add_row(row["disposition"], count(row["row_count"]), amount)
    table.add_row("delivered", count(done.delivered_lines))
    if done.derived_lines:
        table.add_row("refunds in their rows", count(done.derived_lines))
    console.print(table)
    segments = ", ".join(
        f"{row['cluster_name']} {count(row['customers'])}" for row in rows_of(done.segments) if row["customers"]
    )
    console.print(
        escape(
            f"{plural(len(done.customers), 'customer')} labelled by {done.method}, recency to {day(done.snapshot_date)}"
            + (f": {segments}" if segments else "")
        )
    )
    for note in done.notes:
        console.print(f"  [yellow]![/] {escape(note)}")
