"""A refresh told to programs: one JSON object a line, on standard error.

Belongs here: the lines, and the Dagster logger that writes a run's. Does not belong here: what people read
(:mod:`orchestration.progress`, :mod:`orchestration.summary`).
"""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.refresh import RefreshOutcome

_TOLD = frozenset({"STEP_START", "STEP_SUCCESS", "STEP_FAILURE", "ASSET_CHECK_EVALUATION"})


def write_line(
    level: str, event: str, message: str, *, run_id: str = "", at: datetime | None = None, **more: Any
) -> None:
    """One line; ``run_id`` is empty outside of a run, and what else there is depends on the event."""
    line = {
        "time": (at or datetime.now(UTC)).isoformat(timespec="milliseconds"),
        "level": level,
        "event": event,
        "run_id": run_id,
        "message": message,
        **more,
    }
    print(json.dumps(line, ensure_ascii=False, default=str), file=sys.stderr, flush=True)  # noqa: T201


def write_outcome(outcome: RefreshOutcome) -> None:
    """The last line of a refresh: what came of it."""
    came = "failed" if not outcome.succeeded else "nothing_new" if outcome.nothing_new else "published"
    write_line(
        "info" if outcome.succeeded else "error",
        came,
        "; ".join(outcome.problems),
        run_id=outcome.run_id,
        checks_passed=outcome.checks_passed,
        checks_warned=outcome.checks_warned,
        problems=outcome.problems,
        mended=outcome.mended,
        seconds_by_step={step: round(seconds, 3) for step, seconds in outcome.seconds_by_step.items()},
    )


class JsonLines(logging.Handler):
    """Writes the events of a run, and what its steps log."""

    def __init__(self) -> None:
        super().__init__()
        self.started: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write one Dagster log record, if it is one that is told."""
        try:
            self._write(record)
        except Exception:  # noqa: BLE001  (logging's own way: told on stderr, and the run goes on)
            self.handleError(record)

    def _write(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event: dg.DagsterEvent | None = meta.get("dagster_event")
        message = str(meta.get("orig_message") or record.getMessage())
        at = datetime.fromtimestamp(record.created, UTC)
        run_id = str(meta.get("run_id") or "")
        if event is None:
            step = {"step": meta["step_key"]} if meta.get("step_key") else {}
            write_line(record.levelname.lower(), "log", message, run_id=run_id, at=at, **step)
            return
        kind = event.event_type_value
        if kind not in _TOLD:
            return
        level = "error" if kind == "STEP_FAILURE" else "info"
        more: dict[str, Any] = {"step": event.step_key} if event.step_key else {}
        if kind == "STEP_START":
            self.started[str(event.step_key)] = time.perf_counter()
        elif kind.startswith("STEP_") and str(event.step_key) in self.started:
            more["seconds"] = round(time.perf_counter() - self.started[str(event.step_key)], 3)
        elif kind == "ASSET_CHECK_EVALUATION":
            result = event.asset_check_evaluation_data
            more |= {"table": ".".join(result.asset_key.path), "check": result.check_name, "passed": result.passed}
            if not result.passed:
                level = "warning" if result.severity.value == "WARN" else "error"
            message = result.description or message
        write_line(level, kind.lower(), message, run_id=run_id, at=at, **more)


def json_logger() -> logging.Logger:
    """A logger that writes them."""
    # Dagster logs a run's events as details
    logger = logging.Logger("regulars.json", level=logging.DEBUG)
    logger.addHandler(JsonLines())
    return logger
