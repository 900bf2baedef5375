"""The shop's rules of freshness, as Dagster has them.

Belongs here: making its policies from the settings. Does not belong here: the rules (:mod:`warehouse.freshness`),
whose alerts need no daemon: Dagster looks only while one runs, and of what never came it says that it is unknown.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

_SHORTEST = timedelta(minutes=1)


def within(hours: float | None) -> dg.FreshnessPolicy | None:
    """The asset has to be made anew within so many hours; no policy without a rule."""
    # Dagster takes no shorter window
    return None if hours is None else dg.FreshnessPolicy.time_window(max(timedelta(hours=hours), _SHORTEST))
