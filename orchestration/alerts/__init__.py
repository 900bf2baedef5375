"""Telling somebody that something is wrong, once.

Belongs here: what there is to tell of a home, what was told, and how it gets to people. Does not belong here:
finding out how a home stands (:mod:`orchestration.status`), and stopping anything: nothing here fails a refresh.

Nothing is hooked into a run. Whatever is told is read from what a home has on its disk (Dagster's record of its
runs, the published snapshot), compared with what was told before. So it does not matter who refreshed, or whether
a process died before it could tell: the next look, by whoever looks next, tells it.
"""

from orchestration.alerts.record import Entry
from orchestration.alerts.telling import tell_news

__all__ = ["Entry", "tell_news"]
