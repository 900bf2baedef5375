"""What stopped a refresh, in words that quote no value of the data.

Belongs here: the wording for whoever gets an alert, on a phone or in a channel that many read. Does not
belong here: the whole message, which names rows and values (:func:`orchestration.refresh.told_by`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from orchestration.step_labels import step_label
from warehouse.contacts import without_contacts
from warehouse.wording import count

if TYPE_CHECKING:
    import dagster as dg
    from dagster._utils.error import SerializableErrorInfo

NOT_PASSED = "not_passed"
"""Metadata of a gate's check: its expectations that did not pass, as a list of :class:`Finding`."""

_MOST_FILES = 3
_FILE_NAMES = ("file_name", "_file_name")
# their messages are about files, processes and settings; others quote what a database or a line says
_QUOTE_NOTHING = tuple(f"warehouse.errors.{name}: " for name in ("WarehouseBusyError", "SettingsError", "HomeError"))


class Finding(TypedDict):
    """A check that did not pass, without its examples: they are rows, and rows have customers."""

    table: str
    check: str
    outcome: Literal["failed", "could not run", "warned"]
    unexpected: int | None
    elements: int | None
    reason: str
    files: list[str]


_OUTCOMES = {"failed": "failed", "could not run": "could not be evaluated", "warned": "warns"}


def files_in(examples: Iterable[Mapping[str, Any]]) -> list[str]:
    """The files that offending rows come from, each once."""
    named = [str(row[name]) for row in examples for name in _FILE_NAMES if row.get(name)]
    return list(dict.fromkeys(named))


def told_finding(finding: Finding) -> str:
    """One line: which check, how it came out, how much of what it looked at, in which files, why it matters."""
    text = f"{finding['table']}: check {finding['check']} {_OUTCOMES[finding['outcome']]}"
    if finding["unexpected"]:
        of = " found" if finding["elements"] is None else f" of {count(finding['elements'])}"
        text += f", {count(finding['unexpected'])}{of}"
    files = finding["files"]
    if files:
        text += f", in {', '.join(files[:_MOST_FILES])}{' …' if len(files) > _MOST_FILES else ''}"
    return without_contacts(f"{text}. {finding['reason']}")


def causes_of(events: Sequence[dg.DagsterEvent]) -> list[str]:
    """What a run's events tell of why it stopped; checks first."""
    import dagster as dg

    checks: list[str] = []
    steps: list[str] = []
    for event in events:
        if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            if evaluation.passed or evaluation.severity != dg.AssetCheckSeverity.ERROR:
                continue
            found = evaluation.metadata.get(NOT_PASSED)
            if found is None:
                checks.append(f"{'.'.join(evaluation.asset_key.path)}: check {evaluation.check_name} failed.")
            else:
                checks += [told_finding(one) for one in found.value]  # type: ignore[union-attr, arg-type]
        elif event.event_type == dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            if error is None or "DagsterAssetCheckFailedError" not in (error.cls_name or ""):
                steps.append(f"Step {step_label(event.step_key or '')!r} failed{_why(error)}")
        elif event.event_type == dg.DagsterEventType.RUN_FAILURE and not checks and not steps:
            steps.append(f"The run failed{_why(getattr(event.event_specific_data, 'error', None))}")
    return list(dict.fromkeys([*checks, *steps]))


def _why(error: SerializableErrorInfo | None) -> str:
    """What kind of error it was; its message only where that quotes nothing."""
    innermost = None
    while error is not None:
        message = error.message.strip()
        if message.startswith(_QUOTE_NOTHING):
            return f": {without_contacts(message.partition(': ')[2])}"
        innermost, error = error, error.cause
    return "." if innermost is None or not innermost.cls_name else f" ({innermost.cls_name})."
