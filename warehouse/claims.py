"""What the names of segments claim, as ``dbt_project/dbt_project.yml`` declares it.

Belongs here: reading the declarations and writing them as SQL. Does not belong here: any declaration (they stand
under ``vars`` there, so that dbt's models are made from the same ones), and who is in which segment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

from warehouse.errors import RegularsError
from warehouse.measures import project_vars

Vocabulary = Literal["rfm", "slipping", "clusters"]


@dataclass(frozen=True)
class Claim:
    """What one name says."""

    name: str
    sentence: str
    """Of the members, beginning with "They"."""
    holds: str
    """The same as SQL over one customer's row."""


@cache
def claims(vocabulary: Vocabulary) -> Mapping[str, Claim]:
    """The claims of one vocabulary by name, in their order.

    Raises
    ------
    RegularsError
        If a declaration says anything else than ``claim`` and ``holds``.
    """
    found = {}
    for name, given in project_vars()["segment_claims"][vocabulary].items():
        if set(given) != {"claim", "holds"}:
            raise RegularsError(f"Segment {name} needs a claim and what holds, and nothing else; it has {list(given)}.")
        found[name] = Claim(name, given["claim"], given["holds"])
    return MappingProxyType(found)


def claims_sql(vocabulary: Vocabulary, customers: str) -> str:
    """Select ``customer_id`` and a boolean for each name: whether its claim is true of the customer.

    Parameters
    ----------
    customers
        The table: ``marts.customer_rfm`` or another with its columns.
    """
    columns = ", ".join(
        f'({one.holds}) as "{one.name}"' for one in claims(vocabulary).values()
    )  # fmt: skip
    return f"select customer_id, {columns} from {customers}"
