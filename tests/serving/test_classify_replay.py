"""Uploaded lines in the raw tables: with what is known of their source, in the order of the file."""

import bz2
from datetime import datetime
from pathlib import Path

import pytest

from serving.classify.errors import UnknownKindError
from serving.classify.inspection import inspect_upload
from serving.classify.limits import UploadLimits
from serving.classify.replay import load_upload, upload_database
from tests.warehouse.conftest import HEADER, LINE_A, LINE_B
from tests.warehouse.test_packed_files import open_document, zipped
from warehouse.settings import Landing, Settings, SourceMapping

LIMITS = UploadLimits()
NOON = datetime(2024, 6, 1, 12)


def upload(folder: Path, text: str, sql: str, **options: object) -> list[tuple[object, ...]]:
    path = folder / "upload.csv"
    path.write_text(text)
    settings = options.pop("settings", Settings())
    with upload_database(folder, "snapshot", LIMITS) as con:
        load_upload(con, path, "may.csv", settings, LIMITS, read_at=NOON, **options)  # type: ignore[arg-type]
        return con.execute(sql).fetchall()


@pytest.mark.parametrize(("known", "profile"), [({"invoice_lines": "plain"}, "plain"), ({"till": "uci"}, None)])
def test_an_upload_has_the_habits_of_its_source(tmp_path: Path, known: dict[str, str], profile: str | None) -> None:
    sql = "select _source, _profile, _loaded_at from raw.deliveries"
    assert upload(tmp_path, f"{HEADER}\n{LINE_A}\n", sql, profiles=known) == [("invoice_lines", profile, NOON)]


def test_what_a_mapping_says_wins(tmp_path: Path) -> None:
    settings = Settings(landing=Landing(sources=(SourceMapping(name="till", profile="plain"),)))
    sql = "select _source, _profile from raw.deliveries"
    found = upload(tmp_path, f"{HEADER}\n{LINE_A}\n", sql, settings=settings, profiles={"till": "uci"})
    assert found == [("till", "plain")]


def test_unused_columns_of_an_upload_are_known(tmp_path: Path) -> None:
    sql = "select header, value, lines from raw.unused_columns"
    assert upload(tmp_path, f"{HEADER},Currency\n{LINE_A},JPY\n", sql) == [("Currency", "JPY", 1)]


def test_lines_have_the_numbers_that_they_have_in_the_file(tmp_path: Path) -> None:
    """Enough of them that two threads read at once."""
    lines = [LINE_B.replace("C536379", str(number)) for number in range(2, 300_002)]
    sql = "select count(*), count(*) filter (where invoice::int = _row_number) from raw.transactions"
    assert upload(tmp_path, "\n".join([HEADER, *lines]) + "\n", sql) == [(300_000, 300_000)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (open_document([["InvoiceNo"]]), "OpenDocument spreadsheet; save it as .xlsx or CSV"),
        (zipped(a=b"x"), "a zip archive"),
        (bz2.compress(b"x"), "a bzip2 archive"),
    ],
)
def test_what_landing_unpacks_is_not_unpacked_for_an_upload(tmp_path: Path, data: bytes, told: str) -> None:
    path = tmp_path / "upload"
    path.write_bytes(data)
    with pytest.raises(UnknownKindError, match=told):
        inspect_upload(path, "may", LIMITS)
