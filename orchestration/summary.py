"""What a person reads when a refresh is over, and what `regulars status` tells.

Belongs here: wording and layout of the summary. Does not belong here: any figure's
rule; each one is read from a table.

A refresh that stopped tells what is known all the same: which files could not be read and
what to do about each, and where lines went as far as it came. A failed check alone
("no lines at all") helps nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.pulls import print_latest_pulls
from orchestration.refresh import RefreshOutcome
from orchestration.step_labels import step_label
from orchestration.turned_away import TurnedAway, has_table, turned_away
from warehouse.database import open_warehouse
from warehouse.errors import RegularsError, WarehouseBusyError
from warehouse.formats import SUBJECTS, export_formats
from warehouse.home import Home, default_home
from warehouse.measures import TABLES, aggregates
from warehouse.quality import CHECKS_BY_LAYER
from warehouse.settings import load_settings
from warehouse.wording import MISSING, count, day, days, moment, money, number, percent, plural

MOST_FILES = 20
"""Files that are told one by one; the ledger has all."""
MOST_REASONS = 15

# what the check of the ledger found stands, file by file and whole, under Files; a pull that failed, under Databases
_TOLD_ABOVE = ("quality/load_ledger: ", "landing/databases: ")

_SAMPLE_NOTE = "[yellow]Sample data:[/] a made-up history, not a real shop."


def print_outcome(console: Console, home: Home, outcome: RefreshOutcome) -> None:
    """The closing summary of one refresh."""
    origin = home.origin()
    console.print()
    if origin is not None and origin.is_sample:
        console.print(_SAMPLE_NOTE)
    if outcome.mended is not None:
        console.print(f"[yellow]![/] {escape(outcome.mended)}")
    if not outcome.succeeded:
        _print_failure(console, home, outcome)
        return
    if outcome.nothing_new:
        seconds = sum(outcome.seconds_by_step.values())
        console.print(f"[green]Nothing new[/] since the last publication (looked for {seconds:.1f} s).")
        with _told_if_taken(console), open_warehouse(home.warehouse, read_only=True) as connection:
            print_latest_pulls(console, connection)
            _print_files(console, connection)
        console.print(f"Snapshot for readers: {escape(str(home.published))}")
        return
    passed, warned = outcome.checks_passed, len(outcome.checks_warned)
    with _told_if_taken(console), open_warehouse(home.warehouse, read_only=True) as connection:
        # as status and Data health count them; Dagster knows the checks of a table as one
        passed, warned = _one(connection, f"select sum(passed), sum(warned) from ({CHECKS_BY_LAYER}) as layers")
        print_latest_pulls(console, connection)
        _print_files(console, connection)
        print_sources(console, connection)
        print_exports(console, connection)
        _print_limits(console, connection)
        _print_clocks(console, connection)
        print_accounting(console, connection)
        print_answers(console, connection)
    checks = f"{count(passed)} passed"
    if warned:
        checks += f", {count(warned)} with warnings"
    console.print(f"[bold]Checks[/]     {checks}")
    for warning in outcome.checks_warned:
        if warning.startswith(_TOLD_ABOVE):
            continue
        console.print(f"  [yellow]![/] {escape(warning)}")
    _print_times(console, outcome)
    console.print(f"\n[green]Published[/] {escape(str(home.published))}")
    console.print(escape(where_to_look(home)))
    if origin is not None and origin.is_sample:
        console.print("Your own files: make run LANDING=folder (kept apart from this sample).")


def where_to_look(home: Home) -> str:
    """The commands that show this home; what `make` opens is another one, where a home was named."""
    if home.root.resolve() == default_home().to_read.root.resolve():
        serve, ui, status = "make serve", "make ui", ".venv/bin/regulars status"
    else:
        serve, ui, status = (f".venv/bin/regulars {name} --home {home.root}" for name in ("serve", "ui", "status"))
    return (
        f"Where to look next: `{serve}` (dashboard), `{ui}` (assets, checks, lineage), `{status}`, or open the file in "
        "a BI tool."
    )


@contextmanager
def _told_if_taken(console: Console) -> Iterator[None]:
    """Say that the summary has to do without the private file, where what waited for the refresh has it already."""
    try:
        yield
    except WarehouseBusyError as error:
        console.print(f"[yellow]![/] What was read can't be told: {escape(str(error))}")


def _print_failure(console: Console, home: Home, outcome: RefreshOutcome) -> None:
    console.print("[red]Not published.[/] What went wrong:")
    # a file that was turned away is told below, among the files
    for problem in dict.fromkeys(outcome.problems):
        if problem in outcome.turned_away:
            continue
        console.print(f"  [red]✗[/] {escape(problem)}")
    _print_what_is_known(console, home, outcome)
    if home.published.exists():
        console.print(f"Readers keep the last good snapshot: {escape(str(home.published))}")
    if outcome.run_id:
        console.print(f"More: regulars refresh --verbose, or run {outcome.run_id[:8]} in `make ui`.")


def _print_what_is_known(console: Console, home: Home, outcome: RefreshOutcome) -> None:
    """Files, and where lines went as far as the run that stopped had come."""
    steps = outcome.seconds_by_step
    if "load_landing_files" not in steps or not home.warehouse.exists():
        return
    try:
        with open_warehouse(home.warehouse, read_only=True) as connection:
            print_latest_pulls(console, connection)
            if not has_table(connection, "quality", "load_ledger"):
                return
            _print_files(console, connection, [one for one in outcome.problems if one not in outcome.turned_away])
            # a gate runs only once its layer was built
            if "validate_marts" in steps:
                print_sources(console, connection)
                print_exports(console, connection)
                _print_limits(console, connection)
                _print_clocks(console, connection)
                print_accounting(console, connection)
            elif "validate_staging" in steps:
                _print_typed_lines(console, connection)
            elif "validate_raw" in steps:
                _print_raw_lines(console, connection)
    except WarehouseBusyError as error:
        # another process took the file since; that is one more thing to know
        if str(error) not in outcome.problems:
            console.print(f"  [yellow]![/] {escape(str(error))}")


def _print_files(console: Console, connection: duckdb.DuckDBPyConnection, above: Sequence[str] = ()) -> None:
    """What became of deliveries; a file that the texts ``above`` tell of whole is not told again."""
    counts = connection.execute(
        """
        select status, count(*), coalesce(sum(delivered_lines), 0) from quality.load_ledger
        where status not in ('rejected', 'in_transit') group by 1 order by 1
        """
    ).fetchall()
    missing = turned_away(connection)
    others = connection.execute(
        """
        select kind, count(*), min(file_name) from quality.load_ledger
        where status = 'loaded' and kind <> 'transactions' group by kind order by kind
        """
    ).fetchall()
    sales = _one(
        connection, "select count(*) from quality.load_ledger where status = 'loaded' and kind = 'transactions'"
    )[0]
    noted = connection.execute(
        "select file_name, notes from quality.load_ledger where status = 'loaded' and notes is not null order by 1"
    ).fetchall()
    told = [f"{count(files)} {status.replace('_', ' ')} ({plural(lines, 'line')})" for status, files, lines in counts]
    for status in ("rejected", "in_transit"):
        if files := sum(file.status == status for file in missing):
            told.append(f"{count(files)} {status.replace('_', ' ')}")
    console.print(f"[bold]Files[/]      {', '.join(told) or 'none'}")
    if others and not sales:
        only = ", ".join(f"{count(files)} of {kind.replace('_', ' ')} ({name})" for kind, files, name in others)
        console.print(f"  [yellow]![/] No file of sales was loaded, only {escape(only)}")
    _print_turned_away(console, [file for file in missing if not _is_in(file.problem, above)])
    for file_name, note in noted[:5]:
        console.print(f"  · {escape(file_name)}: {escape(note)}")
    if len(noted) > 5:
        console.print(f"  … notes on {plural(len(noted) - 5, 'more file')} in quality.load_ledger")


def _is_in(problem: str, texts: Sequence[str]) -> bool:
    """Whether a text holds the problem, line for line; a check may put a whole message into its own."""
    return any(all(line.rstrip(":. ") in text for line in problem.splitlines()) for text in texts)


def _print_turned_away(console: Console, files: Sequence[TurnedAway]) -> None:
    """Each with its whole message."""
    blocks: dict[str, str] = {}
    for file in files[:MOST_FILES]:
        first, _, block = file.problem.partition("\n")
        console.print(f"  [yellow]![/] {escape(first)}")
        # the same block for every file of an export would bury the rest
        same = blocks.setdefault(block.replace(file.file_name, "*"), file.file_name)
        if block and same == file.file_name:
            # as it is, to be copied
            console.print(block.rstrip("\n"), markup=False)
        elif block:
            console.print(f"    the same lines as for {escape(same)}, with the name of this file")
    if len(files) > MOST_FILES:
        console.print(f"  … and {count(len(files) - MOST_FILES)} more in quality.load_ledger")


def print_sources(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """How the files of each source were judged."""
    sources = connection.execute(
        """
        select source, profile, evidence, file_count, line_count from marts.source_profiles
        order by line_count desc, source
        """
    ).fetchall()
    exports = export_formats()
    _print_headed(
        console,
        "Sources",
        [
            # of an export it is known what it is; of other files the lines had to show it
            f"{source}: {exports[source].title if source in exports else f'profile {profile} ({evidence})'}; "
            f"{plural(files, 'file')}, {plural(lines, 'line')}"
            for source, profile, evidence, files, lines in sources
        ],
    )


def print_exports(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """What exports say themselves of their orders, and which orders came again."""
    totals = connection.execute(
        """
        select source, coalesce(told_as, 'total'), order_count, reconciled_order_count from marts.order_totals
        order by source, order_count desc, told_as
        """
    ).fetchall()
    replaced = connection.execute(
        """
        select source, count(distinct invoice_no), count(distinct invoice_no) filter (where not is_as_newest)
        from marts.order_versions where is_replaced group by source order by 2 desc, source
        """
    ).fetchall()
    checked: dict[str, list[str]] = {}
    for source, told_as, orders, added in totals:
        checked.setdefault(source, []).append(
            f"{count(added)} of {plural(orders, 'order')} {'adds' if orders == 1 else 'add'} up to "
            f"{'its' if orders == 1 else 'their'} {told_as}"
        )
    _print_headed(console, "Checked", [f"{source}: {'; '.join(told)}" for source, told in checked.items()])
    _print_headed(
        console,
        "Came again",
        [
            f"{source}: {plural(orders, 'order')} came again in a newer file and "
            f"{'was' if orders == 1 else 'were'} replaced, "
            f"{f'{count(changed)} of them' if changed else 'none'} with other lines"
            for source, orders, changed in replaced
        ],
    )


def _print_limits(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """What the files of each source don't show."""
    limits = connection.execute(
        """
        select source, list(subject order by coalesce(list_position(['refunds', 'customers'], subject), 3), subject)
        from quality.source_limits group by source order by source
        """
    ).fetchall()
    _print_headed(
        console,
        "Limits",
        [
            f"{source} doesn't show: {', '.join(SUBJECTS[subject] for subject in subjects)}"
            for source, subjects in limits
        ],
    )


