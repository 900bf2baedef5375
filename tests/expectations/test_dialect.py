"""What duckdb-engine lacks for Great Expectations."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from expectations import dialect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create table numbers as select range as i from range(1000000)")
    return path


@pytest.fixture
def engine(path: Path) -> sa.Engine:
    dialect.register()
    return sa.create_engine(dialect.URL, connect_args={"database": str(path), "read_only": True})


def test_result_outlives_its_connection_and_the_next_query(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        first = connection.execute(sa.text("select i from numbers order by i"))
    with engine.connect() as connection:
        second = connection.execute(sa.text("select -1"))

    assert second.scalar() == -1
    assert first.fetchmany(2) == [(0,), (1,)]
    engine.dispose()


def test_rows_are_not_fetched_before_they_are_asked_for(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        result = connection.execute(sa.text("select i, case when i > 999990 then error('reached') end from numbers"))
        assert result.fetchone() == (0, None)
        result.close()
    engine.dispose()


def test_writing_is_refused(engine: sa.Engine) -> None:
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="read-only"):
        connection.execute(sa.text("create table t (i integer)"))
    engine.dispose()


def test_disposing_frees_the_file_even_with_results_unread(engine: sa.Engine, path: Path) -> None:
    with engine.connect() as connection:
        unread = connection.execute(sa.text("select i from numbers"))
    engine.dispose()

    with duckdb.connect(str(path)) as con:
        con.execute("create table t (i integer)")
    del unread
