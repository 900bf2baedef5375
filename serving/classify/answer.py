"""A classification as JSON, over HTTP and from the command line.

Belongs here: the answer's fields. Does not belong here: how labels are worked out (:mod:`serving.classify.service`),
routes (:mod:`serving.api.classify`).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from serving.answers import Answer, UnitPrice
from serving.classify.results import Classification, rows_of


class RfmValues(Answer, of="reporting.customer_360", columns="recency_days frequency monetary"):
    """A customer's figures in the file, counted as the published snapshot counts them."""

    recency_days: int
    frequency: int
    monetary: float


class Recommendations(
    Answer, of="reporting.segment_playbooks", columns="goal? strategy? channel? offer? measure? measure_how?"
):
    """What to do with the customers of a cluster, from the playbook of the RFM segment that most of them are in."""


class LabelledCustomer(
    Answer,
    of="reporting.customer_360",
    columns="""
        has_positive_monetary predicted_cluster_id=ml.segment_profiles.cluster_id
        cluster_name=ml.segment_profiles.segment_name probability=mixture_probability
    """,
):
    """One customer of the file."""

    customer_id: Annotated[str, Field(description="The customer's number, as in the file.")]
    published_customer_id: Annotated[
        str | None,
        Field(
            description="The same as in the published tables, a pseudonym where the number is an e-mail address, "
            "telephone number or user name; null where the key of pseudonyms is not at hand."
        ),
    ]
    cluster_interpretation: Annotated[
        str | None,
        Field(
            description="What is true of the cluster's customers in the snapshot, and which RFM segment most of them "
            "are in; null if the snapshot has no customer in it."
        ),
    ]
    cluster_recommendations: Annotated[
        Recommendations | None,
        Field(description="What the playbook of that RFM segment recommends; null if there is none."),
    ]
    rfm_values: Annotated[RfmValues, Field(description="The figures that the label rests on.")]
    has_positive_monetary: bool


class SetAsideLine(
    Answer,
    of="marts.set_aside_lines",
    columns="""
        disposition reason sheet row_number invoice_no stock_code description quantity_units unit_price customer_id
        country invoiced_at signed_amount
    """,
):
    """One line of the file that counts for nothing."""

    unit_price: UnitPrice | None
    signed_amount: float | None
    text: Annotated[str | None, Field(description="The line as delivered; fields separated by bars if it was split.")]


class Disposition(Answer, of="marts.row_accounting", columns="disposition is_kept row_count gross_amount description"):
    """How many lines were kept or set aside for one reason."""

    gross_amount: float


class Accounting(Answer):
    """What became of each line: kept and set aside ones add up to ``delivered_lines`` and ``derived_lines``."""

    delivered_lines: Annotated[int, Field(description="Lines in the file.")]
    derived_lines: Annotated[
        int, Field(description="Lines that are not rows of it: refunds in a column of the sale's row.")
    ]
    kept_lines: Annotated[int, Field(description="Lines that count.")]
    set_aside_lines: Annotated[int, Field(description="Lines that don't count.")]
    kept_lines_without_customer: Annotated[
        int, Field(description="Kept lines without a customer; no label is based on them.")
    ]
    dispositions: Annotated[
        list[Disposition], Field(description="Adds up to the delivered and derived lines, to the row and the penny.")
    ]


class ClassificationAnswer(
    Answer,
    of="quality.load_ledger",
    columns="file_format layout snapshot_date=quality.publications.snapshot_date",
):
    """Labels of every customer with a purchase in the file."""

    method: Annotated[
        Literal["kmeans", "hierarchical", "mixture"], Field(description="Method whose segments the labels are.")
    ]
    file_name: Annotated[str, Field(description="Name of the file, as it was sent.")]
    file_format: str
    layout: str
    currency: Annotated[str, Field(description="ISO 4217 code of every amount.")]
    as_of: Annotated[
        date | None, Field(description="The as-of date that was asked for; null for the snapshot's own rule.")
    ]
    publication_id: Annotated[int, Field(description="The publication whose rules and model were used.")]
    notes: Annotated[list[str], Field(description="What to know before acting on the labels.")]
    customers: Annotated[list[LabelledCustomer], Field(description="One for each customer with a purchase, by number.")]
    customers_with_returns_only: Annotated[
        list[str], Field(description="Customers who bought nothing, and so have no label.")
    ]
    set_aside: Annotated[list[SetAsideLine], Field(description="One for each line that doesn't count.")]
    accounting: Annotated[Accounting, Field(description="Where every delivered line went.")]


def answer(done: Classification) -> ClassificationAnswer:
    """The JSON model of a classification."""
    segments = {segment["predicted_cluster_id"]: segment for segment in rows_of(done.segments)}
    parts: dict[str, Any] = {
        "customers": [_customer(row, segments[row["predicted_cluster_id"]]) for row in rows_of(done.customers)],
        "customers_with_returns_only": list(done.returns_only),
        "set_aside": rows_of(done.set_aside),
        "accounting": {
            "delivered_lines": done.delivered_lines,
            "derived_lines": done.derived_lines,
            "kept_lines": done.kept_lines,
            "set_aside_lines": len(done.set_aside),
            "kept_lines_without_customer": done.anonymous_lines,
            "dispositions": rows_of(done.accounting),
        },
    }
    return ClassificationAnswer.model_validate(vars(done) | {"notes": list(done.notes)} | parts)


def _customer(row: dict[str, Any], segment: dict[str, Any]) -> dict[str, Any]:
    told = segment["cluster_interpretation"]
    return row | {
        "cluster_interpretation": told,
        "cluster_recommendations": segment if told else None,
        "rfm_values": row,
    }
