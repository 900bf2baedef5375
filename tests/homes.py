"""Published homes that many tests read: each is built once in a whole test run.

Belongs here: building them, whichever of the test processes comes first. Does not belong
here: what is in them (:mod:`tests.tiny_shop`), fixtures.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from tests.command import REGULARS, forked
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT
from warehouse.versions import files_fingerprint

_BUILDING_CODE = ("warehouse", "dbt_project", "expectations", "ml", "orchestration")

KEPT_HOMES_VARIABLE = "REGULARS_TEST_HOMES"
"""A folder that keeps the homes from one test run to the next, as long as the code that builds them is the same."""


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test run have in common.

    It is a new one for each run, unless ``REGULARS_TEST_HOMES`` names a place to keep it.
    """
    kept = os.environ.get(KEPT_HOMES_VARIABLE)
    if kept:
        made_by = files_fingerprint([*(PROJECT_ROOT / name for name in _BUILDING_CODE)])
        own = hashlib.sha256((PROJECT_ROOT / "tests" / "tiny_shop.py").read_bytes()).hexdigest()
        folder = Path(kept) / f"{made_by[:12]}-{own[:6]}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def build_once(folder: Path, name: str, build: Callable[[Home], None]) -> Home:
    """The home ``name`` in ``folder``; the first caller builds it, the others wait for that.

    A build that failed is not tried again in the same test run: every later caller fails at
    once, with its reason.
    """
    home = Home(folder / f"home-{name}")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    done, failed = folder / f"home-{name}.done", folder / f"home-{name}.{run}.failed"
    with FileLock(folder / f"home-{name}.lock"):
        if not done.exists() and not failed.exists():
            # what a killed run left would be gone on from
            shutil.rmtree(home.root, ignore_errors=True)
            try:
                build(home)
            except Exception as error:
                failed.write_text(f"{type(error).__name__}: {error}")
                raise
            done.touch()
    if not done.exists():
        pytest.fail(f"The home {name!r} that many tests share could not be built. {failed.read_text()}", pytrace=False)
    return home


def regulars_refresh(home: Home, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
    """One refresh by the command, with default settings, in a process of its own.

    So the process that asks keeps its environment and its memory, and needs no pipeline.

    Parameters
    ----------
    settings
        Variables that say otherwise, such as ``REGULARS_WAREHOUSE__ENGINE``.

    Raises
    ------
    RuntimeError
        If the refresh fails, with what it said.
    """
    done = forked(_refresh(home, arguments), _environment(home, settings))
    if done.returncode != 0:
        raise RuntimeError(f"The refresh ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def refresh_process(home: Home, *arguments: str, settings: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """The process of such a refresh, started anew and at work; what it says on either channel is its ``stdout``."""
    return subprocess.Popen(
        [*REGULARS, *_refresh(home, arguments)],
        env=_environment(home, settings),
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _refresh(home: Home, arguments: Sequence[str]) -> list[str]:
    return ["refresh", "--home", str(home.root), *arguments]


def _environment(home: Home, settings: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    return {**kept, "REGULARS_HOME": str(home.root), "DO_NOT_TRACK": "1", "COLUMNS": "200", **(settings or {})}
