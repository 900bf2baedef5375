"""Odd days and weeks of revenue: each against the periods just before it.

Belongs here: which periods are scored, what was to be expected of them, how odd they
are, days on which the shop was silent. Does not belong here: which lines make up
revenue, which days are trading days (both are SQL), what drove a flag
(:mod:`ml.anomaly_causes`).

The series should be net of returns as they are booked: an order cancelled the same day
leaves no spike, and a return that comes weeks later changes its own day, never the score
of the day of the sale.

Two methods. ``mean_std`` is the textbook rule: distance from the window's mean in its
standard deviations. ``median_mad`` expects the window's median, works on a scale on
which half is about as far away as double (:func:`_log_like`), and measures a period by
how far off its own expectations were lately: 1.4826 times the median absolute miss,
which one wild day does not move (Iglewicz and Hoaglin, How to Detect and Handle
Outliers, 1993; Hampel, JASA 69, 1974). Either can take weekday and season into account.

Nothing here looks ahead: a score depends on its own period and on earlier ones, so
longer history adds rows and changes none. That holds too for which country is scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ml.runs import describe_run

Method = Literal["mean_std", "median_mad"]
METHODS: tuple[Method, ...] = ("mean_std", "median_mad")

# A window without any spread can't say how odd a different day is. It scores this much,
# and nothing scores more, so that scores stay finite numbers.
MAX_SCORE = 1000.0

SCORE_COLUMNS = (
    "series", "grain", "date", "actual", "expected", "lower", "upper", "spread", "score", "direction",
    "method", "window_periods", "threshold", "window_start",
)  # fmt: skip

EXPECTATION_COLUMNS = ("series", "grain", "date", "actual", "expected", "lower", "upper", "score")

# makes the MAD of a normal distribution its standard deviation
_MAD_TO_STD = 1.4826
# Revenue counts nearly linearly below its usual level and logarithmically above. Measured on
# the real year (benchmarks/anomalies.py): a bend at half the level finds 53 instead of 28 % of
# drops to a fifth, but 28 instead of 40 % of doublings; at twice the level false alarms go up
# by half, to 2.1 in 100 days.
_BEND = 1.0
# In that scale about 6 % of revenue: a shop that sells the same every day is not odd at ±10 %.
_LEAST_SPREAD = 0.05
# Misses are remembered for this many windows. With one, the made-up history has 0.34 false
# alarms in 100 days, with three 0.03: the spread of 28 values is itself off by a fifth.
_MISS_WINDOWS = 3

# Weekdays: 13 weeks back, from 4 on, drawn towards "like any day" as by 4 more. Drawn by 1
# only, the real year has 3.2 false alarms in 100 days instead of 1.4.
_WEEKDAYS_BACK, _WEEKDAYS_LEAST, _WEEKDAYS_DRAW = 13, 4, 4
_WEEKDAY_RANGE = (1 / 3, 3.0)

# A year back by whole weeks, so that weekdays meet weekdays.
_YEAR_DAYS = 364
_SEASON_HALF_WIDTH_DAYS = 7
# Last year's rise is believed by this power: 0.7 turns a doubling into a factor of 1.6.
# Without it the made-up history has 0.18 false alarms in 100 days, with it 0.03.
_SEASON_TRUST = 0.7
_SEASON_RANGE = (0.5, 2.0)

_SILENCE_WEEKS = 8
_SILENCE_LEAST = 7

MOST_COUNTRIES = 10
DAILY_SHARE = 0.9
WEEKLY_SHARE = 0.75


@dataclass(frozen=True)
class RevenueScores:
    """What the scoring of all series found.

    Attributes
    ----------
    scored : DataFrame of shape (n_periods, 14)
        Every scored period, odd or not, by series (total first), grain and date:
        ``series, grain`` (``day`` or ``week``), ``date`` (a week's is its Monday),
        ``actual, expected, lower, upper`` (the band within which a period is not odd),
        ``spread`` (half the band's width divided by the threshold), ``score``,
        ``direction`` (``spike``, ``drop``, ``silence`` or null), ``method,
        window_periods, threshold, window_start`` (first day of the window), ``last_date``
        (last day of what is told: the period's, or that of a silence). Money in the
        shop's currency.
    method, window_days, threshold
        How it was asked for.
    """

    scored: pd.DataFrame
    method: Method
    window_days: int
    threshold: float

    @property
    def flags(self) -> pd.DataFrame:
        """The odd periods alone, in the same order and columns."""
        return self.scored[self.scored["direction"].notna()].reset_index(drop=True)


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
        Score from which a day is odd; above 0.
    series
        Name of the series, copied to every row.
    method
        ``mean_std``: expected is the window's mean, the score the distance from it in
        sample standard deviations. ``median_mad``: see the module.
    calendar
        Whether weekdays (from four of each on) and last year's season (from a year and a
        window on) are taken into account. Without, and with ``mean_std``, this is the
        rule whose results are published.

    Returns
    -------
    DataFrame of shape (max(0, n_days - window_days), 14), by date
        As in :class:`RevenueScores`, without silences. Scores are capped at
        ``MAX_SCORE`` either way.

    Raises
    ------
    ValueError
        If there is no day, a column is missing, dates are missing, repeat or are out of
        order, revenue is missing or infinite, or a parameter is out of range.
    """
    _check_parameters(window_days, threshold, method)
    dates, revenue = _checked(daily)
    return _score(
        dates, revenue, np.ones(len(revenue)), window_days, threshold, series, "day", method, calendar=calendar
    )


def flag_revenue_anomalies(
    daily: pd.DataFrame,
    *,
    window_days: int = 28,
    threshold: float = 3.0,
    series: str = "total",
    method: Method = "mean_std",
    calendar: bool = False,
) -> pd.DataFrame:
    """Keep the odd days of :func:`score_daily_revenue`.

    Parameters, errors, columns and units are those of :func:`score_daily_revenue`. No
    row where no day is odd, or none has enough days before it.
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

    Weeks run from Monday to Sunday. The first is complete if history starts on its
    Monday or before, the last if there is a line on its Sunday or after. A week is
    compared by revenue per trading day, so that one with a holiday is no drop; the
    fewer its trading days, the more it may differ. Weeks without a trading day are
    neither scored nor compared with.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 3)
        ``date`` (ascending; every day with a line), ``is_trading_day`` and
        ``net_revenue`` (shop's currency; that of days that are no trading days counts in
        their week).
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
    _check_parameters(window_weeks, threshold, method)
    weeks = _complete_weeks(days)
    return _score(
        weeks["date"],
        weeks["net_revenue"].to_numpy(dtype=np.float64),
        weeks["trading_days"].to_numpy(dtype=np.float64),
        window_weeks, threshold, series, "week", method, calendar=calendar,
    )  # fmt: skip


def find_silences(days: pd.DataFrame) -> pd.DataFrame:
    """Find expected trading days without a sale, one row for each closed stretch.

    A day is expected to trade if its weekday did in at least seven of the eight weeks
    before. If it was closed a year before too (on the same date, or the same weekday 52
    weeks back), it is taken for a holiday. Of a stretch of closed days only the first
    expected one is told, with how long the stretch lasted: a shop closed over Christmas
    is one piece of news. A stretch ends with the next sale, and is not told before:
    after the last sale the files simply end. So later files change nothing told.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 2)
        ``date`` (ascending) and ``is_trading_day``; days that are missing did not trade.

    Returns
    -------
    DataFrame of shape (n_silences, 3), by date
        ``date`` (first expected day without a sale), ``last_date`` (last such day of the
        stretch), ``expected_days`` (how many).

    Raises
    ------
    ValueError
        If a column is missing or dates are missing, repeat or are out of order.
    """
    dates = _checked_dates(days, ("date", "is_trading_day"))
    traded = np.sort(_day_numbers(dates[days["is_trading_day"].to_numpy(dtype=bool)]))
    found: list[tuple[int, int, int]] = []
    if len(traded):
        first = int(traded[0])
        is_open = np.zeros(int(traded[-1]) - first + 1, dtype=bool)
        is_open[traded - first] = True
        for before, after in zip(traded[:-1][np.diff(traded) > 1], traded[1:][np.diff(traded) > 1], strict=True):
            expected = [day for day in range(before + 1, after) if _is_expected(day - first, is_open, first)]
            if expected:
                found.append((expected[0], expected[-1], len(expected)))
    return pd.DataFrame(
        {
            "date": _dates([day for day, _, _ in found]),
            "last_date": _dates([day for _, day, _ in found]),
            "expected_days": np.array([count for _, _, count in found], dtype=np.int32),
        }
    )


def score_revenue(
    days: pd.DataFrame,
    country_days: pd.DataFrame,
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
    Weekday and season are taken into account.

    Silence is told for the total, and for a country that bought on every trading day of
    the two windows before while the rest of the shop traded on.

    Parameters
    ----------
    days : DataFrame of shape (n_days, 3)
        Days with a line: ``date`` (ascending), ``is_trading_day``, ``net_revenue``
        (booked; shop's currency).
    country_days : DataFrame of shape (n_rows, 4)
        The same by ``country``, in any order.
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
    _check_parameters(window_days, threshold, method)
    dates = _checked_dates(days, ("date", "is_trading_day", "net_revenue"))
    days = days.assign(date=dates, net_revenue=_checked_money(days, dates))
    shop_days = days[days["is_trading_day"].astype(bool)].reset_index(drop=True)
    if shop_days.empty:
        raise ValueError("there is no trading day to score: the daily series is empty")
    window_weeks = weeks_in_window(window_days)
    rules = {"threshold": threshold, "method": method, "calendar": True}
    parts = [
        score_daily_revenue(shop_days, window_days=window_days, **rules),  # type: ignore[arg-type]
        _score_silences(days, find_silences(days), window_days, threshold, "total", method),
        score_weekly_revenue(days, window_weeks=window_weeks, **rules),  # type: ignore[arg-type]
    ]
    parts += _score_countries(days, shop_days, country_days, window_days, window_weeks, threshold, method)
    kept = [part for part in parts if not part.empty] or parts[:1]
    scored = pd.concat(kept, ignore_index=True)
    length = np.where(scored["grain"] == "week", 6, 0)
    ends = scored["date"] + pd.to_timedelta(length, unit="D")
    told = scored["last_date"] if "last_date" in scored.columns else pd.Series(pd.NaT, index=scored.index)
    scored["last_date"] = pd.to_datetime(told).fillna(ends).astype("datetime64[us]")
    scored["_first"] = scored["series"] != "total"
    scored = scored.sort_values(["_first", "series", "grain", "date"], kind="stable", ignore_index=True)
    return RevenueScores(scored[[*SCORE_COLUMNS, "last_date"]], method, window_days, threshold)


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
    is_shop_day = days["is_trading_day"].to_numpy(dtype=bool)

    parts: list[pd.DataFrame] = []
    # by day: rank and share over the shop's trading days before
    day_money, day_traded = money[is_shop_day], traded[is_shop_day]
    day_ranks = _ranks(_sums_before(day_money, window_days))
    bought_before = _sums_before(day_traded.astype(float), window_days)
    unbroken = _sums_before(day_traded.astype(float), 2 * window_days)
    for index, country in enumerate(countries):
        is_eligible = (bought_before[:, index] >= DAILY_SHARE * window_days) & (day_ranks[:, index] < MOST_COUNTRIES)
        own = day_traded[:, index]
        if not (is_eligible & own).any():
            continue
        series = pd.DataFrame({"date": shop[own], "net_revenue": day_money[own, index]})
        scored = score_daily_revenue(
            series, window_days=window_days, threshold=threshold, series=country, method=method, calendar=True
        )
        parts.append(scored[scored["date"].isin(shop[is_eligible])])
        # the shop traded, this country did not, for the first time in two windows
        silent = shop[is_eligible & ~own & (unbroken[:, index] >= 2 * window_days)]
        silent = silent[silent < shop[own][-1]]
        following = shop[own][np.searchsorted(shop[own], silent)]
        gaps = pd.DataFrame(
            {
                "date": silent,
                "last_date": shop[np.searchsorted(shop, following) - 1],
                "expected_days": (np.searchsorted(shop, following) - np.searchsorted(shop, silent)).astype(np.int32),
            }
        )
        own_days = pd.DataFrame({"date": every_day, "is_trading_day": traded[:, index], "net_revenue": money[:, index]})
        parts.append(_score_silences(own_days, gaps, window_days, threshold, country, method))

    # by week
    weeks = _complete_weeks(days)
    if weeks.empty:
        return parts
    monday = _mondays(days["date"])
    position = pd.DatetimeIndex(weeks["date"]).get_indexer(pd.DatetimeIndex(monday))
    inside = position >= 0
    week_money, week_traded = np.zeros((len(weeks), len(countries))), np.zeros((len(weeks), len(countries)))
    np.add.at(week_money, position[inside], money[inside])
    np.add.at(week_traded, position[inside], traded[inside].astype(float))
    week_ranks = _ranks(_sums_before(week_money, window_weeks))
    bought_before = _sums_before((week_traded > 0).astype(float), window_weeks)
    for index, country in enumerate(countries):
        is_eligible = (bought_before[:, index] >= WEEKLY_SHARE * window_weeks) & (week_ranks[:, index] < MOST_COUNTRIES)
        if not is_eligible.any():
            continue
        scored = _score(
            weeks["date"], week_money[:, index], weeks["trading_days"].to_numpy(dtype=np.float64),
            window_weeks, threshold, country, "week", method, calendar=True,
        )  # fmt: skip
        parts.append(scored[scored["date"].isin(weeks["date"][is_eligible])])
    return parts


def _score(
    dates: pd.Series,
    revenue: np.ndarray,
    trading_days: np.ndarray,
    window: int,
    threshold: float,
    series: str,
    grain: str,
    method: Method,
    *,
    calendar: bool,
) -> pd.DataFrame:
    """Score the periods that have a whole window before them."""
    days = _day_numbers(dates)
    count = max(0, len(revenue) - window)
    if not count:
        return _frame(dates.iloc[:0], np.empty((7, 0)), window, threshold, series, grain, method, dates.iloc[:0])
    rate = revenue / trading_days
    # one window per scored period, ending with the period before it
    at = np.arange(window, len(rate))
    before = np.lib.stride_tricks.sliding_window_view(np.arange(len(rate)), window)[:count]
    factor, compared = np.ones(count), rate[before]
    if calendar:
        if grain == "day":
            factors, weekday = _weekday_factors(days, rate)
            compared = compared / factors[at[:, None], weekday[before]]
            factor = factors[at, weekday[at]]
        factor = factor * _season_factors(days, rate, window, at)
    scale = trading_days[at] * factor
    value = rate[at] / factor
    # the fewer trading days in a week, the further its daily mean strays
    usual_days = np.median(trading_days[before], axis=1)
    sureness = np.minimum(1.0, np.sqrt(trading_days[at] / usual_days))
    if method == "mean_std":
        centre = compared.mean(axis=1)
        raw_spread = compared.std(axis=1, ddof=1)
        # Rounding leaves a difference and a spread of about 1e-16 of the mean on a constant series.
        noise = 1e-9 * np.maximum(1.0, np.abs(centre))
        is_flat = raw_spread <= noise
        spread = np.where(is_flat, 0.0, raw_spread) / sureness
        miss = value - centre
        score = np.divide(miss, spread, out=np.zeros_like(miss), where=~is_flat)
        score = np.where(is_flat & (np.abs(miss) > noise), np.sign(miss) * MAX_SCORE, score)
        expected, reach = scale * centre, scale * threshold * spread
        lower, upper = expected - reach, expected + reach
    else:
        bend = _bends(compared)
        centre = np.median(_log_like(compared, bend[:, None]), axis=1)
        miss = (_log_like(value, bend) - centre) * sureness
        around = np.abs(_log_like(compared, bend[:, None]) - centre[:, None])
        spread = _spread_of_misses(miss, around, window) / sureness
        score = miss / (spread * sureness)
        expected = scale * _from_log_like(centre, bend)
        lower = scale * _from_log_like(centre - threshold * spread, bend)
        upper = scale * _from_log_like(centre + threshold * spread, bend)
    score = np.clip(score, -MAX_SCORE, MAX_SCORE)
    numbers = np.vstack([revenue[at], expected, lower, upper, (upper - lower) / (2 * threshold), score])
    return _frame(dates.iloc[at], numbers, window, threshold, series, grain, method, dates.iloc[before[:, 0]])


def _frame(
    dates: pd.Series,
    numbers: np.ndarray,
    window: int,
    threshold: float,
    series: str,
    grain: str,
    method: Method,
    window_starts: pd.Series,
) -> pd.DataFrame:
    count = len(dates)
    actual, expected, lower, upper, spread, score = numbers[:6]
    direction = ["spike" if value >= threshold else "drop" if value <= -threshold else None for value in score]
    return pd.DataFrame(
        {
            "series": pd.array([series] * count, dtype="str"),
            "grain": pd.array([grain] * count, dtype="str"),
            "date": dates.reset_index(drop=True),
            "actual": actual,
            "expected": expected,
            "lower": lower,
            "upper": upper,
            "spread": spread,
            "score": score,
            "direction": pd.array(direction, dtype="str"),
            "method": pd.array([method] * count, dtype="str"),
            "window_periods": np.full(count, window, dtype=np.int32),
            "threshold": np.full(count, float(threshold)),
            "window_start": window_starts.reset_index(drop=True),
        }
    )


def _bends(compared: np.ndarray) -> np.ndarray:
    """Where the scale of each window turns from linear to logarithmic."""
    usual = np.median(np.abs(compared), axis=1)
    # windows in which most periods brought nothing
    usual = np.where(usual > 0, usual, np.abs(compared).mean(axis=1))
    return _BEND * np.where(usual > 0, usual, 1.0)


def _log_like(value: np.ndarray, bend: np.ndarray) -> np.ndarray:
    """Inverse hyperbolic sine: logarithmic far above ``bend``, and defined at 0 and below.

    Burbidge, Magee and Robb, JASA 83, 1988. Revenue is skewed: in money no drop can be as
    far away as a common spike, so a plain rule never finds one.
    """
    return np.arcsinh(value / bend)


def _from_log_like(value: np.ndarray, bend: np.ndarray) -> np.ndarray:
    # beyond 700 the sine overflows; a band as wide as that is as good as none
    return np.sinh(np.clip(value, -50.0, 50.0)) * bend


def _spread_of_misses(miss: np.ndarray, around: np.ndarray, window: int) -> np.ndarray:
    """1.4826 times the median absolute miss of the periods before each one.

    While these are fewer than a window, the deviations within the window stand in beside
    them. A median of 0 gives way to the mean (as in Iglewicz and Hoaglin, 1993, 1.2533).
    """
    size = np.abs(miss)
    remembered = pd.Series(size).rolling(_MISS_WINDOWS * window, min_periods=window)
    median = remembered.median().shift(1).to_numpy(dtype=np.float64, copy=True)
    mean = remembered.mean().shift(1).to_numpy(dtype=np.float64, copy=True)
    for at in range(min(window, len(size))):
        pooled = np.concatenate([around[at], size[:at]])
        median[at], mean[at] = np.median(pooled), pooled.mean()
    return np.maximum(np.where(median > 1e-9, _MAD_TO_STD * median, 1.2533 * mean), _LEAST_SPREAD)


def _weekday_factors(days: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each day, what each weekday brings next to its week, known the day before.

    Returns the factors, of shape (n_days, 7), and each day's weekday (Monday is 0).
    """
    weekday = (days + 3) % 7
    # the week around a day holds every weekday once; it is known three days later
    sums = np.concatenate([[0.0], np.cumsum(rate)])
    start, end = np.searchsorted(days, days - 3), np.searchsorted(days, days + 3, side="right")
    level = (sums[end] - sums[start]) / (end - start)
    factors = np.ones((len(days), 7))
    for each in range(7):
        use = (weekday == each) & (level > 0)
        ratios = pd.Series(rate[use] / level[use]).rolling(_WEEKDAYS_BACK, min_periods=_WEEKDAYS_LEAST)
        number = ratios.count().to_numpy()
        drawn = (ratios.median().to_numpy() * number + _WEEKDAYS_DRAW) / (number + _WEEKDAYS_DRAW)
        known = np.searchsorted(days[use], days - 4, side="right")
        values = np.concatenate([[1.0], np.where(np.isfinite(drawn), drawn, 1.0)])
        factors[:, each] = np.clip(values[known], *_WEEKDAY_RANGE)
    return factors, weekday


def _season_factors(days: np.ndarray, rate: np.ndarray, window: int, at: np.ndarray) -> np.ndarray:
    """By how much a period stood above its window a year before; 1 where that is not known."""
    factors = np.ones(len(at))
    first = int(days[0])
    for place, index in enumerate(at):
        day = int(days[index]) - _YEAR_DAYS
        window_start = int(days[index - window]) - _YEAR_DAYS
        if window_start < first:
            continue
        near = _between(days, rate, day - _SEASON_HALF_WIDTH_DAYS, day + _SEASON_HALF_WIDTH_DAYS)
        then = _between(days, rate, window_start, int(days[index - 1]) - _YEAR_DAYS)
        if len(near) < 2 or len(then) < window // 2:
            continue
        usual = float(np.median(then))
        risen = float(np.median(near)) / usual if usual > 0 else 1.0
        factors[place] = np.clip(max(risen, 0.0) ** _SEASON_TRUST, *_SEASON_RANGE)
    return factors


def _between(days: np.ndarray, rate: np.ndarray, first: int, last: int) -> np.ndarray:
    return rate[np.searchsorted(days, first) : np.searchsorted(days, last, side="right")]


def _is_expected(day: int, is_open: np.ndarray, first: int) -> bool:
    """Whether the shop should trade on the day, by the weeks before it; days count from the first."""
    if day < 7 * _SILENCE_WEEKS:
        return False
    if sum(bool(is_open[day - 7 * back]) for back in range(1, _SILENCE_WEEKS + 1)) < _SILENCE_LEAST:
        return False
    date = np.datetime64(first + day, "D").astype(object)
    # 29 February was 28 February
    a_year_before = date.replace(year=date.year - 1, day=28 if (date.month, date.day) == (2, 29) else date.day)
    anniversary = int(np.datetime64(a_year_before, "D").astype(int)) - first
    return all(is_open[back] for back in (day - _YEAR_DAYS, anniversary) if back >= 0)


def _score_silences(
    days: pd.DataFrame, silences: pd.DataFrame, window: int, threshold: float, series: str, method: Method
) -> pd.DataFrame:
    """What each silent day should have brought, as if it had traded."""
    trading = days[days["is_trading_day"].astype(bool)]
    booked = days.set_index("date")["net_revenue"]
    rows = []
    for day, last in zip(silences["date"], silences["last_date"], strict=True):
        known = trading[trading["date"] < day]
        if len(known) < window:
            continue
        silent = pd.DataFrame({"date": [day], "net_revenue": [float(booked.get(day, 0.0))]})
        scored = score_daily_revenue(
            pd.concat([known[["date", "net_revenue"]], silent], ignore_index=True),
            window_days=window, threshold=threshold, series=series, method=method, calendar=True,
        ).tail(1)  # fmt: skip
        rows.append(scored.assign(direction=pd.array(["silence"], dtype="str"), last_date=last))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=[*SCORE_COLUMNS, "last_date"])


def _complete_weeks(days: pd.DataFrame) -> pd.DataFrame:
    """Monday, revenue and trading days of each complete week that has a trading day."""
    dates = _checked_dates(days, ("date", "is_trading_day", "net_revenue"))
    revenue = _checked_money(days, dates)
    frame = pd.DataFrame(
        {
            "date": _mondays(dates),
            "net_revenue": revenue,
            "trading_days": days["is_trading_day"].to_numpy(dtype=bool).astype(np.float64),
        }
    )
    weeks = frame.groupby("date", as_index=False, sort=True).sum()
    is_complete = (weeks["date"] >= dates.iloc[0]) & (weeks["date"] + pd.Timedelta(days=6) <= dates.iloc[-1])
    return weeks[is_complete & (weeks["trading_days"] > 0)].reset_index(drop=True)


def _mondays(dates: pd.Series) -> pd.Series:
    return dates - pd.to_timedelta(dates.dt.day_of_week, unit="D")


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


def _day_numbers(dates: pd.Series) -> np.ndarray:
    return dates.to_numpy().astype("datetime64[D]").astype(np.int64)


def _dates(day_numbers: list[int]) -> pd.Series:
    return pd.Series(np.array(day_numbers, dtype="datetime64[D]").astype("datetime64[us]"))


def _check_parameters(window: int, threshold: float, method: str) -> None:
    if window < 2:
        raise ValueError(f"window_days is {window}; a spread needs at least 2 days")
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; it must be above 0")
    if method not in METHODS:
        raise ValueError(f"method is {method}; known are {', '.join(METHODS)}")


def _checked(daily: pd.DataFrame) -> tuple[pd.Series, np.ndarray]:
    dates = _checked_dates(daily, ("date", "net_revenue"))
    return dates, _checked_money(daily, dates)


def _checked_dates(daily: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    missing = [name for name in columns if name not in daily.columns]
    if missing:
        raise ValueError(f"the daily series lacks {', '.join(missing)}; it has {', '.join(map(str, daily.columns))}")
    if daily.empty:
        raise ValueError("there is no trading day to score: the daily series is empty")
    dates = pd.to_datetime(daily["date"]).astype("datetime64[us]").reset_index(drop=True)
    if dates.isna().any():
        raise ValueError(f"{int(dates.isna().sum())} rows of the daily series have no date")
    steps = dates.diff().iloc[1:]
    if (steps <= pd.Timedelta(0)).any():
        first = dates.iloc[1:][steps <= pd.Timedelta(0)].iloc[0]
        raise ValueError(f"dates must ascend without repeats; {first:%Y-%m-%d} does not follow the day before it")
    return dates


def _checked_money(daily: pd.DataFrame, dates: pd.Series) -> np.ndarray:
    revenue = daily["net_revenue"].astype(float).to_numpy(dtype=np.float64)
    if not np.isfinite(revenue).all():
        first = dates[~np.isfinite(revenue)].iloc[0]
        raise ValueError(f"revenue is missing or infinite on {first:%Y-%m-%d}")
    return revenue
