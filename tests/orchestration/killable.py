"""A full refresh in a process that is there to be killed.

Belongs here: what that process runs. Nothing of the tests is imported, so that it leaves
nothing behind in the machine's temporary folder either.
"""

import os
from multiprocessing.connection import Connection
from pathlib import Path

from orchestration.refresh import run_refresh
from warehouse.home import Home


def refresh_and_tell(root: Path, told: Connection) -> None:
    """Refresh the home; what a terminal would show goes to ``told``, a line for each finished step."""
    os.dup2(told.fileno(), 2)
    run_refresh(Home(root), as_of_date=None, full=True, wait_seconds=0, verbose=False)
