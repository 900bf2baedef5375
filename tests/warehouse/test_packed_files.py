"""Packed deliveries and OpenDocument spreadsheets: read, or refused with what to do."""

import bz2
import io
import lzma
import re
import zipfile
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.readers import packing

TEXT = f"{HEADER}\n{LINE_A}\n{LINE_B}\n".encode()


def zstd(data: bytes) -> bytes:
    return pa.Codec("zstd").compress(data, asbytes=True)


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def workbook() -> bytes:
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate(TEXT.decode().splitlines()):
            sheet.write_row(number, 0, line.split(","))
    return held.getvalue()


def open_document(rows: list[list[object]]) -> bytes:
    """A spreadsheet as LibreOffice saves it, less its styles."""

    def cell(value: object) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, datetime):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    return zipped(
        **{
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": b'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            "content.xml": (
                f"<office:document-content {spaces}><office:body><office:spreadsheet>"
                f'<table:table table:name="Sales">{body}</table:table>'
                "</office:spreadsheet></office:body></office:document-content>"
            ).encode(),
        }
    )


def problem(shop: Shop) -> str:
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "rejected"
    assert list(shop.scratch.glob("*")) == [], "a copy was left behind"
    return str(outcome.problem)


@pytest.mark.parametrize(
    ("name", "data", "file_format"),
    [
        ("a.csv.zst", zstd(TEXT), "csv.zst"),
        ("a.csv.bz2", bz2.compress(TEXT), "csv.bz2"),
        ("a.csv.xz", lzma.compress(TEXT), "csv.xz"),
        ("a.zip", zipped(**{"a.csv": TEXT}), "csv.zip"),
        (
            "folders.zip",
            zipped(**{"x/": b"", "x/a.csv": TEXT, "__MACOSX/x/._a.csv": b"?", ".DS_Store": b"?"}),
            "csv.zip",
        ),
        ("book.zip", zipped(**{"a.xlsx": workbook()}), "xlsx.zip"),
        ("wide.zst", zstd(TEXT.decode().encode("utf-16")), "csv.zst"),
        ("under another name.dat", bz2.compress(TEXT), "csv.bz2"),
    ],
)
def test_one_table_is_read_whatever_it_is_packed_in(shop: Shop, name: str, data: bytes, file_format: str) -> None:
    shop.deliver(name, data)
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert (outcome.status, outcome.lines, outcome.unreadable_lines) == ("loaded", 2, 0), outcome.problem
    assert shop.rows("select invoice, unit_price, invoiced_at, _file_name from raw.transactions order by _line_id") == [
        ("536365", "2.55", datetime(2010, 12, 1, 8, 26), name),
        ("C536379", "12.75", datetime(2010, 12, 2, 9, 41), name),
    ]
    assert shop.value("select file_format from quality.load_ledger") == file_format
    assert list(shop.scratch.glob("*")) == []


def test_packed_customers_go_by_the_name_inside(shop: Shop) -> None:
    shop.deliver("export.zip", zipped(**{"customers.csv": b"Customer_ID\n17850\n"}))
    shop.load()
    assert shop.rows("select customer_id from raw.customers") == [("17850",)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (zipped(a=TEXT, b=TEXT), "a zip archive that holds 2 files (a, b); unpack it into landing"),
        (zipped(**{"x/": b""}), "a zip archive that holds no file; unpack it into landing"),
        (zipped(**{"inner.zip": zipped(a=TEXT)}), "the zip file holds another archive; unpack it into landing"),
        (bz2.compress(bz2.compress(TEXT)), "the bz2 file holds another archive; unpack it into landing"),
        (zstd(TEXT * 50)[:-9], "the zstd file is cut off or damaged"),
        (lzma.compress(TEXT)[:-9], "the xz file is cut off or damaged"),
        (bz2.compress(TEXT)[:-9], "the bzip2 file is cut off or damaged"),
        (bz2.compress(b""), "the file is empty (0 bytes)"),
        (bz2.compress(b"\x89PNG\r\n\x1a\n"), "the file is a PNG image"),
        (
            zipped(**{"word/document.xml": b"", "[Content_Types].xml": b""}),
            "a Word document or a presentation; save its",
        ),
        (
            zipped(mimetype=b"application/vnd.oasis.opendocument.text"),
            "an OpenDocument text or drawing; save its table",
        ),
    ],
)
def test_what_is_not_read_says_what_to_do(shop: Shop, data: bytes, told: str) -> None:
    shop.deliver("a", data)
    assert told in problem(shop)


def test_an_archive_with_a_password_is_refused(shop: Shop) -> None:
    data = bytearray(zipped(**{"a.csv": TEXT}))
    # the flag in the local header and in the directory
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    shop.deliver("a.zip", bytes(data))
    assert "the zip archive is locked with a password; unpack it into landing" in problem(shop)


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress, zstd, lambda data: zipped(a=data)])
def test_a_bomb_stops_at_the_bound(shop: Shop, pack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "HARMLESS_BYTES", 1_000_000)
    shop.deliver("a", pack(b"0" * 30_000_000))  # type: ignore[operator]
    # 200 times what is packed, where that is more than is harmless
    assert re.search(r"unpacks to more than [\d,]{9} bytes, which no delivery of its size does", problem(shop))


def test_a_spreadsheet_of_libreoffice_is_read_like_one_of_excel(shop: Shop) -> None:
    rows: list[list[object]] = [
        ["Sales of March"],
        [],
        ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "Price", "CustomerID"],
        ["536365", "85123A", 6, datetime(2011, 3, 4, 8, 26), 2.55, 17850],
        ["C536379", "22423", -1, datetime(2011, 3, 5), 12.75, None],
    ]
    shop.deliver("a.ods", open_document(rows))
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "loaded", outcome.problem
    assert shop.rows(
        "select _sheet, _row_number, invoice, quantity, invoice_date, invoiced_at, unit_price, customer_id "
        "from raw.transactions order by _line_id"
    ) == [
        ("Sales", 4, "536365", "6", "2011-03-04 08:26:00", datetime(2011, 3, 4, 8, 26), "2.55", "17850"),
        ("Sales", 5, "C536379", "-1", "2011-03-05 00:00:00", datetime(2011, 3, 5), "12.75", None),
    ]
    assert shop.value("select file_format from quality.load_ledger") == "ods"


def test_a_disk_that_fills_while_unpacking_stops_the_load_and_not_the_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse.readers.errors import DiskFullError

    shop.deliver("a.csv.bz2", bz2.compress(TEXT))
    opened = Path.open

    def full(path: Path, mode: str = "r", *rest: object, **options: object) -> object:
        if "w" in mode and path.parent == shop.scratch:
            raise OSError(28, "No space left on device")
        return opened(path, mode, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DiskFullError, match="There is no room left on the disk"):
        shop.load()
