"""Unusual days and weeks of revenue: which series and periods are scored, and the record of it.

Belongs here: the total and the countries that trade often enough, by day and by week, the
flags among them, what a silent day should have brought, one row for ``ml.model_runs``.
Does not belong here: what is to be expected of a period and how unusual it is
(:mod:`ml.anomaly_expectations`), on which days the shop was silent (:mod:`ml.silences`),
what a series must fulfil (:mod:`ml.revenue_series`), which lines make up revenue and
which days are trading days (both are SQL), what drove a flag (:mod:`ml.anomaly_causes`).

The series should be net of returns as they are booked: an order cancelled the same day
leaves no spike, and a return that comes weeks later changes its own day, never the score
of the day of the sale.

Nothing here looks ahead: a score depends on its own period and on earlier ones, so
longer history adds rows and changes none. That holds too for which country is scored.
One field alone is filled in later: when sales came back after a silence that went on.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.anomaly_expectations import SCORE_COLUMNS, Method, check_parameters, score_periods
from ml.revenue_series import checked_dates, checked_money, complete_weeks, mondays
from ml.runs import describe_run
from ml.silences import find_absences, find_silences

EXPECTATION_COLUMNS = ("series", "grain", "date", "actual", "expected", "lower", "upper", "score")

MOST_COUNTRIES = 10
DAILY_SHARE = 0.9
WEEKLY_SHARE = 0.75
# With a twentieth of the revenue abroad, every odd day of the total would be told as the home country's again.
ONE_COUNTRY_SHARE = 0.95

_SILENCE_COLUMNS = ("back_date", "expected_days")


@dataclass(frozen=True)
class RevenueScores:
    """What the scoring of all series found.

    Attributes
    ----------
    scored : DataFrame of shape (n_periods, 16)
        Every scored period, unusual or not, by series (total first), grain and date:
        ``series, grain`` (``day`` or ``week``), ``date`` (a week's is its Monday),
        ``actual, expected, lower, upper`` (the band within which a period is not unusual),
        ``spread`` (half the band's width divided by the threshold, as if no band were cut at
        the window's lowest), ``score``,
        ``direction`` (``spike``, ``drop``, ``silence`` or null), ``method,
        window_periods, threshold, window_start`` (first day of the window); of a silence
        ``back_date`` (first day with sales again; NaT while it goes on, and for all else)
        and ``expected_days`` (days without a sale that were expected to have one; 0 for
        all else). Money in the shop's currency.
    method, window_days, threshold
        How it was asked for.
    """

    scored: pd.DataFrame
    method: Method
    window_days: int
    threshold: float

    @property
    def flags(self) -> pd.DataFrame:
        """The unusual periods alone, in the same order and columns."""
        return self.scored[self.scored["direction"].notna()].reset_index(drop=True)


@dataclass(frozen=True)
class _Calendar:
    """Days that the shop's calendar says something of."""

    special: pd.DatetimeIndex
    """Holidays, closures and promotions."""
    closed: pd.DatetimeIndex
    """Holidays and closures."""

    @classmethod
    def of(cls, special_days: pd.DataFrame) -> _Calendar:
        dates = pd.DatetimeIndex(pd.to_datetime(special_days["date"]).astype("datetime64[us]"))
        is_closed = special_days[["holiday_name", "closure_reason"]].notna().any(axis=1).to_numpy()
        is_special = is_closed | special_days["promotion_name"].notna().to_numpy()
        return cls(dates[is_special], dates[is_closed])


def weeks_in_window(window_days: int) -> int:
    """How many complete weeks a week is compared with, for a window of so many trading days.

    Three times as many weeks as the days would fill, at least 8: a mean and a spread of
    the four weeks that 28 days fill would say nothing. 28 days give 12 weeks.
    """
    return max(8, round(3 * window_days / 7))


def score_daily_revenue(
    daily: pd.DataFrame,
    *,
    window_days: int = 28,
    threshold: float = 3.0,
    series: str = "total",
    method: Method = "mean_std",
    calendar: bool = False,
    special_dates: Collection[pd.Timestamp] = (),
) -> pd.DataFrame:
    """Score each trading day's revenue against the trading days before it.

    A day is never compared with itself or with later days, so a longer history does not
    rewrite old scores.

    Parameters
    ----------
    daily : DataFrame of shape (n_days, 2)
        ``date`` (ascending, trading days only) and ``net_revenue`` (shop's currency).
    window_days
        How many trading days before a day it is compared with, at least 2. Days with
        fewer before them are not scored.
    threshold
        Score from which a day is unusual; above 0.
    series
        Name of the series, copied to every row.
    method
        ``mean_std``: expected is the window's mean, the score the distance from it in
        sample standard deviations. ``median_mad``: see
        :mod:`ml.anomaly_expectations`.
    calendar
        Whether weekdays (from four of each on) and last year's season (from a year and a
        window on) are taken into account. Without, and with ``mean_std``, this is the
        rule whose results are published.
    special_dates
        Days that are scored, but that no other day is compared with: public holidays and
        promotions.

    Returns
    -------
    DataFrame of shape (n_scored, 14), by date
        As in :class:`RevenueScores`, without silences. Scores are capped at
        :data:`ml.anomaly_expectations.MAX_SCORE` either way.

    Raises
    ------
    ValueError
        If there is no day, a column is missing, dates are missing, repeat or are out of
        order, revenue is missing or infinite, or a parameter is out of range.
    """
    check_parameters(window_days, threshold, method)
    dates = checked_dates(daily, ("date", "net_revenue"))
    revenue = checked_money(daily, dates)
    return score_periods(
        dates, revenue, np.ones(len(revenue)), ~dates.isin(list(special_dates)).to_numpy(),
        window=window_days, threshold=threshold, series=series, grain="day", method=method, calendar=calendar,
    )  # fmt: skip


def flag_revenue_anomalies(
    daily: pd.DataFrame,
    *,
    window_days: int = 28,
    threshold: float = 3.0,
    series: str = "total",
    method: Method = "mean_std",
    calendar: bool = False,
) -> pd.DataFrame:
    """Keep the unusual days of :func:`score_daily_revenue`.

    Parameters, errors, columns and units are those of :func:`score_daily_revenue`. No
    row where no day is unusual, or none has enough days before it.
    """
    scored = score_daily_revenue(
        daily, window_days=window_days, threshold=threshold, series=series, method=method, calendar=calendar
    )
    return scored[scored["direction"].notna()].reset_index(drop=True)


def score_weekly_revenue(
    days: pd.DataFrame,
    *,
    window_weeks: int = 12,
    threshold: float = 3.0,
    series: str = "total",
    method: Method = "mean_std",
    calendar: bool = False,
) -> pd.DataFrame:
    """Score each complete week's revenue against the complete weeks before it.

    Weeks run from Monday to Sunday. A week is
    compared by revenue per trading day, so that one with a holiday is no drop; the
    fewer its trading days, the more it may differ. Weeks without a trading day are
    neither scored nor compared with.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 4)
        ``date`` (ascending; every day with a line), ``is_trading_day``,
        ``net_revenue`` (shop's currency; that of days that are no trading days counts in
        their week) and ``is_complete_week`` (whether the history covers the whole of the
        day's week).
    window_weeks
        How many weeks before a week it is compared with, at least 2.
    threshold, series, method, calendar
        As in :func:`score_daily_revenue`; of the calendar only the season.

    Returns
    -------
    DataFrame of shape (n_weeks - window_weeks, 14), by date
        As in :class:`RevenueScores`.

    Raises
    ------
    ValueError
        As :func:`score_daily_revenue`.
    """
    check_parameters(window_weeks, threshold, method)
    weeks = complete_weeks(days)
    return score_periods(
        weeks["date"],
        weeks["net_revenue"].to_numpy(dtype=np.float64),
        weeks["trading_days"].to_numpy(dtype=np.float64),
        np.ones(len(weeks), dtype=bool),
        window=window_weeks, threshold=threshold, series=series, grain="week", method=method, calendar=calendar,
    )  # fmt: skip


def score_revenue(
    days: pd.DataFrame,
    country_days: pd.DataFrame,
    special_days: pd.DataFrame,
    *,
    window_days: int = 28,
    threshold: float = 3.0,
    method: Method = "mean_std",
) -> RevenueScores:
    """Score the total and every country that trades often enough, by day and by week.

    A country's days are scored on days on which it bought, where these were at least
    ``DAILY_SHARE`` of the shop's over the window; its weeks where it bought in at least
    ``WEEKLY_SHARE`` of them; and only while it is among the ``MOST_COUNTRIES`` with most
    revenue over that window. All three are judged at each period from those before it.
    Weekday and season are taken into account. A country that brought ``ONE_COUNTRY_SHARE``
    of the window's revenue or more is the total, and its periods are not told twice.

    Silence is told for the total, and for a country that bought on every trading day of
    the two windows before while the rest of the shop traded on. On a public holiday or a
    day that the shop was closed on it is none. A holiday that traded and a day of a
    promotion are scored, but nothing is compared with them. A day that is not over is not
    compared at all.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 6)
        Days with a line: ``date`` (ascending), ``is_trading_day``, ``net_revenue``
        (booked; shop's currency), ``is_complete_day`` and ``is_complete_week`` (whether
        the history covers the whole of the day, or of its week) and, if it is known, ``orders``
        (invoices with a sale).
    country_days : DataFrame of shape (n_rows, 4)
        The first three by ``country``, in any order.
    special_days : DataFrame of shape (n_special, 4)
        ``date``, ``holiday_name``, ``closure_reason``, ``promotion_name``: what the
        calendar says of a day, else null.
    window_days, threshold, method
        As in :func:`score_daily_revenue`; weeks get :func:`weeks_in_window`.

    Returns
    -------
    RevenueScores

    Raises
    ------
    ValueError
        As :func:`score_daily_revenue`; if a country is named ``total``.
    """
    check_parameters(window_days, threshold, method)
    dates = checked_dates(days, ("date", "is_trading_day", "net_revenue", "is_complete_day", "is_complete_week"))
    days = days.assign(date=dates, net_revenue=checked_money(days, dates))
    shop_days = days[(days["is_trading_day"] & days["is_complete_day"]).astype(bool)].reset_index(drop=True)
    calendar = _Calendar.of(special_days)
    if shop_days.empty:
        raise ValueError("there is no trading day to score: the daily series is empty")
    window_weeks = weeks_in_window(window_days)
    parts = [
        score_daily_revenue(
            shop_days, window_days=window_days, threshold=threshold, method=method, calendar=True,
            special_dates=calendar.special,
        ),
        _score_silences(days, find_silences(days, calendar.closed), calendar, window_days, threshold, "total", method),
        score_weekly_revenue(days, window_weeks=window_weeks, threshold=threshold, method=method, calendar=True),
    ]  # fmt: skip
    parts += _score_countries(days, shop_days, country_days, calendar, window_days, window_weeks, threshold, method)
    kept = [part for part in parts if not part.empty] or parts[:1]
    scored = pd.concat(kept, ignore_index=True)
    for name, missing in (("back_date", pd.NaT), ("expected_days", 0)):
        if name not in scored.columns:
            scored[name] = missing
    scored["back_date"] = pd.to_datetime(scored["back_date"]).astype("datetime64[us]")
    scored["expected_days"] = scored["expected_days"].fillna(0).astype(np.int32)
    scored["_first"] = scored["series"] != "total"
    scored = scored.sort_values(["_first", "series", "grain", "date"], kind="stable", ignore_index=True)
    return RevenueScores(scored[[*SCORE_COLUMNS, *_SILENCE_COLUMNS]], method, window_days, threshold)


def describe_scores(scores: RevenueScores, *, data_version: str) -> pd.DataFrame:
    """Record the scoring as one row of ``ml.model_runs``.

    Parameters
    ----------
    scores
        What :func:`score_revenue` found.
    data_version
        The version of the data that it saw.

    Returns
    -------
    DataFrame of shape (1, 9)
        As :func:`ml.runs.describe_run`: model ``revenue_anomalies``, the method as
        algorithm; series, periods and flags counted.
    """
    scored, flags = scores.scored, scores.flags
    parameters: dict[str, object] = {"method": scores.method, "threshold": scores.threshold}
    parameters |= {"window_days": scores.window_days, "window_weeks": weeks_in_window(scores.window_days)}
    figures: dict[str, object] = {
        f"{grain}s_scored": int((scored["grain"] == grain).sum()) for grain in ("day", "week")
    }
    for grain in ("day", "week"):
        figures[f"series_by_{grain}"] = int(scored.loc[scored["grain"] == grain, "series"].nunique())
    for direction in ("spike", "drop", "silence"):
        figures[f"{direction}s"] = int((flags["direction"] == direction).sum())
    figures["flags_of_total"] = int((flags["series"] == "total").sum())
    warnings = []
    if scored.empty:
        warnings.append(
            f"No period could be scored: fewer than {scores.window_days + 1} trading days are there to compare."
        )
    return describe_run(
        "revenue_anomalies", scores.method, data_version=data_version, parameters=parameters, figures=figures,
        warnings=warnings,
    )  # fmt: skip


def _score_countries(
    days: pd.DataFrame,
    shop_days: pd.DataFrame,
    country_days: pd.DataFrame,
    calendar: _Calendar,
    window_days: int,
    window_weeks: int,
    threshold: float,
    method: Method,
) -> list[pd.DataFrame]:
    missing = [n for n in ("country", "date", "is_trading_day", "net_revenue") if n not in country_days.columns]
    if missing:
        raise ValueError(f"the countries' series lacks {', '.join(missing)}")
    if (country_days["country"] == "total").any():
        raise ValueError("a country is named total, which is the name of the whole shop's series")
    by_country = country_days.assign(date=pd.to_datetime(country_days["date"]).astype("datetime64[us]"))
    by_country = by_country.sort_values(["country", "date"], kind="stable")
    if by_country.empty:
        return []
    shop = pd.DatetimeIndex(shop_days["date"])
    every_day = pd.DatetimeIndex(days["date"])
    countries = sorted(by_country["country"].unique())
    shape = (len(every_day), len(countries))
    column = pd.Index(countries).get_indexer(by_country["country"])
    row = every_day.get_indexer(pd.DatetimeIndex(by_country["date"]))
    if (row < 0).any():
        raise ValueError("a country has a line on a day that the shop's series lacks")
    money, traded = np.zeros(shape), np.zeros(shape, dtype=bool)
    money[row, column] = by_country["net_revenue"].to_numpy(dtype=np.float64)
    traded[row, column] = by_country["is_trading_day"].to_numpy(dtype=bool)
    is_shop_day = days["date"].isin(shop).to_numpy()

    parts: list[pd.DataFrame] = []
    # by day: rank and share over the shop's trading days before
    day_money, day_traded = money[is_shop_day], traded[is_shop_day]
    day_ranks = _ranks(_sums_before(day_money, window_days))
    bought_before = _sums_before(day_traded.astype(float), window_days)
    unbroken = _sums_before(day_traded.astype(float), 2 * window_days)
    is_whole = _is_the_whole(_sums_before(day_money, window_days), shop_days["net_revenue"], window_days)
    is_closed = shop.isin(calendar.closed)
    for index, country in enumerate(countries):
        is_eligible = (bought_before[:, index] >= DAILY_SHARE * window_days) & (day_ranks[:, index] < MOST_COUNTRIES)
        is_eligible &= ~is_whole[:, index]
        own = day_traded[:, index]
        if not (is_eligible & own).any():
            continue
        series = pd.DataFrame({"date": shop[own], "net_revenue": day_money[own, index]})
        scored = score_daily_revenue(
            series, window_days=window_days, threshold=threshold, series=country, method=method, calendar=True,
            special_dates=calendar.special,
        )  # fmt: skip
        parts.append(scored[scored["date"].isin(shop[is_eligible])])
        # the shop traded, this country did not, for the first time in two windows
        gaps = find_absences(shop, own, is_eligible & ~is_closed & (unbroken[:, index] >= 2 * window_days))
        own_days = pd.DataFrame({"date": every_day, "is_trading_day": traded[:, index], "net_revenue": money[:, index]})
        parts.append(_score_silences(own_days, gaps, calendar, window_days, threshold, country, method))

    # by week
    weeks = complete_weeks(days)
    if weeks.empty:
        return parts
    monday = mondays(days["date"])
    position = pd.DatetimeIndex(weeks["date"]).get_indexer(pd.DatetimeIndex(monday))
    inside = position >= 0
    week_money, week_traded = np.zeros((len(weeks), len(countries))), np.zeros((len(weeks), len(countries)))
    np.add.at(week_money, position[inside], money[inside])
    np.add.at(week_traded, position[inside], traded[inside].astype(float))
    week_ranks = _ranks(_sums_before(week_money, window_weeks))
    bought_before = _sums_before((week_traded > 0).astype(float), window_weeks)
    is_whole = _is_the_whole(_sums_before(week_money, window_weeks), weeks["net_revenue"], window_weeks)
    for index, country in enumerate(countries):
        is_eligible = (bought_before[:, index] >= WEEKLY_SHARE * window_weeks) & (week_ranks[:, index] < MOST_COUNTRIES)
        is_eligible &= ~is_whole[:, index]
        if not is_eligible.any():
            continue
        scored = score_periods(
            weeks["date"], week_money[:, index], weeks["trading_days"].to_numpy(dtype=np.float64),
            np.ones(len(weeks), dtype=bool), window=window_weeks,
            threshold=threshold, series=country, grain="week", method=method, calendar=True,
        )  # fmt: skip
        parts.append(scored[scored["date"].isin(weeks["date"][is_eligible])])
    return parts


def _score_silences(
    days: pd.DataFrame,
    silences: pd.DataFrame,
    calendar: _Calendar,
    window: int,
    threshold: float,
    series: str,
    method: Method,
) -> pd.DataFrame:
    """What each silent day should have brought, as if it had traded."""
    trading = days[days["is_trading_day"].astype(bool)]
    booked = days.set_index("date")["net_revenue"]
    rows = []
    for day, back, expected in silences[["date", *_SILENCE_COLUMNS]].itertuples(index=False, name=None):
        known = trading[trading["date"] < day]
        if (~known["date"].isin(calendar.special)).sum() < window:
            continue
        silent = pd.DataFrame({"date": [day], "net_revenue": [float(booked.get(day, 0.0))]})
        scored = score_daily_revenue(
            pd.concat([known[["date", "net_revenue"]], silent], ignore_index=True),
            window_days=window, threshold=threshold, series=series, method=method, calendar=True,
            special_dates=calendar.special,
        ).tail(1)  # fmt: skip
        rows.append(scored.assign(direction=pd.array(["silence"], dtype="str"), back_date=back, expected_days=expected))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*SCORE_COLUMNS, *_SILENCE_COLUMNS])


def _is_the_whole(sums: np.ndarray, shop: pd.Series, window: int) -> np.ndarray:
    """Whether a column's sum over the window before was all but all of the shop's, be it revenue or what came back."""
    whole = _sums_before(shop.to_numpy(dtype=np.float64)[:, None], window)
    least = ONE_COUNTRY_SHARE * whole
    # comparisons with NaN are false
    return np.where(whole >= 0, sums >= least, sums <= least)


def _sums_before(values: np.ndarray, window: int) -> np.ndarray:
    """Sum over the ``window`` rows before each row; NaN where there are fewer."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    out = np.full(values.shape, np.nan)
    if len(values) > window:
        out[window:] = sums[window:-1] - sums[: -window - 1]
    return out


def _ranks(sums: np.ndarray) -> np.ndarray:
    """Rank of each column within its row, the largest 0; ties by column, which is alphabetical."""
    # whole pennies: running sums of another history differ in their last bits
    order = np.argsort(-np.round(np.nan_to_num(sums, nan=-np.inf), 2), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(sums.shape[1])[None, :].repeat(len(sums), axis=0), axis=1)
    return ranks
