"""Why a period was unusual: who and what account for the difference, and one sentence.

Belongs here: ranking contributions, choosing which of them explain a flag, wording it.
Does not belong here: which periods are unusual (:mod:`ml.anomalies`), adding up lines (the
query of the step that calls this).

A member's difference is what it brought in the period less what is usual of it: its mean
per period over the window, or where the flag's expectation is far from that of all, because
it knows a weekday or a season, what is in proportion to it. Dimensions overlap: an invoice
is also its customer's and its products'. Within one, differences add up to the period's
revenue less the window's mean, which is near the flag's own difference but not equal to it:
an expectation may be a median.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

DIMENSIONS = ("invoice", "customer", "product", "country")
NO_CUSTOMER = "(none)"
"""Member that stands for all lines without a customer."""

MEMBERS_KEPT = 3
# A sentence names what accounts for a fifth of the difference; below that, naming one
# member says less than the number of orders does.
NAMED_SHARE_PCT = 20.0
_SINGLE_SHARE_PCT = 50.0
# whoever brings most revenue on any day is no reason for one
_ALWAYS_MOST_PCT = 50.0
# orders this far from usual are the reason; nearer than that, their size is
_ORDERS_APART = 0.15

ANOMALY_COLUMNS = (
    "series", "grain", "date", "country", "actual", "expected", "difference", "spread", "score", "direction",
    "method", "window_periods", "threshold", "cause", "top_invoice_no",
)  # fmt: skip
DRIVER_COLUMNS = (
    "series", "grain", "date", "dimension", "rank", "member", "label", "actual", "expected", "difference", "share_pct",
)  # fmt: skip
_KEY = ["series", "grain", "date"]


@dataclass(frozen=True)
class Explained:
    """Flags with their causes, as the warehouse keeps them.

    Attributes
    ----------
    revenue_anomalies : DataFrame of shape (n_flags, 15)
        The flags, with ``difference``, ``cause`` (a sentence) and ``top_invoice_no``
        (invoice with at least half of the difference, else null).
    anomaly_drivers : DataFrame of shape (n_drivers, 11)
        Per flag and dimension at most ``MEMBERS_KEPT`` members that moved revenue the
        way it went, most of it first; ``share_pct`` of the flag's difference.
    """

    revenue_anomalies: pd.DataFrame
    anomaly_drivers: pd.DataFrame


def explain_anomalies(
    flags: pd.DataFrame,
    contributions: pd.DataFrame,
    orders: pd.DataFrame,
    special_days: pd.DataFrame,
    *,
    money: Callable[[float], str],
    day: Callable[[date], str],
) -> Explained:
    """Rank what drove each flag and say it in a sentence.

    Parameters
    ----------
    flags : DataFrame of shape (n_flags, 16)
        As :attr:`ml.anomalies.RevenueScores.flags`.
    contributions : DataFrame of shape (n_rows, 9)
        ``series, grain, date`` of the flag; ``dimension, member, label``; ``detail``
        (an invoice's customer, else null); ``actual`` and ``window_revenue``: what the
        member brought in the period, and what is usual of it in the whole window. At least the
        members with the largest differences of the flag's sign; an invoice has no window.
        In any order.
    orders : DataFrame of shape (n_flags, 7)
        ``series, grain, date``; ``orders`` and ``window_orders``: invoices with a sale in
        the period and in the window; ``returned`` and ``window_returned``: what was given
        back in them, zero or more, without what was sold in the same period.
    special_days : DataFrame of shape (n_special, 4)
        As in :func:`ml.anomalies.score_revenue`. A promotion or a public holiday of the period
        is named.
    money, day
        How sentences write an amount in the shop's currency, and a date.

    Returns
    -------
    Explained

    Raises
    ------
    ValueError
        If a column is missing, or a flag has no row in ``orders``.
    """
    _require(flags, [*_KEY, "actual", "expected", "direction", "window_periods", "back_date", "expected_days"], "flags")
    _require(
        contributions, [*_KEY, "dimension", "member", "label", "detail", "actual", "window_revenue"], "contributions"
    )
    _require(orders, [*_KEY, "orders", "window_orders", "returned", "window_returned"], "orders")
    _require(special_days, ["date", "holiday_name", "promotion_name"], "special days")
    flags, contributions, orders, special_days = map(_dated, (flags, contributions, orders, special_days))
    flags = flags.assign(difference=flags["actual"] - flags["expected"])
    drivers = _rank(flags, contributions)
    by_flag: dict[Any, pd.DataFrame] = dict(list(drivers.groupby(_KEY, sort=False)))
    counted = {(row.series, row.grain, row.date): row for row in _rows(orders)}
    causes: list[str] = []
    top_invoices: list[str | None] = []
    for flag in _rows(flags):
        key = (flag.series, flag.grain, flag.date)
        if key not in counted:
            raise ValueError(f"no orders are given for {flag.series}, {flag.grain} {flag.date:%Y-%m-%d}")
        found = by_flag.get(key, drivers.iloc[:0])
        story = _Story(flag, found, counted[key], _occasion(flag, special_days), money, day)
        causes.append(story.sentence())
        invoices = found[found["dimension"] == "invoice"]
        is_single = len(invoices) > 0 and invoices["share_pct"].iloc[0] >= _SINGLE_SHARE_PCT
        top_invoices.append(str(invoices["member"].iloc[0]) if is_single else None)
    told = flags.assign(
        country=pd.array([None if name == "total" else name for name in flags["series"]], dtype="str"),
        spread=flags["spread"].where(flags["direction"] != "silence"),
        cause=pd.array(causes, dtype="str"),
        top_invoice_no=pd.array(top_invoices, dtype="str"),
    )
    return Explained(
        told[list(ANOMALY_COLUMNS)].reset_index(drop=True), drivers[list(DRIVER_COLUMNS)].reset_index(drop=True)
    )


def _rank(flags: pd.DataFrame, contributions: pd.DataFrame) -> pd.DataFrame:
    """Keep per flag and dimension the members that moved revenue most the way it went."""
    of_flag = flags[[*_KEY, "difference", "window_periods"]].rename(columns={"difference": "whole"})
    # a country's series has but one country, and so has a shop that sells in one
    others = contributions.groupby([*_KEY, "dimension"])["member"].transform("nunique") > 1
    rows = contributions[(contributions["dimension"] != "country") | (contributions["series"] == "total") & others]
    rows = rows.merge(of_flag, on=_KEY, how="inner")
    rows["actual"] = rows["actual"].astype(np.float64)
    rows["expected"] = rows["window_revenue"].astype(np.float64) / rows["window_periods"].astype(np.float64)
    rows["difference"] = rows["actual"] - rows["expected"]
    rows["moved"] = rows["difference"] * np.sign(rows["whole"])
    # by the half penny: what is below that is rounding
    rows = rows[rows["moved"] >= 0.005]
    rows["share_pct"] = 100 * rows["difference"] / rows["whole"]
    place = {name: number for number, name in enumerate(DIMENSIONS)}
    flag_place = {key: number for number, key in enumerate(flags[_KEY].itertuples(index=False, name=None))}
    rows["_flag"] = [flag_place[key] for key in rows[_KEY].itertuples(index=False, name=None)]
    rows["_dimension"] = rows["dimension"].map(place)
    # sums of another history differ in their last bits
    rows["_moved"] = -rows["moved"].round(4)
    rows = rows.sort_values(["_flag", "_dimension", "_moved", "member"], kind="stable", ignore_index=True)
    rows["rank"] = (rows.groupby(["_flag", "_dimension"]).cumcount() + 1).astype(np.int32)
    return rows[rows["rank"] <= MEMBERS_KEPT].reset_index(drop=True)


class _Story:
    """One flag in words."""

    def __init__(
        self,
        flag: Any,
        drivers: pd.DataFrame,
        counted: Any,
        occasion: str,
        money: Callable[[float], str],
        day: Callable[[date], str],
    ) -> None:
        self._flag, self._drivers, self._occasion = flag, drivers, occasion
        self._orders, self._usual_orders = int(counted.orders), counted.window_orders / flag.window_periods
        self._returned, self._usually_returned = counted.returned, counted.window_returned / flag.window_periods
        self._money, self._day = money, day

    def sentence(self) -> str:
        if self._flag.direction == "silence":
            return self._silence()
        reasons, best_share_pct = self._reasons()
        returns_pct = 100 * (self._usually_returned - self._returned) / self._flag.difference
        are_returns = returns_pct >= _SINGLE_SHARE_PCT
        # a return that is named tells of itself
        named_pct = sum(row.share_pct for row in self._named("invoice")) if self._flag.difference < 0 else 0.0
        if are_returns and returns_pct - named_pct >= NAMED_SHARE_PCT / 2:
            reasons.append(self._about_returns(returns_pct))
        if self._flag.direction == "drop" or max(best_share_pct, returns_pct) < _SINGLE_SHARE_PCT:
            # what returns explain is not explained by the size of orders
            told = self._about_orders(is_alone=not reasons, is_size_told=not are_returns)
            reasons += [told] if told else []
        return f"{self._head()}: {'; '.join(reasons)}."

    def _head(self) -> str:
        flag = self._flag
        of = "" if flag.series == "total" else f" from {flag.series}"
        when = " in the week" if flag.grain == "week" else ""
        way = "above" if flag.difference > 0 else "below"
        return (
            f"Revenue{of}{when} was {self._money(abs(flag.difference))} {way} the expected {self._money(flag.expected)}"
            f"{self._occasion}"
        )

    def _reasons(self) -> tuple[list[str], float]:
        """What is worth naming, and the share of the difference that the best of it explains."""
        invoices = self._named("invoice")
        reasons = [self._about_invoices(invoices)] if invoices else []
        shares = [sum(row.share_pct for row in invoices)]
        for row in self._named("customer")[:1]:
            # that an invoice's customer brought as much as the invoice is no second reason
            told = sum(each.share_pct for each in invoices if _customer(each) == row.member)
            if row.share_pct - told >= NAMED_SHARE_PCT / 2:
                reasons.append(f"{'in all, ' if told else ''}{row.label} {self._moved(row)}")
                shares.append(row.share_pct)
        for row in [*self._named("product")[:1], *self._named("country")[:1]]:
            reasons.append(f"{row.label} {self._moved(row)}")
            shares.append(row.share_pct)
        return reasons, max(shares)

    def _named(self, dimension: str) -> list[Any]:
        """Members that account for more than what they always bring: most revenue is the home country's anyway."""
        rows = self._drivers[self._drivers["dimension"] == dimension]
        usual_pct = 100 * rows["expected"].abs() / max(abs(self._flag.expected), 0.01)
        is_named = (rows["share_pct"] - usual_pct >= NAMED_SHARE_PCT) & (usual_pct < _ALWAYS_MOST_PCT)
        if dimension == "customer":
            is_named |= (rows["share_pct"] >= _SINGLE_SHARE_PCT) & (rows["member"] != NO_CUSTOMER) & self._apart(rows)
        return _rows(rows[is_named])

    def _apart(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Whether all others together moved by less than half as much for their size as the whole did.

        One who always brings most of a market day is the reason for a poor one if the others brought what they do.
        """
        flag = self._flag
        others_moved = (flag.difference - rows["difference"]).abs() * abs(flag.expected)
        return others_moved < 0.5 * abs(flag.difference) * (flag.expected - rows["expected"]).abs()

    def _about_invoices(self, rows: Sequence[Any]) -> str:
        is_return = self._flag.difference < 0
        kind = "return" if is_return else "invoice"
        did = "took back" if is_return else "brought"
        share = _share(sum(row.share_pct for row in rows))
        amounts = [self._money(abs(row.actual)) for row in rows]
        if len(rows) == 1:
            alone = "alone " if rows[0].share_pct >= _SINGLE_SHARE_PCT and not is_return else ""
            return f"{kind} {rows[0].member} of {_buyer(rows[0])} {alone}{did} {amounts[0]} ({share})"
        buyers = {_customer(row) for row in rows}
        if len(buyers) == 1 and NO_CUSTOMER not in buyers:
            named = [f"{row.member} ({amount})" for row, amount in zip(rows, amounts, strict=True)]
            named[-1] += f" of {_buyer(rows[0])}"
        else:
            named = [f"{row.member} of {_buyer(row)} ({amount})" for row, amount in zip(rows, amounts, strict=True)]
        amount = self._money(abs(sum(row.actual for row in rows)))
        return f"{kind}s {', '.join(named[:-1])} and {named[-1]} together {did} {amount} ({share})"

    def _moved(self, row: Any) -> str:
        share = _share(row.share_pct)
        if row.actual < 0 and row.difference < 0:
            return f"took back {self._money(-row.actual)} ({share})"
        way = "more" if row.difference > 0 else "less"
        return f"brought {self._money(abs(row.difference))} {way} than usual ({share})"

    def _about_returns(self, share_pct: float) -> str:
        more = self._returned - self._usually_returned
        booked = (
            f"returns of {self._money(self._returned)} were booked" if self._returned > 0 else "no return was booked"
        )
        way = "more" if more > 0 else "less"
        return f"{booked}, {self._money(abs(more))} {way} than usual ({_share(share_pct)})"

    def _about_orders(self, *, is_alone: bool, is_size_told: bool) -> str | None:
        usual, is_drop = self._usual_orders, self._flag.difference < 0
        apart = self._orders / usual - 1 if usual > 0 else float("inf")
        if abs(apart) >= _ORDERS_APART and (apart < 0) == is_drop:
            counted = f"{_orders(self._orders)} came in where {_about(usual)} a {self._flag.grain} are usual"
            if is_drop:
                return counted if self._orders == 0 else f"only {counted}"
            return f"no single order or customer stands out, {counted}" if is_alone else f"besides, {counted}"
        if not is_size_told:
            return None
        size = "smaller" if is_drop else "larger"
        if abs(apart) >= _ORDERS_APART:
            way = "more" if apart > 0 else "fewer"
            return f"{way} orders came in than usual ({self._orders:,}, usually {_about(usual)}), but {size} ones"
        return f"about as many orders came in as usual ({self._orders:,}, usually {_about(usual)}), but {size} ones"

    def _silence(self) -> str:
        flag = self._flag
        of = "" if flag.series == "total" else f" from {flag.series}"
        # where more comes back than is sold, what is usual is told by orders alone
        told_money = [self._money(flag.expected)] if flag.expected > 0 else []
        told_orders = [_orders(round(self._usual_orders))] if self._usual_orders >= 1 or not told_money else []
        told_usual = told_orders + told_money
        is_one = told_usual in (told_money, ["1 order"])
        usual = f"{' and '.join(told_usual)} {'is' if is_one else 'are'} usual"
        told = f"No sale{of} on {self._day(flag.date)}, where {usual}"
        if pd.isna(flag.back_date):
            told += "; none had come since when the data ended"
        elif flag.expected_days > 1:
            told += f"; sales came back on {self._day(flag.back_date)}"
        if flag.actual < -0.005:
            told += f"; returns of {self._money(-flag.actual)} were booked"
        return told + "."


def _occasion(flag: Any, special_days: pd.DataFrame) -> str:
    """What the calendar says of the flag's period, as the end of a clause; empty if nothing."""
    last = flag.date + pd.Timedelta(days=6 if flag.grain == "week" else 0)
    within = special_days[special_days["date"].between(flag.date, last)].sort_values("date", kind="stable")
    told = ""
    for column, one, several in (
        ("promotion_name", "during the promotion", "during the promotions"),
        ("holiday_name", "in the week of" if flag.grain == "week" else "on", "in the week of"),
    ):
        names = list(dict.fromkeys(within[column].dropna()))
        if names:
            told += f", {one if len(names) == 1 else several} {' and '.join(names)}"
    return told


def _customer(invoice: Any) -> str:
    return NO_CUSTOMER if pd.isna(invoice.detail) else str(invoice.detail)


def _buyer(invoice: Any) -> str:
    return "a customer without a number" if pd.isna(invoice.detail) else f"customer {invoice.detail}"


def _dated(frame: pd.DataFrame) -> pd.DataFrame:
    """With dates of one unit, so that equal days meet in a join."""
    return frame.assign(date=pd.to_datetime(frame["date"]).astype("datetime64[us]"))


def _rows(frame: pd.DataFrame) -> list[Any]:
    return list(frame.itertuples(index=False))


def _share(share_pct: float) -> str:
    # members that brought less hide behind those that brought more than all of it
    return "more than the whole difference" if share_pct > 100.5 else f"{share_pct:.0f}% of the difference"


def _orders(number: int) -> str:
    return "no order" if number == 0 else "1 order" if number == 1 else f"{number:,} orders"


def _about(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:,.1f}"


def _require(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ValueError(f"the {name} lack {', '.join(missing)}; they have {', '.join(map(str, frame.columns))}")
