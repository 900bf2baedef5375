"""A home that an earlier build made is opened by this one, and its tables become those of a new home."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import regulars
from tests.orchestration.conftest import differing_tables
from tests.tiny_shop import deliver, small_history
from warehouse.home import HOME_FORMAT, Home
from warehouse.settings import PROJECT_ROOT

# the build of 21 November, whose homes say no format, and the one that this commit comes after
EARLIER = ("bf439ab", "HEAD~1")


@pytest.fixture(params=EARLIER)
def earlier_build(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The files of an earlier commit."""
    archived = subprocess.run(["git", "archive", request.param], cwd=PROJECT_ROOT, capture_output=True)
    if archived.returncode != 0:
        pytest.skip(f"the history of this checkout does not have {request.param}: {archived.stderr.decode().strip()}")
    folder = tmp_path / "earlier"
    folder.mkdir()
    subprocess.run(["tar", "-x"], cwd=folder, input=archived.stdout, check=True)
    return folder


def test_a_home_of_an_earlier_build_is_taken_over(
    earlier_build: Path, shop_once_published: Home, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    history = small_history()
    *before, last = history
    deliver(home.landing, {name: history[name] for name in before})
    made = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "refresh"],
        env={**os.environ, "PYTHONPATH": str(earlier_build), "REGULARS_HOME": str(home.root), "DO_NOT_TRACK": "1"},
        # python -m takes the folder that it is called in before any other
        cwd=earlier_build,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr

    deliver(home.landing, {last: history[last]})
    upgraded = regulars("refresh", home=home.root)
    assert upgraded.returncode == 0, upgraded.stdout + upgraded.stderr
    assert differing_tables(shop_once_published.published, home.published) == []
    assert json.loads(home.origin_file.read_text())["format"] == HOME_FORMAT
    # what the earlier build published can still be put back
    assert "publication 1 again" in regulars("rollback", home=home.root).stdout
    again = regulars("refresh", home=home.root)
    assert "Nothing new" in again.stdout, again.stdout + again.stderr
