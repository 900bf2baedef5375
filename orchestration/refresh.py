"""One refresh in this process, through the job that the schedule runs.

Belongs here: running the job and reading its outcome from Dagster's events. Does not
belong here: printing (:mod:`orchestration.summary`), the steps themselves.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from orchestration.instance import (
    event_log_kept_open,
    explained_records,
    instance_of_command,
    prepare_dagster_home,
)
from orchestration.turned_away import turned_away
from warehouse.damage import make_room
from warehouse.database import open_warehouse, refresh_lock
from warehouse.errors import StoppedError, WarehouseBusyError
from warehouse.home import Home
from warehouse.news import is_all_published
from warehouse.settings import PROJECT_ROOT, Dagster, load_settings
from warehouse.spark import require_spark

if TYPE_CHECKING:
    import dagster as dg
    from dagster._utils.error import SerializableErrorInfo

_OUR_ERRORS = ("warehouse.", "orchestration.", "expectations.")


@dataclass(frozen=True)
class RefreshOutcome:
    """What came of one run."""

    run_id: str
    """Empty where nothing was new or another process works on the home, which takes no run."""
    succeeded: bool
    nothing_new: bool
    seconds_by_step: dict[str, float] = field(default_factory=dict)
    checks_passed: int = 0
    checks_warned: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Of a run that stopped: what stopped it, then each file in landing that was turned away, with its whole
    message. A check that found no lines at all helps nobody who isn't told why there are none."""
    turned_away: list[str] = field(default_factory=list)
    """Those of ``problems`` that are about such files."""
    mended: str | None = None
    """What was done about a private file that was damaged or gone."""


def run_refresh(
    home: Home,
    *,
    as_of_date: str | None,
    full: bool,
    wait_seconds: float,
    verbose: bool,
    pull: bool = True,
    as_json: bool = False,
    instance: dg.DagsterInstance | None = None,
    is_passing: bool = False,
    on_wait: Callable[[str], None] | None = None,
) -> RefreshOutcome:
    """Run the refresh job to its end, unless nothing is new.

    That is told before Dagster, dbt, Great Expectations and scikit-learn are imported.

    Parameters
    ----------
    pull
        Whether the databases that the settings name are asked for news first.
    as_json
        Whether progress is told to programs (:mod:`orchestration.json_lines`) instead of people.
    instance
        Where Dagster records the run: the home's own instance unless another is given.
    is_passing
        Whether the home goes after the run, so that its records lie in it whatever the settings say.
    on_wait
        Called with who works on the home if the refresh has to stand in line.

    Raises
    ------
    RegularsError
        If the engine can't be used here, or the code location does not load (settings, dbt project).
    RecordsError
        If the run can't be recorded.
    HomeError
        If the records that the home names are another home's.
    StoppedError
        If Ctrl-C or a signal to terminate ended the run, which is recorded as canceled.
    """
    started = time.perf_counter()
    settings = load_settings()
    origin = home.origin_or_own()
    # databases are asked for news first, which is a step of the run
    is_pulled = pull and bool(settings.landing.databases) and not origin.is_sample
    if not full and not is_pulled and is_all_published(home, settings, as_of_date):
        seconds = time.perf_counter() - started
        return RefreshOutcome("", succeeded=True, nothing_new=True, seconds_by_step={"look_for_news": seconds})
    if settings.warehouse.engine == "spark":
        require_spark()
    try:
        # a refresh that is refused, or waits, is no run yet: it failed in nothing, and holds up no queue
        with refresh_lock(home, wait_seconds=wait_seconds, purpose="refresh", on_wait=on_wait):
            mended = make_room(home)
    except WarehouseBusyError as error:
        return RefreshOutcome("", succeeded=False, nothing_new=False, problems=[str(error)])
    prepare_dagster_home(home, Dagster() if is_passing else settings.dagster)
    import dagster as dg
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run_iterator

    from orchestration.assets.landing import NOTHING_NEW
    from orchestration.definitions import defs
    from orchestration.jobs import REFRESH
    from orchestration.killed_runs import end_killed_runs
    from orchestration.pruning import prune
    from orchestration.ticks import forget_ticks_ahead

    level = "DEBUG" if verbose else "INFO"
    loggers = {"console": {"config": {"log_level": level}}} if verbose else {"steps": {}}
    if as_json:
        loggers = {"json": {}}
    run_config = {
        "loggers": loggers,
        "resources": {
            "warehouse": {"config": {"database": str(home.warehouse), "wait_seconds": wait_seconds}},
            "refresh": {"config": {"as_of_date": as_of_date or "", "full": full, "pull": pull}},
        },
    }
    with (
        explained_records(home),
        instance or instance_of_command(home) as recorded_in,
        event_log_kept_open(recorded_in),
        _gates_without_result() as ungated,
    ):
        end_killed_runs(recorded_in, home)
        forget_ticks_ahead(recorded_in)
        job = defs.resolve_job_def(REFRESH)
        run = _record_run(recorded_in, job, run_config)
        with _canceled_if_stopped(recorded_in, run.run_id):
            events = list(execute_run_iterator(InMemoryJob(job), run, recorded_in))
        steps = sorted(recorded_in.get_run_step_stats(run.run_id), key=lambda step: step.start_time or 0.0)
        ended = recorded_in.get_run_by_id(run.run_id)
        prune(recorded_in, home, settings.keep)
        succeeded = ended is not None and ended.is_success
    nothing_new = any(
        NOTHING_NEW in event.asset_observation_data.asset_observation.metadata
        for event in events
        if event.event_type == dg.DagsterEventType.ASSET_OBSERVATION
    )
    passed, warned, problems = told_by(events)
    if not nothing_new:
        warned = [*ungated, *warned]
    # a run that could not begin looked at no file
    is_loaded = any(step.step_key == "load_landing_files" for step in steps)
    missing: list[str] = []
    if is_loaded and not succeeded and home.warehouse.exists():
        try:
            with open_warehouse(home.warehouse, read_only=True) as connection:
                missing = [file.problem for file in turned_away(connection)]
        except WarehouseBusyError as error:
            # another process has the file: the run may have stopped for it, or it was taken since
            if str(error) not in problems:
                problems.append(str(error))
    return RefreshOutcome(
        run_id=run.run_id,
        succeeded=succeeded,
        nothing_new=nothing_new,
        seconds_by_step={
            step.step_key: step.end_time - step.start_time
            for step in steps
            if step.start_time is not None and step.end_time is not None
        },
        checks_passed=passed,
        checks_warned=warned,
        problems=[*problems, *missing],
        turned_away=missing,
        mended=mended,
    )


