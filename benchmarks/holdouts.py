"""How good the forecasts of customer value are: every hold-out, ours against the baselines.

    python -m benchmarks.holdouts [--write] HOME …

Each home must have a published snapshot; its ``ml.clv_holdout`` and ``ml.clv_coverage`` are
read, which every refresh makes anew. ``--write`` puts the tables into docs/models.md, between the markers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.documents import measured_homes
from warehouse.home import Home
from warehouse.sample.truth import truth_path

ORDER = ("bg_nbd_gamma_gamma", "bg_nbd_seasonal_clock", "gradient_boosting", "past_spend", "same_rate", "zero")
INTRODUCTION = """\
Made by `python -m benchmarks.holdouts --write HOME …` from `ml.clv_holdout` and `ml.clv_coverage`, which every
refresh makes anew.

**How a hold-out works.** The models go back to a past date, see nothing from that day on, forecast what every
customer known then will bring, and are compared with what came. The dates are 30 days apart, so the hold-outs
overlap: what one month brought is in several of them. A hold-out is as long as the horizon, but takes a quarter of
the history at most.

**What is compared.** `bg_nbd_gamma_gamma` is the textbook. `bg_nbd_seasonal_clock` is the same in busy days: a day
counts by how much customers usually buy at that time of year, known before the hold-out. It takes part where a year
was known by then. `gradient_boosting` learns from customers at earlier dates who will bring how much in proportion,
and takes the total from the seasonal clock where there is one. Three baselines ask what a model is for: `past_spend`
takes what all customers brought of late and shares it out in proportion to past spend, so that its order is that of
past spend; `same_rate` lets everyone go on at their own rate so far; `zero` expects nothing. The winner has the best
mean rank in three things over all hold-outs: error of a customer's value, error of the total, and order. It is what
`ml.customer_clv` shows.

**How to read it.** Error of purchases and of value: mean absolute difference per customer, lower is better. Total:
how far the sum of all forecasts was off; minus is short. Order: Spearman's rank correlation of forecast and outcome,
1 is perfect. Top tenth: share of all money that the tenth with the highest forecasts brought. In interval: share of
customers whose value fell into their 80 % interval.

**Intervals** are each customer's own, made of the other hold-outs, as those from now are made of all. Outcomes known
before a hold-out began would be the stricter measure, but the hold-outs overlap, so that of most none was over by
then: the newest is judged by older ones whose time reaches into its own. A second table tells how often they held in
each fifth of the customers by forecast, all hold-outs together, and how many of the fifth bought nothing. An interval
that begins at zero holds all of those, so that it can't hold fewer.

