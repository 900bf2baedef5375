"""One file as a refresh would read it: what `regulars inspect` tells.

Belongs here: putting a file through loading, the models and the checks in a home of its own
that is gone afterwards, and telling what came of it. Does not belong here: any rule; all
of it is the refresh's own.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import uuid
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from expectations.checks import suites_of
from expectations.results import CheckResult
from expectations.runner import import_great_expectations, run_layer, run_suites
from orchestration.dbt import build, project_vars
from orchestration.summary import print_accounting, print_exports, print_sources
from warehouse.database import open_warehouse
from warehouse.errors import RegularsError
from warehouse.formats import ExportFormat, export_formats
from warehouse.home import Home
from warehouse.ledger import exports_in_force
from warehouse.loading import ensure_raw_schema, load_landing
from warehouse.pseudonyms import keep_key
from warehouse.readers.reading import FileReading
from warehouse.settings import Settings, load_settings
from warehouse.wording import clock_time, count, money, plural

_STAGING = ["resource_type:seed", "fqn:regulars.staging"]
# models of customers are no matter of one file
_ACCOUNTING = [
    f"{model},fqn:regulars.{layer}"
    for model in ("+set_aside_reasons", "+row_accounting", "+source_profiles", "+order_totals", "+order_versions")
    for layer in ("intermediate", "marts")
]
_TOTALS = "intermediate.int_order_totals"


def inspect_file(console: Console, file: Path) -> bool:
    """Print how a file would be read, and what a refresh would say to it.

    Nothing is kept: no home is touched, the file stays where it is.

    Returns
    -------
    bool
        Whether a refresh of this file alone would pass the checks of its lines.

    Raises
    ------
    RegularsError
        If there is no such file, or dbt could not run.
    """
    if not file.is_file():
        raise RegularsError(f"{file} is not a file.")
    settings = load_settings()
    import_great_expectations()
    # it would tell where it puts pages that are gone a moment later
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="regulars-inspect-") as folder:
        home = Home(Path(folder) / "home")
        landing = Path(folder) / "landing"
        landing.mkdir()
        # a copy with its time: how old a file is helps to read its dates
        shutil.copy2(file, landing / file.name)
        return _inspect(console, home, landing, settings)


def _inspect(console: Console, home: Home, landing: Path, settings: Settings) -> bool:
    home.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(home.warehouse)) as connection:
        ensure_raw_schema(connection)
        report = load_landing(
            connection, landing, settings, loaded_at=datetime.now(UTC), scratch=home.scratch, settle_wait_seconds=0.1
        )
        if settings.shop.customer_ids == "pseudonyms":
            # of this home, and gone with it
            keep_key(connection, home)
        (outcome,) = report.files
    console.print(f"[bold]File[/]       {escape(outcome.file_name)}")
    reading = report.readings.get(outcome.file_name)
    if outcome.problem is not None or reading is None:
        first, _, block = (outcome.problem or "it could not be read").partition("\n")
        console.print(f"  [red]✗[/] {escape(first)}")
        if block:
            console.print(block.rstrip("\n"), markup=False)
        return False
    _print_reading(console, reading)
    if reading.kind != "transactions":
        return True
    run_id, problems = str(uuid.uuid4()), list[CheckResult]()
    problems += _checked(home, "raw", run_id, settings)
    _build(home, _STAGING, settings)
    problems += _checked(home, "staging", run_id, settings)
    _build(home, _ACCOUNTING, settings)
    problems += _checked_totals(home, run_id, settings)
    with open_warehouse(home.warehouse, read_only=True) as connection:
        if reading.layout in export_formats():
            _print_export(console, connection, export_formats()[reading.layout])
        else:
            print_sources(console, connection)
        print_accounting(console, connection)
        _print_totals(console, connection, settings)
    if problems:
        console.print("[bold]Doubts[/]")
    for result in problems:
        mark = "[red]✗ stops a refresh:[/]" if result.is_blocking else "[yellow]![/]"
        console.print(f"  {mark} {escape(result.message)}")
    return not any(result.is_blocking for result in problems)


def _checked(home: Home, layer: str, run_id: str, settings: Settings) -> list[CheckResult]:
    report = run_layer(layer, home.warehouse, run_id=run_id, recorded_at=datetime.now(UTC), settings=settings)
    return [result for result in report.results if result.status != "passed"]


def _checked_totals(home: Home, run_id: str, settings: Settings) -> list[CheckResult]:
    """Orders against their file's own totals; other checks of the marts need customers."""
    recorded_at = datetime.now(UTC)
    suites = [
        suite for suite in suites_of("marts", settings=settings, recorded_at=recorded_at) if suite.table == _TOTALS
    ]
    report = run_suites("marts", suites, home.warehouse, run_id=run_id, recorded_at=recorded_at)
    return [result for result in report.results if result.status != "passed"]


