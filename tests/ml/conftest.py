"""The real data, straight from its files: what published results were computed from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.segments import Segmentation, segment_customers


@pytest.fixture(scope="session")
def real_lines(real_data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """All delivered lines as table ``lines``, typed, nothing dropped."""
    con = duckdb.connect(":memory:")
    con.execute(
        """
        create table lines as
        select
            InvoiceNo as invoice_no,
            replace(CustomerID, '.0', '') as customer_id,
            cast(InvoiceDate as timestamp) as invoiced_at,
            Country as country,
            cast(Quantity as integer) * cast(UnitPrice as decimal(18, 4)) as amount
        from read_csv(?, header = true, all_varchar = true)
        """,
        [str(real_data / "*.csv")],
    )
    yield con
    con.close()


@pytest.fixture(scope="session")
def published_rfm(real_lines: duckdb.DuckDBPyConnection) -> Callable[..., pd.DataFrame]:
    """RFM of the 4,339 customers of the published clusterings: customer present, not a C invoice."""

    def compute(*, recency: str, frequency: str, until: str = "2012-01-01") -> pd.DataFrame:
        recency_sql = {
            "elapsed": "floor(epoch(snapshot_at - max(invoiced_at)) / 86400)",
            "calendar": "date_diff('day', max(invoiced_at)::date, snapshot_at::date)",
        }[recency]
        frequency_sql = {"lines": "count(*)", "invoices": "count(distinct invoice_no)"}[frequency]
        return real_lines.execute(
            f"""
            with kept as (
                select * from lines
                where customer_id is not null and not starts_with(invoice_no, 'C') and invoiced_at < ?::timestamp
            ),
            snapshot as (select max(invoiced_at) + interval 1 day as snapshot_at from kept)
            select
                customer_id,
                {recency_sql} as recency_days,
                {frequency_sql} as frequency,
                sum(amount) as monetary
            from kept cross join snapshot
            group by customer_id, snapshot_at
            """,
            [until],
        ).df()

    return compute


@pytest.fixture(scope="session")
def made_up_customers() -> Callable[..., pd.DataFrame]:
    """Four kinds of customer, a hundred of each by default, well apart in days, orders and money."""

    def make(n: int = 400, seed: int = 3) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        kinds = np.array([[5, 60, 9000], [15, 3, 150], [120, 20, 2500], [300, 1, 60]], dtype=float)
        values = kinds[np.arange(n) % 4] * rng.lognormal(0, 0.15, size=(n, 3))
        return pd.DataFrame(
            {
                "customer_id": [f"{number:05d}" for number in range(n)],
                "recency_days": np.ceil(values[:, 0]),
                "frequency": np.ceil(values[:, 1]),
                "monetary": values[:, 2].round(2),
            }
        )

    return make


@pytest.fixture(scope="session")
def made_up_segments(made_up_customers: Callable[..., pd.DataFrame]) -> Segmentation:
    """Those customers divided by the defaults, once. Read-only."""
    return segment_customers(made_up_customers())
