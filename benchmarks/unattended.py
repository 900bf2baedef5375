"""Ten days that nobody looks at: the real daemon, its schedule and its sensor, by a clock that is driven.

    python -m benchmarks.unattended [--days 5] [--write]

All but the last ten of the real files where REGULARS_REAL_DATA names them, else of the sample, are the history. The
others arrive in the evenings of ten days as files do: in time, late, restated, twice, broken and mended; one day's
lines stand in a PostgreSQL database instead. Nobody calls a command: `regulars daemon` does what it does on a server,
the sensor takes each file in, and at 05:00 the schedule asks the database. At the end every table of marts, ml and
reporting is compared, value for value, with those of a new home that is given all files at once. ``--write`` puts the
table into docs/performance.md. Needs libfaketime and PostgreSQL's server, and half an hour; ``--days 5`` puts the same
into five days.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import duckdb

from benchmarks.daily_files import daily_files
from benchmarks.documents import write_section
from benchmarks.refresh import DOCUMENT, ROOT
from tests.databases.servers import PASSWORD, PASSWORD_VARIABLE, PostgreSQL
from tests.driven import LIBRARY_VARIABLE, Clock, Daemon, daemon_of, find_library
from tests.orchestration.conftest import differing_tables
from warehouse.home import Home

SENSOR, SCHEDULE = "landing_files", "daily_refresh"


class Day(NamedTuple):
    """What arrives in the evening of one day."""

    told: str
    files: dict[str, bytes]
    in_database: bytes | None = None


def restated(content: bytes) -> bytes:
    """A day's file as the shop corrects it: its last order is gone, and its first line is of two pieces more."""
    header, *lines = content.decode().splitlines(keepends=True)
    last = lines[-1].partition(",")[0]
    kept = [line for line in lines if line.partition(",")[0] != last]
    (first,) = csv.reader([kept[0]])
    quantity = header.strip().split(",").index("Quantity")
    before, after = f",{first[quantity]},", f",{int(first[quantity]) + 2},"
    return "".join([header, kept[0].replace(before, after, 1), *kept[1:]]).encode()


def without_prices(content: bytes) -> bytes:
    """The same file under a header that names no price, which no reader takes."""
    return content.replace(b"UnitPrice", b"Remark", 1)


def ten_days(paths: list[Path]) -> list[Day]:
    """What comes on each of them, of ten daily files."""
    name = [path.name for path in paths]
    content = [path.read_bytes() for path in paths]
    return [
        Day("the day's file", {name[0]: content[0]}),
        Day("the day's file", {name[1]: content[1]}),
        Day("nothing; its file is late", {}),
        Day("the day's file, and the late one", {name[3]: content[3], name[2]: content[2]}),
        Day("the day's file, and the second day's restated", {name[4]: content[4], name[1]: restated(content[1])}),
        Day("the day's file, twice", {name[5]: content[5], f"copy-of-{name[5]}": content[5]}),
        Day("nothing; its lines stand in the database", {}, in_database=content[6]),
        Day("the day's file, broken", {name[7]: without_prices(content[7])}),
        Day("the day's file, and the broken one mended", {name[8]: content[8], name[7]: content[7]}),
        Day("the day's file", {name[9]: content[9]}),
    ]


def five_days(paths: list[Path]) -> list[Day]:
    """The same kinds of days in half the time, of five daily files."""
    name = [path.name for path in paths]
    content = [path.read_bytes() for path in paths]
    twice = {name[2]: content[2], f"copy-of-{name[2]}": content[2]}
    return [
        Day("the day's file", {name[0]: content[0]}),
        Day("nothing; its file is late", {}),
        Day(
            "the day's file, twice; the late one; the first day's restated",
            {**twice, name[1]: content[1], name[0]: restated(content[0])},
        ),
        Day(
            "a file, broken; the day's lines stand in the database",
            {name[4]: without_prices(content[4])},
            in_database=content[3],
        ),
        Day("the broken file, mended", {name[4]: content[4]}),
    ]


PLANS = {5: five_days, 10: ten_days}


def seconds(record: dg.RunRecord) -> float:
    """From the request for a run to its end."""
    if record.end_time is None:
        raise ValueError("the run is not over")
    return record.end_time - record.create_timestamp.timestamp()


def asked(home: Home, sql: str) -> list[tuple]:
    """What the published snapshot answers."""
    with duckdb.connect(str(home.published), read_only=True) as connection:
        return connection.execute(sql).fetchall()


class Told(NamedTuple):
    """What came of one day."""

    told: str
    evening: float | None
    morning: float
    lines: int
    publications: int