**Caveats.** No forecast saw its own outcome, but the design of `gradient_boosting` (features, losses, weights) was
chosen among about twenty variants by these very hold-outs, that of the clock and the intervals among about ten, and
so was the winner of each shop. On data that nobody looked at while building, expect it to do somewhat worse. The
textbook and the baselines had nothing to choose."""


def read_holdouts(published: Path) -> pd.DataFrame:
    """``ml.clv_holdout``, oldest first, models before baselines."""
    with duckdb.connect(str(published), read_only=True) as connection:
        found = connection.execute("select * from ml.clv_holdout").df()
    if found.empty:
        raise SystemExit(f"{published}: the history is too short for hold-outs")
    found["place"] = found["model"].map(ORDER.index)
    return found.sort_values(["cutoff_date", "place"], ignore_index=True)


def as_markdown(holdouts: pd.DataFrame) -> str:
    """One row per hold-out and model."""
    head = ("from", "model", "purchases", "value", "total", "order", "top tenth", "in interval")
    lines = ["| " + " | ".join(head) + " |", "| --- | --- |" + " ---: |" * (len(head) - 2)]
    for cutoff, rows in holdouts.groupby("cutoff_date", sort=True):
        for number, row in enumerate(rows.itertuples()):
            name = f"**{row.model}**" if row.is_winner else str(row.model)
            cells = (
                f"{cutoff:%Y-%m-%d}" if number == 0 else "",
                name,
                f"{row.mae_purchases:.3f}",
                f"{row.mae_value:,.0f}",
                _filled(row.total_error_pct, "+.0f", " %"),
                _filled(row.spearman, ".3f"),
                _filled(row.top_decile_capture_pct, ".0f", " %"),
                _filled(row.interval_coverage_pct, ".0f", " %"),
            )
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def in_words(holdouts: pd.DataFrame) -> str:
    """What the table comes to: on how many hold-outs the goals were met."""
    by_model = {str(name): rows.set_index("cutoff_date") for name, rows in holdouts.groupby("model")}
    spend = by_model["past_spend"]["spearman"]
    told = []
    for name in ORDER[:3]:
        if name not in by_model:
            continue
        rows = by_model[name]
        better = int((rows["spearman"] > spend.reindex(rows.index)).sum())
        within_10, within_20 = (int((rows["total_error_pct"].abs() <= limit).sum()) for limit in (10, 20))
        told.append(
            f"`{name}` orders customers better than past spend on {better} of {len(rows)} hold-outs, and its total is "
            f"within 20 % on {within_20}, within 10 % on {within_10} "
            f"(mean error {rows['total_error_pct'].abs().mean():.0f} %)"
        )
    winner = str(holdouts.loc[holdouts["is_winner"], "model"].iloc[0])
    return f"{'; '.join(told)}. The winner is `{winner}`."


def read_coverage(published: Path) -> pd.DataFrame:
    """``ml.clv_coverage`` of all hold-outs together: one row per model and fifth."""
    with duckdb.connect(str(published), read_only=True) as connection:
        return connection.execute(
            """
            select
                model,
                fifth,
                sum(customers * interval_coverage_pct) / sum(customers) as held_pct,
                sum(customers * bought_nothing_pct) / sum(customers) as nothing_pct
            from ml.clv_coverage
            group by model, fifth
            order by model, fifth
            """
        ).df()


def coverage_as_markdown(coverage: pd.DataFrame) -> str:
    """One row per model, one column per fifth of the customers."""
    head = ("model", "lowest fifth", "second", "third", "fourth", "highest")
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    for model in ORDER:
        own = coverage[coverage["model"] == model].set_index("fifth")
        if own.empty:
            continue
        cells = [
            f"{row.held_pct:.0f} % ({row.nothing_pct:.0f} % nothing)"
            for row in own.reindex(range(1, len(head))).itertuples()
        ]
        lines.append("| " + " | ".join([model, *cells]) + " |")
    return "\n".join(lines)


def section(folder: Path) -> str:
    """Words and table of one home."""
    home = Home(folder)
    if not home.published.exists():
        raise SystemExit(f"{folder}: nothing is published there; refresh first")
    holdouts = read_holdouts(home.published)
    is_made_up = truth_path(home.origin_or_own().landing).exists()
    first, last = holdouts["cutoff_date"].min(), holdouts["cutoff_date"].max()
    title = "The made-up history of two years" if is_made_up else "A year of a real shop"
    count, days = holdouts["cutoff_date"].nunique(), holdouts["holdout_days"].iloc[0]
    return (
        f"### {title}\n\n{count} hold-outs of {days} days, beginning from "
        f"{first:%-d %B %Y} to {last:%-d %B %Y}, {holdouts['customers'].min():,} to {holdouts['customers'].max():,} "
        f"customers. {in_words(holdouts)}\n\n{as_markdown(holdouts)}\n\n"
        f"In interval by fifth of the customers, all hold-outs together:\n\n"
        f"{coverage_as_markdown(read_coverage(home.published))}"
    )


def _filled(value: float, style: str, unit: str = "") -> str:
    return "–" if value is None or math.isnan(value) else f"{value:{style}}{unit}"


def measured(homes: Sequence[Path]) -> str:
    """What docs/models.md says of these homes."""
    return "\n\n".join([INTRODUCTION, *(section(home) for home in homes)])


if __name__ == "__main__":
    measured_homes(__doc__, "hold-outs", "Customer value", measured)
