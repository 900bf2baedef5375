"""Loading and typing a million lines of Shopify's orders export, next to the same lines as plain invoice lines.

    python -m benchmarks.exports [LINES]

The lines are invented: orders of two and a half lines on average over three years, one in
five with a discount code, one in twenty refunded in part, in all 79 columns that the export
has. They lie in landing once as one file, and once as 40 exports of which each tells of the
last 90 days that the next one tells of again. Both sides of a round run in turn, in processes
of their own. Below stands what DuckDB alone takes to bring every column of both into a table:
the export is three and a half times as large for the same lines.
"""

import csv
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.loading import ROOT, ROUNDS, compare
from tests.formats.writers.shopify import HEADERS

LINES = 1_000_000
FILES = 40
DAYS = 1096
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)
_PLAIN = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]

Order = tuple[datetime, list[dict[str, str]], list[list[str]]]
"""When it was made, its rows in Shopify's columns, and its plain lines."""


def invented(lines: int) -> Iterator[Order]:
    """Orders in the order of their times."""
    rng = np.random.default_rng(42)
    written, number = 0, 1000
    sizes = rng.geometric(0.4, lines)
    while written < lines:
        place = number - 1000
        number += 1
        at = FIRST_DAY + timedelta(seconds=DAYS * 86_400 * written // lines)
        size = min(int(sizes[place]), lines - written, 12)
        customer = int(rng.integers(0, max(lines // 25, 1)))
        units = rng.integers(1, 5, size)
        cents = rng.integers(100, 4000, size)
        gross = units * cents
        discount = int(gross.sum()) // 10 if rng.random() < 0.2 else 0
        refund = int(cents[0]) if discount == 0 and rng.random() < 0.05 else 0
        subtotal = int(gross.sum()) - discount
        created = f"{at:%Y-%m-%d %H:%M:%S} +0000"
        rows, plain = [], []
        for line in range(size):
            product = int(rng.integers(1, 4000))
            rows.append(
                {
                    "Name": f"#{number}",
                    "Email": f"customer{customer}@example.org",
                    "Created at": created,
                    "Lineitem quantity": str(units[line]),
                    "Lineitem name": f"Product number {product}",
                    "Lineitem price": f"{cents[line] / 100:.2f}",
                    "Lineitem sku": f"SKU-{product}",
                    "Lineitem requires shipping": "true",
                    "Lineitem taxable": "true",
                    "Lineitem fulfillment status": "fulfilled",
                    "Vendor": "Example shop",
                    "Lineitem discount": "0.00",
                }
            )
            plain.append(
                [
                    *(str(number), f"SKU-{product}", f"Product number {product}", str(units[line])),
                    *(f"{at:%Y-%m-%d %H:%M:%S}", f"{cents[line] / 100:.2f}", str(customer), "United Kingdom"),
                ]
            )
        rows[0] |= {
            "Financial Status": "partially_refunded" if refund else "paid",
            "Paid at": created,
            "Fulfillment Status": "fulfilled",
            "Accepts Marketing": "yes" if customer % 3 else "no",
            "Currency": "GBP",
            "Subtotal": f"{subtotal / 100:.2f}",
            "Shipping": "3.95",
            "Taxes": "0.00",
            "Total": f"{(subtotal + 395) / 100:.2f}",
            "Discount Code": "TEN" if discount else "",
            "Discount Amount": f"{discount / 100:.2f}",
            "Shipping Method": "Standard",
            "Billing Name": f"Customer Number {customer}",
            "Billing Street": f"{customer} Example Street",
            "Billing City": "Exampleton",
            "Billing Zip": "EX1 2AA",
            "Billing Country": "GB",
            "Shipping Name": f"Customer Number {customer}",
            "Shipping Street": f"{customer} Example Street",
            "Shipping City": "Exampleton",
            "Shipping Zip": "EX1 2AA",
            "Shipping Country": "GB",
            "Payment Method": "Example Payments",
            "Refunded Amount": f"{refund / 100:.2f}",
            "Id": str(5_000_000_000 + number),
            "Risk Level": "Low",
            "Source": "web",
        }
        written += size
        yield at, rows, plain


def write(orders: list[Order], shopify: Path, plain: Path) -> int:
    """Write orders as one file of each layout, newest first as the system does; returns the lines."""
    lines = 0
    with shopify.open("w", newline="") as one, plain.open("w", newline="") as other:
        exported = csv.DictWriter(one, HEADERS, restval="", lineterminator="\n")
        exported.writeheader()
        listed = csv.writer(other, lineterminator="\n")
        listed.writerow(_PLAIN)
        for _, rows, told in reversed(orders):
            exported.writerows(rows)
            listed.writerows(told)
            lines += len(rows)
    return lines


def write_landings(lines: int, landings: Mapping[str, Path]) -> tuple[int, int]:
    """Fill the four landing folders; returns the lines of one file, and of all the overlapping ones."""
    orders = list(invented(lines))
    written = write(orders, landings["one_shopify"] / "orders_export.csv", landings["one_plain"] / "lines.csv")
    delivered = 0
    for number in range(1, FILES + 1):
        until = FIRST_DAY + timedelta(days=DAYS * number / FILES)
        delivered += write(
            [order for order in orders if until - timedelta(days=90) <= order[0] < until],
            landings["many_shopify"] / f"orders_export_{number}.csv",
            landings["many_plain"] / f"lines_{number}.csv",
        )
    return written, delivered


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        scratch = Path(folder)
        landings = {name: scratch / name for name in ("one_shopify", "one_plain", "many_shopify", "many_plain")}
        for landing in landings.values():
            landing.mkdir()
        # of its own: a process begins with the peak of the one that starts it, and all lines are several times what
        # a load takes
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as writer:
            written, delivered = writer.submit(write_landings, lines, landings).result()
        for count, name, kind in (
            (written, f"one file, {written:,} lines", "one"),
            (delivered, f"{FILES} overlapping files, {delivered:,} lines of which {written:,} differ", "many"),
        ):
            assert count
            compare(
                name,
                ("plain lines", ROOT, landings[f"{kind}_plain"]),
                ("Shopify", ROOT, landings[f"{kind}_shopify"]),
                scratch,
            )
        bare = {
            name: min(_seconds_alone(next(landings[name].glob("*.csv")), scratch) for _ in range(ROUNDS))
            for name in ("one_plain", "one_shopify")
        }
        ratio = bare["one_shopify"] / bare["one_plain"]
        print(f"DuckDB alone, one file, every column as text: {ratio:.2f} × the CPU of plain lines")


def _seconds_alone(file: Path, scratch: Path) -> float:
    """CPU seconds that DuckDB takes from a file of CSV to a table on disk."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder, duckdb.connect(Path(folder) / "lines.duckdb") as con:
        started = time.process_time()
        con.execute(
            "create table lines as from read_csv($path, all_varchar = true, header = true)", {"path": str(file)}
        )
        con.execute("checkpoint")
        return time.process_time() - started


if __name__ == "__main__":
    main()
