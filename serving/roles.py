"""What more than to be let in an operation needs, and the record of who did it.

Belongs here: dependencies of routes, and the same for callbacks of pages. Does not belong here: who has which role
(:mod:`serving.security`), the record itself (:mod:`warehouse.audit`).

An operation says it at its route, and no table of addresses does: what an address is taken for, the route decides.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Depends, Request
from flask import request as page_request

from serving.security import Caller, caller_of
from warehouse import audit
from warehouse.errors import RegularsError
from warehouse.home import Home
from warehouse.settings import Role

log = logging.getLogger(__name__)


class RoleMissingError(RegularsError):
    """The token does not have the role; the message says which."""

    status = 403
    kind = "role-missing"


class UnrecordedError(RegularsError):
    """The audit log can't be written, and what belongs there is not done without it."""

    status = 503
    kind = "unrecorded"


def demand(caller: Caller, role: Role) -> None:
    """Refuse who lacks a role.

    Raises
    ------
    RoleMissingError
        If it is not one of the caller's.
    """
    if role not in caller.roles:
        raise RoleMissingError(
            f"The token {caller.name!r} lacks the role {role!r}; it has {', '.join(sorted(caller.roles))}. "
            "Roles stand under [[serve.tokens]] in regulars.toml."
        )


def caller_of_page() -> Caller:
    """Who sent the request that a page's callback answers."""
    return caller_of(page_request.environ.get("asgi.scope", {}))


@contextmanager
def taken_away(home: Home, caller: Caller, action: str, what: str) -> Iterator[None]:
    """Demand the role ``export`` for what is done inside, and record who did it and what came of it.

    Where no token is asked for nobody is told apart, and nothing is recorded.

    Raises
    ------
    RoleMissingError
        If the caller lacks the role, which is recorded, too.
    UnrecordedError
        If it can't be recorded.
    """
    if not caller.is_known:
        yield
        return
    try:
        demand(caller, "export")
        yield
    except Exception as error:
        status = getattr(error, "status_code", None) or getattr(error, "status", None)
        _record(home, caller, action, what, f"refused: {status}" if status else f"failed: {type(error).__name__}")
        raise
    _record(home, caller, action, what, "done")


def _record(home: Home, caller: Caller, action: str, what: str, outcome: str) -> None:
    try:
        audit.record(home.to_read, who=caller.name, action=action, what=what, outcome=outcome)
    except OSError as error:
        log.error("%s of %s could not be recorded in %s: %s", action, what, home.audit, error)
        raise UnrecordedError("The audit log can't be written, and nothing is taken away unrecorded.") from error


def takes_away(action: str, home: Home) -> Any:
    """The dependency of a route that gives customers away as a file, or what is as good as one."""

    def recorded(request: Request) -> Iterator[None]:
        what = request.scope["path"].rpartition("/")[2]
        with taken_away(home, caller_of(request.scope), action, what):
            yield

    # over before the answer is sent
    return Depends(recorded, scope="function")


def _operating(request: Request) -> None:
    demand(caller_of(request.scope), "operate")


OPERATING = Depends(_operating)
"""The dependency of a route that is for whoever runs the pipeline."""
