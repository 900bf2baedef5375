"""How a home stands: what works on it now, how the last refresh ended, how old the snapshot is.

Belongs here: these three, for people and for monitors. Does not belong here: what is in the snapshot
(:mod:`orchestration.summary`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from orchestration.causes import causes_of
from orchestration.instance import explained_records
from orchestration.records import has_records, require_own_records
from orchestration.refresh import told_by
from warehouse.database import LockHolder, lock_holder
from warehouse.errors import PublishError, RecordsError
from warehouse.freshness import Age, in_words, read_ages, unknown_ages
from warehouse.home import Home
from warehouse.last_refresh import Outcome
from warehouse.news import is_all_published
from warehouse.settings import Settings
from warehouse.wording import moment

if TYPE_CHECKING:
    import dagster as dg

_MOST_RUNS = 50
"""More than ever queue behind one that works."""


@dataclass(frozen=True)
class LastRefresh:
    """How the newest run of the refresh job that is over came out."""

    run_id: str
    ended_at: datetime | None
    """UTC; None of a run that was killed a moment ago, whose end is not recorded yet."""
    outcome: Outcome
    problems: list[str]
    causes: list[str]
    """The same in words that quote no value of the data."""
    started_at: datetime | None
    """UTC; None of a run that ended before it began."""


@dataclass(frozen=True)
class Standing:
    """What a monitor wants to know of a home."""

    home: str
    running: LockHolder | None
    last_refresh: LastRefresh | None
    """None before the first run; a refresh with nothing new is no run."""
    is_all_published: bool
    """Whether everything delivered is published, however the last run ended."""
    published: Age
    delivered: Age
    unreadable: str | None = None
    """Why the published file can't be read, so that nobody knows how old it is; None as a rule."""
    unrecorded: str | None = None
    """Why Dagster's records can't be read, so that nobody knows how the last refresh ended; None as a rule."""

    @property
    def is_stale(self) -> bool:
        """Whether the snapshot or the newest delivery in it is older than allowed; never without a limit."""
        return self.published.is_over or self.delivered.is_over

    @property
    def has_failed(self) -> bool:
        """Whether the last refresh left something undone."""
        return not self.is_all_published and self.last_refresh is not None and self.last_refresh.outcome != "succeeded"

    @property
    def is_fine(self) -> bool:
        """Whether there is something published, nothing is stale and the last refresh did its work."""
        is_known = self.published.at is not None and self.unrecorded is None
        return is_known and not self.is_stale and not self.has_failed

    def as_json(self) -> dict[str, Any]:
        """The same in plain values; a time is still a datetime."""
        told = asdict(self)
        del told["published"], told["delivered"]
        return {
            **told,
            "published_at": self.published.at,
            "age_hours": self.published.hours,
            "max_age_hours": self.published.limit_hours,
            "delivered_at": self.delivered.at,
            "delivery_age_hours": self.delivered.hours,
            "max_delivery_age_hours": self.delivered.limit_hours,
            "is_stale": self.is_stale,
            "has_failed": self.has_failed,
            "is_fine": self.is_fine,
        }


def read_standing(
    home: Home, settings: Settings, *, now: datetime, max_age_hours: float | None = None, has_news: bool = True
) -> Standing:
    """Look at the home.

    Parameters
    ----------
    now
        UTC.
    max_age_hours
        In place of the setting.
    has_news
        False if a refresh has just found that all is published: then no failed run matters, and
        Dagster, whose import takes longer than all the rest, is not asked.

    Raises
    ------
    HomeError
        If the records that the home names are another home's.
    """
    running = lock_holder(home)
    last, unrecorded = None, None
    try:
        last = _last_refresh(home) if has_news else None
    except RecordsError as error:
        # how old what readers see is, is known all the same
        unrecorded = str(error)
    is_in_doubt = unrecorded is not None or (last is not None and last.outcome != "succeeded" and running is None)
    limits = settings.freshness
    if max_age_hours is not None:
        limits = limits.model_copy(update={"max_age_hours": max_age_hours})
    unreadable = None
    try:
        published, delivered = read_ages(home, limits, now)
    except PublishError as error:
        # how the last refresh went is known all the same
        unreadable, (published, delivered) = str(error), unknown_ages(limits)
    return Standing(
        home=str(home.root),
        running=running,
        last_refresh=last,
        is_all_published=not is_in_doubt or is_all_published(home, settings, None),
        published=published,
        delivered=delivered,
        unreadable=unreadable,
        unrecorded=unrecorded,
    )


