"""What a person reads when a refresh is over, and what `regulars status` tells.

Belongs here: wording and layout of the summary. Does not belong here: any figure's
rule; each one is read from a table.
"""

from __future__ import annotations

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.progress import step_label
from orchestration.refresh import RefreshOutcome
from warehouse.database import open_warehouse
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.settings import load_settings

_SAMPLE_NOTE = "[yellow]Sample data:[/] a made-up history, not a real shop."


def print_outcome(console: Console, home: Home, outcome: RefreshOutcome) -> None:
    """The closing summary of one refresh."""
    origin = home.origin()
    console.print()
    if origin is not None and origin.is_sample:
        console.print(_SAMPLE_NOTE)
    if not outcome.succeeded:
        _print_failure(console, home, outcome)
        return
    if outcome.nothing_new:
        seconds = sum(outcome.seconds_by_step.values())
        console.print(f"[green]Nothing new[/] since the last publication (looked for {seconds:.1f} s).")
        _print_files(console, home)
        console.print(f"Snapshot for readers: {escape(str(home.published))}")
        return
    _print_files(console, home)
    _print_accounting(console, home)
    _print_answers(console, home)
    checks = f"{outcome.checks_passed} passed"
    if outcome.checks_warned:
        checks += f", {len(outcome.checks_warned)} with warnings"
    console.print(f"[bold]Checks[/]     {checks}")
    for warning in outcome.checks_warned:
        console.print(f"  [yellow]![/] {escape(warning)}")
    _print_times(console, outcome)
    console.print(f"\n[green]Published[/] {escape(str(home.published))}")
    console.print(
        "Where to look next: `make serve` (dashboard), `make ui` (assets, checks, lineage), "
        "`.venv/bin/regulars status`, or open the file in a BI tool."
    )
    if origin is not None and origin.is_sample:
        console.print("Your own files: make run LANDING=folder (kept apart from this sample).")


def _print_failure(console: Console, home: Home, outcome: RefreshOutcome) -> None:
    console.print("[red]Not published.[/] What went wrong:")
    for problem in dict.fromkeys(outcome.problems):
        console.print(f"  [red]✗[/] {escape(problem)}")
    if home.published.exists():
        console.print(f"Readers keep the last good snapshot: {escape(str(home.published))}")
    console.print(f"More: regulars refresh --verbose, or run {outcome.run_id[:8]} in `make ui`.")


def _print_files(console: Console, home: Home) -> None:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        counts = connection.execute(
            "select status, count(*), coalesce(sum(delivered_lines), 0) from quality.load_ledger group by 1 order by 1"
        ).fetchall()
        turned_away = connection.execute(
            """
            select problem from quality.load_ledger
            where status in ('rejected', 'in_transit')
            qualify row_number() over (partition by file_name order by load_id desc) = 1
            order by file_name
            """
        ).fetchall()
        noted = connection.execute(
            "select file_name, notes from quality.load_ledger where status = 'loaded' and notes is not null order by 1"
        ).fetchall()
    loaded = ", ".join(f"{files:,} {status.replace('_', ' ')} ({lines:,} lines)" for status, files, lines in counts)
    console.print(f"[bold]Files[/]      {loaded}")
    for (problem,) in turned_away[:20]:
        console.print(f"  [yellow]![/] {escape(problem)}")
    if len(turned_away) > 20:
        console.print(f"  … and {len(turned_away) - 20:,} more in quality.load_ledger")
    for file_name, note in noted[:5]:
        console.print(f"  · {escape(file_name)}: {escape(note)}")
    if len(noted) > 5:
        console.print(f"  … notes on {len(noted) - 5:,} more files in quality.load_ledger")


def _print_accounting(console: Console, home: Home) -> None:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        rows = connection.execute(
            """
            select disposition, row_count, gross_amount from marts.row_accounting
            where row_count > 0 order by row_count desc, disposition
            """
        ).fetchall()
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("Lines")
    table.add_column("count", justify="right")
    table.add_column("amount", justify="right")
    for disposition, count, amount in rows:
        kept = disposition in ("sale", "return")
        name = disposition.replace("_", " ")
        table.add_row(f"[green]{name}[/]" if kept else f"{name} [dim](set aside)[/]", f"{count:,}", f"{amount:,.2f}")
    table.add_row("[bold]delivered[/]", f"{sum(r[1] for r in rows):,}", f"{sum(r[2] for r in rows):,.2f}")
    console.print(table)


