"""A forked command says and does what the command does."""

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from tests.command import PROCESSES, regulars, regulars_anew
from tests.tiny_shop import deliver


@pytest.mark.parametrize(
    "arguments",
    [
        ("refresh", "--help"),
        ("refresh", "--fulll"),
        ("refresh", "--as-of", "12/1/2010"),
        ("refresh", "--landing", "no/such/folder"),
        ("refresh", "--log-format", "xml"),
        ("refresh", "--full"),
        ("status",),
        ("dbt", "parse"),
    ],
)
def test_a_forked_command_says_what_one_that_is_started_anew_says(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    deliver(tmp_path / "landing", {"orders.csv": "a,b\n"})
    # none of it was there when the process began that it is forked from
    settings = {"REGULARS_SHOP__CURRENCY": "pounds", "COLUMNS": "60"}
    anew = regulars_anew(*arguments, home=tmp_path, **settings)
    forked = regulars(*arguments, home=tmp_path, **settings)
    assert (forked.returncode, forked.stdout, forked.stderr) == (anew.returncode, anew.stdout, anew.stderr)
    assert anew.stdout + anew.stderr


def tell(told: Connection) -> None:
    threads = [path.read_text().strip() for path in Path(f"/proc/{os.getppid()}/task").glob("*/comm")]
    told.send(({*sys.modules}, threads))


def test_it_is_forked_from_a_process_that_has_no_threads_and_has_read_no_settings() -> None:
    reader, writer = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=tell, args=(writer,))
    process.start()
    writer.close()
    modules, threads = reader.recv()
    process.join()
    reader.close()
    assert modules >= {"great_expectations", "dagster_dbt", "sklearn.cluster", "tests.imported"}
    assert not modules & {"orchestration.cli", "orchestration.definitions"}
    # Arrow's memory has one of its own, which no lock waits for
    assert len([name for name in threads if name != "jemalloc_bg_thd"]) <= 1, threads


def test_what_python_reads_as_it_starts_is_refused(tmp_path: Path) -> None:
    done = regulars("status", home=tmp_path, TZ="Asia/Tokyo")
    assert done.returncode == 1
    assert "TZ comes too late" in done.stderr
