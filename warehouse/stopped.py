"""The newest refresh, where something stopped it: a note beside the snapshot that is older than it.

Belongs here: the note, for whoever reads the published folder. Does not belong here: finding out whether a refresh
was stopped (``orchestration/status.py``), and showing it.

A refresh that publishes nothing can't say so in a snapshot, and readers see nothing but the published folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from warehouse.contacts import without_contacts_anywhere
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.small_files import flush_to_disk, write_whole


@dataclass(frozen=True)
class StoppedRefresh:
    """A refresh that left undone what it was to publish."""

    run_id: str
    stopped_at: datetime
    """UTC, with its time zone."""
    causes: tuple[str, ...]
    """Which checks or steps, one line each."""
    problems: tuple[str, ...]
    """What they said; some have several lines, to be copied as they are."""


def read_stopped(home: Home) -> StoppedRefresh | None:
    """The newest refresh if it was stopped; None if it published, or had nothing to.

    Raises
    ------
    RegularsError
        If the note is damaged.
    """
    try:
        kept = json.loads(home.stopped.read_text(encoding="utf-8"))
        return StoppedRefresh(
            run_id=kept["run_id"],
            stopped_at=datetime.fromisoformat(kept["stopped_at"]),
            causes=tuple(kept["causes"]),
            problems=tuple(kept["problems"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise RegularsError(
            f"{home.stopped} is damaged ({error}). It says why the newest refresh published nothing; delete it."
        ) from error


def note_stopped(home: Home, stopped: StoppedRefresh) -> None:
    """Leave the note, in place of an older one; it quotes no e-mail address."""
    told = {
        "run_id": stopped.run_id,
        "stopped_at": stopped.stopped_at.isoformat(timespec="seconds"),
        "causes": stopped.causes,
        "problems": stopped.problems,
    }
    text = json.dumps(without_contacts_anywhere(told), ensure_ascii=False, indent=1) + "\n"
    if not home.stopped.exists() or home.stopped.read_bytes() != text.encode():
        write_whole(home.stopped, text)


def forget_stopped(home: Home) -> None:
    """Take the note away: what was delivered is published."""
    if home.stopped.exists():
        home.stopped.unlink(missing_ok=True)
        flush_to_disk(home.stopped.parent)
