"""Panels of customers at past dates, made from purchases by brute force.

The same columns as the warehouse's ``int_customer_periods``, without its SQL.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def shop(
    customers: int = 400, days: int = 400, seed: int = 1, season: float = 0.0, first_day: str = "2023-01-01"
) -> pd.DataFrame:
    """Purchases of a made-up shop: ``customer_id, date, value``, one row a purchase day.

    Rates are gamma distributed, customers join all the time and leave after some months;
    ``season`` is the amplitude of a yearly wave in the rates.
    """
    rng = np.random.default_rng(seed)
    begin = rng.integers(0, max(days - 30, 1), customers)
    end = np.minimum(begin + rng.exponential(400, customers).astype(int) + 1, days)
    rate, worth = rng.gamma(0.8, 1 / 25, customers), rng.lognormal(3, 0.6, customers)
    rows = []
    for number in range(customers):
        when = np.arange(begin[number], end[number])
        wave = 1 + season * np.sin(2 * np.pi * when / 365)
        bought = when[(rng.random(len(when)) < rate[number] * wave) | (when == begin[number])]
        rows.append(
            pd.DataFrame(
                {
                    "customer_id": f"C{number:05d}",
                    "date": pd.Timestamp(first_day) + pd.to_timedelta(bought, unit="D"),
                    "value": worth[number] * rng.lognormal(0, 0.3, len(bought)),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def daily(purchases: pd.DataFrame) -> pd.DataFrame:
    """The whole shop's days."""
    return purchases.groupby("date", as_index=False).agg(purchase_days=("value", "size"), net_value=("value", "sum"))


def panel(purchases: pd.DataFrame, until: str | pd.Timestamp | None = None) -> pd.DataFrame:
    """Every customer at every cutoff, 30 days apart, back from ``until`` (by default the day after the last)."""
    end = purchases["date"].max() + pd.Timedelta(days=1) if until is None else pd.Timestamp(until)
    seen = purchases[purchases["date"] < end]
    rows = []
    for periods_ago in range((end - seen["date"].min()).days // 30 + 1):
        cutoff = end - pd.Timedelta(days=30 * periods_ago)
        known = seen[seen["date"] < cutoff]
        coming = seen[(seen["date"] >= cutoff) & (seen["date"] < cutoff + pd.Timedelta(days=30))]
        if known.empty:
            continue
        by_customer = known.groupby("customer_id")
        first, last = by_customer["date"].min(), by_customer["date"].max()
        net = by_customer["value"].sum()
        first_value = known[known["date"] == known["customer_id"].map(first)].groupby("customer_id")["value"].sum()
        one = pd.DataFrame(
            {
                "periods_ago": periods_ago,
                "cutoff_date": cutoff,
                "is_sampled": True,
                "repeat_purchase_days": by_customer.size() - 1,
                "days_to_last_purchase": (last - first).dt.days,
                "observed_days": (cutoff - first).dt.days - 1,
                "repeat_net_value": net - first_value,
                "invoice_count": by_customer.size(),
                "line_count": by_customer.size(),
                "gross_value": net,
                "returned_value": 0.0,
                "net_value": net,
            }
        )
        for length in (30, 90, 180, 360):
            late = known[known["date"] >= cutoff - pd.Timedelta(days=length)].groupby("customer_id")["value"]
            one[f"purchase_days_{length}d"] = late.size().reindex(one.index).fillna(0)
            one[f"net_value_{length}d"] = late.sum().reindex(one.index).fillna(0.0)
        later = coming.groupby("customer_id")["value"]
        nothing = np.nan if periods_ago == 0 else 0.0
        one["purchase_days_next_30d"] = later.size().reindex(one.index).astype(float).fillna(nothing)
        one["net_value_next_30d"] = later.sum().reindex(one.index).fillna(nothing)
        rows.append(one.reset_index(names="customer_id"))
    return pd.concat(rows, ignore_index=True)
