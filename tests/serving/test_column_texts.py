"""What a column means is said once, in the dbt documentation; fields, lists and exports repeat it.

Whatever is called as a documented column and has a text of its own must say here why it is another thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import duckdb
import pytest
from pydantic import Field

from serving.answers import Answer
from serving.dashboard.pages.classify import CUSTOMER_COLUMNS, SET_ASIDE_COLUMNS
from serving.export.tools import GENERIC_COLUMNS
from serving.lists import LISTS
from serving.queries.lists import Column, ListSpec
from serving.server import create_app
from warehouse.documentation import documented_column, documented_tables
from warehouse.errors import RegularsError
from warehouse.home import Home

PUBLISHED = ("marts.", "ml.", "reporting.", "quality.")
DOCUMENTED = {
    name for table, told in documented_tables().items() if table.startswith(PUBLISHED) for name in told.columns
}
# called as a column somewhere, and something else
OTHER_FIELDS = {
    # parts of an answer, not figures
    *{("WarehouseAccounting", "lines"), ("Summary", "notes"), ("Summary", "figures")},
    *{("ClassificationAnswer", "notes"), ("ClassificationAnswer", "customers")},
    # of the process, the whole warehouse, or a sentence
    *{("Liveness", "status"), ("Readiness", "status"), ("Health", "status"), ("Remark", "kind")},
    *{("HeadlineFigure", "label"), ("HeadlineFigure", "value")},
    # of the whole history, where the column is of one month or one file
    *{("Snapshot", "first_date"), ("Snapshot", "last_date"), ("Freshness", "first_date"), ("Freshness", "last_date")},
    *{("Freshness", "last_invoiced_at"), ("Deliveries", "delivered_lines"), ("Deliveries", "unreadable_lines")},
    ("ReplacedOrders", "lines"),
    # within the chosen days
    ("RevenueMonth", "is_complete_month"),
    # of an uploaded file
    *{("LabelledCustomer", "customer_id"), ("Accounting", "delivered_lines")},
    ("ClassificationAnswer", "method"),
    *{("ClassificationAnswer", "file_name"), ("ClassificationAnswer", "publication_id")},
}
OTHER_LIST_COLUMNS = {
    # of those who fit the filters
    *{("category_affinity", "customers"), ("category_affinity", "net_revenue"), ("category_affinity", "share_pct")},
    # between any two month ends, where the column is of two that follow each other
    *{("segment_moves", name) for name in ("from_segment", "to_segment", "monetary_before", "monetary")},
    # as in the file, not as published
    ("classify", "customer_id"),
}


def answers(base: type[Answer] = Answer) -> Iterator[type[Answer]]:
    for made in base.__subclasses__():
        if not made.__module__.startswith("serving."):
            continue
        yield made
        yield from answers(made)


def own_fields() -> set[tuple[str, str]]:
    return {(made.__name__, name) for made in answers() for name in {*made.__annotations__} - {*made.stands_for}}


def test_no_field_has_a_text_beside_that_of_its_column() -> None:
    assert {own for own in own_fields() if own[1] in DOCUMENTED} == OTHER_FIELDS


def test_no_list_column_has_a_text_beside_that_of_its_column() -> None:
    own = {(spec.name, column.name) for spec in LISTS.values() for column in spec.columns if not column.of}
    own |= {("classify", column.name) for column in (*CUSTOMER_COLUMNS, *SET_ASIDE_COLUMNS) if not column.of}
    assert {one for one in own if one[1] in DOCUMENTED} == OTHER_LIST_COLUMNS


def test_exports_have_texts_of_their_own_for_two_columns_only() -> None:
    assert [name for name, column in GENERIC_COLUMNS.items() if not column.of] == ["segment", "is_holdout"]


def test_no_text_is_written_twice() -> None:
    documented = {column.text for table in documented_tables().values() for column in table.columns.values()}
    own = [
        made.model_fields[name].description
        for made in answers()
        for name in {*made.__annotations__} - {*made.stands_for}
        if name in made.model_fields
    ]
    own += [column.about for spec in LISTS.values() for column in spec.columns if not column.of]
    assert documented.isdisjoint(own)


def test_everything_that_is_answered_or_listed_is_described_in_a_sentence(tmp_path: Path) -> None:
    # nothing is published there: what is answered is declared before
    schemas = create_app(Home(tmp_path)).openapi()["components"]["schemas"]
    texts = {
        f"{schema}.{name}": field.get("description", "")
        for schema, told in schemas.items()
        for name, field in told.get("properties", {}).items()
    }
    texts |= {f"{spec.name}.{column.name}": column.about for spec in LISTS.values() for column in spec.columns}
    assert len(texts) > 400
    assert [name for name, text in texts.items() if not text.endswith(".")] == []


def test_money_says_that_it_is_in_the_shops_currency() -> None:
    silent = [
        f"{name}.{column.name}"
        for name, table in documented_tables().items()
        for column in table.columns.values()
        if (column.kind == "money") != ("in the shop's currency" in column.text.lower())
    ]
    silent += [
        f"{spec.name}.{column.name}"
        for spec in LISTS.values()
        for column in spec.columns
        if column.kind == "money" and not column.name.endswith("_change") and "shop's currency" not in column.about
    ]
    assert silent == []


def test_every_published_column_carries_its_documentation_as_a_comment(published_small: Home) -> None:
    with duckdb.connect(str(published_small.published), read_only=True) as connection:
        comments = connection.execute(
            """
            select schema_name || '.' || table_name, column_name, comment from duckdb_columns()
            where schema_name in ('marts', 'ml', 'reporting', 'quality')
            union all
            select schema_name || '.' || table_name, '', comment from duckdb_tables()
            """
        ).fetchall()
    carried = {(table, column): " ".join((comment or "").split()) for table, column, comment in comments}
    told = {(name, ""): table.text for name, table in documented_tables().items() if name.startswith(PUBLISHED)}
    told |= {
        (name, column.name): column.text
        for name, table in documented_tables().items()
        if name.startswith(PUBLISHED)
        for column in table.columns.values()
    }
    assert len(told) > 600
    assert carried == told


def test_a_field_takes_text_type_and_nullability_from_its_column() -> None:
    class Month(
        Answer,
        of="marts.fct_monthly_revenue",
        columns="""
            month_start invoices=invoice_count net_revenue sold_units clv=reporting.customer_360.clv trading_days?
        """,
    ):
        """A month."""

        sold_units: float
        is_odd: Annotated[bool, Field(description="Whether it is unusual.")]

    told = Month.model_json_schema()["properties"]
    assert list(told) == ["month_start", "invoices", "net_revenue", "sold_units", "clv", "trading_days", "is_odd"]
    assert told["invoices"] == {
        "description": "Invoices with a sale.",
        "minimum": 0,
        "title": "Invoices",
        "type": "integer",
    }
    # a decimal of four decimals, and a double that the documentation calls money
    found = Month(
        month_start="2011-09-01",
        invoices=3,
        net_revenue=1.005001,
        sold_units=2.12345,
        clv=9.999,
        trading_days=None,
        is_odd=False,
    )
    assert (found.net_revenue, found.clv, found.sold_units) == (1.01, 10.0, 2.12345)
    assert told["sold_units"]["description"] == documented_column("marts.fct_monthly_revenue.sold_units").text
    assert [kind["type"] for kind in told["clv"]["anyOf"]] == ["number", "null"]
    assert told["month_start"]["format"] == "date"


def test_a_name_that_is_documented_nowhere_is_refused() -> None:
    with pytest.raises(RegularsError, match=r"marts\.dim_dates\.moon is not documented"):
        documented_column("marts.dim_dates.moon")
    with pytest.raises(RegularsError, match=r"marts\.nothing is not documented"):
        type("Nothing", (Answer,), {"__module__": "tests"}, of="marts.nothing", columns="date")


def test_a_list_takes_the_first_of_its_tables_that_has_the_column() -> None:
    spec = ListSpec(
        name="made-up",
        title="Made up",
        columns=(
            Column("country", "Country"),
            Column("orders", "Orders", of="marts.fct_country_revenue.invoice_count"),
            Column("moon", "Moon", about="Phase of the moon."),
        ),
        rows=LISTS["countries"].rows,
        order_by="country",
        tables=("marts.fct_country_revenue", "reporting.customer_360"),
    )
    assert [(column.of, column.kind) for column in spec.columns] == [
        ("marts.fct_country_revenue.country", "text"),
        ("marts.fct_country_revenue.invoice_count", "count"),
        ("", "text"),
    ]
    assert spec.columns[0].about.startswith("Country of the invoice")
