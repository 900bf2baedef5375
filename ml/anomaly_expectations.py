"""What is to be expected of a period, and how odd it is: one series, scored.

Belongs here: the two methods, the scale on which distance is measured, weekday and
season factors, the spread of misses, the band and the score that follow from them. Does
not belong here: which series and periods are scored (:mod:`ml.anomalies`), what a series
must fulfil and how weeks add up (:mod:`ml.revenue_series`), days without a sale
(:mod:`ml.silences`).

``mean_std`` is the textbook rule: distance from the window's mean in its standard
deviations. ``median_mad`` expects the window's median, works on a scale on which half is
about as far away as double (:func:`_log_like`), and measures a period by how far off its
own expectations were lately: 1.4826 times the median absolute miss, which one wild day
does not move (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993; Hampel, JASA
69, 1974). Either can take weekday and season into account; then a miss counts the less,
the less its weekday usually brings, for its spread is the larger.

No period is compared with one of which the calendar says something, and a band reaches no
further below zero than some period of its window did.

Nothing here looks ahead: a score depends on its own period and on earlier ones, so
longer history adds rows and changes none.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from ml.revenue_series import day_numbers

Method = Literal["mean_std", "median_mad"]
METHODS: tuple[Method, ...] = ("mean_std", "median_mad")
Grain = Literal["day", "week"]

# A window without any spread can't say how odd a different day is. It scores this much,
# and nothing scores more, so that scores stay finite numbers.
MAX_SCORE = 1000.0

SCORE_COLUMNS = (
    "series", "grain", "date", "actual", "expected", "lower", "upper", "spread", "score", "direction",
    "method", "window_periods", "threshold", "window_start",
)  # fmt: skip

# makes the MAD of a normal distribution its standard deviation
_MAD_TO_STD = 1.4826
# Revenue counts nearly linearly below its usual level and logarithmically above. Measured on
# the real year (benchmarks/anomalies.py): a bend at half the level finds 55 instead of 42 % of
# drops to a fifth, but 26 instead of 32 % of doublings; at twice the level false alarms go up
# by two thirds, to 2.2 in 100 days.
_BEND = 1.0
# A weekday that usually brings half strays further for its size, so a miss counts by what is at
# stake: the weekday's factor to this power. With all weekdays alike the real year has 2.6 false
# alarms in 100 days instead of 1.3 and finds 36 instead of 41 %; with half the power 1.1 and 39 %.
_WEEKDAY_WEIGHT = 0.9
# In that scale about 6 % of revenue: a shop that sells the same every day is not odd at ±10 %.
_LEAST_SPREAD = 0.05
# A weekday that brings many times the others' revenue by one order strays further than its size tells: where somebody
# orders for 13,000 each Tuesday and other days bring 300, 51 of 60 Tuesdays were odd, now 1 is. Its own misses count
# where they are larger than the others' by more than chance leaves: a median of n misses is off by some 1.2/√n of
# itself, and with this factor no score of the real year changes.
_WEEKDAY_STRAYS = 5.0
# Misses are remembered for this many windows. With one, the made-up history has 0.45 false
# alarms in 100 days, with three 0.01: the spread of 28 values is itself off by a fifth.
_MISS_WINDOWS = 3

# Weekdays: half a year back, from 4 of each on. With 13 weeks the made-up history has
# 0.08 false alarms in 100 days instead of 0.01, and the real year 39 instead of 41 % found.
_WEEKDAYS_BACK_DAYS, _WEEKDAYS_LEAST = 26 * 7, 4
# A ratio below this is a day on which next to nothing came in.
_LEAST_RATIO = 1e-3
# variance of the median of one normal value; of n, divided by n
_MEDIAN_VARIANCE = np.pi / 2

# Last year's season is what sold within a week of the same day.
_SEASON_HALF_WIDTH_DAYS = 7
# Last year's rise is believed by this power: 0.7 turns a doubling into a factor of 1.6.
# Without it the made-up history has 0.06 false alarms in 100 days, with it 0.01.
_SEASON_TRUST = 0.7
# A median over a fortnight is no single wild day, so that much of a rise is believed. With at most a doubling, a shop
# that sells ten times as much each December had 19 unusual days in its second and third, 7 of 8 weeks; now 1 and 3. The
# real year knows no season yet, and the made-up history has none of more than a doubling.
_SEASON_RANGE = (0.1, 10.0)


def check_parameters(window: int, threshold: float, method: str) -> None:
    """Refuse settings that make no sense.

    Parameters
    ----------
    window
        How many periods before one it is compared with, at least 2.
    threshold
        Score from which a period is odd; above 0.
    method
        One of ``METHODS``.

    Raises
    ------
    ValueError
        If one of them is out of range.
    """
    if window < 2:
        raise ValueError(f"window_days is {window}; a spread needs at least 2 days")
    if not threshold > 0:
        raise ValueError(f"threshold is {threshold}; it must be above 0")
    if method not in METHODS:
        raise ValueError(f"method is {method}; known are {', '.join(METHODS)}")


def score_periods(
    dates: pd.Series,
    revenue: np.ndarray,
    trading_days: np.ndarray,
    is_usual: np.ndarray,
    *,
    window: int,
    threshold: float,
    series: str,
    grain: Grain,
    method: Method,
    calendar: bool,
) -> pd.DataFrame:
    """Score the periods of one series that have a whole window of usual ones before them.

    A period is compared by revenue per trading day; the fewer its trading days, the more
    it may differ. A period's own revenue moves its score, never its band.

    Parameters
    ----------
    dates : Series of datetime64 of shape (n_periods,)
        First day of each period, ascending (:func:`ml.revenue_series.checked_dates`).
    revenue : ndarray of shape (n_periods,)
        Shop's currency, finite.
    trading_days : ndarray of shape (n_periods,)
        How many trading days each period has, above 0; of days, all 1.
    is_usual : ndarray of bool of shape (n_periods,)
        Whether the calendar says nothing of the period. Periods of which it does (a public
        holiday, a promotion) are scored, and none is compared with them.
    window
        How many usual periods before one it is compared with.
    threshold
        Score from which a period is odd.
    series
        Name of the series, copied to every row.
    grain
        ``day`` or ``week``, copied too; weekdays are taken into account for days only.
    method
        ``mean_std``: expected is the window's mean, the score the distance from it in
        sample standard deviations. ``median_mad``: see the module.
    calendar
        Whether weekdays (from four of each on) and last year's season (from a year and a
        window on) are taken into account.

    Returns
    -------
    DataFrame of shape (n_scored, 14), by date
        A row for each period with a window before it. ``SCORE_COLUMNS``, as in
        :class:`ml.anomalies.RevenueScores`, without silences. Scores are capped at ``MAX_SCORE`` either way.

    Notes
    -----
    Window, threshold and method are taken as :func:`check_parameters` lets them through.
    """
    days = day_numbers(dates)
    usual = np.flatnonzero(is_usual)
    usual_before = np.cumsum(is_usual) - is_usual
    at = np.flatnonzero(usual_before >= window)
    if not len(at):
        return _frame(dates.iloc[:0], np.empty((7, 0)), window, threshold, series, grain, method, dates.iloc[:0])
    rate = revenue / trading_days
    # one window per scored period, ending with the usual period before it
    before = usual[usual_before[at][:, None] + np.arange(-window, 0)]
    factor, compared = np.ones(len(at)), rate[before]
    weight, weight_before = np.ones(len(at)), np.ones(before.shape)
    factors, weekday = np.ones((len(days), 7)), (days + 3) % 7
    if calendar:
        if grain == "day":
            factors = _weekday_factors(days, rate, usual, weekday)
            factor, factor_before = factors[at, weekday[at]], factors[at[:, None], weekday[before]]
            compared = compared / factor_before
            weight, weight_before = factor**_WEEKDAY_WEIGHT, factor_before**_WEEKDAY_WEIGHT
        # the window's days, in the season of the scored one
        compared = compared * _season_steps(days, rate, usual, before, at, factors, weekday)
    scale = trading_days[at] * factor
    value = rate[at] / factor
    # the fewer trading days in a week, the further its daily mean strays
    usual_days = np.median(trading_days[before], axis=1)
    weight = weight * np.minimum(1.0, np.sqrt(trading_days[at] / usual_days))
    if method == "mean_std":
        centre = compared.mean(axis=1)
        strays = (compared - centre[:, None]) * weight_before
        raw_spread = np.sqrt((strays**2).sum(axis=1) / (window - 1))
        # Rounding leaves a difference and a spread of about 1e-16 of the mean on a constant series.
        noise = 1e-9 * np.maximum(1.0, np.abs(centre))
        is_flat = raw_spread <= noise
        spread = np.where(is_flat, 0.0, raw_spread) / weight
        miss = value - centre
        score = np.divide(miss, spread, out=np.zeros_like(miss), where=~is_flat)
        score = np.where(is_flat & (np.abs(miss) > noise), np.sign(miss) * MAX_SCORE, score)
        expected, reach = scale * centre, scale * threshold * spread
        lower, upper = expected - reach, expected + reach
    else:
        bend = _bends(compared)
        seen = _log_like(compared, bend[:, None])
        centre = np.median(seen, axis=1)
        miss = (_log_like(value, bend) - centre) * weight
        around = np.abs(seen - centre[:, None]) * weight_before
        spread = _spread_of_misses(miss, is_usual[at], around, window)
        if calendar and grain == "day":
            spread = _at_least_of_the_weekday(
                spread, np.abs(miss), is_usual[at], weekday[at], around, weekday[before], window
            )
        # the least that a period may be off is a share of its revenue, whatever its weekday brings
        spread = np.maximum(spread, _LEAST_SPREAD * weight)
        score = miss / spread
        spread = spread / weight
        expected = scale * _from_log_like(centre, bend)
        lower = scale * _from_log_like(centre - threshold * spread, bend)
        upper = scale * _from_log_like(centre + threshold * spread, bend)
        reach = (upper - lower) / 2
    # Returns can exceed sales: the band reaches as far below zero as some period of the window did, and no further.
    lower = np.maximum(lower, scale * np.minimum(compared.min(axis=1), 0.0))
    score = np.clip(score, -MAX_SCORE, MAX_SCORE)
    numbers = np.vstack([revenue[at], expected, lower, upper, reach / threshold, score])
    return _frame(dates.iloc[at], numbers, window, threshold, series, grain, method, dates.iloc[before[:, 0]])


def _frame(
    dates: pd.Series,
    numbers: np.ndarray,
    window: int,
    threshold: float,
    series: str,
    grain: Grain,
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


def _spread_of_misses(miss: np.ndarray, is_usual: np.ndarray, around: np.ndarray, window: int) -> np.ndarray:
    """1.4826 times the median absolute miss of the usual periods before each one.

    While these are fewer than a window, the deviations within the window stand in beside
    them. A median of 0 gives way to the mean (as in Iglewicz and Hoaglin, 1993, 1.2533).
    """
    size = np.abs(miss[is_usual])
    remembered = pd.Series(size).rolling(_MISS_WINDOWS * window, min_periods=window)
    # by how many misses are known: none at first
    median = np.concatenate([[np.nan], remembered.median().to_numpy(dtype=np.float64)])
    mean = np.concatenate([[np.nan], remembered.mean().to_numpy(dtype=np.float64)])
    known = np.cumsum(is_usual) - is_usual
    median, mean = median[known], mean[known]
    for at in np.flatnonzero(known < window):
        pooled = np.concatenate([around[at], size[: known[at]]])
        median[at], mean[at] = np.median(pooled), pooled.mean()
    return np.maximum(np.where(median > 1e-9, _MAD_TO_STD * median, 1.2533 * mean), _LEAST_SPREAD)


def _at_least_of_the_weekday(
    spread: np.ndarray,
    size: np.ndarray,
    is_usual: np.ndarray,
    weekday: np.ndarray,
    around: np.ndarray,
    weekday_around: np.ndarray,
    window: int,
) -> np.ndarray:
    """The spread, or that of the weekday's own misses where it is larger by more than chance.

    The own misses are those of the usual days of that weekday among the remembered ones; while few are known, the
    deviations within the window stand in beside them, as in :func:`_spread_of_misses`.
    """
    spread = spread.copy()
    usual = np.flatnonzero(is_usual)
    known = np.cumsum(is_usual) - is_usual
    for at in range(len(spread)):
        remembered = usual[max(0, known[at] - _MISS_WINDOWS * window) : known[at]]
        own = size[remembered[weekday[remembered] == weekday[at]]]
        if known[at] < window:
            own = np.concatenate([around[at][weekday_around[at] == weekday[at]], own])
        if len(own) >= _WEEKDAYS_LEAST:
            own_spread = _MAD_TO_STD * float(np.median(own))
            if own_spread > (1 + _WEEKDAY_STRAYS / np.sqrt(len(own))) * spread[at]:
                spread[at] = own_spread
    return spread


def _weekday_factors(days: np.ndarray, rate: np.ndarray, usual: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """For each day, what each weekday brings next to its week by the usual days, known before the day's week.

    The median of a weekday's ratios to its weeks, on a logarithmic scale, is drawn towards
    that of all days, the more so the less weekdays differ beyond chance (empirical Bayes:
    Efron and Morris, JASA 70, 1975). So a Sunday that brings 40 % is believed after a few
    weeks, and a shop whose weekdays are alike is not bent by noise.

    ``weekday`` is each day's (Monday is 0); the factors are of shape (n_days, 7).
    """
    usual_days, usual_rate = days[usual], rate[usual]
    # the week around a day holds every weekday once; it is known three days later
    sums = np.concatenate([[0.0], np.cumsum(usual_rate)])
    start = np.searchsorted(usual_days, usual_days - 3)
    end = np.searchsorted(usual_days, usual_days + 3, side="right")
    level = (sums[end] - sums[start]) / (end - start)
    is_told = (level > 0) & (usual_rate > 0)
    told_days, told_weekday = usual_days[is_told], weekday[usual][is_told]
    ratio = np.log(np.maximum(usual_rate[is_told] / level[is_told], _LEAST_RATIO))
    mondays, week = np.unique(days - weekday, return_inverse=True)
    factors = np.ones((len(mondays), 7))
    for place, monday in enumerate(mondays):
        known = np.searchsorted(told_days, monday - 4, side="right")
        first = np.searchsorted(told_days, monday - 4 - _WEEKDAYS_BACK_DAYS, side="right")
        of_weekday = [ratio[first:known][told_weekday[first:known] == each] for each in range(7)]
        told = [each for each in range(7) if len(of_weekday[each]) >= _WEEKDAYS_LEAST]
        if len(told) < 2:
            continue
        effect = np.array([np.median(of_weekday[each]) for each in told])
        number = np.array([len(of_weekday[each]) for each in told])
        noise = np.concatenate([np.abs(of_weekday[each] - own) for each, own in zip(told, effect, strict=True)])
        variance = _MEDIAN_VARIANCE * (_MAD_TO_STD * np.median(noise)) ** 2 / number
        middle = float(np.average(effect, weights=number))
        beyond_chance = max(0.0, float(np.average((effect - middle) ** 2, weights=number)) - float(variance.mean()))
        trust = beyond_chance / (beyond_chance + variance) if beyond_chance > 0 else 0.0
        factors[place, told] = np.exp(middle + (effect - middle) * trust)
    return factors[week]


def _season_steps(
    days: np.ndarray,
    rate: np.ndarray,
    usual: np.ndarray,
    before: np.ndarray,
    at: np.ndarray,
    factors: np.ndarray,
    weekday: np.ndarray,
) -> np.ndarray:
    """By how much each scored period stood above each one of its window a year before; 1 where that is not known.

    Each day of the window has its own season: one level for all of them is that of either side of a season's edge, and
    changes on another day than this year's window does. A year before is the same date: 52 weeks earlier, Christmas
    is over a day too soon. What a weekday brings is no season: without its factor the level of a fortnight in which a
    shop with one great day a week seldom traded on others is that day's, and that of the next fortnight the others'.
    """
    steps = np.ones(before.shape)
    first, window = int(days[0]), before.shape[1]
    year_before = day_numbers(pd.Series(pd.to_datetime(days, unit="D") - pd.DateOffset(years=1)))
    level = np.full(len(days), np.nan)
    for index in np.flatnonzero(year_before >= first):
        day = int(year_before[index])
        near = usual[_between(days[usual], day - _SEASON_HALF_WIDTH_DAYS, day + _SEASON_HALF_WIDTH_DAYS)]
        if len(near) >= 2:
            level[index] = np.median(rate[near] / factors[index, weekday[near]])
    then, now = level[before], level[at][:, None]
    is_known = ~np.isnan(now[:, 0]) & ((~np.isnan(then)).sum(axis=1) >= window // 2)
    is_known &= year_before[before[:, 0]] >= first
    risen = np.divide(np.maximum(now, 0.0), then, out=np.ones_like(then), where=then > 0)
    steps[is_known] = np.clip(risen[is_known] ** _SEASON_TRUST, *_SEASON_RANGE)
    return steps


def _between(days: np.ndarray, first: int, last: int) -> slice:
    return slice(np.searchsorted(days, first), np.searchsorted(days, last, side="right"))
