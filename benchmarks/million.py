"""Time by step and peak memory of a refresh with a million customers, and how long pages then take.

    make bench            # runs this after the refresh with real files

The history is made up: every customer has a rate of buying, a basket and a day of
leaving, drawn from the distributions that customer-base models assume, over 540 days. It
is delivered as one Parquet file of plain transactions and goes through the whole
pipeline, so that the models read what SQL made of it.
"""

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.refresh import run
from serving.dashboard.pages import all_pages
from serving.dashboard.view import View
from serving.filters import Filters
from serving.snapshot import SnapshotReader
from warehouse.home import Home

CUSTOMERS = 1_000_000
DAYS = 540
SEED = 42
FIRST_DAY = date(2023, 1, 1)


def write_history(path: Path, customers: int = CUSTOMERS) -> int:
    """Write a history of plain transactions; returns the number of lines."""
    rng = np.random.default_rng(SEED)
    begin = rng.integers(0, DAYS, customers)
    end = np.minimum(begin + rng.exponential(300, customers).astype(int) + 1, DAYS)
    rate = rng.gamma(0.6, 1 / 50, customers)
    basket = rng.lognormal(3, 0.6, customers)
    repeats = rng.poisson(rate * (end - begin))
    who = np.concatenate([np.arange(customers), np.repeat(np.arange(customers), repeats)])
    day = np.concatenate([begin, rng.integers(np.repeat(begin, repeats), np.repeat(end, repeats))])
    amount = np.round(basket[who] * rng.lognormal(0, 0.4, len(who)), 2)
    dates = np.datetime64(FIRST_DAY) + day.astype("timedelta64[D]")
    table = pa.table({"Customer_ID": who + 1_000_000, "Transaction_Date": dates, "Amount": amount})
    pq.write_table(table, path)
    return len(who)


def time_pages(home: Home) -> list[tuple[str, float, float]]:
    """Each page's path and seconds to draw it: unfiltered, and of customers with five orders and more."""
    reader = SnapshotReader(home)
    timed = []
    for page in all_pages():
        seconds = []
        for filters in (Filters(), Filters(min_frequency=5)):
            with reader.reading() as reading:
                started = time.perf_counter()
                page.render(View(reading, filters))
                seconds.append(time.perf_counter() - started)
        timed.append((page.path, *seconds))
    return timed


def main() -> None:
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS
    with tempfile.TemporaryDirectory(prefix="regulars-million-") as folder:
        scratch = Path(folder)
        landing = scratch / "landing"
        landing.mkdir()
        lines = write_history(landing / "transactions.parquet", customers)
        print(f"{customers:,} customers, {lines:,} lines, {DAYS} days")
        command = ["regulars", "refresh", "--landing", str(landing), "--home", str(scratch / "home")]
        seconds, memory = run(command, scratch / "refresh.log")
        print((scratch / "refresh.log").read_text())
        print(f"in all {seconds:.0f} s   peak {memory / 1024:.1f} GiB")
        print("\nPages on the server, of all customers and of those with five orders or more:")
        for path, everybody, some in time_pages(Home(scratch / "home")):
            print(f"{path:<14}{everybody:>7.2f} s{some:>7.2f} s")


if __name__ == "__main__":
    main()
