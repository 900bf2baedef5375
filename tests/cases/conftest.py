"""Homes that cases share: each is refreshed once for the tests of one file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cases.shop import Case, Published, refreshed
from warehouse.home import Home


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., Published]:
    """Refresh one shop's files as somebody first delivers them: right in landing, no settings unless given.

    Asked again for the same home it goes on from there, so that a case can be refused first
    and mended then.
    """
    home = Home(tmp_path / "home")

    def run(case: Case | None = None, settings: str = "") -> Published:
        if case is not None:
            case.put(home.landing, folder="")
        return refreshed(home, settings)

    return run
