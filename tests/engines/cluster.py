"""A stand-alone Spark cluster of this machine: one master and workers, each a process of its own.

Belongs here: starting and killing them. Does not belong here: what is run there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 60


class Cluster:
    """Where its master answers, and its workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        master = self._start("master", "master.Master", "--port", "0", "--webui-port", "0")
        self.master = _told(master, r"Starting Spark master at (spark://\S+)")

    def add_worker(self) -> None:
        """One more, with a core and the memory of a small executor.

        Raises
        ------
        RuntimeError
            If it does not find the master.
        """
        name = f"worker-{len(self._processes)}"
        shape = ["--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", str(self._folder / name)]
        log = self._start(name, "worker.Worker", *shape, self.master)
        _told(log, r"(Successfully registered with master)")

    def workers_at_work(self) -> int:
        """How many of them were given something to run."""
        return sum(any(folder.glob("app-*")) for folder in self._folder.glob("worker-*/"))

    def kill_worker(self) -> None:
        """Take the last one away with what it runs, as a machine goes that loses its power."""
        self._kill(self._processes.pop())

    def stop(self) -> None:
        """Take all away."""
        while self._processes:
            self.kill_worker()

    def _start(self, name: str, program: str, *arguments: str) -> Path:
        log = self._folder / f"{name}.log"
        # looked for, not imported: an import is felt by Great Expectations in the same process
        spark = find_spec("pyspark")
        assert spark is not None
        assert spark.origin is not None
        place = Path(spark.origin).parent
        command = [str(place / "bin" / "spark-class"), f"org.apache.spark.deploy.{program}", "--host", "127.0.0.1"]
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*command, *arguments],
                env={**os.environ, "SPARK_HOME": str(place), "SPARK_LOCAL_IP": "127.0.0.1"},
                stdout=file,
                stderr=file,
                # its executors are killed with it
                start_new_session=True,
            )
        self._processes.append(process)
        return log

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _told(log: Path, pattern: str) -> str:
    """What a process says of itself in its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"{log.name} does not say {pattern} within {START_SECONDS} seconds:\n{log.read_text()}")


@contextmanager
def cluster(folder: Path, *, workers: int) -> Iterator[Cluster]:
    """A master and workers until the end of the block."""
    folder.mkdir()
    made = Cluster(folder)
    try:
        for _ in range(workers):
            made.add_worker()
        yield made
    finally:
        made.stop()
