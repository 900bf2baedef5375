"""One small file of each system, whose lines were worked out by hand from what the system's columns mean.

Belongs here: the samples, alone and together, and what is told when such a file is wrong.
Does not belong here: histories that a generator writes (:mod:`tests.formats.test_one_history`).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from orchestration.inspection import inspect_file
from tests.formats.conftest import Deliveries, Delivery, Workbench
from warehouse.formats import export_formats

SAMPLES = Path(__file__).with_name("samples")
# the same orders once more, as another plug-in writes them
TOGETHER = [name for name in sorted(export_formats()) if name != "woocommerce_advanced"]

EXPORTED_AT = datetime(2026, 4, 2, 9, tzinfo=UTC)

Line = tuple[str, str, str, Decimal, Decimal | None, str | None, str, str]


def sample_of(name: str) -> Path:
    (path,) = (SAMPLES / name).glob("export.*")
    return path


def expected(name: str) -> Counter[Line]:
    """Invoice, time, code, units, net, customer, country and kind of each line."""
    with (SAMPLES / name / "expected.csv").open(newline="") as lines:
        return Counter(
            (
                *(row["invoice"], row["invoiced_at"], row["stock_code"].upper(), Decimal(row["quantity"])),
                Decimal(row["line_net"]) if row["line_net"] else None,
                row["customer"].casefold() or None,
                *(row["country"], row["kind"]),
            )
            for row in csv.DictReader(lines)
        )


def told(warehouse: Path) -> Counter[Line]:
    """The same of every line of a warehouse; a row that sums up an order is no line."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            """
            select
                invoice_no, strftime(invoiced_at, '%Y-%m-%d %H:%M:%S'), stock_code, quantity_units, signed_amount,
                lower(customer_id), country, disposition
            from intermediate.int_line_dispositions
            where disposition <> 'summary'
            """
        ).fetchall()
    return Counter(rows)


@pytest.mark.parametrize("name", sorted(export_formats()))
def test_a_file_alone_has_just_the_lines_worked_out(name: str, workbench: Workbench, tmp_path: Path) -> None:
    path = sample_of(name)
    files = {path.name: Delivery(path.read_bytes(), EXPORTED_AT)}
    warehouse = workbench.counted(tmp_path / "alone", [files], since=EXPORTED_AT)
    assert told(warehouse) == expected(name)


def test_a_refresh_of_all_of_them_publishes_their_lines_and_no_other(
    refreshed: Callable[[Deliveries], duckdb.DuckDBPyConnection],
) -> None:
    files = {f"{name}{sample_of(name).suffix}": Delivery(sample_of(name).read_bytes()) for name in TOGETHER}
    published = refreshed(files)
    kept = published.execute(
        "select line_type, count(*), sum(gross_revenue + return_amount) from marts.fct_invoice_lines"
        " group by line_type order by line_type"
    ).fetchall()
    wanted = [line for name in TOGETHER for line in expected(name).elements()]
    assert kept == [
        (kind, sum(line[-1] == kind for line in wanted), sum(line[4] or 0 for line in wanted if line[-1] == kind))
        for kind in ("return", "sale")
    ]
    set_aside = published.execute(
        "select disposition, count(*) from marts.set_aside_lines where disposition <> 'summary' group by 1 order by 1"
    ).fetchall()
    assert set_aside == [(kind, sum(line[-1] == kind for line in wanted)) for kind in ("non_product", "not_a_sale")]
    assert published.execute("select distinct source from quality.source_limits order by 1").fetchall() == [
        (name,) for name in TOGETHER if export_formats()[name].limits
    ]


_TEA_POT = "#2001,a@example.org,,,,,,,,,2026-03-27 08:00:00 +0000,1,Tea pot,30.00,,,,,0.00\n"


@pytest.mark.parametrize(
    ("name", "right", "wrong", "order"),
    [
        # a discount taken off twice
        ("shopify_orders", "SAVE10,5.00,", "SAVE10,10.00,", "#2001"),
        # a row of the order is missing
        ("shopify_orders", _TEA_POT, "", "#2001"),
        # what the line costs in the place of what one unit costs
        ("shopify_orders", "2,Mug,10.00", "2,Mug,20.00", "#2001"),
        ("ebay_orders", "OW-3,2,£10.00", "OW-3,2,£20.00", "12-30002-22222"),
        ("woocommerce_items", "72,Tea pot,TP-2,30.00,1,30.00,27.00", "72,Tea pot,TP-2,30.00,1,30.00,22.00", "3001"),
        ("loyverse_receipts", "2.000,20.00,2.00,18.00", "2.000,20.00,4.00,18.00", "2-101"),
    ],
)
def test_a_wrong_figure_turns_the_reconciliation_red_and_names_the_order(
    name: str, right: str, wrong: str, order: str, tmp_path: Path
) -> None:
    text = sample_of(name).read_text()
    assert text.count(right) == 1
    path = tmp_path / "export.csv"
    path.write_text(text.replace(right, wrong))
    console = Console(file=io.StringIO(), width=1000)
    assert not inspect_file(console, path)
    assert isinstance(console.file, io.StringIO)
    (message,) = (line for line in console.file.getvalue().splitlines() if "stops a refresh" in line)
    assert "do not add up to what their file says of them" in message
    assert f"order {order} (export.csv line " in message
