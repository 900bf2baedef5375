"""The key of pseudonyms: drawn once, its owner's alone, and never replaced by accident; and texts without addresses."""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb
import pytest

from warehouse.contacts import without_contacts, without_contacts_anywhere
from warehouse.errors import HomeError
from warehouse.home import Home
from warehouse.ledger import hide_contacts
from warehouse.loading import ensure_raw_schema
from warehouse.pseudonyms import copied_key, keep_key, key_check, pseudonym, read_key


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    ensure_raw_schema(connection)
    return connection


def test_a_key_is_drawn_once_and_is_its_owners_alone(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert read_key(home) is None
    key = keep_key(con, home)
    assert keep_key(con, home) == key == read_key(home) == copied_key(con)
    assert stat.S_IMODE(home.pseudonym_key.stat().st_mode) == 0o600
    assert [path.name for path in home.root.iterdir()] == ["pseudonym.key"]
    # another home draws another one
    assert keep_key(duckdb_with_schema(), Home(tmp_path / "other")) != key


def duckdb_with_schema() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    ensure_raw_schema(connection)
    return connection


def test_the_file_counts_and_the_warehouse_gives_a_lost_one_back(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    key = keep_key(con, home)
    home.pseudonym_key.unlink()
    assert keep_key(con, home) == key
    assert read_key(home) == key
    home.pseudonym_key.write_text("ab" * 32 + "\n")
    assert keep_key(con, home) == "ab" * 32
    assert con.execute("from raw.pseudonym_key").fetchall() == [("ab" * 32,)]


@pytest.mark.parametrize("content", [b"", b"ab", b"AB" * 32, b"zz" * 32, b"\xff" * 64, b"ab" * 33])
def test_a_damaged_key_is_told_and_replaced_by_nobody(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes
) -> None:
    home = Home(tmp_path)
    home.pseudonym_key.write_bytes(content)
    with pytest.raises(HomeError, match=r"pseudonym\.key"):
        keep_key(con, home)
    assert home.pseudonym_key.read_bytes() == content


def test_the_hash_outside_the_database_is_the_one_within() -> None:
    # printf %s "$key$id" | sha256sum, then the same of the key and those 64 digits
    key = "00112233445566778899aabbccddeeff" * 2
    assert pseudonym(key, "ann@example.org") == "p-1916be06e0f3339a"
    assert key not in key_check(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to ann.b+c@example.org.", "write to (e-mail address)."),
        ("'Ann@Example.Co.Uk','x'", "'(e-mail address)','x'"),
        ("Ann <ann@example.org>; ben@müller.example", "Ann <(e-mail address)>; (e-mail address)"),
        ("cut off at ann@exam…", "cut off at (e-mail address)"),
        ("3 MUGS @ 2.50, 4@9.99, order 7@2011-01-03", "3 MUGS @ 2.50, 4@9.99, order 7@2011-01-03"),
        ("no address", "no address"),
    ],
)
def test_messages_quote_no_address(text: str, shown: str) -> None:
    assert without_contacts(text) == shown
    assert without_contacts_anywhere({"a": [text, 1, None], "b": (text,)}) == {"a": [shown, 1, None], "b": (shown,)}


def test_what_an_older_version_wrote_into_the_ledger_loses_its_addresses(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, problem, notes) values "
        "(1, 'a.csv', now()::timestamp, 'rejected', 'it reads ann@example.org', null), "
        "(2, 'b.csv', now()::timestamp, 'loaded', null, '3 @ 4')"
    )
    hide_contacts(con)
    assert con.execute("select problem, notes from quality.load_ledger order by load_id").fetchall() == [
        ("it reads (e-mail address)", None),
        (None, "3 @ 4"),
    ]
