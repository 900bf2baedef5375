"""The `regulars` command.

Belongs here: arguments, exit codes, and one line per error. Does not belong here: any
work; each command calls the module that does it, imported only then, so that `--help`
is quick.
"""

from __future__ import annotations

import atexit
import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast, get_args

import typer
from rich.console import Console
from rich.markup import escape

from warehouse.errors import HomeError, RecordsError, RegularsError, SettingsError, StoppedError
from warehouse.home import HOME_VARIABLE, Home, Origin, default_home
from warehouse.rights import explain_refusal
from warehouse.small_files import write_whole
from warehouse.wording import plural

if TYPE_CHECKING:
    from orchestration.alerts import Entry
    from orchestration.status import Standing
    from warehouse.settings import Settings

app = typer.Typer(
    name="regulars",
    help="Who are the regulars? Raw retail files in, a checked customer-value warehouse out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
stderr = Console(stderr=True, highlight=False, soft_wrap=True)
stdout = Console(highlight=False, soft_wrap=True)

FAILED, BAD_USAGE = 1, 2

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help=f"Where all state lives (default ${HOME_VARIABLE} or data/)."),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show every log line and full tracebacks.")]


Say = Callable[[str, str, str], None]
"""Tells a level, an event and a message: to people, or to programs."""


def _say(level: str, event: str, message: str) -> None:
    colour = "red" if level == "error" else "yellow"
    head = {"alert": f"[{colour}]Alert:[/] ", "error": "[red]regulars:[/] "}.get(event, "")
    stderr.print(head + escape(message))


@contextmanager
def _explained(verbose: bool = False, say: Say = _say) -> Iterator[None]:
    """End with one line that says what is wrong, and the exit code that fits."""
    try:
        yield
    except (SettingsError, HomeError) as error:
        if verbose:
            stderr.print_exception()
        say("error", "error", str(error))
        raise typer.Exit(BAD_USAGE) from error
    except (StoppedError, KeyboardInterrupt) as stopped:
        say("error", "error", str(stopped) or "Stopped.")
        # as shells tell of a process that a signal ended
        raise typer.Exit(128 + getattr(stopped, "signal_number", signal.SIGINT)) from stopped
    except RegularsError as error:
        if verbose:
            stderr.print_exception()
        say("error", "error", str(error))
        raise typer.Exit(FAILED) from error
    except OSError as error:
        if verbose:
            stderr.print_exception()
        if error.filename and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            say("error", "error", explain_refusal(Path(os.fsdecode(error.filename))))
            raise typer.Exit(BAD_USAGE) from error
        say("error", "error", f"{error.strerror or error}: {error.filename or ''}")
        raise typer.Exit(FAILED) from error


def _home(given: Path | None) -> Home:
    return Home(given.expanduser().resolve()) if given else default_home()


def _published_home(given: Path | None) -> Home:
    return _home(given).to_read


