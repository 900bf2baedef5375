"""Sentences about the view, computed each time they are read.

Belongs here: what changed and who accounts for it, which segment grew or shrank, what was unusual, how
concentrated revenue is, which caveats apply. Does not belong here: figures without a sentence
(:mod:`serving.queries.cards`, :mod:`serving.queries.revenue`).

Every day that a sentence names comes from the data, never from today's date.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import pandas as pd

from serving.filters import Filters
from serving.queries.cards import change_pct
from serving.queries.moves import flow_months
from serving.queries.revenue import monthly_revenue, shown_days, spending, unusual_periods
from serving.queries.segments import came_back, dormant_from
from serving.snapshot import Reading
from warehouse.measures import aggregates
from warehouse.wording import change, count, day, money, month, percent, plural, short_money

InsightKind = Literal[
    "change", "driver", "segments", "slipping", "dormant", "anomaly", "concentration", "caveat", "nothing"
]  # fmt: skip
Tone = Literal["good", "bad", "warning", "neutral"]

MAX_ANOMALIES = 2
"""The last so many unusual days are told; the page of anomalies has all of them."""

RIPPLE_PCT = 1.0
"""A change of less than this, in percent, is told without saying what is behind it."""

MIN_CAME_BACK = 100
"""Of fewer customers a share is off by more than five points, one time in three."""

ALL_BUT_AS_MANY = 0.9
"""Who comes back nearly as often as the others is not late; of the public shop's slipping two thirds as many do."""


@dataclass(frozen=True)
class Insight:
    """One sentence or two."""

    kind: InsightKind
    text: str
    tone: Tone = "neutral"


def insights(reading: Reading, filters: Filters) -> list[Insight]:
    """What the view tells, in words.

    Returns
    -------
    list of Insight
        In a fixed order of kinds: change, driver, segments, slipping (or dormant, where nobody is slipping), anomaly,
        concentration, caveat.
        What the data can't tell is left out. One of kind ``nothing`` if no invoice fits.
    """
    months = monthly_revenue(reading, filters)
    if months.empty:
        return [Insight("nothing", "No sale fits these filters.")]
    return [
        *_changes(reading, filters, months),
        *_segments(reading, filters),
        *_slipping(reading, filters),
        *_anomalies(reading, filters),
        *_concentration(reading, filters),
        *_unfinished_month(reading, filters),
        *_anonymous_sales(reading, filters),
    ]


# ---- what changed --------------------------------------------------------------


def _changes(reading: Reading, filters: Filters, months: pd.DataFrame) -> list[Insight]:
    complete = months[months["is_complete_month"]]
    if complete.empty or filters.is_by_standing:
        return []
    last = complete.iloc[-1]
    now = last["month_start"].date()
    before = (now - timedelta(days=1)).replace(day=1)
    known = {row["month_start"].date(): float(row["net_revenue"]) for row in complete.to_dict("records")}
    if before not in known:
        return []
    currency = reading.about.currency
    difference = known[now] - known[before]
    share = change_pct(known[now], known[before])
    sentence = f"Net revenue was {short_money(known[now], currency)} in {month(now)}, " + (
        f"{_more_or_less(share)} in {month(before)} ({short_money(known[before], currency)})."
        if share is not None
        else f"against {short_money(known[before], currency)} in {month(before)}."
    )
    year_before = now.replace(year=now.year - 1)
    over_a_year = change_pct(known[now], known.get(year_before))
    if over_a_year is not None:
        sentence += f" Against {month(year_before)} it is {change(over_a_year)}."
    found = [Insight("change", sentence, "good" if difference > 0 else "bad" if difference < 0 else "neutral")]
    # what is behind a ripple is chance
    if share is None or abs(share) >= RIPPLE_PCT:
        found += _drivers(reading, filters, now, before, difference)
    return found