def _print_clocks(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """Whose clock the times are on."""
    clocks = connection.execute(
        """
        select clock, count(*) from quality.load_ledger
        where status = 'loaded' and clock is not null group by clock order by 2 desc, 1
        """
    ).fetchall()
    _print_headed(console, "Times", [f"{clock} ({plural(files, 'file')})" for clock, files in clocks])


def _print_headed(console: Console, head: str, told: Sequence[str]) -> None:
    """Lines under one word before the first of them."""
    for at, line in enumerate(told):
        console.print(f"{f'[bold]{head}[/]' + ' ' * (10 - len(head)) if at == 0 else ' ' * 10} {escape(line)}")


def print_accounting(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """Where every delivered line went, and for what reasons lines were set aside."""
    kept = connection.execute(
        """
        select disposition, row_count, gross_amount from marts.row_accounting
        where row_count > 0 and is_kept order by row_count desc, disposition
        """
    ).fetchall()
    left_out, left_out_amount, delivered, delivered_amount, derived = _one(
        connection,
        """
        select
            coalesce(sum(row_count) filter (not is_kept), 0), coalesce(sum(gross_amount) filter (not is_kept), 0),
            coalesce(sum(row_count), 0), coalesce(sum(gross_amount), 0), coalesce(sum(derived_row_count), 0)
        from marts.row_accounting
        """,
    )
    reasons = connection.execute(
        """
        select
            disposition, reason, line_count, amount, lines_without_amount, example_amount_text, customer_count,
            lost_customer_count, file_count, example_file_name, example_row_number
        from marts.set_aside_reasons
        order by line_count desc, disposition, reason
        """
    ).fetchall()
    currency = load_settings().shop.currency
    table = _lines_table()
    for disposition, lines, amount in kept:
        table.add_row(f"[green]{disposition.replace('_', ' ')}[/]", count(lines), _exact(amount, currency))
    table.add_row("set aside", count(left_out), _exact(left_out_amount, currency))
    table.add_row("[bold]delivered[/]", count(delivered), _exact(delivered_amount, currency))
    console.print(table)
    if derived:
        console.print(
            f"  · {count(derived)} of these lines {'is not a row' if derived == 1 else 'are not rows'} of a file: "
            f"{'a refund' if derived == 1 else 'refunds'} in a column of the sale's row"
        )
    table = _reasons_table("Set aside because")
    shown = reasons[:MOST_REASONS]
    for disposition, reason, lines, amount, without, text, customers, lost, files, file_name, row in shown:
        told = (
            f"{disposition.replace('_', ' ')}: {reason}",
            _without_amount(lines, without, text),
            _customers(customers, lost),
            _example(file_name, row, files),
        )
        table.add_row(
            count(lines),
            MISSING if without == lines else _exact(amount, currency),
            escape("; ".join(filter(None, told))),
        )
    if len(reasons) > MOST_REASONS:
        rest = sum(reason[2] for reason in reasons[MOST_REASONS:])
        more = plural(len(reasons) - MOST_REASONS, "more reason")
        table.add_row(count(rest), "", f"{more}, in marts.set_aside_reasons")
    if reasons:
        console.print(table, soft_wrap=False)


def _print_typed_lines(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """What typing made of the lines, where a run stopped before they were accounted for."""
    rows = connection.execute(
        """
        select
            unreadable_reason, count(*), sum(signed_amount), count(distinct load_id), min(file_name),
            arg_min(row_number, (file_name, row_number))
        from staging.stg_transactions
        group by unreadable_reason
        order by unreadable_reason is not null, count(*) desc, unreadable_reason
        """
    ).fetchall()
    _print_read_so_far(
        console,
        [
            (lines, amount, reason, _example(file_name, row, files))
            for reason, lines, amount, files, file_name, row in rows
        ],
    )


def _print_raw_lines(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """Which lines no reader could split, where a run stopped right after loading."""
    rows = connection.execute(
        """
        select
            _problem, count(*), count(distinct _load_id), min(_file_name),
            arg_min(_row_number, (_file_name, _row_number))
        from raw.sales_lines
        group by _problem
        order by _problem is not null, count(*) desc, _problem
        """
    ).fetchall()
    _print_read_so_far(
        console,
        [(lines, None, problem, _example(file_name, row, files)) for problem, lines, files, file_name, row in rows],
    )


def _print_read_so_far(console: Console, rows: Sequence[tuple[int, Decimal | None, str | None, str]]) -> None:
    """Lines, their amount, why they could not be read (None: they could) and where; those that could come first."""
    if not rows:
        return
    currency = load_settings().shop.currency
    table = _reasons_table("Lines so far")
    for lines, amount, reason, example in rows[: MOST_REASONS + 1]:
        told = "[green]read[/]" if reason is None else escape(f"unreadable: {reason}; {example}")
        table.add_row(count(lines), _exact(amount, currency), told)
    if len(rows) > MOST_REASONS + 1:
        rest = rows[MOST_REASONS + 1 :]
        table.add_row(count(sum(row[0] for row in rest)), "", f"unreadable: {plural(len(rest), 'more reason')}")
    console.print(table, soft_wrap=False)


def _lines_table() -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("Lines")
    table.add_column("count", justify="right")
    table.add_column("amount", justify="right")
    return table


def _reasons_table(title: str) -> Table:
    """Figures first, so that a long reason wraps beside them."""
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    table.add_column("lines", justify="right", no_wrap=True)
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column(title, overflow="fold")
    return table


def _without_amount(lines: int, without: int, text: str | None) -> str:
    """On how many lines the amount would not read, and what stands there."""
    if not without:
        return ""
    told = "no amount" if without == lines else f"no amount on {count(without)} of them"
    return told if text is None else f"{told}, such as “{text}”"


def _customers(customers: int, lost: int) -> str:
    if not customers:
        return ""
    return plural(customers, "customer") + (f", {count(lost)} of them with no line kept" if lost else "")


def _example(file_name: str | None, row: int | None, files: int) -> str:
    if file_name is None:
        return ""
    place = file_name if row is None else f"{file_name} line {row}"
    return place if files <= 1 else f"{place}, in {plural(files, 'file')}"


def _exact(amount: Decimal | None, currency: str) -> str:
    """An amount to the penny."""
    return money(amount, currency, pence=True)


def print_answers(console: Console, connection: duckdb.DuckDBPyConnection) -> None:
    """What came of the models: customers, segments, customer value and unusual days, each with its caveats."""
    figures = aggregates("customers", ["customers", "monetary_net_sum", "clv_sum"])
    customers, net, value, horizon_days, value_model = _one(
        connection,
        f"""
        select {figures}, any_value(clv_horizon_days), any_value(clv_model)
        from {TABLES["customers"]} where has_purchases
        """,
    )
    segments = connection.execute(
        """
        select segment_name, customers, customers_pct, recency_days_mean, frequency_mean, monetary_mean
        from reporting.segment_playbooks where method = 'rfm' order by monetary_mean desc, segment_name
        """
    ).fetchall()
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
    value_caveats = connection.execute(
        "select warnings from reporting.model_notes where is_about_customer_value and has_warnings order by algorithm"
    ).fetchall()
    doubts = connection.execute(
        """
        select replace(model, '_', ' '), replace(algorithm, '_', ' '), concat_ws(' ', warnings, change_notes)
        from reporting.model_notes
        where model <> 'customer_value' and coalesce(warnings, change_notes) is not null order by 1, 2
        """
    ).fetchall()
    concerns = connection.execute("select sentence from reporting.headline_notes order by place, note_key").fetchall()
    settings = load_settings()
    currency = settings.shop.currency
    console.print(
        f"[bold]Customers[/]  {count(customers)} with a purchase, who spent {money(net or 0, currency)} net of returns"
    )
    for (sentence,) in concerns:
        console.print(f"  [yellow]![/] {escape(sentence)}")
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for heading, right in (
        ("Segments", ""),
        ("customers", "r"),
        ("of all", "r"),
        ("last seen", "r"),
        ("orders each" if settings.rfm.frequency == "invoices" else "order lines each", "r"),
        ("money each", "r"),
    ):
        table.add_column(heading, justify="right" if right else "left")
    for name, members, share, recency, frequency, spent in segments:
        table.add_row(name, count(members), percent(share, 0), days(recency), number(frequency), money(spent, currency))
    console.print(table)
    if moved or joined:
        console.print(
            f"Since the last publication {plural(moved, 'customer')} moved to another segment, "
            f"{count(joined)} joined one."
        )
    console.print(
        f"[bold]Value[/]      {money(value, currency)} of net revenue expected from them in the next "
        f"{days(horizon_days)} ({value_model.replace('_', ' ')}; hold-outs in ml.clv_holdout)"
    )
    for (caveat,) in value_caveats:
        console.print(f"  [yellow]![/] {escape(caveat)}")
    console.print(
        f"[bold]Unusual[/]    {plural(odd[0][0] if odd else 0, 'unusual day')} of revenue{'; the last:' if odd else ''}"
    )
    for _, date, direction, cause in odd:
        console.print(f"  {day(date)}, {direction}: {escape(cause)}")
    for model, algorithm, told in doubts:
        console.print(f"  [yellow]![/] {model}, {algorithm}: {escape(told)}")


def _print_times(console: Console, outcome: RefreshOutcome) -> None:
    parts = ", ".join(f"{step_label(step)} {seconds:.1f}" for step, seconds in outcome.seconds_by_step.items())
    console.print(f"[bold]Seconds[/]    {parts}; in all {sum(outcome.seconds_by_step.values()):.1f}")


def _one(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, object] | None = None) -> tuple:
    row = connection.execute(sql, parameters).fetchone()
    assert row is not None
    return row


def print_status(console: Console, home: Home) -> None:
    """What readers see now, and which files wait to be mended.

    Figures are those of the published snapshot. Files that were rejected since it was published
    stand in the private warehouse, which is looked into as long as no refresh holds it.

    Raises
    ------
    RegularsError
        If nothing has been published yet.
    """
    if not home.published.exists():
        _print_rejected(console, home)
        raise RegularsError(f"Nothing is published under {home.root} yet. Run `regulars refresh` (or `make run`).")
    with open_warehouse(home.published, read_only=True) as connection:
        publication = connection.execute(
            """
            select
                publication_id, published_at, snapshot_date, is_sample, landing, lines, customers, net_revenue,
                (select value from quality.about where name = 'currency') as currency
            from quality.publications order by publication_id desc limit 1
            """
        ).fetchone()
        if publication is None:
            raise RegularsError(f"{home.published} carries no record of its publication; refresh with --full.")
        checks = connection.execute(
            f"select layer, passed, warned, failed, could_not_run from ({CHECKS_BY_LAYER}) as layers"
        ).fetchall()
    publication_id, at, snapshot_date, is_sample, landing, lines, customers, net, currency = publication
    if is_sample:
        console.print(_SAMPLE_NOTE)
    console.print(f"[bold]Publication[/] {publication_id}, {moment(at)}, from {escape(landing)}")
    console.print(
        f"[bold]Content[/]     {plural(lines, 'line')}, {plural(customers, 'customer')}, "
        f"net revenue {money(net, currency)}; recency counts to {day(snapshot_date)}"
    )
    console.print("[bold]Checks[/]      " + "; ".join(_outcomes(layer, *numbers) for layer, *numbers in checks))
    console.print(f"[bold]Snapshot[/]    {escape(str(home.published))}")
    _print_rejected(console, home)


def _outcomes(layer: str, passed: int, warned: int, failed: int, could_not_run: int) -> str:
    """How a layer's checks came out, in words; what none did is left out."""
    others = ((warned, "warned"), (failed, "failed"), (could_not_run, "could not run"))
    return ", ".join([f"{layer}: {count(passed)} passed", *(f"{count(one)} {word}" for one, word in others if one)])


def _print_rejected(console: Console, home: Home) -> None:
    """Files in landing that could not be loaded, by the newest record that can be read."""
    for path in (home.warehouse, home.published):
        if not path.exists():
            continue
        try:
            with open_warehouse(path, read_only=True) as connection:
                print_latest_pulls(console, connection)
                missing = turned_away(connection)
            if missing:
                console.print("[bold]Not loaded[/]")
                _print_turned_away(console, missing)
            return
        except WarehouseBusyError:
            # a refresh is at work: what is published tells what was known before it
            console.print("A refresh is at work now; files are those known before it.")
