"""A pull by a clock that was set back: of an order that changed meanwhile the newer version stays the newer."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases.conftest import COLUMNS, NAME, LiveShop, started
from tests.databases.servers import PASSWORD, PASSWORD_VARIABLE, Server
from tests.driven import find_library, taking_time_from
from warehouse.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One kind is enough: the clock is ours."""
    yield from started("postgresql")


def pull_at(live: LiveShop, library: Path, ahead: str) -> str:
    settings = live.folder / "regulars.toml"
    columns = ", ".join(f'{name} = "{column}"' for name, column in COLUMNS.items())
    settings.write_text(
        f'[[landing.databases]]\nname = "{NAME}"\nurl = "{live.server.url}"\ntable = "order_lines"\n'
        f'watermark = "updated_at"\ncolumns = {{ {columns} }}\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "pull", "--home", str(live.folder)],
        env={
            **os.environ,
            "REGULARS_SETTINGS": str(settings),
            PASSWORD_VARIABLE: PASSWORD,
            **taking_time_from(library),
            "FAKETIME": ahead,
            "COLUMNS": "200",
        },
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("clock", [("+0", "-3d", "+0"), ("+12d", "+0", "+0")], ids=["set back", "ahead, then right"])
def test_the_newer_version_of_an_order_stays_the_newer(live: LiveShop, clock: tuple[str, str, str]) -> None:
    library = find_library()
    if library is None:
        pytest.skip("libfaketime is not installed here")
    pull_at(live, library, clock[0])
    [first] = live.files()[-1:]
    live.server.run("update order_lines set quantity = 20, updated_at = now() where order_no = 'A2'")
    assert "1 line of 1 order" in pull_at(live, library, clock[1])
    # by its name a file of a pull tells how new its orders are
    deliveries = [name for name in live.files() if name.endswith(".parquet")]
    assert deliveries[0] == first
    assert len(deliveries) == 2
    newer = (live.landing / deliveries[1]).stat().st_mtime
    assert newer > (live.landing / first).stat().st_mtime
    assert "nothing new" in pull_at(live, library, clock[2])
    assert live.load().delivered_lines == 6
    lines = live.ask("select _file_name, quantity from raw.transactions where invoice = 'A2' order by _file_name")
    assert lines == [(first, "1"), (deliveries[1], "20")]
