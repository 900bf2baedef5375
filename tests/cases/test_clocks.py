"""Whose clock a time is told by: a shop in Mexico City, six hours behind UTC all the year.

One landing folder of its exports, refreshed once. Customer 9001 bought a door mat of 18.00 on
10 September 2024 at 21:30 by the shop's clock; in UTC that is half past three on the 11th.
"""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cases import reported
from tests.cases.shop import Case, Published, Row, apart, csv_text, line, published_together, shop

SETTINGS = '[shop]\ncurrency = "MXN"\ntimezone = "America/Mexico_City"\nhome_country = "Mexico"\n'


def _late(at: str) -> Row:
    return line("700001", "P09", "DOOR MAT", 1, at, "18.00", 9001, "Mexico")


def _parquet(rows: list[Row], times: pa.Array, **options: Any) -> bytes:
    table = pa.table(
        {header: times if header == "InvoiceDate" else pa.array([row[header] for row in rows]) for header in rows[0]}
    )
    written = io.BytesIO()
    pq.write_table(table, written, **options)
    return written.getvalue()


def _cases() -> list[Case]:
    as_written = [line(**_arguments(row, row["InvoiceDate"].replace(" ", "T") + "Z")) for row in shop()]
    offsets = [line(**_arguments(row, row["InvoiceDate"] + "-06:00")) for row in shop()]
    late = datetime(2024, 9, 11, 3, 30)
    zoned = pa.array([late.replace(tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    bare = pa.array([late], pa.timestamp("ns"))
    local = pa.array([datetime(2024, 9, 10, 21, 30)], pa.timestamp("us"))
    return [
        reported.utc_times("11"),
        Case(
            "as-written",
            {"o.csv": csv_text(apart([*as_written, _late("2024-09-10T21:30:00Z")], "12"))},
            'clock = "as_written"',
        ),
        Case("offsets", {"o.csv": csv_text(apart([*offsets, _late("2024-09-11 05:30:00+02:00")], "13"))}),
        Case("zoned", {"o.parquet": _parquet(apart([_late("")], "14"), zoned)}),
        Case("int96", {"o.parquet": _parquet(apart([_late("")], "15"), bare, use_deprecated_int96_timestamps=True)}),
        Case("local", {"o.parquet": _parquet(apart([_late("")], "16"), local)}),
    ]


def _arguments(row: Row, at: str) -> dict[str, Any]:
    names = ("invoice", "code", "name", "quantity", "at", "price", "customer", "country")
    return {**dict(zip(names, row.values(), strict=True)), "at": at}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Published:
    return published_together(tmp_path_factory.mktemp("clocks"), _cases(), SETTINGS)


@pytest.mark.parametrize("place", ["11", "12", "13", "14", "15", "16"])
def test_a_sale_is_on_the_shops_own_day(shops: Published, place: str) -> None:
    assert shops.rows(
        "select invoice_date, invoiced_at, net_revenue from marts.fct_invoices where customer_id = ?", place + "9001"
    ) == [(date(2024, 9, 10), datetime(2024, 9, 10, 21, 30), Decimal("18.00"))]


@pytest.mark.parametrize("place", ["11", "12", "13"])
def test_every_other_sale_keeps_its_time_by_the_shops_clock(shops: Published, place: str) -> None:
    assert shops.rows(
        "select min(invoiced_at), count(*) from marts.fct_invoices where starts_with(customer_id, ?)", place + "1"
    ) == [(datetime(2024, 1, 9, 13, 30), 88)]


def test_nothing_was_sold_on_the_day_that_utc_says(shops: Published) -> None:
    assert shops.rows("select * from marts.fct_daily_revenue where date = '2024-09-11'") == []
    # six shops' door mats
    assert shops.rows("select net_revenue from marts.fct_daily_revenue where date = '2024-09-10'") == [
        (Decimal("108.00"),)
    ]


def test_the_ledger_says_which_clock_a_file_was_read_by(shops: Published) -> None:
    clocks = dict(shops.rows("select source, clock from quality.load_ledger"))
    for source in ("utc-times", "offsets", "zoned", "int96"):
        assert "America/Mexico_City" in clocks[source], source
    assert clocks["as-written"].endswith("as written")