def told_by(events: Iterable[dg.DagsterEvent]) -> tuple[int, list[str], list[str]]:
    """What a run's events tell: how many checks passed, what warned, and what stopped it."""
    import dagster as dg

    passed = 0
    warned: list[str] = []
    problems: list[str] = []
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            told = f"{evaluation.asset_key.to_user_string()}: {evaluation.description or evaluation.check_name}"
            if evaluation.passed:
                passed += 1
            elif evaluation.severity == dg.AssetCheckSeverity.WARN:
                warned.append(told)
            else:
                problems.append(told)
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            problems.extend(_failures(event))
        elif event.event_type == dg.DagsterEventType.RUN_FAILURE and not problems:
            # a resource that could not start (the home is busy) fails the run before any step does
            error = getattr(event.event_specific_data, "error", None)
            problems.extend([] if error is None else [_cause(error)])
    return passed, warned, problems


def _record_run(instance: dg.DagsterInstance, job: dg.JobDefinition, run_config: Mapping[str, object]) -> dg.DagsterRun:
    """A run that Dagster's pages show among the job's, and can start again.

    They look for it under the code location that ``make ui`` loads; ``execute_in_process`` names none.
    """
    from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
    from dagster._core.remote_origin import RemoteRepositoryOrigin
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    [location] = location_origins_from_yaml_paths([str(PROJECT_ROOT / "workspace.yaml")])
    return instance.create_run_for_job(
        job,
        run_config=run_config,
        tags={"regulars/from": "command line"},
        remote_job_origin=RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME).get_job_origin(job.name),
    )


@contextmanager
def _canceled_if_stopped(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Record a run that a signal ended as canceled; one that ended well all the same stays so.

    Dagster puts handlers of its own in place while a run is at work, and takes an interruption for a failure; dbt,
    DuckDB and other libraries hand it on as an error of theirs. So the signal itself is noted, beside all handlers.
    """
    import dagster as dg
    from dagster._core.errors import DagsterExecutionInterruptedError

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    noted_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    interruption: BaseException | None = None
    try:
        try:
            yield
        except (KeyboardInterrupt, DagsterExecutionInterruptedError) as caught:
            interruption = caught
        noted = b""
        with suppress(BlockingIOError):
            noted = os.read(reader, 1)
        run = instance.get_run_by_id(run_id)
        if noted and (run is None or run.status != dg.DagsterRunStatus.SUCCESS):
            how = "by Ctrl-C" if noted[0] == signal.SIGINT else f"by {signal.Signals(noted[0]).name}"
            told = f"Stopped {how}. What readers see is as it was, and the next refresh does the rest."
            if run is not None:
                instance.report_run_canceled(run, told)
            raise StoppedError(told, noted[0]) from interruption
        if interruption is not None:
            raise KeyboardInterrupt from interruption
    finally:
        signal.set_wakeup_fd(noted_before)
        os.close(reader)
        os.close(writer)


@contextmanager
def _gates_without_result() -> Iterator[list[str]]:
    """Collect Dagster's warnings of gates that gave no result.

    With nothing new every gate is skipped and Dagster warns of each, which means
    nothing; in any other run such a warning is one that a person has to see.
    """
    logger = logging.getLogger("dagster._core.execution.plan.active")
    collected: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: collected.append(record.getMessage())  # type: ignore[method-assign]
    propagated = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield collected
    finally:
        logger.propagate = propagated
        logger.removeHandler(handler)


def _failures(event: dg.DagsterEvent) -> list[str]:
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return [data.user_failure_data.description]
    # a failed gate has told each of its checks already
    if data.error is None or "DagsterAssetCheckFailedError" in (data.error.cls_name or ""):
        return []
    return [_cause(data.error)]


def _cause(error: SerializableErrorInfo) -> str:
    """Our own explanation if there is one among the causes, else the innermost cause with its type."""
    while True:
        message = error.message.strip()
        kind, _, explanation = message.partition(": ")
        if explanation and kind.startswith(_OUR_ERRORS):
            return explanation
        if error.cause is None:
            return message
        error = error.cause
