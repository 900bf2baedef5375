"""A full refresh in a process that is there to be killed.

Belongs here: what that process runs. Nothing of the tests is imported, so that it leaves
nothing behind in the machine's temporary folder either.
"""

import os
from pathlib import Path

from orchestration.refresh import run_refresh
from warehouse.home import Home


def refresh_and_tell(root: Path, told: Path) -> None:
    """Refresh the home; each finished step is a line in the named pipe ``told``."""
    pipe = os.open(told, os.O_WRONLY)
    os.dup2(pipe, 2)
    run_refresh(Home(root), as_of_date=None, full=True, wait_seconds=0, verbose=False)
