"""Files that no system ever wrote: exports and plain lines, each bent in one way or several.

Belongs here: bending them, all by a seed, and what must hold of whatever a load makes of them. Does not belong here:
files that people really meet (:mod:`tests.warehouse.test_bad_input`).
"""

from __future__ import annotations

import csv
import gzip
import random
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from tests.formats.history import invented
from tests.formats.writers import WRITERS
from tests.tiny_shop import CUSTOMERS, OVERRIDES, odd_history
from warehouse.loading import ensure_raw_schema, load_landing
from warehouse.readers.layouts import raw_tables
from warehouse.settings import Settings

_FILES_AT_ONCE = 100
_BYTES = (b'"', b"'", b",", b";", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\x1a", b"\xff", b"\xef\xbb\xbf", b"=", b"\xc3")
_CELLS = (
    "",
    '"',
    "NULL",
    "-",
    "1e400",
    "9" * 400,
    "NaN",
    "#REF!",
    "=1+1",
    "0000-00-00",
    "31/31/2024",
    "\u202e",
    "x" * 70_000,
)


@cache
def sound_files() -> dict[str, bytes]:
    """One file of each format, by name; a few hundred lines each at most."""
    history = invented(orders=40, customers=12)
    exports = {writer.file_name: writer.exported(history) for writer in WRITERS.values()}
    days = odd_history(12)
    lines = "".join(text if not number else text.partition("\n")[2] for number, text in enumerate(days.values()))
    plain = {"lines.csv": lines, "customers.csv": CUSTOMERS, "overrides.csv": OVERRIDES}
    return exports | {name: text.encode() for name, text in plain.items()} | _binary(lines)


def _binary(lines: str) -> dict[str, bytes]:
    """The same lines as a workbook and as a Parquet file."""
    rows = list(csv.reader(lines.splitlines()))
    book, table = BytesIO(), BytesIO()
    with xlsxwriter.Workbook(book, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    columns = dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))
    pq.write_table(pa.table(columns), table)
    return {"lines.xlsx": book.getvalue(), "lines.parquet": table.getvalue()}


def bent(seed: int) -> tuple[str, bytes]:
    """A file's name and content."""
    rng = random.Random(seed)
    name, content = rng.choice(sorted(sound_files().items()))
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = rng.choice(_WAYS)(content, rng)
    stem, _, ending = name.rpartition(".")
    ending = rng.choice((ending,) * 8 + ("txt", "tsv", "xlsx", "parquet", "csv.gz"))
    return f"{seed:05d}-{stem}.{ending}", content


def _spot(content: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randint(0, len(content))
    return start, min(len(content), start + rng.choice((0, 1, 3, 40, 500)))


def _insert(content: bytes, rng: random.Random) -> bytes:
    at, _ = _spot(content, rng)
    return content[:at] + b"".join(rng.choices(_BYTES, k=rng.choice((1, 1, 5, 40)))) + content[at:]


def _remove(content: bytes, rng: random.Random) -> bytes:
    start, end = _spot(content, rng)
    return content[:start] + content[end:]


def _repeat(content: bytes, rng: random.Random) -> bytes:
    start, end = _spot(content, rng)
    return content[:end] + content[start:end] * rng.choice((1, 30)) + content[end:]


def _noise(content: bytes, rng: random.Random) -> bytes:
    start, end = _spot(content, rng)
    return content[:start] + rng.randbytes(end - start) + content[end:]


def _cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randint(0, len(content))]


def _headless(content: bytes, rng: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[rng.choice((1, 2)) :] + lines[:1] * rng.choice((0, 1)))


def _cell(content: bytes, rng: random.Random) -> bytes:
    lines = content.split(b"\n")
    for _ in range(rng.choice((1, 1, 12))):
        at = rng.randrange(len(lines))
        cells = lines[at].split(b",")
        cells[rng.randrange(len(cells))] = rng.choice(_CELLS).encode()
        lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _column(content: bytes, rng: random.Random) -> bytes:
    head, newline, rest = content.partition(b"\n")
    names = head.split(b",")
    at = rng.randrange(len(names))
    names[at : at + 1] = rng.choice(([], [b""], names[at : at + 1] * 2, [rng.choice(names)], [b"x" * 300]))
    return b",".join(names) + newline + rest


def _encoded(content: bytes, rng: random.Random) -> bytes:
    text = content.decode("utf-8", "replace")
    return text.encode(rng.choice(("utf-16", "utf-16-be", "utf-32", "cp1252", "cp037", "utf-7")), "replace")


def _packed(content: bytes, rng: random.Random) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", content[:2000])
    return rng.choice(
        (gzip.compress(content), gzip.compress(content)[:-9], packed.getvalue(), b"PAR1" + content + b"PAR1")
    )


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_insert, _insert, _remove, _repeat, _noise, _noise, _cut, _headless),
    *(_cell, _cell, _cell, _column, _column, _encoded, _packed),
)


def faults(seeds: range, scratch: Path) -> Iterator[str]:
    """Load the files of these seeds, many at once; tell of each that was not recorded as it should be."""
    for first in range(seeds.start, seeds.stop, _FILES_AT_ONCE):
        folder = scratch / str(first)
        landing = folder / "landing"
        landing.mkdir(parents=True)
        for seed in range(first, min(first + _FILES_AT_ONCE, seeds.stop)):
            name, content = bent(seed)
            (landing / name).write_bytes(content)
        yield from load(landing, folder)


def load(landing: Path, scratch: Path) -> Iterator[str]:
    """Load a folder; tell of each file that was not recorded as it should be."""
    names = sorted(path.name for path in landing.iterdir())
    with duckdb.connect() as con:
        ensure_raw_schema(con)
        try:
            report = load_landing(
                con,
                landing,
                Settings(),
                loaded_at=datetime(2026, 1, 11, tzinfo=UTC),
                scratch=scratch / "scratch",
                settle_wait_seconds=0.01,
            )
        except Exception as error:  # noqa: BLE001 -- whatever it is, one of these files caused it
            if len(names) == 1:
                yield f"{names[0]}: {type(error).__name__}: {error}"
                return
            # one by one
            for name in names:
                alone = scratch / f"alone-{name}" / "landing"
                alone.mkdir(parents=True)
                (landing / name).rename(alone / name)
                yield from load(alone, alone.parent)
            return
        there = " union all ".join(f"select _load_id, _file_name from raw.{table}" for table in raw_tables())
        lines = dict(con.execute(f"select _file_name, count(*) from ({there}) group by _file_name").fetchall())
        for told in report.files:
            found = lines.get(told.file_name, 0)
            if told.status == "loaded" and (found != told.lines or told.unreadable_lines > told.lines):
                yield f"{told.file_name}: {found} lines are there, {told.lines} were told of"
            elif told.status == "rejected" and (found or not told.problem or "Traceback" in told.problem):
                yield f"{told.file_name}: rejected for {told.problem!r}, and {found} lines are there"
            elif told.status not in ("loaded", "rejected", "already_loaded"):
                yield f"{told.file_name}: {told.status}"
        if sorted(told.file_name for told in report.files) != names:
            yield f"files that nothing was told of: {sorted(set(names) - {told.file_name for told in report.files})}"
