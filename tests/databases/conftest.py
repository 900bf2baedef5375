"""A shop whose sales stand in a live database, and the landing folder that they are pulled into."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.databases.servers import PASSWORD, PASSWORD_VARIABLE, SERVERS, Server
from warehouse.database import open_warehouse
from warehouse.databases.pulling import pull_databases
from warehouse.databases.state import Pull
from warehouse.loading import LoadReport, load_landing
from warehouse.settings import Database, Landing, Settings

NAME = "till"
COLUMNS = {
    "invoice": "order_no",
    "stock_code": "sku",
    "description": "name",
    "unit_price": "price",
    "invoice_date": "ordered_at",
    "customer_id": "customer",
}
TABLES = {
    "postgresql": """
        create table order_lines (
            line_id serial primary key, order_no text, sku text, name text, quantity integer, price numeric(14, 6),
            customer integer, email text, ordered_at timestamptz, updated_at timestamp
        )
    """,
    "mariadb": """
        create table order_lines (
            line_id integer auto_increment primary key, order_no varchar(20), sku varchar(20), name varchar(80),
            quantity integer, price decimal(14, 6), customer integer, email varchar(80), ordered_at timestamp null,
            updated_at datetime(6)
        ) engine = InnoDB
    """,
}
# two orders of two lines and one of one; 12:00 UTC in summer is 13:00 in London
FIRST_LINES = [
    ("A1", "TEA", "Tea caddy", 2, "3.950000", 501, "2024-07-01 12:00:00", "2024-07-01 12:00:00"),
    ("A1", "MUG", "Möbius mug, 50 %", 1, "8.123456", 501, "2024-07-01 12:00:00", "2024-07-01 12:00:00"),
    ("A2", "TEA", "Tea caddy", 1, "3.950000", 502, "2024-07-09 09:30:00", "2024-07-09 09:30:00"),
    ("A3", "MUG", "Möbius mug, 50 %", 4, "8.123456", None, "2024-07-10 18:15:00", "2024-07-10 18:15:00"),
    ("A3", "JAR", "Jar", 3, "1.005000", None, "2024-07-10 18:15:00", "2024-07-10 18:15:00"),
]


@dataclass
class LiveShop:
    """One database and one home."""

    server: Server
    folder: Path
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def settings(self) -> Settings:
        described = {"url": self.server.url, "table": "order_lines", "columns": COLUMNS, "watermark": "updated_at"}
        return Settings(landing=Landing(databases=(Database(name=NAME, **{**described, **self.said}),)))

    def state(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return open_warehouse(self.folder / "warehouse.duckdb")

    def pull(self, *, full: bool = False, progress: Callable[[str], None] | None = None) -> Pull:
        (pull,) = pull_databases(
            self.state, self.landing, self.folder / "tmp", self.settings, full=full, progress=progress
        )
        return pull

    def load(self) -> LoadReport:
        with self.state() as con:
            return load_landing(
                con, self.landing, self.settings, loaded_at=datetime(2026, 1, 1), scratch=self.folder / "tmp"
            )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.state() as con:
            return con.execute(sql).fetchall()

    def files(self) -> list[str]:
        """Whatever lies in landing, hidden names too."""
        return sorted(p.relative_to(self.landing).as_posix() for p in self.landing.rglob("*") if p.is_file())

    def rows(self, pull: Pull) -> list[dict[str, Any]]:
        """The lines of a pull's file, as they stand there."""
        assert pull.file_name is not None, pull
        rows = pq.read_table(self.landing / pull.file_name).to_pylist()
        return sorted(rows, key=lambda row: (row["order_no"] or "", row["sku"]))

    def lines(self, pull: Pull) -> list[tuple[str, str, str]]:
        """Order, article and quantity of the lines of a pull's file."""
        return [(row["order_no"], row["sku"], row["quantity"]) for row in self.rows(pull)]

    def add(self, *lines: tuple[Any, ...]) -> None:
        names = ("order_no", "sku", "name", "quantity", "price", "customer", "ordered_at", "updated_at")
        zone = "+00" if self.server.scheme == "postgresql" else ""
        session = "set time_zone = '+00:00'" if self.server.scheme == "mariadb" else "set time zone 'UTC'"
        values = [dict(zip(names, line, strict=True)) for line in lines]
        for value in values:
            value["ordered_at"] = f"{value['ordered_at']}{zone}"
        with self.server.engine().connect() as connection:
            connection.exec_driver_sql(session)
            connection.execute(
                _text(
                    f"insert into order_lines ({', '.join(names)}, email) "
                    f"values ({', '.join(f':{name}' for name in names)}, 'someone@example.com')"
                ),
                values,
            )


def _text(sql: str) -> Any:
    import sqlalchemy as sa

    return sa.text(sql)


def started(scheme: str) -> Iterator[Server]:
    """A server of its own in a folder of its own, skipped with a reason where there can be none."""
    missing = SERVERS[scheme].missing()
    if missing:
        pytest.skip(missing)
    # short, since the path of a socket may have no more than 107 characters
    with tempfile.TemporaryDirectory(prefix="regulars-db-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        server = SERVERS[scheme](Path(folder) / "s")
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="module", params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each kind of server in turn, one for the module."""
    yield from started(request.param)


@pytest.fixture
def live(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveShop:
    """A shop with five lines of three orders in its database, of which nothing was pulled yet."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    server.run("drop table if exists order_lines", TABLES[server.scheme])
    shop = LiveShop(server, tmp_path)
    shop.landing.mkdir()
    shop.add(*FIRST_LINES)
    return shop
