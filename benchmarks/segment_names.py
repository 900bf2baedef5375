"""Of how many customers the name of their segment is true: today, and while the history grew.

    python -m benchmarks.segment_names [--write] HOME …

Each home must have a published snapshot. Today's shares are those of ``reporting.segment_claims``;
those of past month ends are worked out from ``marts.customer_rfm_monthly`` with the same claims, and
the clusterings are fitted anew on it. ``--write`` puts the tables into docs/models.md, between the
markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.documents import measured_homes
from ml.clustering import ALGORITHMS
from ml.segments import segment_customers
from warehouse.claims import claims, claims_sql
from warehouse.home import Home
from warehouse.sample.truth import truth_path

MONTHS = (3, 6, 9, 12, 18)

INTRODUCTION = """\
Made by `python -m benchmarks.segment_names --write HOME …` from `reporting.segment_claims` and
`marts.customer_rfm_monthly`, which every refresh makes anew.

A name is a claim about the customers in the segment, and at least 80 % of them have to bear it out. RFM segments come
from a grid of scores, so theirs is measured, and a check of every refresh tells where it is less. A cluster is given a
name only where it is true of so many; where none is, it is a *Group* with its number and says nothing. A customer's gap
is `expected_gap_days`, silence is measured in it (`silence_ratio`); fifths are the scores."""


def as_table(head: list[str], rows: list[list[str]], left: int) -> str:
    """A table in Markdown, the first ``left`` columns ranged left."""
    marks = " --- |" * left + " ---: |" * (len(head) - left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, *rows)).replace("\n", f"\n|{marks}\n", 1)


def vocabulary() -> str:
    """Every name, what it says and the rule that tells whether it is true."""
    told = []
    for title, key in (("An RFM segment", "rfm"), ("Of all customers", "slipping"), ("A cluster", "clusters")):
        rows = [[one.name, one.sentence, f"`{one.holds}`"] for one in claims(key).values()]  # type: ignore[arg-type]
        told.append(as_table([title, "says of its customers", "rule"], rows, 3))
    return "\n\n".join(told)


def month_ends(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str]]:
    """Those of :data:`MONTHS` that the history has a month end for."""
    found = connection.execute(
        "select distinct month_end::varchar from marts.customer_rfm_monthly order by 1"
    ).fetchall()
    return [(months, found[months - 1][0]) for months in MONTHS if months < len(found)]


def rfm_shares(connection: duckdb.DuckDBPyConnection, customers: str) -> dict[str, tuple[int, float]]:
    """Customers of each RFM segment in a table, and the share in percent of whom its name is true."""
    cases = " ".join(
        f"when '{one.name.replace(chr(39), chr(39) * 2)}' then {one.holds}" for one in claims("rfm").values()
    )
    rows = connection.execute(
        f"select rfm_segment, count(*), 100.0 * count(*) filter (case rfm_segment {cases} end) / count(*) "
        f"from {customers} group by 1"
    ).fetchall()
    return {name: (size, share) for name, size, share in rows}


def clusters_then(
    connection: duckdb.DuckDBPyConnection, customers: str
) -> dict[str, list[tuple[str, int, float | None]]]:
    """Name, customers and share of whom it is true, of each cluster fitted on a table, the largest first."""
    rfm = connection.execute(
        f"select customer_id, recency_days, frequency, monetary::double as monetary from {customers}"
    ).df()
    held = connection.execute(claims_sql("clusters", customers)).df()
    labels = segment_customers(rfm, claims=held).customer_segments.merge(held, on="customer_id")
    found: dict[str, list[tuple[str, int, float | None]]] = {}
    for algorithm in ALGORITHMS:
        groups = labels.groupby(f"{algorithm}_segment")
        sizes = [
            (str(name), len(rows), 100 * float(rows[name].mean()) if name in held else None) for name, rows in groups
        ]
        found[algorithm] = sorted(sizes, key=lambda one: -one[1])
    return found


def section(folder: Path) -> str:
    """Words and tables of one home."""
    home = Home(folder)
    if not home.published.exists():
        raise SystemExit(f"{folder}: nothing is published there; refresh first")
    is_made_up = truth_path(home.origin_or_own().landing).exists()
    with duckdb.connect(str(home.published), read_only=True) as connection:
        now = connection.execute(
            "select method, segment_name, customers, true_pct from reporting.segment_claims where method <> 'audience'"
        ).df()
        cuts = month_ends(connection)
        tables = {
            f"{months} months": f"(from marts.customer_rfm_monthly where month_end = date '{end}')"
            for months, end in cuts
        }
        shares = {heading: rfm_shares(connection, table) for heading, table in tables.items()}
        clusters = {heading: clusters_then(connection, table) for heading, table in tables.items()}
        every = connection.execute(
            "select distinct month_end::varchar from marts.customer_rfm_monthly order by 1"
        ).fetchall()
        past = [
            rfm_shares(connection, f"(from marts.customer_rfm_monthly where month_end = date '{end}')")
            for (end,) in every[MONTHS[0] - 1 :]
        ]
    by_method = {str(method): rows for method, rows in now.groupby("method")}
    shares["all"] = {row.segment_name: (row.customers, row.true_pct) for row in by_method["rfm"].itertuples()}
    clusters["all"] = {
        algorithm: [
            (row.segment_name, row.customers, None if pd.isna(row.true_pct) else row.true_pct)
            for row in by_method[algorithm].sort_values("customers", ascending=False).itertuples()
        ]
        for algorithm in ALGORITHMS
    }
    by_rule = [
        [
            name,
            *(_share(*at[name]) if name in at else "–" for at in shares.values()),
            f"{min((at[name][1] for at in [*past, shares['all']] if name in at), default=100):.0f} %",
        ]
        for name in claims("rfm")
    ]
    by_fit = [
        [algorithm, heading, ", ".join(f"{name} {_share(size, share)}" for name, size, share in at[algorithm])]
        for algorithm in ALGORITHMS
        for heading, at in clusters.items()
    ]
    return "\n\n".join(
        (
            f"### {'The made-up history of two years' if is_made_up else 'A year of a real shop'}",
            "Customers of each RFM segment of whom its name is true, after so many months and with all of the history; "
            "the last column is the least of all month ends from the third on.",
            as_table(["segment", *shares, "least"], by_rule, 1),
            "Clusters, with the share of their customers of whom the name is true.",
            as_table(["clustering", "history", "clusters"], by_fit, 3),
        )
    )


def _share(size: int, share: float | None) -> str:
    return f"({size:,})" if share is None else f"{share:.0f} % of {size:,}"


def measured(homes: Sequence[Path]) -> str:
    """What docs/models.md says of these homes."""
    return "\n\n".join([INTRODUCTION, vocabulary(), *(section(home) for home in homes)])


if __name__ == "__main__":
    measured_homes(__doc__, "segment names", "Segment names", measured)