@app.command()
def refresh(
    landing: Annotated[
        Path | None,
        typer.Option("--landing", metavar="DIR", help="Folder of delivered files (default: the home's own landing/)."),
    ] = None,
    rebind: Annotated[
        bool, typer.Option("--rebind", help="The folder of --landing is the same shop's, in another place than before.")
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of", metavar="DATE", formats=["%Y-%m-%d"], help="Ignore everything dated on or after this day."
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Rebuild everything even if nothing is new.")] = False,
    home: HomeOption = None,
    sample_if_empty: Annotated[
        bool,
        typer.Option("--sample-if-empty", help="With nothing delivered yet, write and refresh the sample history."),
    ] = False,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", help="Wait for another refresh to finish.")] = 0.0,
    log_format: Annotated[
        str,
        typer.Option(
            "--log-format",
            metavar="FORMAT",
            help="text, or json: a JSON object a line on standard error, for programs.",
        ),
    ] = "text",
    verbose: VerboseOption = False,
) -> None:
    """Load what was delivered, build, check and publish.

    Exit code 0: published, or nothing new. 1: a check or a step failed; readers keep the
    last good snapshot. 2: command, settings or home can't be used. 130: stopped by Ctrl-C; the next refresh
    does the rest.
    """
    # a million long-lived objects are made by importing alone; the collector's default has
    # it walk them again and again, about a tenth of a refresh's time
    gc.set_threshold(200_000, 20, 20)
    from orchestration.json_lines import write_line, write_outcome
    from orchestration.refresh import run_refresh
    from orchestration.summary import print_outcome
    from warehouse.ledger import has_loaded

    as_json = log_format == "json"
    say: Say = write_line if as_json else _say
    with _explained(verbose and not as_json, say):
        if log_format not in ("text", "json"):
            raise SettingsError(f"There is no log format {log_format!r}; choose text or json.")
        chosen = _home(home)
        settings = _settings_or_alert(chosen, say)
        if landing is not None:
            if not landing.is_dir():
                raise HomeError(f"{landing} is not a folder.")
            if not _has_files(landing) and not chosen.published.exists() and not settings.landing.databases:
                raise RegularsError(f"{landing} holds no files yet; put sales files there (CSV, XLSX or Parquet).")
            chosen.bind(landing, is_sample=False, holds_lines=has_loaded(chosen.warehouse), rebind=rebind)
        elif rebind:
            raise HomeError("--rebind says that --landing DIR is the same shop's folder in another place; name it.")
        elif (
            sample_if_empty
            and chosen.origin() is None
            and not _has_files(chosen.landing)
            and not settings.landing.databases
        ):
            chosen = _sample_home(chosen, say)
        origin = chosen.origin_or_own()
        _tell_of_another_place(chosen, origin, say)
        if not chosen.warehouse.exists() and not _has_files(origin.landing) and not settings.landing.databases:
            raise RegularsError(
                f"{origin.landing} holds no files yet. Put sales files there (CSV, XLSX or Parquet), name another "
                "folder with --landing, or try `regulars sample` first."
            )
        sample_data = " (sample data)" if origin.is_sample else ""
        say("info", "refresh", f"Refreshing {chosen.root} from {origin.landing}{sample_data}")
        try:
            outcome = run_refresh(
                chosen,
                as_of_date=as_of.date().isoformat() if as_of else None,
                full=full,
                wait_seconds=wait,
                verbose=verbose,
                as_json=as_json,
                on_wait=lambda holder: say("info", "wait", f"Waiting for {holder}."),
            )
        except RecordsError:
            # the command itself ends by saying so
            _alert(chosen, say, is_logged=False)
            raise
        if as_json:
            write_outcome(outcome)
        else:
            print_outcome(stdout, chosen, outcome)
        _alert(chosen, say, has_news=not outcome.nothing_new)
        if not outcome.succeeded:
            raise typer.Exit(FAILED)


def _settings_or_alert(home: Home, say: Say = _say) -> Settings:
    """The settings; who asked for it is told once that they can't be read."""
    from warehouse.settings import load_settings

    try:
        return load_settings()
    except SettingsError:
        # the command itself ends by saying so
        _alert(home, say, is_logged=False)
        raise


def _alert(
    home: Home,
    say: Say = _say,
    *,
    standing: Standing | None = None,
    has_news: bool = True,
    is_logged: bool = True,
) -> None:
    """Tell who asked for it what is wrong; that this could not be done is said, and fails nothing."""
    from orchestration.alerts import tell_news

    def warn(told: str) -> None:
        say("error", "alert", told)

    def log(entry: Entry) -> None:
        # who sits at a terminal has just read it in the summary
        if is_logged and (say is not _say or not stderr.is_terminal):
            say("warning", "alert", entry.title)

    try:
        tell_news(
            home,
            log=log,
            warn=warn,
            standing=standing,
            has_news=has_news,
        )
    except SettingsError:
        # the command itself ends by saying so
        return
    except Exception as error:  # noqa: BLE001 -- whatever it is, the refresh has done its work
        warn(f"{home.root} could not be looked at, so nothing was told of it: {type(error).__name__}: {error}")


def _has_files(landing: Path) -> bool:
    from warehouse.readers.landing_files import list_landing

    return landing.is_dir() and bool(list_landing(landing).files)


def _tell_of_another_place(home: Home, origin: Origin, say: Say) -> None:
    """Say which folder a home reads that was moved or copied, and remember where it lies now."""
    if home.origin() is None:
        return
    root = home.root.resolve()
    if not origin.landing.is_dir() and origin.landing != root / home.landing.name:
        own = home.landing if home.landing.is_dir() else "DIR"
        raise HomeError(
            f"The landing folder {origin.landing} that {home.root} belongs to does not exist. Say where it is now: "
            f"regulars refresh --home {home.root} --landing {own} --rebind."
        )
    told = ""
    if origin.bound_at not in (None, root):
        told = f"{home.root} was moved or copied from {origin.bound_at}, and reads {origin.landing}."
    elif not origin.landing.is_relative_to(root) and Home(origin.landing.parent).origin_file.exists():
        told = f"{home.root} reads the landing folder of another home, {origin.landing}."
    if told:
        elsewhere = "" if origin.landing.is_relative_to(root) else " To read another: --landing DIR --rebind."
        say("warning", "place", told + elsewhere)
    home.bind(origin.landing, is_sample=origin.is_sample)


def _sample_home(home: Home, say: Say = _say) -> Home:
    """The sample's own home, with the history written into its landing if it isn't yet."""
    from warehouse.sample import write_sample_history

    sample = home.sample
    if not _has_files(sample.landing):
        with stderr.status("  writing the sample history …"):
            truth = write_sample_history(sample.landing)
        lines = plural(truth.delivered_lines, "line")
        say("info", "sample", f"Wrote a made-up history of {lines} to {sample.landing}")
    sample.bind(sample.landing, is_sample=True)
    return sample


@app.command()
def sample(home: HomeOption = None, verbose: VerboseOption = False) -> None:
    """Write the made-up history into a home of its own, to try things on."""
    with _explained(verbose):
        chosen = _sample_home(_home(home))
        stdout.print(f"Sample history in {chosen.landing}. Next: regulars refresh --home {chosen.root}")


@app.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Databases to pull from (default: all).")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Pull everything again, whatever was pulled before.")] = False,
    home: HomeOption = None,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", help="Wait for a refresh to finish.")] = 0.0,
    verbose: VerboseOption = False,
) -> None:
    """Bring what is new in the live databases into landing, and build nothing.

    A refresh does this first. Exit code 1 where a pull failed; what landed before is unharmed.
    """
    from orchestration.pulls import print_pulls
    from warehouse.database import open_warehouse, refresh_lock
    from warehouse.settings import load_settings

    with _explained(verbose):
        settings = load_settings()
        if not settings.landing.databases:
            raise SettingsError(
                "There is no database to pull from: describe one under [[landing.databases]] in regulars.toml, as "
                "docs/sources.md says."
            )
        from warehouse.databases.pulling import pull_databases

        chosen = _home(home)
        origin = chosen.origin_or_own()
        with refresh_lock(chosen, wait_seconds=wait, purpose="pull"):
            if origin.landing == chosen.landing:
                origin.landing.mkdir(parents=True, exist_ok=True)
            with stderr.status("  asking …") as status:
                pulls = pull_databases(
                    lambda: open_warehouse(chosen.warehouse),
                    origin.landing,
                    chosen.scratch,
                    settings,
                    names=names or (),
                    full=full,
                    progress=lambda told: status.update(f"  {escape(told)}"),
                )
        print_pulls(stdout, pulls)
        if any(one.problem for one in pulls):
            raise typer.Exit(FAILED)


