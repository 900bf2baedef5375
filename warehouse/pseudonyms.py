"""The key that pseudonyms of customers are made with, and a pseudonym outside the database.

Belongs here: keeping the key in the home, its copy in the private warehouse, and the hash. Does
not belong here: which ids are personal (``dbt_project/models/staging/stg_customer_ids.sql``).

The key lies in a file that its owner alone may read. The warehouse has a copy, so that dbt
reads it from a table and no statement, setting or log holds it. What is published carries
only :func:`key_check`, by which readers know whether a key is the one.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets

import duckdb

from warehouse.database import is_damage
from warehouse.errors import HomeError
from warehouse.home import Home

KEY_CHECK = "pseudonym_key_check"
"""Name in ``quality.about`` of a snapshot; absent where ids are plain."""

_KEY = re.compile(r"[0-9a-f]{64}")
_DIGITS = 16


def read_key(home: Home) -> str | None:
    """The home's key; None if it has none.

    Raises
    ------
    HomeError
        If the file can't be read, or holds no key.
    """
    path = home.pseudonym_key
    try:
        found = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise HomeError(f"{path}, the key that customers' pseudonyms are made with, can't be read: {error}.") from error
    if not _KEY.fullmatch(found):
        raise HomeError(
            f"{path} is damaged: the key that customers' pseudonyms are made with is 64 hexadecimal digits. Put it "
            "back from a backup, or delete it: the next refresh writes the key that the warehouse was last built with."
        )
    return found


def copied_key(con: duckdb.DuckDBPyConnection) -> str | None:
    """The private warehouse's copy of the key; None if nothing was loaded with pseudonyms yet."""
    row = con.execute("select max(key) from raw.pseudonym_key").fetchone()
    return None if row is None or row[0] is None else str(row[0])


def keep_key(con: duckdb.DuckDBPyConnection, home: Home) -> str:
    """See that home and private warehouse hold one key; returns it.

    The file counts. Without one the warehouse's copy is written back, and a new key is drawn
    only where neither has any, so that a customer keeps the pseudonym.

    Raises
    ------
    HomeError
        If the file is damaged.
    """
    copied = copied_key(con)
    found = read_key(home)
    key = found or copied or secrets.token_hex(32)
    if found is None:
        _write(home, key)
    if key != copied:
        con.execute("begin transaction")
        try:
            con.execute("delete from raw.pseudonym_key")
            con.execute("insert into raw.pseudonym_key values (?)", [key])
            con.execute("commit")
        except BaseException:
            con.execute("rollback")
            raise
    return key


def _write(home: Home, key: str) -> None:
    home.root.mkdir(parents=True, exist_ok=True)
    partial = home.pseudonym_key.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(home.pseudonym_key)


def pseudonym(key: str, customer_key: str) -> str:
    """What the macro ``pseudonym`` makes of a customer's key (``customer_key`` there)."""
    inner = hashlib.sha256((key + customer_key).encode()).hexdigest()
    return "p-" + hashlib.sha256((key + inner).encode()).hexdigest()[:_DIGITS]


def key_check(key: str) -> str:
    """A hash by which two keys are told apart, and from which none follows: a key is 256 random bits."""
    return hashlib.sha256(f"pseudonym key {key}".encode()).hexdigest()[:_DIGITS]


def published_key_check(home: Home) -> str | None:
    """The check of the key that the published snapshot was made with.

    None if it has none, there is none, or it is damaged: the next publication replaces it.
    """
    if not home.published.exists():
        return None
    try:
        with duckdb.connect(str(home.published), read_only=True) as con:
            there = con.execute(
                "select count(*) from duckdb_tables() where schema_name = 'quality' and table_name = 'about'"
            ).fetchone()
            if there == (0,):
                return None
            row = con.execute("select value from quality.about where name = ?", [KEY_CHECK]).fetchone()
    except duckdb.Error as error:
        if not is_damage(str(error)):
            raise
        return None
    return None if row is None else str(row[0])
