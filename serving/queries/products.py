"""How a product is named to people.

Belongs here: the SQL of it. Does not belong here: which lines are of which product (dbt).
"""

from __future__ import annotations

NO_PRODUCT = "(NONE)"
"""Stock code of lines that name no product, neither by code nor by name."""

NO_PRODUCT_NAMED = "No product named"


def product_code(column: str) -> str:
    """SQL of a product's stock code as a list shows it; ``column`` is a column, never a value."""
    return f"case when {column} = '{NO_PRODUCT}' then '{NO_PRODUCT_NAMED}' else {column} end"
