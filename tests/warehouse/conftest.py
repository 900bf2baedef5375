"""A landing folder, a warehouse file, and a load of the one into the other."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.loading import LoadReport, load_landing
from warehouse.settings import Settings

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
LINE_A = "536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
LINE_B = "C536379,22423,CAKESTAND,-1,2010-12-02 09:41:00,12.75,14527,France"
LONG_AGO = 1_300_000_000
"""A modification time that no one takes for a file still being written."""


@dataclass
class Shop:
    """One landing folder and its warehouse."""

    con: duckdb.DuckDBPyConnection
    landing: Path
    scratch: Path
    settings: Settings = field(default_factory=Settings)

    def deliver(self, name: str, content: str | bytes, *, modified: int = LONG_AGO) -> Path:
        path = self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (modified, modified))
        return path

    def deliver_lines(self, name: str, *lines: str) -> Path:
        return self.deliver(name, "\n".join([HEADER, *lines]) + "\n")

    def load(self, loaded_at: datetime = datetime(2024, 1, 1), **options: Any) -> LoadReport:
        return load_landing(self.con, self.landing, self.settings, loaded_at=loaded_at, scratch=self.scratch, **options)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.con.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        (row,) = self.rows(sql)
        (value,) = row
        return value

    def raw(self) -> list[tuple[Any, ...]]:
        return self.rows("from raw.transactions order by _line_id")

    def ledger(self) -> list[tuple[Any, ...]]:
        return self.rows("select load_id, file_name, status, superseded_by from quality.load_ledger order by load_id")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    landing = tmp_path / "landing"
    landing.mkdir()
    con = duckdb.connect(str(tmp_path / "warehouse.duckdb"))
    con.execute("set TimeZone = 'UTC'")
    yield Shop(con, landing, tmp_path / "scratch")
    con.close()