@app.command()
def fetch(
    landing: Annotated[
        Path | None, typer.Option("--landing", metavar="DIR", help="Where to put it (default: the home's landing/).")
    ] = None,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Download the public UCI Online Retail workbook (needs the internet)."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from warehouse.fetch import fetch_online_retail

    with _explained(verbose):
        target = landing or _home(home).landing
        columns = (TextColumn("downloading"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=stderr, transient=True) as bar:
            task = bar.add_task("download", total=None)
            path = fetch_online_retail(
                target, progress=lambda done, total: bar.update(task, completed=done, total=total)
            )
        stdout.print(f"Downloaded to {path}. Next: regulars refresh" + (f" --landing {landing}" if landing else ""))


@app.command()
def status(
    max_age: Annotated[
        float | None,
        typer.Option(
            "--max-age",
            metavar="HOURS",
            min=0,
            help="Fail if what readers see was published longer ago (default: freshness.max_age_hours).",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For programs: what runs, what failed and how old it is.")
    ] = False,
    alert: Annotated[
        bool, typer.Option("--alert", help="Tell what is wrong to who asked for it in [alerts], once.")
    ] = False,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """What runs now, how the last refresh ended, what is published, how old it is and which checks passed.

    For a monitor: exit code 0 if all is well, 1 if the last refresh failed and left something
    unpublished, nothing is published, or what is published is older than --max-age.
    """
    from orchestration.status import print_standing, read_standing
    from orchestration.summary import print_status
    from warehouse.settings import load_settings

    with _explained(verbose):
        chosen = _published_home(home)
        settings = _settings_or_alert(chosen) if alert else load_settings()
        standing = read_standing(chosen, settings, now=datetime.now(UTC), max_age_hours=max_age)
        if alert:
            # where nothing is published, what follows ends with that
            _alert(chosen, standing=standing)
        if as_json:
            stdout.print_json(data=standing.as_json(), default=lambda at: at.isoformat(timespec="seconds"))
        else:
            print_standing(stdout, standing)
            if standing.unreadable is None:
                print_status(stdout, chosen)
        if not standing.is_fine:
            raise typer.Exit(FAILED)


@app.command()
def inspect(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file as it would be delivered: CSV, gzip, XLSX, Parquet …")
    ],
    verbose: VerboseOption = False,
) -> None:
    """Show how one file would be read, without loading it: columns, styles, totals, doubts, what is set aside.

    For a header that is not known it writes a mapping to paste into the settings. Exit code 1
    where a refresh would stop or turn the file away.
    """
    from orchestration.inspection import inspect_file

    with _explained(verbose):
        if not inspect_file(stdout, file):
            raise typer.Exit(FAILED)


@app.command()
def rollback(
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="Publication to put back (default: the one before).")
    ] = None,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Put an earlier snapshot back before the readers."""
    from warehouse.audit import recorded
    from warehouse.database import refresh_lock
    from warehouse.publishing import rollback as put_back
    from warehouse.settings import load_settings

    with _explained(verbose):
        chosen = _published_home(home)
        parquet = load_settings().publish.parquet
        asked = "the publication before" if to is None else f"publication {to}"
        with recorded(chosen, "rollback", asked), refresh_lock(chosen, purpose="rollback"):
            done = put_back(chosen, to=to, at=datetime.now(UTC), parquet=parquet)
        stdout.print(f"Readers now see publication {done.shown_id} again: {chosen.published}")


@app.command()
def classify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Sales lines: CSV (plain or gzip), XLSX or Parquet.", dir_okay=False)
    ],
    method: Annotated[str, typer.Option("--method", help="kmeans, hierarchical or mixture.")] = "kmeans",
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            metavar="DATE",
            formats=["%Y-%m-%d"],
            help="Ignore everything dated on or after this day; count to it.",
        ),
    ] = None,
    file_format: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="PATH", help="Where to write it (default: to the terminal).")
    ] = None,
    set_aside: Annotated[
        Path | None,
        typer.Option("--set-aside", metavar="PATH", help="Also write the lines that were set aside, as CSV."),
    ] = None,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Label the customers of a file with the segments of the published snapshot.

    The file goes through the same rules as the warehouse's own deliveries and is not kept.
    What became of its lines is told on the way; --set-aside writes each one not kept.
    """
    from serving.classify import UploadLimits, classifier_of
    from serving.classify.service import METHODS
    from serving.classify.writing import print_accounting, written

    with _explained(verbose):
        if method not in METHODS:
            raise SettingsError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
        if file_format not in ("csv", "json"):
            raise SettingsError(f"There is no format {file_format!r}; choose csv or json.")
        done = classifier_of(_published_home(home), UploadLimits()).classify_path(
            file, method=method, as_of=as_of.date() if as_of else None
        )
        content = written(done, file_format, indent=2) + (b"\n" if file_format == "json" else b"")
        if output is None:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            output.write_bytes(content)
        if set_aside is not None:
            set_aside.write_bytes(written(done, "csv", "set_aside"))
        print_accounting(stderr, done)


@app.command()
def export(
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="audience (RFM segments with overrides by hand), rfm, slipping, kmeans, hierarchical or mixture.",
        ),
    ] = "audience",
    segment: Annotated[
        list[str] | None, typer.Option("--segment", metavar="NAME", help="Only this one; may be repeated.")
    ] = None,
    file_format: Annotated[str, typer.Option("--format", help="csv, parquet or jsonl.")] = "csv",
    layout: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="TOOL",
            help="Columns of: generic, mailchimp, brevo, klaviyo, braze, google-ads, meta.",
        ),
    ] = "generic",
    holdout_pct: Annotated[
        int,
        typer.Option("--holdout-pct", min=0, max=50, help="Share left out of the campaign, to measure its effect by."),
    ] = 10,
    campaign: Annotated[
        str, typer.Option("--campaign", metavar="NAME", help="Names the folder, and draws the hold-out.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", help="Where the folder goes (default: the home's exports/)."),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            "--webhook", metavar="URL", help="Post each audience there, signed with $REGULARS_WEBHOOK_SECRET."
        ),
    ] = None,
    with_contacts: Annotated[
        bool,
        typer.Option("--with-contacts", help="Fill the tool's columns of contacts from the private warehouse."),
    ] = False,
    book: Annotated[
        Path | None,
        typer.Option(
            "--contacts", metavar="BOOK.csv", help="Fill them from this file: e-mail addresses, with customer numbers."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an export of the same name.")] = False,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Write a file per audience for mail and ad tools, with a hold-out group and who entered and left.

    The files carry customer numbers or pseudonyms, to be joined with your own address book, unless
    contacts are asked for: then who said no to marketing is left out, and only the files' owner can
    read them. Nothing is sent anywhere without --webhook, and contacts never are.
    """
    from serving.export import (
        ExportRequest,
        contacts_from_book,
        contacts_from_warehouse,
        deliver,
        export_audiences,
    )
    from serving.export.summary import print_export
    from serving.export.webhook import SECRET_VARIABLE, check_receiver
    from serving.snapshot import SnapshotReader
    from warehouse.audit import recorded

    with _explained(verbose):
        request = ExportRequest(
            method=method,  # type: ignore[arg-type]
            segments=tuple(segment or ()),
            file_format=file_format,  # type: ignore[arg-type]
            layout=layout,
            holdout_pct=holdout_pct,
            campaign=campaign,
        )
        secret = os.environ.get(SECRET_VARIABLE)
        if webhook:
            check_receiver(webhook, secret)
        chosen = _published_home(home)
        reader = SnapshotReader(chosen)
        # customers' numbers in a file say nothing to who has not the book; addresses, and what is sent away, do
        told = f"{method} for {layout}" + (" with contacts" if book is not None or with_contacts else "")
        is_recorded = book is not None or with_contacts or webhook is not None
        with recorded(chosen, "export", told) if is_recorded else nullcontext():
            contacts = contacts_from_book(book, chosen) if book is not None else None
            if with_contacts:
                kept = contacts_from_warehouse(chosen)
                contacts = kept if contacts is None else contacts.completed_by(kept)
            with reader.reading() as reading:
                exported = export_audiences(
                    reading, request, output or chosen.exports, overwrite=overwrite, contacts=contacts
                )
            print_export(stdout, exported)
            sent = deliver(exported, webhook, secret=secret) if webhook else None
        if sent is not None:
            before = f", {sent.already_delivered} had arrived before" if sent.already_delivered else ""
            stdout.print(f"Sent {plural(sent.sent, 'message')} with {plural(sent.customers, 'customer')}{before}.")


@app.command()
def report(
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE.pdf", help="Where to write it (default: the home's reports/)."),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="rfm, audience, slipping, kmeans, hierarchical or mixture.")
    ] = "rfm",
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Write the published snapshot as a PDF of a few pages to hand around."""
    from serving.filters import METHODS, Filters
    from serving.report import build_report
    from serving.snapshot import SnapshotReader

    with _explained(verbose):
        if method not in METHODS:
            raise SettingsError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
        chosen = _published_home(home)
        with SnapshotReader(chosen).reading() as reading:
            target = output or chosen.reports / f"report-{reading.about.publication_id}-{method}.pdf"
            write_whole(target, build_report(reading, Filters(method=method)))  # type: ignore[arg-type]
        stdout.print(f"Report in {escape(str(target))}")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to bind; another than loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to bind.")] = 8050,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Open the dashboard and the HTTP interface on the published snapshot.

    On another address than loopback every request needs the token in REGULARS_SERVE_TOKEN.
    """
    from serving.server import serve as serve_home

    with _explained(verbose):
        chosen = _home(home)

        def tell(address: str) -> None:
            shown = chosen.to_read
            if not shown.published.exists():
                stderr.print("Nothing is published yet; run `make run` and the page shows it.")
            stderr.print(
                f"Regulars on {address} ({escape(str(shown.root))}); its HTTP interface is described at {address}/docs"
            )

        serve_home(chosen, host=host, port=port, on_start=tell)


@app.command()
def shops(
    file: Annotated[
        Path, typer.Argument(metavar="SHOPS.toml", help="Lists the shops: name, home, settings, addresses.")
    ],
    host: Annotated[str, typer.Option(help="Address to bind; another than loopback needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to bind.")] = 8040,
    verbose: VerboseOption = False,
) -> None:
    """One page over all shops of this server: how fresh and how sound each is, and the way to its own pages.

    It reads what each home has published, and shows no figure. On another address than loopback every request needs
    the token in REGULARS_SERVE_TOKEN.
    """
    from serving.shops.page import serve_shops

    with _explained(verbose):
        serve_shops(
            file,
            host=host,
            port=port,
            on_start=lambda address, number: stderr.print(f"{plural(number, 'shop')} on {address}"),
        )


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the copy, outside of the home.")],
    home: HomeOption = None,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", help="Wait for a refresh to finish.")] = 0.0,
    verbose: VerboseOption = False,
) -> None:
    """Copy what a home can't make anew, to restore from; while daemon, pages and dashboard run.

    To restore, put the folder somewhere and refresh it: `regulars refresh --home DIR`. It holds customers'
    addresses and the key of their pseudonyms, and only its owner can open it.
    """
    from warehouse.audit import recorded
    from warehouse.backup import back_up
    from warehouse.wording import count

    with _explained(verbose):
        chosen = _home(home)
        with stderr.status("  copying …"), recorded(chosen, "backup", str(folder)):
            done = back_up(
                chosen,
                folder,
                wait_seconds=wait,
                on_wait=lambda holder: stderr.print(escape(f"Waiting for {holder}.")),
            )
        size_mib = count(done.size_bytes / 2**20)
        stdout.print(escape(f"Backed up {plural(done.files, 'file')}, {size_mib} MiB, to {done.folder}"))
        for name in done.changing:
            stdout.print(escape(f"Left out, because it changed meanwhile: {name}"))
        if done.landing_outside is not None:
            stdout.print(
                escape(f"Delivered files lie outside of the home; back them up as well: {done.landing_outside}")
            )


@app.command()
def backfill(
    first: Annotated[datetime, typer.Argument(metavar="FIRST", formats=["%Y-%m-%d"], help="The first day.")],
    last: Annotated[datetime, typer.Argument(metavar="LAST", formats=["%Y-%m-%d"], help="The last day.")],
    folder: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="Folder for the snapshots, as_of_YYYY_MM_DD.duckdb.")
    ],
    every: Annotated[
        str, typer.Option("--every", metavar="STEP", help="day, week, or month (the first of each).")
    ] = "day",
    home: HomeOption = None,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", help="Wait for a refresh to finish.")] = 0.0,
    verbose: VerboseOption = False,
) -> None:
    """Make a snapshot as of each day of a range, as if the shop had been refreshed on its morning.

    What is published stays as it is: each day is refreshed in a copy of the home, and a day whose snapshot is there is
    left out. Nothing dated on or after the day is seen; of what is dated before, today's knowledge is: late lines and
    corrected files too.

    Exit code 1: some day could not be made; the others are there.
    """
    from orchestration.backfill import Every, days_of
    from orchestration.backfill import backfill as each_day
    from warehouse.audit import recorded

    with _explained(verbose):
        if every not in get_args(Every):
            raise SettingsError(f"--every {every} is not known; choose {', '.join(get_args(Every))}.")
        days = days_of(first.date(), last.date(), cast(Every, every))
        chosen, into = _published_home(home), folder.expanduser().resolve()
        failed = 0
        with recorded(chosen, "backfill", str(into)):
            for done in each_day(
                chosen,
                into,
                days,
                wait_seconds=wait,
                on_wait=lambda holder: stderr.print(escape(f"Waiting for {holder}.")),
            ):
                if done.outcome is None:
                    told = f"{done.snapshot} is there already"
                elif done.outcome.succeeded:
                    told = f"{done.snapshot}, {sum(done.outcome.seconds_by_step.values()):.0f} s"
                else:
                    failed += 1
                    told = f"could not be made. {' '.join(done.outcome.problems)}"
                stdout.print(escape(f"{done.day}  {told}"))
        if failed:
            raise RegularsError(f"{plural(failed, 'day')} of {len(days)} could not be made; the others are there.")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
)
def dbt(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND [ARGUMENT]...", help="What dbt is to do, such as: build --select dim_dates"),
    ],
    copy: Annotated[
        bool, typer.Option("--copy", help="Work on a copy of the private warehouse, and leave that alone.")
    ] = False,
    home: HomeOption = None,
    wait: Annotated[float, typer.Option("--wait", metavar="SECONDS", help="Wait for a refresh to finish.")] = 0.0,
    verbose: VerboseOption = False,
) -> None:
    """Run dbt by hand on the private warehouse, with the vars of the settings; for who works on the models.

    Options of this command stand before dbt's own command, all that follows is dbt's: `regulars dbt --copy run
    --select dim_dates`. Exit codes are dbt's. Nothing is published, and after tables were built by hand in the
    warehouse itself the next refresh builds all of them.
    """
    from orchestration.dbt_by_hand import copied_warehouse, run_dbt
    from warehouse.audit import recorded
    from warehouse.settings import load_settings

    with _explained(verbose):
        chosen = _home(home)
        with recorded(chosen, "dbt", " ".join(arguments)):
            code = run_dbt(chosen, arguments, load_settings(), on_copy=copy, wait_seconds=wait)
        if copy:
            stderr.print(escape(f"The warehouse is as it was; dbt worked on {copied_warehouse(chosen)}"))
        raise typer.Exit(code)


@app.command()
def ui(
    home: HomeOption = None,
    host: Annotated[
        str, typer.Option(help="Address to bind. The pages have no login: another than loopback only behind one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.")] = 3000,
    pages_only: Annotated[
        bool, typer.Option("--pages-only", help="Without schedule and sensor, which `regulars daemon` runs then.")
    ] = False,
) -> None:
    """Open Dagster's pages on this home (assets, checks, runs), and run its schedule and sensor."""
    from serving.listening import listen

    with _explained():
        # Dagster finds out half a minute later
        for ours in listen(host, port):
            ours.close()
    command = ["dagster-webserver"] if pages_only else ["dagster", "dev"]
    where = ["-h", host, "-p", str(port)]
    _become_dagster(home, [*command, *where], runs_daemon=not pages_only, at=f" on http://{host}:{port}")


@app.command()
def records(
    begin_anew: Annotated[
        bool, typer.Option("--begin-anew", help="Give this home records of its own; those that it names are another's.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on with the records of a home that is gone; this takes its place.")
    ] = False,
    home: HomeOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Where Dagster's records of this home lie, and whether they can be reached and are its own.

    Exit code 0 if so; 1 if PostgreSQL can't be reached; 2 if they are those of another home, of which this is a copy.
    """
    from orchestration.instance import prepare_dagster_home
    from orchestration.records import begin_anew as leave_to_others
    from orchestration.records import records_in_postgresql
    from orchestration.records import take_over as take_them
    from warehouse.audit import recorded

    with _explained(verbose):
        if begin_anew and take_over:
            raise SettingsError("--begin-anew leaves records to another home, --take-over takes them; choose one.")
        chosen = _published_home(home)
        if not chosen.root.is_dir():
            raise HomeError(f"{chosen.root} is not there.")
        asked = "begin anew" if begin_anew else "take over"
        with recorded(chosen, "records", asked) if begin_anew or take_over else nullcontext():
            if begin_anew:
                leave_to_others(chosen)
            if take_over:
                take_them(chosen)
            prepare_dagster_home(chosen)
        found = records_in_postgresql(chosen)
        where = f"files, {chosen.dagster}"
        if found is not None:
            where = f"PostgreSQL, schema {found.schema} of {found.place}"
        stdout.print(escape(f"Dagster's records of {chosen.root} lie in {where}"))


@app.command()
def daemon(home: HomeOption = None) -> None:
    """Run the daily schedule and the landing sensor, without pages, until stopped; for servers."""
    _become_dagster(home, ["dagster-daemon", "run"])


def _become_dagster(home: Path | None, command: list[str], *, runs_daemon: bool = True, at: str = "") -> NoReturn:
    """Go on as one of Dagster's own commands, on this home's records and this code."""
    from orchestration.column_lineage import keep_column_lineage
    from orchestration.instance import be_the_only_daemon, prepare_dagster_home
    from warehouse.settings import PROJECT_ROOT

    with _explained():
        chosen = _home(home)
        if chosen.origin() is None and not _has_files(chosen.landing):
            chosen = _published_home(home)
        # Dagster would stay up without the code that it can't load, and nobody would know
        settings = _settings_or_alert(chosen)
        prepare_dagster_home(chosen, settings.dagster)
        if runs_daemon:
            be_the_only_daemon(chosen)
            _go_on_from_now(chosen)
        for model, reason in keep_column_lineage(chosen, settings).items():
            stderr.print(escape(f"Dagster shows no column lineage of {model}: {reason}"))
        origin = chosen.origin_or_own()
        if origin.landing == chosen.landing:
            # where files are to be dropped
            origin.landing.mkdir(parents=True, exist_ok=True)
        stderr.print(escape(f"Dagster{at}, watching {origin.landing}") + (" (sample data)" if origin.is_sample else ""))
        # dagster-dbt and dagster look their own commands up on PATH
        os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ.get("PATH", "")
        os.execvp(command[0], [*command, "-w", str(PROJECT_ROOT / "workspace.yaml")])


def _go_on_from_now(home: Home) -> None:
    """Before schedule and sensors start again: a clock that was ahead must not hold them back."""
    from orchestration.records import records_in_postgresql

    if records_in_postgresql(home) is None and not (home.dagster / "schedules" / "schedules.db").exists():
        # nothing has looked yet
        return
    from orchestration.instance import explained_records, instance_of_command
    from orchestration.ticks import forget_ticks_ahead

    with explained_records(home), instance_of_command(home) as instance:
        forget_ticks_ahead(instance)


def main() -> NoReturn:
    """Run the command and leave at once.

    Taking a million imported objects apart, one by one, costs another 2.5 s after a
    refresh; the operating system does it for nothing.
    """
    code = 0
    try:
        app()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # noqa: BLE001
        # a fault of ours, not of the input: the whole traceback, as Python would show it
        traceback.print_exc()
        code = FAILED
    atexit._run_exitfuncs()  # loggers, temporary folders
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
