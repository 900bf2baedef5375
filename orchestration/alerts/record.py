"""What was told of a home, and to which channels.

Belongs here: the file that remembers it, and comparing it with what there is to tell. Does not belong here:
sending, wording.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from orchestration.alerts.events import Event, Look, unusual
from warehouse.settings import AlertKind
from warehouse.small_files import write_whole


@dataclass
class Entry:
    """One event, until it is over and everybody was told."""

    key: str
    kind: AlertKind
    title: str
    text: str
    found_at: str
    is_open: bool
    told: dict[str, str] = field(default_factory=dict)
    """Channel to when."""
    failures: dict[str, str] = field(default_factory=dict)
    """Channel to why it could not be told."""


@dataclass
class AlertRecord:
    """All entries, and the days that were found unusual so far."""

    entries: list[Entry] = field(default_factory=list)
    days: list[str] | None = None
    """None until the first look at a snapshot: what was unusual in a shop's whole past is no news."""

    def take_in(self, home: str, look: Look, now: datetime) -> None:
        """Begin an entry for each event that was not there, and note those that are over."""
        events = list(look.events)
        if look.published_at is not None:
            known = set(look.days if self.days is None else self.days)
            new = {key: told for key, told in look.days.items() if key not in known}
            if new:
                events.append(unusual(home, new, look.published_at))
            self.days = sorted(known | set(new))
        by_key = {entry.key: entry for entry in self.entries}
        found = {event.key for event in events}
        for entry in self.entries:
            entry.is_open = entry.is_open and (entry.key in found or entry.kind not in look.is_known)
        for event in events:
            self._open(event, by_key.get(event.key), now)

    def _open(self, event: Event, entry: Entry | None, now: datetime) -> None:
        if entry is not None:
            entry.is_open = event.lasts
            return
        at = now.isoformat(timespec="seconds")
        self.entries.append(Entry(event.key, event.kind, event.title, event.text, at, is_open=event.lasts))

    def forget_what_is_over(self, channels_by_kind: Mapping[AlertKind, Set[str]]) -> None:
        """Drop what is over, once every channel that asks for it has it."""
        self.entries = [
            entry for entry in self.entries if entry.is_open or channels_by_kind[entry.kind] - entry.told.keys()
        ]


def read_record(path: Path, warn: Callable[[str], None]) -> AlertRecord:
    """What was told so far; nothing, where nothing was.

    A damaged file is moved aside, which is warned of, and silences nobody: what is wrong now counts as not told. Days
    that were unusual before are no news all the same.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return AlertRecord([Entry(**one) for one in kept["entries"]], kept["days"])
    except FileNotFoundError:
        return AlertRecord()
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_name(f"{path.stem}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}{path.suffix}")
        path.replace(aside)
        warn(
            f"{path} was damaged ({error}). It remembered what was told, so what is wrong now is told anew. The "
            f"damaged one lies at {aside}; delete it once you need it no more."
        )
        return AlertRecord()


def write_record(path: Path, record: AlertRecord) -> None:
    """Keep it, through a crash too."""
    write_whole(path, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")
