"""Refreshes that the daemon gave up before they began, and asking for them again.

Belongs here: telling such a run from one that failed, and when to ask. Does not belong here: who asks
(:mod:`orchestration.jobs`), runs whose process was killed (:mod:`orchestration.killed_runs`).

The daemon gives a run up at once where the server of the code does not answer, and after minutes where the run does
not start, as happens on a busy machine and on one that has slept. Nothing is wrong with what it would have read, and
nobody would ask for it again before landing changes or the next day comes.
"""

from __future__ import annotations

import dagster as dg

_FIRST_WAIT_SECONDS = 60
_LONGEST_WAIT_SECONDS = 3600
_MOST_IN_A_ROW = 7
"""As many make the wait the longest."""


def run_to_ask_for_again(instance: dg.DagsterInstance, job_name: str, *, now: float) -> dg.RunRequest | None:
    """The newest run of the job once more if it never began, with the same config; None if it did, or it is too early.

    Asked for after one minute, then after two, four and so on: what never starts must not fill the record of runs.

    Parameters
    ----------
    now
        Seconds since 1970.
    """
    dropped: list[dg.RunRecord] = []
    for record in instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=_MOST_IN_A_ROW):
        if record.dagster_run.status != dg.DagsterRunStatus.FAILURE or record.start_time is not None:
            break
        dropped.append(record)
    if not dropped:
        return None
    waited_seconds = now - (dropped[0].end_time or 0)
    # one that ended later than now, by a clock that was set right since, is waited for no longer
    if 0 <= waited_seconds < min(_FIRST_WAIT_SECONDS * 2 ** (len(dropped) - 1), _LONGEST_WAIT_SECONDS):
        return None
    return dg.RunRequest(run_config=dropped[0].dagster_run.run_config)
