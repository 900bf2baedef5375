"""What the anomaly rules find, and how often they cry wolf: injected spikes and drops.

    python -m benchmarks.anomalies [--write] HOME …

Each home must have a published snapshot. Into its total series of trading days, seeded
spikes and drops of known sizes are put at random places, many times over, and every rule
scores what comes out. An alarm on a day that was left alone counts as false, unless the
history is a made-up one that says the day was meant to be unusual; so in real data, whose
own unusual days are not labelled, precision reads low for every rule alike. ``--write`` puts
the tables into docs/models.md, between the markers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from unittest import mock

import duckdb
import numpy as np
import pandas as pd

from benchmarks.documents import measured_homes
from ml import anomaly_expectations
from ml.anomalies import score_daily_revenue
from ml.anomaly_expectations import Method
from warehouse.home import Home
from warehouse.sample.truth import read_truth, truth_path

REPEATS = 100
SEED = 20111209
WINDOW_DAYS, THRESHOLD = 28, 3.0

# Label, factor, and how many usual days are added. One invoice of a day's usual revenue is
# what the largest orders of the real shop bring.
INJECTIONS = (
    ("×1.5", 1.5, 0.0),
    ("×2", 2.0, 0.0),
    ("×3", 3.0, 0.0),
    ("×0.5", 0.5, 0.0),
    ("×0.2", 0.2, 0.0),
    ("one order of a usual day", 1.0, 1.0),
    ("one order of two usual days", 1.0, 2.0),
)

Rule = Callable[[pd.DataFrame], np.ndarray]


def rolling_mean_rule(daily: pd.DataFrame) -> np.ndarray:
    """The rule as commonly written: calendar days, closed ones as zero, the day itself in its window."""
    revenue = daily.set_index("date")["net_revenue"].asfreq("D", fill_value=0.0)
    rolling = revenue.rolling(WINDOW_DAYS)
    score = (revenue - rolling.mean()) / rolling.std()
    return score.reindex(daily["date"]).to_numpy()[WINDOW_DAYS:]


def _ours(method: Method, *, calendar: bool) -> Rule:
    def score(daily: pd.DataFrame) -> np.ndarray:
        scored = score_daily_revenue(
            daily, window_days=WINDOW_DAYS, threshold=THRESHOLD, method=method, calendar=calendar
        )
        return scored["score"].to_numpy()

    return score


def _before(daily: pd.DataFrame) -> np.ndarray:
    """Ours with the weekdays of the first release: drawn by a fixed number, all misses alike, none in the season."""
    of_season = anomaly_expectations._season_steps

    def with_weekdays(
        days: np.ndarray,
        rate: np.ndarray,
        usual: np.ndarray,
        before: np.ndarray,
        at: np.ndarray,
        factors: np.ndarray,
        weekday: np.ndarray,
    ) -> np.ndarray:
        return of_season(days, rate, usual, before, at, np.ones_like(factors), weekday)

    with mock.patch.multiple(
        anomaly_expectations,
        _weekday_factors=_first_weekday_factors,
        _season_steps=with_weekdays,
        _WEEKDAY_WEIGHT=0.0,
    ):
        return _ours("median_mad", calendar=True)(daily)


def _first_weekday_factors(days: np.ndarray, rate: np.ndarray, _usual: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """Median ratio to the week over 13 weeks, drawn towards 1 as by four more."""
    sums = np.concatenate([[0.0], np.cumsum(rate)])
    start, end = np.searchsorted(days, days - 3), np.searchsorted(days, days + 3, side="right")
    level = (sums[end] - sums[start]) / (end - start)
    factors = np.ones((len(days), 7))
    for each in range(7):
        use = (weekday == each) & (level > 0)
        ratios = pd.Series(rate[use] / level[use]).rolling(13, min_periods=4)
        number = ratios.count().to_numpy()
        drawn = (ratios.median().to_numpy() * number + 4) / (number + 4)
        known = np.searchsorted(days[use], days - 4, side="right")
        factors[:, each] = np.concatenate([[1.0], np.where(np.isfinite(drawn), drawn, 1.0)])[known].clip(1 / 3, 3)
    return factors


RULES: dict[str, Rule] = {
    "plain rolling mean": rolling_mean_rule,
    "`mean_std`, plain": _ours("mean_std", calendar=False),
    "`mean_std`, weekday and season": _ours("mean_std", calendar=True),
    "`median_mad`, plain": _ours("median_mad", calendar=False),
    "`median_mad`, weekday and season, as first released": _before,
    "`median_mad`, weekday and season": _ours("median_mad", calendar=True),
}


def read_series(snapshot: Path) -> pd.DataFrame:
    """Trading days and their booked revenue."""
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        return connection.execute(
            """
            select date::timestamp as date, net_revenue_as_booked::double as net_revenue
            from marts.fct_daily_revenue where is_trading_day order by date
            """
        ).df()


def measure(daily: pd.DataFrame, known_odd: Iterable[object] = (), *, repeats: int = REPEATS) -> pd.DataFrame:
    """Recall by size, precision and false alarms of every rule.

    Parameters
    ----------
    daily
        ``date`` and ``net_revenue`` of trading days.
    known_odd
        Dates on which an alarm is neither false nor asked for.
    repeats
        How often each of :data:`INJECTIONS` is put in, once per round at places of its own.

    Returns
    -------
    DataFrame of shape (n_rules, n_injections + 5), indexed by rule
        Recall per injection; ``recall`` over all; ``precision``; ``false_per_100_days``;
        ``threshold_at_1``: score at which the untouched series gives one alarm per 100
        days, and ``recall_at_1`` there, so that rules can be compared at equal alarms.
    """
    rng = np.random.default_rng(SEED)
    days = len(daily) - WINDOW_DAYS
    is_known = daily["date"].isin(pd.to_datetime(pd.Index(list(known_odd)))).to_numpy()[WINDOW_DAYS:]
    usual = float(daily["net_revenue"].median())
    untouched = {name: rule(daily) for name, rule in RULES.items()}
    equal = {name: float(np.quantile(np.abs(score[~is_known]), 0.99)) for name, score in untouched.items()}
    hits: dict[str, list[list[bool]]] = {name: [] for name in RULES}
    equal_hits: dict[str, list[list[bool]]] = {name: [] for name in RULES}
    false = dict.fromkeys(RULES, 0)
    clean_days = 0
    for _ in range(repeats):
        # one slot each, so that no two touch the same day
        slots = rng.permutation(days // len(INJECTIONS) * len(INJECTIONS)).reshape(len(INJECTIONS), -1)[:, 0]
        slots = slots[: len(INJECTIONS)]
        revenue = daily["net_revenue"].to_numpy(dtype=np.float64, copy=True)
        for (_, factor, added), place in zip(INJECTIONS, slots, strict=True):
            revenue[WINDOW_DAYS + place] = revenue[WINDOW_DAYS + place] * factor + added * usual
        injected = daily.assign(net_revenue=revenue)
        is_clean = ~is_known
        is_clean[slots] = False
        clean_days += int(is_clean.sum())
        way = np.array([1.0 if factor > 1 or added > 0 else -1.0 for _, factor, added in INJECTIONS])
        for name, rule in RULES.items():
            score = rule(injected)
            hits[name].append(list(score[slots] * way >= THRESHOLD))
            equal_hits[name].append(list(score[slots] * way >= equal[name]))
            false[name] += int((np.abs(score[is_clean]) >= THRESHOLD).sum())
    rows = {}
    for name in RULES:
        found = np.array(hits[name])
        rows[name] = {
            **{label: found[:, place].mean() for place, (label, _, _) in enumerate(INJECTIONS)},
            "recall": found.mean(),
            "precision": found.sum() / max(1, found.sum() + false[name]),
            "false_per_100_days": 100 * false[name] / clean_days,
            "threshold_at_1": equal[name],
            "recall_at_1": np.array(equal_hits[name]).mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def as_markdown(measured: pd.DataFrame) -> str:
    """One table: shares in per cent."""
    labels = [label for label, _, _ in INJECTIONS]
    head = [*labels, "all", "precision", "false alarms per 100 days", "all, at 1 alarm per 100 days"]
    lines = ["| rule | " + " | ".join(head) + " |", "| --- |" + " ---: |" * len(head)]
    for name, row in measured.iterrows():
        cells = [f"{100 * row[label]:.0f}" for label in labels]
        cells += [f"{100 * row['recall']:.0f}", f"{100 * row['precision']:.0f}", f"{row['false_per_100_days']:.1f}"]
        cells += [f"{100 * row['recall_at_1']:.0f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def section(home: Path) -> str:
    """Table of one home, with what it was measured on."""
    place = Home(home)
    daily = read_series(place.published)
    landing = place.origin_or_own().landing
    known: list[object] = []
    title = "A year of a real shop"
    if truth_path(landing).exists():
        known = [event.date for event in read_truth(landing).events]
        title = f"The made-up history, whose {len(known)} unusual days are known"
    told = (
        f"{title}: {len(daily):,} trading days from {daily['date'].iloc[0]:%-d %B %Y} to "
        f"{daily['date'].iloc[-1]:%-d %B %Y}."
    )
    largest = int(daily["net_revenue"].to_numpy()[WINDOW_DAYS:].argmax())
    day = daily["date"].iloc[WINDOW_DAYS + largest]
    scores = [f"{name} {rule(daily)[largest]:.1f}" for name, rule in RULES.items()]
    told += f" The largest day, {day:%-d %B %Y}, scores: {'; '.join(scores)}."
    if known:
        is_known = daily["date"].isin(pd.to_datetime(pd.Index(known))).to_numpy()[WINDOW_DAYS:]
        found = [f"{name} {int((np.abs(rule(daily)[is_known]) >= THRESHOLD).sum())}" for name, rule in RULES.items()]
        told += f" Of the {int(is_known.sum())} that traded, found: {'; '.join(found)}."
    return f"{told}\n\n{as_markdown(measure(daily, known))}"


def measured(homes: Sequence[Path]) -> str:
    """What docs/models.md says of these homes."""
    return (
        f"Made by `python -m benchmarks.anomalies --write HOME …`: {REPEATS} rounds with seed {SEED}, each with every "
        f"injection once at a place of its own; window {WINDOW_DAYS} trading days, threshold {THRESHOLD:g}. Numbers "
        "are per cent of injections found, in the right direction; precision is found ÷ (found + alarms on days that "
        "were left alone), and the real shop's own unusual days count as such. The last column gives each rule the "
        "threshold at which the untouched series rings once in 100 days. `median_mad` is on its log-like scale "
        "and against its own earlier misses throughout.\n\n"
    ) + "\n\n".join(section(home) for home in homes)


if __name__ == "__main__":
    measured_homes(__doc__, "anomalies", "Revenue anomalies", measured)
