"""A home that is backed up while it works, and is brought back on a machine that has nothing of it."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.command import REGULARS, regulars
from tests.tiny_shop import HEADER, deliver
from warehouse.database import lock_holder
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

REVENUE = "select count(*), sum(net_revenue) from marts.fct_invoice_lines"


def day(date: str, units: int) -> dict[str, str]:
    """A delivery of one line at 2.50 a unit."""
    return {
        f"{date}.csv": f"{HEADER}69{date[-2:]}00,20001,ITEM 20001,{units},{date} 10:00:00,2.50,10001.0,United Kingdom\n"
    }


def test_a_backup_during_a_refresh_is_restored_and_goes_on(
    published_home: Home, tmp_path: Path, ask: Callable[..., list[tuple]]
) -> None:
    ((lines, revenue),) = ask(published_home.published, REVENUE)
    deliver(published_home.landing, day("2024-02-15", units=4))
    environment = {**os.environ, "REGULARS_HOME": str(published_home.root), "DO_NOT_TRACK": "1"}
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(
            [*REGULARS, "refresh"], env=environment, cwd=PROJECT_ROOT, stdout=said, stderr=said
        ) as refreshing,
    ):
        while (holder := lock_holder(published_home)) is None or "refresh run" not in holder.purpose:
            assert refreshing.poll() is None
            time.sleep(0.02)
        folder = tmp_path / "backup"
        refused = regulars("backup", str(folder), home=published_home.root)
        backed_up = regulars("backup", str(folder), "--wait", "120", home=published_home.root)
    assert refused.returncode == 1
    assert "is in use by refresh run" in refused.stderr
    assert backed_up.returncode == 0, backed_up.stderr
    assert "Waiting for refresh run" in backed_up.stderr
    assert refreshing.returncode == 0, (tmp_path / "said").read_text()

    shutil.rmtree(published_home.root)
    restored = Home(tmp_path / "another machine" / "home")
    restored.root.parent.mkdir()
    folder.rename(restored.root)
    found = regulars("refresh", home=restored.root)
    assert found.returncode == 0, found.stderr
    assert "Nothing new" in found.stdout
    assert ask(restored.published, REVENUE) == [(lines + 1, revenue + 10)]

    deliver(restored.landing, day("2024-02-16", units=2))
    went_on = regulars("refresh", home=restored.root)
    assert went_on.returncode == 0, went_on.stderr
    assert ask(restored.published, REVENUE) == [(lines + 2, revenue + 15)]
    # the past is there as well
    assert regulars("rollback", "--to", "1", home=restored.root).returncode == 0
    assert ask(restored.published, REVENUE) == [(lines, revenue)]
