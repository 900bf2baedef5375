"""The dbt project, parsed once in a whole test run for all of its processes, and compiled once in each.

Belongs here: keeping what was parsed, and giving it to a home; keeping compiled templates. Does not belong here:
parsing, and whether what is kept is still right (``orchestration/dbt.py``, whose own check each taker makes).

To parse takes five seconds of a processor, and each test process has several that ask: the code location, the process
that commands are forked from, the tests of the SQL.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from types import CodeType

from filelock import FileLock

from warehouse.home import Home

_VARIABLE = "PARSED_FOR_THE_TESTS"


def share_one_folder() -> None:
    """Name the folder to all processes that this one starts, unless the one that started it has done so."""
    if _VARIABLE not in os.environ:
        folder = tempfile.mkdtemp(prefix="regulars-parsed-")
        os.environ[_VARIABLE] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def shared_by_all_processes() -> Path:
    """The folder that all processes of this test run know; it goes with the first of them."""
    return Path(os.environ[_VARIABLE])


@cache
def compile_templates_once() -> None:
    """Let this process, and those forked from it, compile each template of dbt's one time.

    Otherwise each call that builds all models compiles them for 0.4 s, and each first one in a process its macros too.
    """
    from dbt_common.clients.jinja import MacroFuzzEnvironment

    # dbt makes all environments of a class alike
    compile_anew = MacroFuzzEnvironment.compile
    compiled: dict[tuple[type, str], CodeType] = {}

    def compile_once(self: MacroFuzzEnvironment, source: str) -> CodeType:
        key = (type(self), source)
        if key not in compiled:
            compiled[key] = compile_anew(self, source)
        return compiled[key]

    MacroFuzzEnvironment.compile = compile_once


def give_parsed_project(home: Home) -> None:
    """What a home keeps of the parsed project, which is parsed here if no process of this run has done so."""
    from orchestration.dbt import load_manifest

    kept = Home(shared_by_all_processes())
    with FileLock(kept.root / "parsed.lock"):
        load_manifest(kept)
    home.dbt.mkdir(parents=True, exist_ok=True)
    for path in kept.dbt.glob("manifest.*"):
        shutil.copy(path, home.dbt)
