"""Results of checks that still stand, in a run that evaluates none because nothing is new.

Belongs here: finding those of the run that published. Does not belong here: evaluating
(:mod:`orchestration.checks`, dbt).

A run plans every check when it is made, and Dagster's pages show each by the newest plan. A run that asked a
database for news, or that was started by hand, and found nothing turned all of them grey.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    AssetCheckExecutionRecordStatus,
)
from dagster._record import copy

AS_IN_RUN = "as_in_run"
_MOST_EXECUTIONS = 20
"""The newest few of a check: the last run with nothing new among them has the result too."""


def checks_that_stand(
    instance: dg.DagsterInstance, run_id: str, published: dg.AssetKey
) -> Iterator[dg.AssetCheckEvaluation]:
    """The results of the run that made what readers see, for each check that this run planned and has no result of."""
    made = instance.get_latest_materialization_event(published)
    logged = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
    if made is None or not logged:
        return
    planned = [entry.dagster_event.asset_check_planned_data.asset_check_key for entry in logged if entry.dagster_event]
    storage = instance.event_log_storage
    for key, newest in storage.get_latest_asset_check_execution_by_key(planned).items():
        if newest.run_id != run_id or newest.status != AssetCheckExecutionRecordStatus.PLANNED:
            continue
        for execution in storage.get_asset_check_execution_history(
            key, limit=_MOST_EXECUTIONS, status=COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
        ):
            result = execution.evaluation
            if result is None:
                continue
            first = result.metadata.get(AS_IN_RUN, dg.MetadataValue.dagster_run(execution.run_id))
            # what a later run found of files that were taken back again is not true of what is published
            if first.value == made.run_id:
                yield copy(result, metadata={**result.metadata, AS_IN_RUN: first})
                break
