"""When things run: the refresh job, its daily schedule, and the sensor on landing.

Belongs here: jobs, schedules, sensors. Does not belong here: assets.
"""

import hashlib
import time

import dagster as dg

from warehouse.home import Home
from warehouse.readers.landing_files import list_landing
from warehouse.settings import Settings
from warehouse.wording import plural

REFRESH = "refresh"
_SETTLE_NANOSECONDS = 5_000_000_000

refresh_job = dg.define_asset_job(
    REFRESH,
    selection=dg.AssetSelection.all(),
    description="Landing to published snapshot, every check on. Says so in seconds when nothing is new.",
    executor_def=dg.in_process_executor,
)


def daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every morning before the shop opens, by the shop's own clock."""
    return dg.ScheduleDefinition(
        name="daily_refresh",
        job=refresh_job,
        cron_schedule="0 5 * * *",
        execution_timezone=settings.shop.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"05:00 {settings.shop.timezone}, every day.",
    )


def landing_sensor(home: Home) -> dg.SensorDefinition:
    """A refresh when the landing folder's contents change and have come to rest."""

    @dg.sensor(
        name="landing_files",
        job=refresh_job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for a refresh when a file was added to landing or changed there. It pulls from no database.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        landing = home.origin_or_own().landing
        files = list_landing(landing).files if landing.is_dir() else ()
        if not files:
            return dg.SkipReason(f"{landing} holds no files.")
        # names, sizes and times only: reading the ledger would need the file that a run may hold
        listed = [(file.name, file.size_bytes, file.modified_ns) for file in files]
        signature = hashlib.sha256(repr(listed).encode()).hexdigest()
        if signature == context.cursor:
            return dg.SkipReason(f"Nothing changed in {landing}: {plural(len(files), 'file')}.")
        if max(file.modified_ns or 0 for file in files) > time.time_ns() - _SETTLE_NANOSECONDS:
            return dg.SkipReason("A file was written moments ago; waiting until it is whole.")
        # a run that pulled would change landing again, and the sensor would ask for the next one, without end
        request = dg.RunRequest(run_key=signature, run_config={"resources": {"refresh": {"config": {"pull": False}}}})
        return dg.SensorResult(run_requests=[request], cursor=signature)

    return sensor
