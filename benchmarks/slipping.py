"""Whether silence says who is leaving: the back-test of every refresh, and two simpler rules beside it.

    python -m benchmarks.slipping [--write] HOME …

Each home must have a published snapshot; its ``marts.slipping_backtest`` is read, which every refresh
makes anew. ``--write`` puts the tables into docs/models.md, between the markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.documents import measured_homes
from warehouse.home import Home
from warehouse.sample.truth import truth_path

INTRODUCTION = """\
Made by `python -m benchmarks.slipping --write HOME …` from `marts.slipping_backtest`, which every refresh makes anew.

**The expected gap** of a customer is `(2 × shop's gap + days between the first and the last visit) / (2 + gaps)`. A
visit is a day with a purchase; the shop's gap is the mean of the own mean gaps of all who came twice. It is the
posterior mean of exponential gaps whose means have an inverse gamma distribution of shape 3 around the shop's gap
(Gelman et al., *Bayesian Data Analysis*, 3rd edition, section 2.6). `silence_ratio` is recency divided by it;
**slipping** is who has been silent for twice the gap or more, after two visits at least, until they are **dormant**:
silent for so long that of such customers less than a fifth as many came back as of those who are not slipping. Each
shop's own back-test decides from where on that is (`marts.slipping_limits`); it is 12 gaps where too few were ever so
silent. The tables count the dormant among the slipping, as `is_slipping` does.

**The back-test** goes to each month end that has 90 days after it, puts every customer into a band by what was known
then, and counts who bought within the 90 days. A customer is counted at each month end anew. Money is what they had
spent by the month end. Month ends with less than 90 days of history before them are left out of the bands: in those
no gap can be long. They stand in the second table.

**Beside it** stand two simpler rules, among the customers of two visits or more: twice the mean of the customer's own
gaps, not pooled; and as many customers as are slipping, but those silent the longest, whatever their gaps."""

KNOWN = """
    with

    -- one row per customer of two visits and tested month end
    tested as (
        select
            m.month_end, m.customer_id, m.recency_days, m.monetary::double as monetary, m.is_slipping,
            (max(i.invoice_date) filter (i.invoice_date <= m.month_end) - min(i.invoice_date))
                / (count(distinct i.invoice_date) filter (i.invoice_date <= m.month_end) - 1) as own_gap_days,
            count(*) filter (i.invoice_date > m.month_end and i.invoice_date <= m.month_end + 90) > 0 as came_back
        from marts.customer_rfm_monthly as m
        inner join marts.fct_invoices as i on m.customer_id = i.customer_id and i.order_number is not null
        where m.purchase_days > 1 and m.month_end in (select month_end from counted)
        group by all
    ),

    ruled as (
        select
            *,
            row_number() over (partition by month_end order by recency_days desc, customer_id)
            <= count(*) filter (is_slipping) over (partition by month_end) as is_among_the_longest,
            recency_days >= 2 * own_gap_days as is_past_own_gaps
        from tested
    )
"""


def read(published: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query over the month ends that count."""
    with duckdb.connect(str(published), read_only=True) as connection:
        connection.execute("""
            create temp view counted as
            select distinct month_end
            from marts.slipping_backtest
            where cutoff_date >= (select min(invoice_date) from marts.fct_invoices) + 90
        """)
        return connection.execute(sql).fetchall()


def table(head: tuple[str, ...], rows: list[tuple[str, ...]], *, texts: int) -> str:
    """A Markdown table whose first columns are text."""
    rule = "| " + " | ".join(["---"] * texts + ["---:"] * (len(head) - texts)) + " |"
    return "\n".join(
        ["| " + " | ".join(cells) + " |" for cells in (head,)] + [rule] + [f"| {' | '.join(r)} |" for r in rows]
    )


def bands(published: Path) -> str:
    """By band, all month ends together."""
    found = read(
        published,
        """
        select
            has_own_gap, silence_band, sum(customers), 100.0 * sum(came_back_customers) / sum(customers),
            sum(monetary), 100.0 * sum(came_back_monetary) / sum(monetary)
        from marts.slipping_backtest
        where month_end in (from counted)
        group by all
        order by has_own_gap desc, silence_band
        """,
    )
    head = ("visits", "silence, in gaps", "customers", "came back", "money", "of it, came back")
    rows = [
        ("two or more" if own else "one", band, f"{n:,}", f"{back:.0f} %", f"{money:,.0f}", f"{of_money:.0f} %")
        for own, band, n, back, money, of_money in found
    ]
    return table(head, rows, texts=2)


