"""The newest run of the refresh that is over, as a note beside the snapshot.

Belongs here: the note, for whoever reads the published folder alone. Does not belong here: finding out how a run
ended (``orchestration/status.py``), and why one was stopped (:mod:`warehouse.stopped`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal, get_args

from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.small_files import write_whole

Outcome = Literal["succeeded", "failed", "stopped"]
"""``stopped``: by a person."""


@dataclass(frozen=True)
class RefreshNote:
    """When a run was at work, and what came of it; times are UTC, with their time zone."""

    run_id: str
    outcome: Outcome
    started_at: datetime | None
    """None of a run that ended before it began."""
    ended_at: datetime | None
    """None of a run that was killed, until its end is recorded."""


def read_last_refresh(home: Home) -> RefreshNote | None:
    """The newest run that somebody looked for; None before the first.

    Raises
    ------
    RegularsError
        If the note is damaged.
    """
    try:
        kept = json.loads(home.last_refresh.read_text(encoding="utf-8"))
        started_at, ended_at = (
            kept[name] and datetime.fromisoformat(kept[name]) for name in ("started_at", "ended_at")
        )
        if kept["outcome"] not in get_args(Outcome):
            raise ValueError(f"there is no outcome {kept['outcome']!r}")
        return RefreshNote(kept["run_id"], kept["outcome"], started_at, ended_at)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise RegularsError(
            f"{home.last_refresh} is damaged ({error}). It says how the newest refresh ended; delete it."
        ) from error


def note_last_refresh(home: Home, last: RefreshNote) -> None:
    """Leave the note, in place of an older one."""
    text = json.dumps(asdict(last), default=datetime.isoformat) + "\n"
    if not home.last_refresh.exists() or home.last_refresh.read_bytes() != text.encode():
        write_whole(home.last_refresh, text)
