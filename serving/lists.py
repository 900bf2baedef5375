"""Every list that people page through or download, by name.

Belongs here: the register alone. Does not belong here: what a list holds
(:mod:`serving.queries`).
"""

from __future__ import annotations

from collections.abc import Mapping

from serving.queries import anomalies, customers, health, playbooks, revenue, segments
from serving.queries.lists import ListSpec

_MODULES: tuple[tuple[ListSpec, ...], ...] = (
    anomalies.LISTS,
    health.LISTS,
    revenue.LISTS,
    segments.LISTS,
    customers.LISTS,
    playbooks.LISTS,
)

LISTS: Mapping[str, ListSpec] = {spec.name: spec for specs in _MODULES for spec in specs}
