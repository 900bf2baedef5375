"""dbt as a person calls it, with the home's settings.

Belongs here: pointing dbt's own command line at the project, at a home's private file or a copy of it, and at the vars
of the settings. Does not belong here: how a refresh calls dbt (:mod:`orchestration.dbt`).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestration.dbt import DBT_PROJECT, WAREHOUSE_VARIABLE, project_vars
from warehouse.database import open_warehouse, refresh_lock
from warehouse.errors import HomeError, SettingsError
from warehouse.home import Home
from warehouse.ledger import exports_in_force
from warehouse.settings import Settings

_VARS = "--vars"


def run_dbt(
    home: Home, arguments: Sequence[str], settings: Settings, *, on_copy: bool, wait_seconds: float = 0.0
) -> int:
    """Run dbt to its end, on the private file while its lock is held, or on a copy of it; gives dbt's exit code.

    Parameters
    ----------
    arguments
        dbt's command with all that belongs to it. Its ``--vars`` count over those of the settings.
    on_copy
        Whether to copy the private file to :func:`copied_warehouse` first, and to leave it alone itself.

    Raises
    ------
    HomeError
        If nothing was refreshed yet.
    WarehouseBusyError
        If a refresh or another program works on the private file.
    SettingsError
        If dbt does not know an option, or ``--vars`` can't be read.
    """
    if "--version" in arguments:
        raise SettingsError(
            "dbt --version asks the internet for the newest release; `pip list` tells what is installed."
        )
    if not home.warehouse.exists():
        raise HomeError(
            f"{home.root} has no warehouse yet, and dbt would find none of its sources: run `regulars refresh` first."
        )
    with refresh_lock(home, wait_seconds=wait_seconds, purpose=f"dbt {' '.join(arguments)}"):
        # a file that another program holds is told here, by name, and not in the middle of dbt's log
        with open_warehouse(home.warehouse) as connection:
            exports = exports_in_force(connection)
        if not on_copy:
            return _run(home, home.warehouse, _with_vars(arguments, settings, exports))
        copy = copied_warehouse(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        # closing it has brought the log into the file
        shutil.copyfile(home.warehouse, copy)
        copy.chmod(home.warehouse.stat().st_mode)
    return _run(home, copy, _with_vars(arguments, settings, exports))


def copied_warehouse(home: Home) -> Path:
    """Where the copy lies; dbt calls a database like its file, so it has the name of the original."""
    return home.dbt / "copy" / home.warehouse.name


def _with_vars(arguments: Sequence[str], settings: Settings, exports: Sequence[str]) -> list[str]:
    """The arguments with all vars of the settings, those that were given over them."""
    rest: list[str] = []
    given: dict[str, Any] = {}
    following = iter(arguments)
    for argument in following:
        name, has_value, value = argument.partition("=")
        if name != _VARS:
            rest.append(argument)
            continue
        told = value if has_value else next(following, "")
        try:
            read = yaml.safe_load(told)
        except (yaml.YAMLError, ValueError):  # a date that the calendar does not have is the latter
            read = None
        if not isinstance(read, dict):
            raise SettingsError(f"{_VARS} {told!r} is not what dbt takes, such as '{{as_of_date: 2011-03-01}}'.")
        given.update(read)
    if all(argument.startswith("-") for argument in rest):
        # --help alone takes no vars
        return rest
    by_hand = {"increments": None, "check_contracts": True}
    # dates that YAML reads as such are text to dbt's SQL
    return [*rest, _VARS, json.dumps({**project_vars(settings, None, exports), **by_hand, **given}, default=str)]


def _run(home: Home, warehouse: Path, arguments: list[str]) -> int:
    for name, value in {
        WAREHOUSE_VARIABLE: str(warehouse),
        "DBT_PROJECT_DIR": str(DBT_PROJECT),
        "DBT_PROFILES_DIR": str(DBT_PROJECT),
        # apart from the refresh's own: what is compiled by hand is there to be looked at
        "DBT_TARGET_PATH": str(home.dbt / "by_hand"),
        "DBT_LOG_PATH": str(home.dbt / "logs"),
        "DBT_VERSION_CHECK": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }.items():
        os.environ[name] = value
    from dbt.cli.exceptions import DbtUsageException
    from dbt.cli.main import dbtRunner

    done = dbtRunner().invoke(arguments)
    if isinstance(done.exception, DbtUsageException):
        # the one kind that dbt has not told itself
        raise SettingsError(f"dbt: {done.exception}")
    if done.exception is not None:
        return 2
    return 0 if done.success else 1