def _build(home: Home, select: list[str], settings: Settings) -> None:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        exports = exports_in_force(connection)
    done = build(home, select, project_vars(settings, None, exports), full_refresh=False)
    if done.problems:
        raise RegularsError("; ".join(done.problems))


def _print_reading(console: Console, reading: FileReading) -> None:
    kinds = {"transactions": "sales", "customers": "customers", "segment_overrides": "overrides of segments"}
    layout = f"layout {reading.layout}"
    export = export_formats().get(reading.layout or "")
    if export is not None:
        layout = f"{export.title}, {layout}"
    if reading.source_mapping is not None:
        layout += f", mapping '{reading.source_mapping}' of landing.sources"
    facts = [
        ("Kind", f"{kinds[reading.kind or 'transactions']} ({layout})"),
        ("Format", ", ".join(filter(None, (reading.file_format, reading.encoding, _delimiter(reading.delimiter))))),
        ("Sheets", reading.sheets),
        ("Dates", ": ".join(filter(None, (reading.date_style, reading.date_style_evidence)))),
        ("Times", reading.clock),
        ("Span", _span(reading)),
        ("Numbers", _marks(reading)),
        ("Lines", count(reading.delivered_lines) + _unsplit(reading.unreadable_lines)),
    ]
    for name, told in facts:
        if told:
            console.print(f"[bold]{name}[/]{' ' * (11 - len(name))}{escape(told)}")
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("Column")
    table.add_column("read from")
    for column, header in reading.columns.items():
        table.add_row(column, escape(header))
    console.print(table)
    for note in reading.notes:
        console.print(f"  · {escape(note)}")


def _print_export(console: Console, connection: duckdb.DuckDBPyConnection, export: ExportFormat) -> None:
    """What the file says itself of its orders, and what it can't tell."""
    (totals,) = connection.execute("select count(*) from marts.order_totals").fetchone() or (0,)
    if not totals:
        console.print("[bold]Checked[/]    nothing in the file says what its orders come to")
    print_exports(console, connection)
    for at, told in enumerate(export.limits.values()):
        console.print(f"{'[bold]Limits[/]    ' if at == 0 else ' ' * 10} {escape(told)}")


def _delimiter(delimiter: str | None) -> str | None:
    return None if delimiter is None else "fields parted by " + {"\t": "tabs"}.get(delimiter, f"'{delimiter}'")


def _span(reading: FileReading) -> str | None:
    if reading.first_invoiced_at is None or reading.last_invoiced_at is None:
        return None
    return f"{clock_time(reading.first_invoiced_at)} to {clock_time(reading.last_invoiced_at)}"


def _marks(reading: FileReading) -> str | None:
    marks = {column: mark for column, mark in reading.marks.items() if column in reading.columns}
    names = {".": "point", ",": "comma"}
    return ", ".join(f"{column} with a decimal {names[mark]}" for column, mark in marks.items()) or None


def _unsplit(lines: int) -> str:
    return f", {count(lines)} of them cannot be split into fields" if lines else ""


def _print_totals(console: Console, connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    row = connection.execute(
        """
        select
            count(distinct invoice_no) filter (disposition = 'sale'),
            count(distinct customer_id) filter (disposition = 'sale'),
            count(*) filter (disposition = 'sale' and customer_id is null),
            coalesce(sum(signed_amount) filter (disposition = 'sale'), 0),
            coalesce(sum(signed_amount) filter (disposition = 'return'), 0)
        from intermediate.int_line_dispositions
        """
    ).fetchone()
    assert row is not None
    orders, customers, anonymous, sold, returned = row
    exact = partial(money, currency=settings.shop.currency, pence=True)
    told = (
        f"{plural(orders, 'order')} of {plural(customers, 'customer')}, "
        f"{plural(anonymous, 'sale line')} without one; "
        f"{exact(sold)} sold, {exact(-returned)} went back, {exact(sold + returned)} net"
    )
    console.print(f"[bold]Totals[/]     {told}")
