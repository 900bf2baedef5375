"""A call of this package in a process of its own, so that two fits use two cores.

Belongs here: starting the process, handing it frames, collecting its answer and seeing that it ends. Does
not belong here: what is fitted, and which fits go side by side (``orchestration/``).

Fits are Python on one thread, so that their sums are the same on every machine; only two processes use two
cores. The other one is started anew and not forked, because the threads of DuckDB and OpenMP
don't outlive a fork. It opens no database and writes no file: frames go in, frames come out.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent


class Beside:
    """One call at work in another process.

    Parameters
    ----------
    module, function
        What is called.
    arguments
        Its arguments by name; they are pickled.
    """

    def __init__(self, module: str, function: str, arguments: dict[str, Any]) -> None:
        self._called = f"{module}.{function}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ml.beside"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            # the same packages, wherever they were found
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)])},
        )
        # a thread feeds and drains it: neither side ever waits for the other to read
        self._thread = ThreadPoolExecutor(1)
        self._answer = self._thread.submit(self._process.communicate, pickle.dumps((module, function, arguments)))

    def result(self) -> Any:
        """Wait for the call's result.

        Raises
        ------
        Exception
            The call's own, with its traceback as a note.
        RuntimeError
            If the process died, which is what running out of memory looks like.
        """
        packed, _ = self._answer.result()
        self._thread.shutdown()
        code = self._process.returncode
        if code != 0:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise RuntimeError(f"the process of {self._called} died ({how})")
        error, result = pickle.loads(packed)  # noqa: S301  (from the process above)
        if error is not None:
            raise error
        return result

    def stop(self) -> None:
        """End the process if it is still at work; its result is lost."""
        self._process.kill()
        self._thread.shutdown()


def is_core_free() -> bool:
    """Whether this process may use a second core."""
    allowed = getattr(os, "sched_getaffinity", None)
    return (len(allowed(0)) if allowed else os.cpu_count() or 1) > 1


def _answer() -> None:
    """Serve one call from standard input."""
    # whatever a library prints must not get between
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # an interruption is for the process that waits for this one, and ends it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    module, function, arguments = pickle.load(sys.stdin.buffer)  # noqa: S301  (from the process that started this one)
    try:
        packed = pickle.dumps((None, getattr(import_module(module), function)(**arguments)))
    except Exception as error:  # noqa: BLE001  (raised where the result is asked for)
        error.add_note(f"In the process beside:\n{traceback.format_exc()}")
        packed = pickle.dumps((error, None))
    with answer:
        answer.write(packed)


if __name__ == "__main__":
    _answer()
