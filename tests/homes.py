"""Published homes that many tests read: each is built once in a whole test run.

Belongs here: building them, whichever of the test processes comes first. Does not belong
here: what is in them (:mod:`tests.tiny_shop`), fixtures.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one test run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


def build_once(folder: Path, name: str, build: Callable[[Home], None]) -> Home:
    """The home ``name`` in ``folder``; the first caller builds it, the others wait for that.

    A build that failed is not tried again: every later caller fails at once, with its reason.
    """
    home = Home(folder / f"home-{name}")
    done, failed = folder / f"home-{name}.done", folder / f"home-{name}.failed"
    with FileLock(folder / f"home-{name}.lock"):
        if not done.exists() and not failed.exists():
            try:
                build(home)
            except Exception as error:
                failed.write_text(f"{type(error).__name__}: {error}")
                raise
            done.touch()
    if failed.exists():
        pytest.fail(f"The home {name!r} that many tests share could not be built. {failed.read_text()}", pytrace=False)
    return home


def regulars_refresh(home: Home, *arguments: str) -> None:
    """One refresh by the command, with default settings, in a process of its own.

    So the process that asks keeps its environment and its memory, and needs no pipeline.

    Raises
    ------
    RuntimeError
        If the refresh fails, with what it said.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "refresh", "--home", str(home.root), *arguments],
        env={**environment, "REGULARS_HOME": str(home.root), "DO_NOT_TRACK": "1", "COLUMNS": "200"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The refresh ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