def month_ends(published: Path) -> str:
    """Slipping or not, by month end; customers of two visits or more."""
    found = read(
        published,
        """
        select
            month_end, month_end in (from counted),
            sum(customers) filter (not is_slipping), sum(came_back_customers) filter (not is_slipping),
            coalesce(sum(customers) filter (is_slipping), 0), sum(came_back_customers) filter (is_slipping)
        from marts.slipping_backtest
        where has_own_gap
        group by month_end
        order by month_end
        """,
    )
    head = ("month end", "not slipping", "came back", "slipping", "came back")
    rows = [
        (
            f"{month_end}" if counts else f"{month_end} (short)",
            f"{others:,}",
            f"{100 * others_back / others:.0f} %",
            f"{n:,}",
            f"{100 * back / n:.0f} %" if n else "–",
        )
        for month_end, counts, others, others_back, n, back in found
    ]
    return table(head, rows, texts=1)


def rules(published: Path) -> str:
    """The rule beside two simpler ones."""
    rows = []
    for name, column in (
        ("slipping: twice the expected gap", "is_slipping"),
        ("twice the customer's own gaps", "is_past_own_gaps"),
        ("as many, silent the longest", "is_among_the_longest"),
    ):
        ((n, back, others, mean, visits),) = read(
            published,
            f"""
            {KNOWN}
            select
                count(*) filter ({column}), 100.0 * avg(came_back::int) filter ({column}),
                100.0 * avg(came_back::int) filter (not {column}), avg(monetary) filter ({column}),
                avg(own_gap_days) filter ({column})
            from ruled
            """,
        )
        rows.append((name, f"{n:,}", f"{back:.0f} %", f"{others:.0f} %", f"{mean:,.0f}", f"{visits:.0f}"))
    head = ("rule", "customers", "came back", "of the others", "money each", "own gap, days")
    return table(head, rows, texts=1)


def in_words(published: Path) -> str:
    """What the tables come to, and whether they bear the rule out."""
    found = dict(
        read(
            published,
            """
            select is_slipping, 100.0 * sum(came_back_customers) / sum(customers)
            from marts.slipping_backtest
            where has_own_gap and month_end in (from counted)
            group by is_slipping
            """,
        )
    )
    steps = [
        back
        for (back,) in read(
            published,
            """
            select 100.0 * sum(came_back_customers) / sum(customers)
            from marts.slipping_backtest
            where has_own_gap and month_end in (from counted)
            group by silence_band
            -- of fewer, chance decides
            having sum(customers) >= 30
            order by silence_band
            """,
        )
    ]
    falls = all(later < earlier for earlier, later in pairwise(steps))
    ((limit, is_measured),) = read(
        published,
        "select dormant_from_ratio, is_measured from marts.slipping_limits order by snapshot_date desc limit 1",
    )
    return (
        f"Of customers of two visits or more who were slipping, {found[True]:.0f} % came back within 90 days; of the "
        f"others {found[False]:.0f} %. "
        + (
            "The longer the silence in gaps of one's own, the fewer come back, band by band."
            if falls
            else "Not every band falls below the one before, so the ratio is no more than a rough order here."
        )
        + (
            " Nobody is dormant: as many come back from the longest silences."
            if limit is None
            else f" Dormant begins at {limit:g} gaps"
            + ("." if is_measured else ", for too few were ever so silent that it could be measured.")
        )
    )


def section(folder: Path) -> str:
    """Words and tables of one home."""
    home = Home(folder)
    if not home.published.exists():
        raise SystemExit(f"{folder}: nothing is published there; refresh first")
    is_made_up = truth_path(home.origin_or_own().landing).exists()
    title = "The made-up history of two years" if is_made_up else "A year of a real shop"
    parts = (in_words, bands, month_ends, rules)
    return "\n\n".join([f"### {title}", *(part(home.published) for part in parts)])


def measured(homes: Sequence[Path]) -> str:
    """What docs/models.md says of these homes."""
    return "\n\n".join([INTRODUCTION, *(section(home) for home in homes)])


if __name__ == "__main__":
    measured_homes(__doc__, "slipping", "Who is slipping", measured)
