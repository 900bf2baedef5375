"""Currencies that only the formats of a workbook's cells show."""

import io

import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, Shop
from warehouse.readers.cell_currencies import sign_of_format

POUNDS, EUROS, DOLLARS = "[$£-809]#,##0.00", "#,##0.00\\ [$€-407]", '"$"#,##0.00;[Red]-"$"#,##0.00'


def workbook(*formats: str, first_column: int = 0) -> bytes:
    """A line for each format, its price of 10 shown by it, below two empty rows."""
    written = io.BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Sales & more")
        sheet.write_row(2, first_column, HEADER.split(","))
        for row, code in enumerate(formats, start=3):
            sheet.write_row(row, first_column, LINE_A.split(","))
            price = first_column + HEADER.split(",").index("UnitPrice")
            sheet.write_number(row, price, 10, book.add_format({"num_format": code}))
    return written.getvalue()


def prices(shop: Shop) -> list[str]:
    shop.load()
    return [price for (price,) in shop.rows("select unit_price from raw.transactions order by _line_id")]


@pytest.mark.parametrize("first_column", [0, 2, 26])
def test_amounts_bear_the_sign_of_their_cells_format(shop: Shop, first_column: int) -> None:
    shop.deliver("a.xlsx", workbook(POUNDS, EUROS, DOLLARS, "0.00", first_column=first_column))
    assert prices(shop) == ["10 £", "10 €", "10 $", "10"]


def test_the_shops_own_sign_alone_says_nothing(shop: Shop) -> None:
    shop.deliver("a.xlsx", workbook(POUNDS, "0.00"))
    assert prices(shop) == ["10", "10"]


def test_one_foreign_sign_is_told_as_in_a_text(shop: Shop) -> None:
    shop.deliver("a.xlsx", workbook(EUROS, EUROS))
    assert prices(shop) == ["10 €", "10 €"]


@pytest.mark.parametrize(
    ("code", "sign"),
    [
        *[
            (POUNDS, "£"),
            (EUROS, "€"),
            (DOLLARS, "$"),
            ("€#,##0", "€"),
            ("#,##0.00\\ \\€", "€"),
            ("[$USD] 0.00", "USD"),
        ],
        *[('#,##0.00\\ "zł"', "zł"), ('"CHF" 0.00', "CHF"), ("[$R$-416] #,##0.00", "R$")],
        # a unit, a share, a date in the language of a country, a colour
        *[(code, None) for code in ('0.00 "pcs"', "0.00%", "[$-409]d/m/yy", "[Red]0.00", "General")],
    ],
)
def test_the_sign_in_a_format(code: str, sign: str | None) -> None:
    assert sign_of_format(code) == sign
