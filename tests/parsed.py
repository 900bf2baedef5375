"""The dbt project, parsed once in a whole test run for all of its processes.

Belongs here: keeping what was parsed, and giving it to a home. Does not belong here: parsing, and whether what is kept
is still right (``orchestration/dbt.py``, whose own check each taker makes).

To parse takes five seconds of a processor, and each test process has several that ask: the code location, the process
that commands are forked from, the tests of the SQL.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from warehouse.home import Home

_VARIABLE = "PARSED_FOR_THE_TESTS"


def share_one_folder() -> None:
    """Name the folder to all processes that this one starts, unless the one that started it has done so."""
    if _VARIABLE not in os.environ:
        folder = tempfile.mkdtemp(prefix="regulars-parsed-")
        os.environ[_VARIABLE] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def give_parsed_project(home: Home) -> None:
    """What a home keeps of the parsed project, which is parsed here if no process of this run has done so."""
    from orchestration.dbt import load_manifest

    kept = Home(Path(os.environ[_VARIABLE]))
    with FileLock(kept.root / "parsed.lock"):
        load_manifest(kept)
    home.dbt.mkdir(parents=True, exist_ok=True)
    for path in kept.dbt.glob("manifest.*"):
        shutil.copy(path, home.dbt)
