"""Two shops on one machine, each with Dagster's pages of its own."""

import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import httpx
import pytest

from orchestration.instance import prepare_dagster_home
from tests.command import REGULARS
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

ASK = "{ runsOrError { ... on Runs { results { runId } } } assetNodes { id } }"


@dg.job
def job() -> None: ...


def with_a_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """Prepare the home's records and put a run into them."""
    for variable in ("DAGSTER_HOME", "REGULARS_HOME"):
        # set in the next line, and as before after the test
        monkeypatch.setenv(variable, "")
    prepare_dagster_home(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return instance.create_run_for_job(job).run_id


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def answer(port: int, process: subprocess.Popen[bytes]) -> dict:
    """What the pages say once they are there."""
    until = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < until:
        try:
            told = httpx.post(f"http://127.0.0.1:{port}/graphql", json={"query": ASK}, timeout=60).json()
        except httpx.TransportError:
            time.sleep(0.2)
            continue
        return told["data"]
    raise RuntimeError("The pages ended, or never answered.")


def test_each_has_its_own_records_and_code_at_its_own_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [Home(tmp_path / name) for name in ("shoes", "hats")]
    runs = [with_a_run(home, monkeypatch) for home in homes]
    with ExitStack() as started:
        pages = []
        for home in homes:
            port = free_port()
            command = [*REGULARS, "ui", "--pages-only", "--home", str(home.root), "--port", str(port)]
            process = started.enter_context(subprocess.Popen(command, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL))
            started.callback(process.terminate)
            pages.append((port, process))
        told = [answer(*page) for page in pages]
    assert [[run["runId"] for run in one["runsOrError"]["results"]] for one in told] == [[run] for run in runs]
    # the same code is loaded for each
    assert len(told[0]["assetNodes"]) == len(told[1]["assetNodes"]) > 100
