"""A shop of shop systems' exports: two of Shopify that overlap, one of Etsy, one of Amazon.

Belongs here: the files and the home that is made of them. Does not belong here: what is shown of it.

The older Shopify export has #2001 as the newer one has it, and #2003 from before its bowl was
given back.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.homes import regulars_refresh
from warehouse.home import Home

SAMPLES = Path(__file__).parents[1] / "formats" / "samples"
EXPORTED_AT = datetime(2026, 4, 2, 9, tzinfo=UTC)


def deliver_exports(home: Home) -> None:
    """Put the files into landing and refresh."""
    home.landing.mkdir(parents=True)
    for name, system in (
        ("EtsySoldOrderItems2026.csv", "etsy_order_items"),
        ("amazon_all_orders.txt", "amazon_orders"),
    ):
        _put(home.landing / name, sample(system))
    newer = sample("shopify_orders")
    rows = newer.splitlines(keepends=True)
    older = [rows[0], *(row for row in rows if row.startswith(("#2001", "#2003")))]
    before = "".join(older).replace("partially_refunded", "paid").replace(",GB,,12.00,0.00", ",GB,,0.00,0.00")
    assert before.count("\n") == 4
    _put(home.landing / "orders_export_1.csv", before, before_days=1)
    _put(home.landing / "orders_export_2.csv", newer)
    regulars_refresh(home)


def sample(system: str) -> str:
    """The example of a system's export."""
    (path,) = (SAMPLES / system).glob("export.*")
    return path.read_bytes().decode()


def _put(path: Path, text: str, before_days: int = 0) -> None:
    path.write_bytes(text.encode())
    written_at = (EXPORTED_AT - timedelta(days=before_days)).timestamp()
    os.utime(path, (written_at, written_at))