def _print_answers(console: Console, home: Home) -> None:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        customers, net = _one(connection, "select count(*), coalesce(sum(monetary_net), 0) from marts.customer_rfm")
        segments = connection.execute(
            """
            select segment_name, customers, customers_pct, recency_days_mean, frequency_mean, monetary_mean
            from ml.segment_profiles where algorithm = 'kmeans' order by monetary_mean desc, segment_name
            """
        ).fetchall()
        value, horizon_days, value_model = _one(
            connection, "select sum(clv), any_value(horizon_days), any_value(model) from ml.customer_clv"
        )
        moved, joined = _one(
            connection,
            """
            select count(*) filter (change = 'moved'), count(*) filter (change = 'joined')
            from reporting.audience_changes where method = 'audience'
            """,
        )
        odd = connection.execute(
            """
            select count(*) over (), date, direction, cause
            from ml.revenue_anomalies where series = 'total' and grain = 'day' order by date desc limit 3
            """
        ).fetchall()
        doubts = connection.execute(
            """
            select replace(model, '_', ' '), replace(algorithm, '_', ' '), concat_ws(' ', warnings, change_notes)
            from ml.model_runs where coalesce(warnings, change_notes) is not null order by 1, 2
            """
        ).fetchall()
    currency = load_settings().shop.currency
    console.print(f"[bold]Customers[/]  {customers:,} with a purchase, who spent {currency} {net:,.2f} net of returns")
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for heading, right in (
        ("Segments", ""),
        ("customers", "r"),
        ("%", "r"),
        ("last seen", "r"),
        ("orders", "r"),
        ("money", "r"),
    ):
        table.add_column(heading, justify="right" if right else "left")
    for name, count, share, recency, frequency, money in segments:
        table.add_row(name, f"{count:,}", f"{share:.0f}", f"{recency:.0f} days", f"{frequency:.1f}", f"{money:,.0f}")
    console.print(table)
    if moved or joined:
        console.print(
            f"Since the last publication {moved:,} customers moved to another segment, {joined:,} joined one."
        )
    console.print(
        f"[bold]Value[/]      {currency} {value:,.0f} net expected of them within {horizon_days} days "
        f"({value_model.replace('_', ' ')}; hold-outs in ml.clv_holdout)"
    )
    console.print(f"[bold]Anomalies[/]  {odd[0][0] if odd else 0} odd days of revenue{'; the last:' if odd else ''}")
    for _, day, direction, cause in odd:
        console.print(f"  {day} {direction}: {escape(cause)}")
    for model, algorithm, told in doubts:
        console.print(f"  [yellow]![/] {model}, {algorithm}: {escape(told)}")


def _print_times(console: Console, outcome: RefreshOutcome) -> None:
    parts = ", ".join(f"{step_label(step)} {seconds:.1f}" for step, seconds in outcome.seconds_by_step.items())
    console.print(f"[bold]Seconds[/]    {parts}; in all {sum(outcome.seconds_by_step.values()):.1f}")


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return row


def print_status(console: Console, home: Home) -> None:
    """What readers see now. Reads only the published snapshot.

    Raises
    ------
    RegularsError
        If nothing has been published yet.
    """
    if not home.published.exists():
        raise RegularsError(f"Nothing is published under {home.root} yet. Run `regulars refresh` (or `make run`).")
    with open_warehouse(home.published, read_only=True) as connection:
        publication = connection.execute(
            """
            select publication_id, published_at, snapshot_date, is_sample, landing, lines, customers, net_revenue
            from quality.publications order by publication_id desc limit 1
            """
        ).fetchone()
        if publication is None:
            raise RegularsError(f"{home.published} carries no record of its publication; refresh with --full.")
        checks = connection.execute(
            """
            select layer, count(*) filter (status = 'passed'), count(*) filter (status <> 'passed')
            from quality.validation_results
            where run_id = (select run_id from quality.validation_results order by recorded_at desc limit 1)
            group by layer order by min(recorded_at)
            """
        ).fetchall()
    number, at, snapshot_date, is_sample, landing, lines, customers, net = publication
    if is_sample:
        console.print(_SAMPLE_NOTE)
    console.print(f"[bold]Publication[/] {number}, {at:%Y-%m-%d %H:%M} UTC, from {escape(landing)}")
    console.print(
        f"[bold]Content[/]     {lines:,} lines, {customers:,} customers, net revenue {net:,.2f}; "
        f"recency counts to {snapshot_date}"
    )
    console.print(
        "[bold]Checks[/]      "
        + ", ".join(f"{layer}: {ok} passed" + (f", {bad} not" if bad else "") for layer, ok, bad in checks)
    )
    console.print(f"[bold]Snapshot[/]    {escape(str(home.published))}")
