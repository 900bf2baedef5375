"""A file that goes, or is cut, while it is read: told, the others load, and the next load is clean."""

import io
import os
import random
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from tests.tiny_shop import HEADER
from warehouse.database import open_warehouse
from warehouse.loading import LoadReport, load_landing
from warehouse.settings import Settings

LINES = 20_000
TRIES = 3


def frame() -> pd.DataFrame:
    numbers = range(LINES)
    return pd.DataFrame(
        {
            "InvoiceNo": [str(600_000 + number) for number in numbers],
            "StockCode": [str(20_000 + number % 40) for number in numbers],
            "Description": [f"ITEM {number % 40}, in many words that fill a line" for number in numbers],
            "Quantity": "1",
            "InvoiceDate": "2024-01-03 10:00:00",
            "UnitPrice": "2.50",
            "CustomerID": "10001",
            "Country": "United Kingdom",
        }
    )


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    """The same lines in each format."""
    made = {}
    for suffix, write in {
        "csv": lambda to: frame().to_csv(to, index=False),
        "parquet": lambda to: frame().to_parquet(to, index=False),
        # a workbook is slow to make, and to read
        "xlsx": lambda to: frame().head(LINES // 10).to_excel(to, index=False),
    }.items():
        file = io.BytesIO()
        write(file)
        made[suffix] = file.getvalue()
    return made


def deliver(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (1_700_000_000, 1_700_000_000))


def load(root: Path, progress: Callable[[str, int, int], None] | None = None) -> LoadReport:
    with open_warehouse(root / "warehouse.duckdb") as con:
        return load_landing(
            con,
            root / "landing",
            Settings(),
            loaded_at=datetime(2026, 1, 1),
            scratch=root / "tmp",
            progress=progress,
            settle_wait_seconds=0,
        )


def lines(root: Path) -> dict[str, int]:
    with duckdb.connect(str(root / "warehouse.duckdb"), read_only=True) as con:
        return dict(con.execute("select _file_name, count(*) from raw.transactions group by 1").fetchall())


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


SMALL = (HEADER + "700001,20001,ITEM,3,2024-02-20 10:00:00,6.80,10000,United Kingdom\n").encode()
FAULTS = {"gone": Path.unlink, "cut": cut}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a_fault_between_looking_and_reading(
    tmp_path: Path, contents: dict[str, bytes], suffix: str, fault: str
) -> None:
    victim = tmp_path / "landing" / f"b.{suffix}"
    for name in ("a.csv", "c.csv"):
        deliver(tmp_path / "landing" / name, SMALL.replace(b"700001", name.encode().hex()[:6].encode()))
    deliver(victim, contents[suffix])
    faults = []

    def strike(stage: str, done: int, total: int) -> None:
        if stage != "checking landing" and not faults:
            faults.append(stage)
            FAULTS[fault](victim)

    report = load(tmp_path, strike)
    assert faults
    assert lines(tmp_path) == {"a.csv": 1, "c.csv": 1}
    [told] = [file for file in report.files if file.file_name == victim.name]
    assert told.status == "in_transit"
    why = {"gone": "it went while it was looked at", "cut": "it is still being written"}[fault]
    assert told.problem == f"{victim.name}: {why}; the next refresh tries again"

    deliver(victim, contents[suffix])
    again = load(tmp_path)
    assert [file.status for file in again.files] == ["unchanged", "loaded", "unchanged"]
    victim.unlink()
    assert load(tmp_path).changed is False


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a_fault_at_any_moment(tmp_path: Path, contents: dict[str, bytes], suffix: str, fault: str) -> None:
    # the first of a process imports, too
    for warm in ("first", "second"):
        (tmp_path / warm).mkdir()
        deliver(tmp_path / warm / "landing" / f"b.{suffix}", contents[suffix])
        began = time.perf_counter()
        whole = load(tmp_path / warm).transaction_lines
        took = time.perf_counter() - began
    rng = random.Random(5)
    seen = set()
    for number in range(TRIES):
        root = tmp_path / str(number)
        victim = root / "landing" / f"b.{suffix}"
        root.mkdir()
        deliver(root / "landing" / "a.csv", SMALL)
        deliver(victim, contents[suffix])
        striker = threading.Timer((number + rng.random()) / TRIES * took, lambda path=victim: FAULTS[fault](path))
        striker.start()
        report = load(root)
        striker.join()
        [told] = [file for file in report.files if file.file_name == victim.name] or [None]
        seen.add(told and told.status)
        # read to its end before it was struck, or not in at all
        assert lines(root) == {"a.csv": 1} | ({victim.name: whole} if told and told.status == "loaded" else {}), told
        assert load(root).files[0].status == "unchanged"
        deliver(victim, contents[suffix])
        load(root)
        assert lines(root) == {"a.csv": 1, victim.name: whole}
    assert seen - {"loaded"}, "it was never struck while it was read"
