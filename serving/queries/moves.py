"""How customers move between RFM segments, from one month end to another."""

from __future__ import annotations

from datetime import date

import pandas as pd

from serving.filters import Clause, Filters
from serving.queries.lists import Column, ListSpec, fetch_list
from serving.queries.segments import kept_customers
from serving.snapshot import Reading

NEW_CUSTOMER = "New Customer"
"""Where ``marts.segment_moves`` lets those come from who had not bought before."""


def flow_months(reading: Reading) -> list[date]:
    """Month ends that are over, the first one first; empty with a history of less than a month."""
    rows = reading.rows("select distinct month_end from marts.customer_rfm_monthly order by month_end")
    return [row["month_end"] for row in rows]


_BY_CAUSE = ",\n".join(
    # what moved a customer is told from one month end to the next; over several, each month has its own fifths
    f"""case
            when any_value(earlier_end.month_end) = any_value(date_trunc('month', later.month_end)::date) - 1
                then count(*) filter (later.moved_by = '{cause}')
        end as customers_by_{cause}"""
    for cause in ("purchase", "silence", "yardstick")
)

_FLOWS = f"""
    with last_end as (
        select coalesce($flow_end, max(month_end)) as month_end from marts.customer_rfm_monthly
    ),

    first_end as (
        select coalesce($flow_start, max(month_end)) as month_end from marts.customer_rfm_monthly
        where month_end < (select month_end from last_end)
    ),

    later as (
        select monthly.* from marts.customer_rfm_monthly as monthly
        semi join kept on kept.customer_id = monthly.customer_id
        where monthly.month_end = (select month_end from last_end)
    ),

    earlier as (
        select * from marts.customer_rfm_monthly where month_end = (select month_end from first_end)
    )

    select
        max(earlier.month_end) over () as from_month_end,
        later.month_end as to_month_end,
        coalesce(earlier.rfm_segment, '{NEW_CUSTOMER}') as from_segment,
        later.rfm_segment as to_segment,
        count(*) as customers,
        {_BY_CAUSE},
        sum(later.monetary) as monetary,
        coalesce(sum(earlier.monetary), 0) as monetary_before,
        coalesce(earlier.rfm_segment <> later.rfm_segment, false) as is_move
    from later
    left join earlier on earlier.customer_id = later.customer_id
    cross join (select max(month_end) as month_end from earlier) as earlier_end
    group by later.month_end, earlier.month_end, earlier.rfm_segment, later.rfm_segment
"""


def segment_flows(
    reading: Reading, filters: Filters, start: date | None = None, end: date | None = None
) -> pd.DataFrame:
    """From which RFM segment to which customers went between two month ends: the list :data:`SEGMENT_MOVES`.

    Only RFM segments have a monthly history: those of the models are made anew for the whole history with
    every refresh. The customers are those of the filters, whatever method the filters' segments are by.
    Between neighbouring month ends and without filters it says what ``marts.segment_moves`` says.

    Parameters
    ----------
    start, end
        Month ends as in :func:`flow_months`; by default the last one and the one before it.

    Raises
    ------
    ValueError
        If ``start`` is not before ``end``.
    """
    if start is not None and end is not None and start >= end:
        raise ValueError(f"The month end {start} is not before {end}.")
    return fetch_list(reading, SEGMENT_MOVES, filters, flow_context(start, end))


def flow_context(start: date | None, end: date | None) -> str:
    """The context of the list of moves: two month ends; empty for one that is not chosen."""
    return f"{start or ''},{end or ''}"


def _flow_rows(filters: Filters, context: str) -> Clause:
    start, end = _read_context(context)
    return Clause(_FLOWS, {"flow_start": start, "flow_end": end}).over(kept=kept_customers(filters))


def _read_context(context: str) -> tuple[date | None, date | None]:
    """Both month ends; the last two for a context that is none, as in an address that somebody typed."""
    first, _, second = context.partition(",")
    try:
        start, end = (date.fromisoformat(one) if one else None for one in (first, second))
    except ValueError:
        return None, None
    return (None, None) if start and end and start >= end else (start, end)


SEGMENT_MOVES = ListSpec(
    name="segment_moves",
    title="Moves between RFM segments",
    columns=(
        Column("from_month_end", "From month end", "date", "The earlier month end."),
        Column("to_month_end", "To month end", "date", "The later month end."),
        Column(
            "from_segment",
            "From",
            about="Segment before; New Customer for those who had not bought yet.",
            link="segment",
        ),
        Column("to_segment", "To", about="Segment at the later month end.", link="segment"),
        Column("customers", "Customers"),
        Column("customers_by_purchase", "By a purchase"),
        Column("customers_by_silence", "By silence"),
        Column("customers_by_yardstick", "Because others moved"),
        Column("monetary_before", "Money before", "money", "Money at the earlier month end, in the shop's currency."),
        Column("monetary", "Money after", "money", "Money at the later month end, in the shop's currency."),
        Column("is_move", "Moved"),
    ),
    rows=_flow_rows,
    order_by="customers desc, from_segment, to_segment",
    tables=("marts.segment_moves",),
)