def live_through(day: Day, evening: datetime, home: Home, clock: Clock, daemon: Daemon, server: PostgreSQL) -> Told:
    """An evening and the morning after; the runs that come of them have to end well."""
    clock.put_to(evening)
    daemon.wait_for_look(clock, by=SENSOR)
    took = None
    if day.in_database is not None:
        fill(server, day.in_database)
    if day.files:
        for name, content in day.files.items():
            clock.deliver(home.landing / name, content)
        took = seconds(daemon.next_run(by=SENSOR))
    clock.put_to((evening + timedelta(days=1)).replace(hour=5, minute=0, second=5))
    morning = seconds(daemon.next_run(by=SCHEDULE))
    ((lines,),) = asked(home, "select sum(row_count)::bigint from marts.row_accounting")
    ((publications,),) = asked(home, "select count(*) from quality.publications")
    return Told(day.told, took, morning, lines, publications)


def fill(server: PostgreSQL, content: bytes) -> None:
    """A day's lines, as a web shop has them."""
    rows = list(csv.DictReader(content.decode().splitlines()))
    names = ", ".join(f'"{name}"' for name in rows[0])
    server.run(
        f"insert into sales ({names}) values (" + ", ".join(f":{name}" for name in rows[0]) + ")",
        values=[{name: value or None for name, value in row.items()} for row in rows],
    )


def as_markdown(days: list[Told], history: float, rebuilt: float, compared: str) -> str:
    """The table, a row a day."""
    table = [
        "| day | what came in the evening | run of the sensor, s | run of 05:00, s | lines delivered | publications |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for number, day in enumerate(days, start=1):
        evening = "–" if day.evening is None else f"{day.evening:.1f}"
        cells = [str(number), day.told, evening, f"{day.morning:.1f}", f"{day.lines:,}", str(day.publications)]
        table.append(f"| {' | '.join(cells)} |")
    told = (
        f"The history before them took the sensor's first run {history:.1f} s, a new home with all files at once "
        f"{rebuilt:.1f} s. {compared}"
    )
    return "\n".join([*table, "", told])


def rebuild(landing: Path, home: Home, variables: Mapping[str, str]) -> float:
    """Give a new home all files at once; seconds."""
    shutil.copytree(landing, home.landing)
    started = datetime.now(UTC)
    subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "refresh", "--home", str(home.root)],
        env={**os.environ, **variables},
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return (datetime.now(UTC) - started).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--days", type=int, choices=PLANS, default=10)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    wanted = parser.parse_args()
    library = find_library()
    if library is None:
        sys.exit(f"libfaketime is not installed here (apt install libfaketime), and {LIBRARY_VARIABLE} names none")
    if PostgreSQL.missing():
        sys.exit(PostgreSQL.missing())
    with tempfile.TemporaryDirectory(prefix="regulars-un-", dir="/tmp") as folder:
        scratch = Path(folder)
        # the database server is another user's, where this is root's
        scratch.chmod(0o755)
        paths, _ = daily_files(scratch)
        server = PostgreSQL(scratch / "db")
        server.start()
        try:
            server.run(
                'create table sales (line serial, "InvoiceNo" text, "StockCode" text, "Description" text, "Quantity" '
                'integer, "InvoiceDate" timestamp, "UnitPrice" numeric(12, 4), "CustomerID" text, "Country" text)'
            )
            settings = scratch / "regulars.toml"
            settings.write_text(
                f'[[landing.databases]]\nname = "till"\nurl = "{server.url}"\ntable = "sales"\nwatermark = "line"\n'
                "look_back = 100\n"
            )
            variables = {
                "REGULARS_SETTINGS": str(settings),
                PASSWORD_VARIABLE: PASSWORD,
                "DO_NOT_TRACK": "1",
                "PYTHONPATH": str(ROOT),
            }
            home = Home(scratch / "home")
            evening = datetime.now(UTC).replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(days=1)
            clock = Clock(scratch, library, evening - timedelta(hours=6))
            for path in paths[: -wanted.days]:
                clock.deliver(home.landing / path.name, path.read_bytes())
            days = []
            with daemon_of(home, scratch / "daemon.log", variables, clock) as daemon:
                history = seconds(daemon.next_run(by=SENSOR))
                print(f"history: {history:.1f} s", flush=True)
                for number, day in enumerate(PLANS[wanted.days](paths[-wanted.days :])):
                    at = evening + timedelta(days=number)
                    days.append(live_through(day, at, home, clock, daemon, server))
                    print(*days[-1], flush=True)
                runs = daemon.runs()
        finally:
            server.stop()
        # the database is gone by now: what was pulled of it lies in landing
        anew = Home(scratch / "anew")
        rebuilt = rebuild(home.landing, anew, variables)
        differing = differing_tables(anew.published, home.published)
    compared = f"{runs} runs, all of them started by the daemon. Every table of marts, ml and reporting is equal to "
    compared += "the new home's, but for what tells of the publication before."
    if differing:
        compared = f"**Not equal:** {'; '.join(differing)}."
    text = as_markdown(days, history, rebuilt, compared)
    print(text)
    if wanted.write:
        write_section(DOCUMENT, "days that nobody looked at", "Days that nobody looked at", text)
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
