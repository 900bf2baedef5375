"""Products: how they are named to people, and which are bought together.

Belongs here: the SQL of it. Does not belong here: which lines are of which product (dbt).
"""

from __future__ import annotations

from serving.queries.lists import Column, ListSpec

NO_PRODUCT = "(NONE)"
"""Stock code of lines that name no product, neither by code nor by name."""

NO_PRODUCT_NAMED = "No product named"


def product_code(column: str) -> str:
    """SQL of a product's stock code as a list shows it; ``column`` is a column, never a value."""
    return f"case when {column} = '{NO_PRODUCT}' then '{NO_PRODUCT_NAMED}' else {column} end"


PAIRS = ListSpec(
    name="product_pairs",
    title="Bought together",
    columns=(
        Column("stock_code_a", "Product A", width=110),
        Column("description_a", "Name of A", of="marts.dim_products.description", width=250),
        Column("stock_code_b", "Product B", width=110),
        Column("description_b", "Name of B", of="marts.dim_products.description", width=250),
        Column("lift", "Lift", width=100),
        Column("support_pct", "Share of invoices", width=120),
        Column("invoices_together", "Invoices with both", width=110),
        Column("confidence_a_to_b_pct", "With A, also B", width=130),
        Column("confidence_b_to_a_pct", "With B, also A", width=130),
    ),
    rows="""
        select pairs.*, one.description as description_a, other.description as description_b
        from marts.product_pairs as pairs
        inner join marts.dim_products as one on pairs.stock_code_a = one.stock_code
        inner join marts.dim_products as other on pairs.stock_code_b = other.stock_code
    """,
    order_by="lift desc, stock_code_a, stock_code_b",
    tables=("marts.product_pairs", "marts.dim_products"),
)
