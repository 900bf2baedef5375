"""What a person at a terminal sees while a refresh works.

Belongs here: a Dagster logger that tells which step runs, how long steps took and
what went wrong, in one line each. Does not belong here: the closing summary.
"""

import logging
import time

import dagster as dg
from dagster import DagsterEventType
from rich.console import Console

from orchestration.json_lines import json_logger
from orchestration.step_labels import step_label


class StepLines(logging.Handler):
    """Prints one line per step to standard error, live where it is a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.started: dict[str, float] = {}
        self.status = self.console.status("", spinner="dots") if self.console.is_terminal else None

    def emit(self, record: logging.LogRecord) -> None:
        """Show one Dagster log record."""
        try:
            self._show(record)
        except Exception:  # noqa: BLE001  (logging's own way: told on stderr, and the run goes on)
            self.handleError(record)

    def _show(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        event = meta.get("dagster_event")
        if event is None:
            # what steps say lives beside the spinner; what matters of it is in the closing summary
            if self.status is not None and record.levelno < logging.WARNING:
                self.status.update(f"  {meta.get('orig_message', record.getMessage())}")
            return
        label = step_label(event.step_key or "")
        if event.event_type == DagsterEventType.STEP_START:
            self.started[event.step_key] = time.perf_counter()
            if self.status is not None:
                self.status.update(f"  {label} …")
                self.status.start()
        elif event.event_type == DagsterEventType.STEP_SUCCESS:
            self._finish("[green]✓[/]", label, event.step_key)
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self._finish("[red]✗[/]", label, event.step_key)

    def _finish(self, mark: str, label: str, step_key: str) -> None:
        if self.status is not None:
            self.status.stop()
        seconds = time.perf_counter() - self.started.get(step_key, time.perf_counter())
        self.console.print(f"  {mark} {label:<18} {seconds:6.1f} s")


@dg.logger({}, description="One line per step, for people at a terminal.")
def step_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """The logger that `regulars refresh` chooses."""
    logger = logging.Logger("regulars.steps", level=logging.DEBUG)
    logger.addHandler(StepLines())
    return logger


@dg.logger({}, description="One JSON object a line, for programs.")
def program_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """The logger of `regulars refresh --log-format json`."""
    return json_logger()
