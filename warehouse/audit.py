"""Who did what that is worth remembering: lines of JSON in the home, only ever added to.

Belongs here: writing a line. Does not belong here: which actions are worth one (the command line, and
:mod:`serving.security` for requests), and when old ones go (:mod:`orchestration.pruning`).

A file holds a month. No token, address or customer is in it.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from warehouse.errors import RegularsError
from warehouse.home import Home


def record(home: Home, *, who: str, action: str, what: str, outcome: str) -> None:
    """Add one line, whole or not at all beside others that write at the same time.

    Parameters
    ----------
    who
        A token's name, or ``user NAME`` of this machine.
    action
        One word, such as ``download`` or ``rollback``.
    what
        The file, list or publication that it was about.
    outcome
        ``done``, or why not.

    Raises
    ------
    OSError
        If it can't be written: then the action is not to take place.
    """
    at = datetime.now(UTC)
    facts = {
        "at": at.isoformat(timespec="seconds"),
        "who": who,
        "action": action,
        "what": what[:500],
        "outcome": outcome[:500],
    }
    home.audit.mkdir(mode=0o700, parents=True, exist_ok=True)
    # one write at the end of the file, wherever that is by then; only its owner may read it
    target = os.open(home.audit / f"{at:%Y-%m}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(target, (json.dumps(facts, ensure_ascii=False) + "\n").encode())
    finally:
        os.close(target)


@contextmanager
def recorded(home: Home, action: str, what: str) -> Iterator[None]:
    """Record a command of a user of this machine: before it begins, so that none goes unseen, and how it ended."""
    if not home.root.is_dir():
        # a name that was mistyped: what is to be done says so, and no home is made of it
        yield
        return
    who = f"user {_user()}"
    record(home, who=who, action=action, what=what, outcome="begun")
    try:
        yield
    except BaseException as error:
        # our own errors are one line that names no customer; what others say is not known
        told = str(error) if isinstance(error, RegularsError) else type(error).__name__
        record(home, who=who, action=action, what=what, outcome=f"failed: {told}")
        raise
    record(home, who=who, action=action, what=what, outcome="done")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container's user need not have a name
        return str(os.getuid())
