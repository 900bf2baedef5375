"""What reads the published snapshot as docs/bi.md says: each client that can run here, beside publications.

Ibis needs another DuckDB than the project's, and two clients come from npm: docs/bi.md tells when they were tried.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.home import Home
from warehouse.publishing import publish

QUERY = """
    select rfm_segment, count(*) as customers, sum(monetary_net) as net_revenue
    from marts.customer_rfm group by rfm_segment order by net_revenue desc
"""
COMMENT = "select comment from duckdb_columns() where table_name = 'customer_rfm' and column_name = 'monetary_net'"

Ask = Callable[[str], list[tuple[Any, ...]]]
Client = Callable[[Path], AbstractContextManager[Ask]]


@contextmanager
def python(path: Path) -> Iterator[Ask]:
    with duckdb.connect(str(path), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()


@contextmanager
def pandas(path: Path) -> Iterator[Ask]:
    with duckdb.connect(str(path), read_only=True) as connection:
        yield lambda sql: list(connection.sql(sql).df().itertuples(index=False, name=None))


@contextmanager
def polars(path: Path) -> Iterator[Ask]:
    library = pytest.importorskip("polars")
    with duckdb.connect(str(path), read_only=True) as connection:
        yield lambda sql: library.read_database(sql, connection).rows()


@contextmanager
def sqlalchemy(path: Path) -> Iterator[Ask]:
    import sqlalchemy as sa

    # as Superset makes it: a connection for each question
    engine = sa.create_engine(f"duckdb:///{path}", connect_args={"read_only": True}, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        yield lambda sql: [tuple(row) for row in connection.execute(sa.text(sql))]


@contextmanager
def adbc(path: Path) -> Iterator[Ask]:
    dbapi = pytest.importorskip("adbc_driver_manager.dbapi")
    import adbc_driver_duckdb

    with (
        dbapi.connect(
            driver=adbc_driver_duckdb.driver_path(),
            entrypoint="duckdb_adbc_init",
            db_kwargs={"path": str(path), "access_mode": "READ_ONLY"},
        ) as connection,
        connection.cursor() as cursor,
    ):

        def ask(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return list(map(tuple, cursor.fetchall()))

        yield ask


@contextmanager
def command_line(path: Path) -> Iterator[Ask]:
    command = shutil.which("duckdb")
    if command is None:
        pytest.skip("no duckdb on PATH; the package duckdb-cli brings it")
    arguments = [command, "-readonly", "-json", "-init", "/dev/null", str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True) as process:

        def ask(sql: str) -> list[tuple[Any, ...]]:
            process.stdin.write(f"{sql};\nselect 'end' as said;\n")
            process.stdin.flush()
            told = ""
            while '"said":"end"' not in told:
                line = process.stdout.readline()
                assert line, told
                told += line
            answer, _, _ = told.rpartition('[{"said"')
            if "Error" in answer:
                raise RuntimeError(answer)
            return [tuple(row.values()) for row in json.loads(answer)]

        yield ask
        process.stdin.close()


CLIENTS: dict[str, tuple[Client, type]] = {
    # what money arrives as
    "python": (python, Decimal),
    "pandas": (pandas, float),
    "polars": (polars, Decimal),
    "sqlalchemy": (sqlalchemy, Decimal),
    "adbc": (adbc, Decimal),
    "command_line": (command_line, str),
}
each_client = pytest.mark.parametrize("name", CLIENTS)


def publish_customers(home: Home, *rows: tuple[str, str, str]) -> None:
    home.root.mkdir(exist_ok=True)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema if not exists marts")
        connection.execute(
            "create or replace table marts.customer_rfm "
            "(customer_id varchar primary key, rfm_segment varchar not null, monetary_net decimal(18, 4))"
        )
        connection.execute("comment on table marts.customer_rfm is 'Customers'")
        connection.execute("comment on column marts.customer_rfm.monetary_net is 'Net of matched returns'")
        connection.executemany("insert into marts.customer_rfm values (?, ?, ?)", [list(row) for row in rows])
    publish(
        home,
        data_version=str(len(rows)),
        settings_fingerprint="settings",
        code_fingerprint="code",
        as_of_date=None,
        is_sample=False,
        landing="/landing",
        published_at=datetime(2024, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Three customers, published."""
    made = Home(tmp_path / "home")
    publish_customers(made, ("1", "Champions", "100.5"), ("2", "Champions", "20.25"), ("3", "Lost", "3.1"))
    return made


@each_client
def test_a_client_reads_counts_money_and_comments(home: Home, name: str) -> None:
    client, money = CLIENTS[name]
    with client(home.published) as ask:
        (champions, lost) = ask(QUERY)
        assert champions[:2] == ("Champions", 2)
        assert lost[:2] == ("Lost", 1)
        assert isinstance(champions[2], money)
        assert money(champions[2]) == money("120.7500")
        assert ask(COMMENT) == [("Net of matched returns",)]


@each_client
def test_a_client_keeps_its_snapshot_and_sees_the_new_one_when_it_connects_again(home: Home, name: str) -> None:
    client, _ = CLIENTS[name]
    with client(home.published) as ask:
        # the file is open, and none of its rows has been read
        assert len(ask("select 1 as one")) == 1
        publish_customers(home, ("1", "Champions", "100"), ("4", "New", "7"))
        assert [row[:2] for row in ask(QUERY)] == [("Champions", 2), ("Lost", 1)]
    with client(home.published) as ask:
        assert [row[:2] for row in ask(QUERY)] == [("Champions", 1), ("New", 1)]


@each_client
def test_no_client_changes_what_is_published(home: Home, name: str) -> None:
    client, _ = CLIENTS[name]
    before = home.published.read_bytes()
    with client(home.published) as ask, pytest.raises(Exception, match="read-only"):
        ask("delete from marts.customer_rfm")
    assert home.published.read_bytes() == before


def test_superset_finds_the_tables_by_their_schema(home: Home) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine(f"duckdb:///{home.published}", connect_args={"read_only": True})
    inspector = sa.inspect(engine)
    assert "regulars.marts" in inspector.get_schema_names()
    assert inspector.get_table_names(schema="marts") == ["customer_rfm"]
    engine.dispose()
