"""Every list that people page through or download, by name.

Belongs here: the register alone. Does not belong here: what a list holds
(:mod:`serving.queries`).
"""

from __future__ import annotations

from collections.abc import Mapping

from serving.queries import anomalies, customers, health, playbooks, revenue
from serving.queries.lists import ListSpec
from serving.queries.moves import SEGMENT_MOVES
from serving.queries.products import PAIRS
from serving.queries.segments import CATEGORY_AFFINITY, COHORTS, SEGMENTS

_MODULES: tuple[tuple[ListSpec, ...], ...] = (
    anomalies.LISTS,
    health.LISTS,
    revenue.LISTS,
    (SEGMENTS, SEGMENT_MOVES, COHORTS, CATEGORY_AFFINITY),
    customers.LISTS,
    playbooks.LISTS,
    (PAIRS,),
)

LISTS: Mapping[str, ListSpec] = {spec.name: spec for specs in _MODULES for spec in specs}
