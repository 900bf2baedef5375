"""When things run: the refresh job, its daily schedule, and the sensor on landing.

Belongs here: jobs, schedules, sensors. Does not belong here: assets.
"""

import hashlib
import time

import dagster as dg

from orchestration.alerts import Entry, tell_news
from orchestration.dropped_runs import run_to_ask_for_again
from orchestration.killed_runs import end_killed_runs
from orchestration.pruning import prune
from warehouse.database import LOOKING, refresh_lock
from warehouse.errors import WarehouseBusyError
from warehouse.home import Home
from warehouse.news import is_all_published
from warehouse.readers.landing_files import list_landing
from warehouse.settings import Settings, load_settings
from warehouse.wording import plural

REFRESH = "refresh"
_SETTLE_NANOSECONDS = 5_000_000_000
_NOTHING_NEW = "Nothing new since the last publication."

refresh_job = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.all(),
    description="Landing to published snapshot, every check on. Says so in seconds when nothing is new.",
    executor_def=dg.in_process_executor,
)


def daily_schedule(home: Home, settings: Settings) -> dg.ScheduleDefinition:
    """Every morning before the shop opens, by the shop's own clock; without a run where nothing is new."""

    @dg.schedule(
        name="daily_refresh",
        job=refresh_job,
        cron_schedule="0 5 * * *",
        execution_timezone=settings.shop.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"05:00 {settings.shop.timezone}, every day.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        end_killed_runs(context.instance, home)
        # a run reads them anew, too
        current = load_settings()
        prune(context.instance, home, current.keep)
        if home.origin() is None and not current.landing.databases and (empty := _nothing_in(home)):
            # before the first delivery there is nothing that a run could fail at
            return dg.SkipReason(empty)
        # only a run asks databases for news
        if not current.landing.databases and is_all_published(home, current, None):
            return dg.SkipReason(_NOTHING_NEW)
        return dg.RunRequest()

    return schedule


def landing_sensor(home: Home) -> dg.SensorDefinition:
    """A refresh when the landing folder's contents change and have come to rest."""

    @dg.sensor(
        name="landing_files",
        job=refresh_job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a refresh when a file was added to landing or changed there, and again for one that the "
        "daemon dropped before it began. It pulls from no database by itself.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        end_killed_runs(context.instance, home)
        if again := run_to_ask_for_again(context.instance, REFRESH, now=time.time()):
            return dg.SensorResult(run_requests=[again], cursor=context.cursor)
        if empty := _nothing_in(home):
            return dg.SkipReason(empty)
        landing = home.origin_or_own().landing
        files = list_landing(landing).files
        # names, sizes and times only: reading the ledger would need the file that a run may hold
        listed = [(file.name, file.size_bytes, file.modified_ns) for file in files]
        signature = hashlib.sha256(repr(listed).encode()).hexdigest()
        if signature == context.cursor:
            return dg.SkipReason(f"Nothing changed in {landing}: {plural(len(files), 'file')}.")
        # another machine's clock, or ours before it was set right, may have left times that are yet to come
        if any(abs(time.time_ns() - (file.modified_ns or 0)) < _SETTLE_NANOSECONDS for file in files):
            return dg.SkipReason("A file was written moments ago; waiting until it is whole.")
        try:
            with refresh_lock(home, purpose=f"{LOOKING} whether it is at work"):
                pass
        except WarehouseBusyError as error:
            # it may well be publishing this very change, such as what it pulled itself
            return dg.SkipReason(f"{error} Landing is looked at again then.")
        if is_all_published(home, load_settings(), None):
            return dg.SensorResult(skip_reason=_NOTHING_NEW, cursor=signature)
        # a run that pulled would change landing again, and the sensor would ask for the next one, without end
        # no run key: Dagster starts no second run for one, and a file may be put back to what it was
        request = dg.RunRequest(run_config={"resources": {"refresh": {"config": {"pull": False}}}})
        return dg.SensorResult(run_requests=[request], cursor=signature)

    return sensor


def _nothing_in(home: Home) -> str | None:
    """Why there is nothing to look at in the landing folder; None if there is."""
    landing = home.origin_or_own().landing
    if not landing.is_dir():
        return f"{landing} does not exist."
    return None if list_landing(landing).files else f"{landing} holds no files."


def alerts_sensor(home: Home) -> dg.SensorDefinition:
    """A look at the home every minute, whoever refreshes it, and also when nobody does."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed refreshes, checks that warn, old figures and unusual days, as [alerts] says.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        told: list[str] = []

        def log(entry: Entry) -> None:
            context.log.warning(entry.text)
            told.append(entry.title)

        end_killed_runs(context.instance, home)
        tell_news(home, log=log, warn=context.log.error)
        return dg.SkipReason("; ".join(told) or "Nothing new to tell.")

    return sensor
