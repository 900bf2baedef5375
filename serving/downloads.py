"""Tables as files that a spreadsheet opens safely.

Belongs here: CSV and XLSX of a frame, with formulas disarmed. Does not belong here: what
is in the frame.

A cell that begins with ``= + - @`` or a control character is run as a formula by
spreadsheets, and may send data out. Text that begins so gets an apostrophe before it
(OWASP, "CSV Injection"); numbers and dates keep their types. In XLSX every text is written as text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from warehouse.wording import is_missing

_FORMULA = re.compile(r"^[\s\x00-\x1f]*[=+\-@\t\r\n|＝＋－＠]")
# XML 1.0 has no place for these
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
XLSX_MAX_ROWS = 1_048_575
"""Rows below the header that a worksheet can hold."""


def disarmed(value: Any) -> Any:
    """The value, or its text with an apostrophe before it where a spreadsheet would run it."""
    if isinstance(value, str) and _FORMULA.match(value):
        return "'" + value
    return value


def csv_bytes(frame: pd.DataFrame, *, harmless: Collection[str] = ()) -> bytes:
    """UTF-8 CSV with a byte order mark, by which Excel knows the encoding; lines end in CRLF (RFC 4180).

    ``harmless`` names columns that are written as they are, because no formula can be in them.
    """
    safe = frame.rename(columns=disarmed)
    for position, column in enumerate(safe.columns):
        values = safe.iloc[:, position]
        if pd.api.types.is_float_dtype(values.dtype):
            # 12 and 0.25 rather than 12.0: whole numbers with gaps are floats in a frame, and so are quantities
            safe = safe.assign(**{column: values.map(_without_point_zero, na_action="ignore").astype(object)})
        elif not pd.api.types.is_numeric_dtype(values.dtype):
            safe = safe.assign(**{column: values.map(_plain if column not in harmless else _bare).astype(object)})
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig", errors="replace")


def _without_point_zero(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _bare(value: Any) -> Any:
    return None if is_missing(value) else value


def _plain(value: Any) -> Any:
    if is_missing(value):
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds") if value.time() != datetime.min.time() else value.date()
    return disarmed(value)


def xlsx_bytes(frame: pd.DataFrame, sheet: str = "Sheet1") -> bytes:
    """A workbook of one sheet, with a header that stays in view and filters on it.

    Raises
    ------
    ValueError
        If there are more rows than a worksheet can hold.
    """
    import xlsxwriter

    if len(frame) > XLSX_MAX_ROWS:
        raise ValueError(
            f"{len(frame):,} rows don't fit a worksheet, which holds {XLSX_MAX_ROWS:,}: take the CSV, or filter more."
        )
    target = io.BytesIO()
    options = {
        # row by row to disk: a million rows as objects take gigabytes
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": False,
    }
    with xlsxwriter.Workbook(target, options) as book:
        # equal tables give equal files
        book.set_properties({"created": datetime(2000, 1, 1)})  # noqa: DTZ001
        page = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", sheet)[:31] or "Sheet1")
        bold = book.add_format({"bold": True, "bottom": 1})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        widths = [len(str(name)) + 3 for name in frame.columns]
        for position, name in enumerate(frame.columns):
            page.write_string(0, position, str(name), bold)
        columns = [frame.iloc[:, position].tolist() for position in range(len(frame.columns))]
        for row, values in enumerate(zip(*columns, strict=True), start=1):
            for position, value in enumerate(values):
                if is_missing(value):
                    continue
                if isinstance(value, bool):
                    page.write_boolean(row, position, value)
                elif isinstance(value, (int, float, Decimal)):
                    page.write_number(row, position, float(value))
                elif isinstance(value, datetime) and value.time() != datetime.min.time():
                    page.write_datetime(row, position, value.replace(tzinfo=None), moment)
                elif isinstance(value, date):
                    page.write_datetime(row, position, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001
                else:
                    text = _NOT_XML.sub("\ufffd", str(value))[:32_767]
                    page.write_string(row, position, text)
                    if row < 200:
                        widths[position] = max(widths[position], min(len(text) + 1, 60))
        for position, width in enumerate(widths):
            page.set_column(position, position, max(width, 11))
        page.freeze_panes(1, 0)
        if len(frame.columns):
            page.autofilter(0, 0, max(len(frame), 1), len(frame.columns) - 1)
    return target.getvalue()
