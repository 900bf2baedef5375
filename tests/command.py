"""The `regulars` command as a person types it, in a process of its own.

Belongs here: starting it, anew or forked, and collecting what it says. Does not belong here: what is expected of it.

A refresh imports for six seconds of a processor and parses dbt's project for another five before it begins. A forked
command has both behind it (:mod:`tests.imported`), and is otherwise what ``python -m orchestration.cli`` is: it reads
arguments, environment and settings itself, makes the code location of its own home, and ends as the command ends.
What Python itself reads of the environment as it starts can't be given to it.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from warehouse.settings import PROJECT_ROOT

LONGEST_SECONDS = 900
"""Nobody works so long: what is forked and waits for a lock of a thread that is not there would wait for ever."""

REGULARS = [sys.executable, "-m", "orchestration.cli"]

# one server for all that is forked in a test process: the list of the last one who names a list counts
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.imported", "tests.orchestration.killable", "tests.serving.killable"])


def regulars(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, forked."""
    return forked(arguments, _environment(home, environment))


def regulars_anew(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command by an interpreter of its own: for what it imports, and for what must hold of a first start."""
    return subprocess.run(
        [*REGULARS, *arguments],
        env=_environment(home, environment),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )


def _environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "REGULARS_HOME": str(home), "DO_NOT_TRACK": "1", "COLUMNS": "200", **more}


def forked(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command under just this environment, in the checkout."""
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder) / channel for channel in ("out", "err")]
        process = PROCESSES.Process(target=_run, args=(list(arguments), dict(environment), said))
        process.start()
        process.join(LONGEST_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, LONGEST_SECONDS)
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in said))


def _run(arguments: list[str], environment: dict[str, str], said: list[Path]) -> None:
    for descriptor, path in enumerate(said, start=1):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(opened, descriptor)
        os.close(opened)
    _refuse_what_python_reads(environment)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(PROJECT_ROOT)
    sys.argv[1:] = arguments
    runpy.run_module("orchestration.cli", run_name="__main__", alter_sys=True)


def _refuse_what_python_reads(environment: Mapping[str, str]) -> None:
    """Raise for what was read when the process that this one is forked from started."""
    for name in {*os.environ, *environment}:
        is_read = name.startswith(("PYTHON", "LC_", "LD_")) or name in ("LANG", "TZ")
        if is_read and os.environ.get(name) != environment.get(name):
            raise ValueError(f"{name} comes too late for a process that is forked: start the command anew")