def print_standing(console: Console, standing: Standing) -> None:
    """One line each for now, the last refresh and the snapshot's age, and under them what is wrong."""
    running = standing.running
    console.print(
        "[bold]Now[/]         "
        + ("nothing at work" if running is None else f"{escape(running.purpose)} since {moment(running.since)}")
        + ("" if running is None else f" (process {running.process_id})")
    )
    if standing.unrecorded is not None:
        console.print(f"[bold]Last run[/]    [red]✗[/] {escape(standing.unrecorded)}")
    last = standing.last_refresh
    if last is not None:
        mark = "[green]✓[/]" if last.outcome == "succeeded" else "[red]✗[/]"
        at = "" if last.ended_at is None else f", {moment(last.ended_at)}"
        console.print(f"[bold]Last run[/]    {mark} {last.outcome}{at} (run {last.run_id[:8]} in `make ui`)")
        for problem in last.problems:
            console.print(f"  [red]✗[/] {escape(problem)}")
        if last.outcome != "succeeded" and running is None:
            console.print(
                "  Everything delivered is published all the same."
                if standing.is_all_published
                else "  Readers keep the last good snapshot. `regulars refresh` tries again, and tells what to mend."
            )
    if standing.unreadable is not None:
        console.print(f"[bold]Published[/]   [red]✗[/] {escape(standing.unreadable)}")
    _print_age(console, "[bold]Age[/]         ", "published", standing.published)
    if standing.delivered.limit_hours is not None:
        _print_age(console, "            ", "delivered", standing.delivered)


def _print_age(console: Console, head: str, what: str, age: Age) -> None:
    if age.hours is not None:
        rule = "" if age.limit_hours is None else f"; at most {age.limit_hours:g} hours are allowed"
        mark = "[red]✗[/] " if age.is_over else ""
        when = f"{in_words(-age.hours)} ahead of this machine's clock" if age.is_ahead else f"{in_words(age.hours)} ago"
        console.print(f"{head}{mark}{what} {when}{rule}")


def _last_refresh(home: Home) -> LastRefresh | None:
    """The newest run of the job that is not at work, and not yet to come, as Dagster has it recorded."""
    if not has_records(home):
        return None
    require_own_records(home)
    import dagster as dg

    from orchestration.jobs import REFRESH
    from orchestration.killed_runs import KILLED, is_killed

    with explained_records(home), dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        for record in instance.get_run_records(dg.RunsFilter(job_name=REFRESH), limit=_MOST_RUNS):
            run = record.dagster_run
            was_killed = is_killed(instance, home, record)
            if not (was_killed or run.is_finished):
                continue
            started_at, ended_at = _moment(record.start_time), _moment(record.end_time)
            if run.is_success:
                return LastRefresh(run.run_id, ended_at, "succeeded", [], [], started_at)
            if run.status == dg.DagsterRunStatus.CANCELED:
                return LastRefresh(run.run_id, ended_at, "stopped", [], [], started_at)
            problems, causes = ([KILLED], [KILLED]) if was_killed else _problems(instance, run.run_id)
            return LastRefresh(run.run_id, ended_at, "failed", problems, causes, started_at)
    return None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _problems(instance: dg.DagsterInstance, run_id: str) -> tuple[list[str], list[str]]:
    """What stopped a run: checks and steps, else what is recorded of its end; and the same without values."""
    import dagster as dg

    from orchestration.killed_runs import KILLED

    kinds = dg.DagsterEventType
    logged = instance.all_logs(run_id, of_type={kinds.ASSET_CHECK_EVALUATION, kinds.STEP_FAILURE, kinds.RUN_FAILURE})
    events = [entry.dagster_event for entry in logged if entry.dagster_event is not None]
    _, _, problems = told_by(events)
    # of a run that was killed there are no words but these
    ended = [event.message for event in events[-1:] if event.message]
    if ended == [KILLED]:
        return ended, ended
    return list(dict.fromkeys(problems)) or ended, causes_of(events)