def _drivers(reading: Reading, filters: Filters, now: date, before: date, difference: float) -> list[Insight]:
    """The country and the segment whose change goes furthest the way of the whole."""
    end = (now.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    moved = reading.rows(
        f"""
        with parts as (
            select
                kept.country,
                case
                    when kept.customer_id is null then ''
                    else coalesce(c.{filters.segment_column}, 'customers in no segment')
                end as segment,
                case when kept.invoice_date >= $month_start then kept.net_revenue else -kept.net_revenue end as moved
            from kept
            left join reporting.customer_360 as c on kept.customer_id = c.customer_id
        ),

        sums as (
            select 'country' as dimension, country as member, sum(moved)::double as moved
            from parts
            group by country
            union all
            select case segment when '' then 'no customer' else 'segment' end, segment, sum(moved)::double
            from parts
            group by segment
        )

        select
            dimension,
            count(*) over (partition by dimension) as members,
            member,
            moved
        from sums
        qualify row_number() over (partition by dimension order by moved * $sign desc, member) = 1
        """,
        {"month_start": now, "sign": 1 if difference > 0 else -1},
        kept=filters.between(before, end).invoices(),
    )
    currency = reading.about.currency
    found = {row["dimension"]: row for row in moved if row["moved"] * difference > 0}
    told = []
    # one country, one segment: it is the whole, and says nothing
    if (row := found.get("country")) and row["members"] > 1:
        told.append(f"by country most of all {row['member']} ({_signed(row['moved'], currency)})")
    segment, anonymous = found.get("segment"), found.get("no customer")
    if segment and segment["members"] > 1:
        told.append(f"by segment, today's {segment['member']} ({_signed(segment['moved'], currency)})")
    if anonymous and (not segment or abs(anonymous["moved"]) > abs(segment["moved"])):
        told.append(f"more than any segment, sales without a customer ({_signed(anonymous['moved'], currency)})")
    if not told:
        return []
    verb = "rise" if difference > 0 else "fall"
    return [Insight("driver", f"Behind the {verb} of {short_money(abs(difference), currency)}: {'; '.join(told)}.")]


# ---- segments ------------------------------------------------------------------


def _segments(reading: Reading, filters: Filters) -> list[Insight]:
    """Which RFM segment grew and which shrank between the last two month ends that are over."""
    if filters.is_by_standing:
        return []
    ends = [one for one in flow_months(reading) if filters.end is None or one <= filters.end][-2:]
    if len(ends) < 2:
        return []
    rows = reading.rows(
        """
        select
            stood.rfm_segment as segment,
            count(*) filter (stood.month_end = $before) as customers_before,
            count(*) filter (stood.month_end = $now) as customers
        from marts.customer_rfm_monthly as stood
        inner join chosen on stood.customer_id = chosen.customer_id
        where stood.month_end in ($before, $now)
        group by stood.rfm_segment
        order by customers - customers_before desc, segment
        """,
        {"before": ends[0], "now": ends[1]},
        chosen=filters.between(None, None).customers(),
    )
    if not rows:
        return []
    grown = rows[0]
    # of those that shrank equally the first by name, as among those that grew
    shrunk = min(rows, key=lambda row: (row["customers"] - row["customers_before"], row["segment"]))
    told = []
    for row, word in ((grown, "grew"), (shrunk, "shrank")):
        difference = row["customers"] - row["customers_before"]
        if difference * (1 if word == "grew" else -1) > 0:
            told.append(
                f"{row['segment']} {word} most, from {count(row['customers_before'])}"
                f" to {plural(row['customers'], 'customer')}"
            )
    span = f"Between {day(ends[0])} and {day(ends[1])}"
    if not told:
        return [Insight("segments", f"{span} no RFM segment grew or shrank.")]
    return [Insight("segments", f"{span}, of the RFM segments, {'; '.join(told)}.")]


# ---- who is slipping -----------------------------------------------------------


def _slipping(reading: Reading, filters: Filters) -> list[Insight]:
    """How many of the best fifth have been silent for too long, what they spent, and how many for longer than that."""
    keys = ["slipping_customers", "slipping_best_customers", "slipping_best_monetary", "dormant_customers"]
    row = reading.row(f"select {aggregates('customers', keys)} from chosen", chosen=filters.customers())
    every, best, dormant = row["slipping_customers"], row["slipping_best_customers"], row["dormant_customers"]
    ratio, is_measured = dormant_from(reading)
    beyond = (
        f"{plural(dormant, 'customer')}{' more' if every else ''} {'is' if dormant == 1 else 'are'} dormant, silent "
        f"for {ratio} of their usual gaps or longer{': few such customers came back' if is_measured else ''}."
        if dormant
        else ""
    )
    if not every:
        return [Insight("dormant", beyond, "neutral")] if dormant else []
    told = (
        f"{plural(best, 'customer')} of your best fifth, who spent "
        f"{short_money(row['slipping_best_monetary'], reading.about.currency)}, "
        f"{'has' if best == 1 else 'have'} been silent for twice their usual gap or longer"
        if best
        else "None of your best fifth has been silent for twice their usual gap"
    )
    unharmed = _came_back_anyway(reading)
    sentences = (
        f"{told}; of all customers{'' if filters.is_everything else ' under these filters'}, "
        f"{count(every)} {'has' if every == 1 else 'have'}.",
        unharmed,
        beyond,
    )
    return [Insight("slipping", " ".join(filter(None, sentences)), "warning" if best and not unharmed else "neutral")]


def _came_back_anyway(reading: Reading) -> str:
    """That silence says nothing about who comes back, where the shop's own past shows it; else nothing."""
    seen = came_back(reading).groupby("is_slipping")[["customers", "came_back_customers"]].sum()
    if len(seen) < 2 or seen["customers"].min() < MIN_CAME_BACK:
        return ""
    shares = (seen["came_back_customers"] / seen["customers"]).to_dict()
    late, others = shares[True], shares[False]
    if late < ALL_BUT_AS_MANY * others:
        return ""
    return (
        f"That is no bad sign in this shop so far: of customers who were as silent, {percent(100 * late, 0)} came back "
        f"within 90 days, of the others {percent(100 * others, 0)}."
    )


# ---- what was unusual --------------------------------------------------------------


def _anomalies(reading: Reading, filters: Filters) -> list[Insight]:
    found = unusual_periods(reading, filters, "day")
    if found.empty:
        return []
    whose = "" if not filters.countries else " in the chosen countries"
    told = [
        Insight(
            "anomaly",
            f"{day(row['date'])}, {'whole shop' if row['series'] == 'total' else row['series']}: {row['cause']}",
            "neutral" if row["direction"] == "spike" else "warning",
        )
        for row in found.iloc[::-1].head(MAX_ANOMALIES).to_dict("records")
    ]
    if len(found) > len(told):
        first = told[0]
        told[0] = replace(first, text=f"The last of {plural(len(found), 'unusual day')}{whose}: {first.text}")
    return told


# ---- concentration -------------------------------------------------------------


def _concentration(reading: Reading, filters: Filters) -> list[Insight]:
    """As ``marts.revenue_concentration`` measures it: spend less returns, of identified customers."""
    row = reading.row(
        """
        with ranked as (
            select
                net_revenue,
                row_number() over (order by net_revenue desc, customer_id) as spending_rank,
                count(*) over () as customers
            from spent
        )

        select
            count(*) as customers,
            sum(net_revenue) as net_revenue,
            count(*) filter (spending_rank <= ceil(customers * 0.01)) as customers_1,
            sum(net_revenue) filter (spending_rank <= ceil(customers * 0.01)) as net_revenue_1,
            count(*) filter (spending_rank <= ceil(customers * 0.1)) as customers_10,
            sum(net_revenue) filter (spending_rank <= ceil(customers * 0.1)) as net_revenue_10
        from ranked
        """,
        spent=spending(filters),
    )
    # a hundredth of fewer is one person
    if row["customers"] < 20 or row["net_revenue"] <= 0:
        return []
    share_1, share_10 = (100 * row[f"net_revenue_{pct}"] / row["net_revenue"] for pct in (1, 10))
    currency = reading.about.currency
    return [
        Insight(
            "concentration",
            f"The top {percent(1, 0)} of customers ({count(row['customers_1'])}) bring {percent(share_1)} of what "
            f"identified customers spend, the top {percent(10, 0)} ({count(row['customers_10'])}) bring "
            f"{percent(share_10)} ({short_money(row['net_revenue_10'], currency)}).",
        )
    ]


# ---- which caveats apply --------------------------------------------------------


def _unfinished_month(reading: Reading, filters: Filters) -> list[Insight]:
    span = shown_days(reading, filters)
    if span is None or (filters.end and span[1] == filters.end):
        return []
    known = reading.row(
        """
        select
            bool_and(is_complete_month) as is_complete, min(date) as first_date, any_value(month_start) as month_start
        from marts.dim_dates
        where month_start = date_trunc('month', $last_day::date)
        """,
        {"last_day": span[1]},
    )
    if known["is_complete"]:
        return []
    # of a history that begins in the month, too
    since = "" if known["first_date"] == known["month_start"] else f"from {day(known['first_date'])} "
    reach = (
        f"sales reach {since}to {day(span[1])}" if known["first_date"] < span[1] else f"{day(span[1])} alone is known"
    )
    return [Insight("caveat", f"{month(span[1])} is not complete: {reach}.", "warning")]


def _anonymous_sales(reading: Reading, filters: Filters) -> list[Insight]:
    if filters.is_about_customers:
        return []
    net_revenue = aggregates("invoices", ["net_revenue"])
    row = reading.row(
        f"""
        select *
        from
            (select {net_revenue} from kept)
            cross join (select {net_revenue} from kept where customer_id is null) as anonymous (anonymous_net_revenue)
        """,
        kept=filters.invoices(),
    )
    if not row["anonymous_net_revenue"] or row["net_revenue"] <= 0:
        return []
    share = 100 * row["anonymous_net_revenue"] / row["net_revenue"]
    return [
        Insight(
            "caveat",
            f"{money(row['anonymous_net_revenue'], reading.about.currency)} of net revenue ({percent(share)}) has no "
            "customer: it counts as revenue, but in no figure about customers.",
        )
    ]


# ---- words ---------------------------------------------------------------------


def _more_or_less(share: float) -> str:
    if round(share, 1) == 0:
        return "as much as"
    return f"{percent(abs(share))} {'more' if share > 0 else 'less'} than"


def _signed(amount: float, currency: str) -> str:
    told = short_money(amount, currency)
    return told if amount < 0 else f"+{told}"
