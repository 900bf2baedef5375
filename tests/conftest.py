"""What every test may use: the real files, and a clean environment."""

import os
from pathlib import Path

import pytest

REAL_DATA_VARIABLE = "REGULARS_REAL_DATA"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The 305 daily files of the public Online Retail data."""
    folder = os.environ.get(REAL_DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{REAL_DATA_VARIABLE} is not set: the public Online Retail files are not part of the project")
    return Path(folder)


@pytest.fixture(autouse=True)
def _settings_from_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests must not bend them."""
    for name in list(os.environ):
        if name.startswith("REGULARS_") and name != REAL_DATA_VARIABLE:
            monkeypatch.delenv(name)
