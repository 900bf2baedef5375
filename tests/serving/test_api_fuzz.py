"""No request, well formed or not, makes the interface break what its OpenAPI document promises.

Schemathesis derives requests from the document: its examples, the limits of every parameter and the
values around them, and random ones, both such as are allowed and such as are not. Run as its command:
its pytest plugin does not work with this pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from warehouse.home import Home

# a minute or so in all; the seed is fixed, so that a failure is one for everybody
CONFIG = """
seed = 20111209
color = false
workers = 2

[phases.stateful]
enabled = false

[generation]
mode = "all"
max-examples = 12
deterministic = true
database = "none"

[checks.positive_data_acceptance]
# what no schema can say, such as that a segment is there, is refused with 400
expected-statuses = ["2xx", "400", "404", "413", "415"]

# random bytes are a file that can't be read; and each takes most of a second, a process of its own
[[operations]]
include-path = "/classify_customers"
phases.coverage.enabled = false
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "413", "415", "422"]

# random requests will do: most take the same parameters as /customers or /segments, through the same code
[[operations]]
include-path = [
    "/api/v1/summary",
    "/api/v1/revenue/monthly",
    "/api/v1/revenue/daily",
    "/api/v1/revenue/countries",
    "/api/v1/segments/profiles",
    "/api/v1/segments/categories",
    "/api/v1/anomalies",
]
phases.coverage.enabled = false
"""


def test_what_the_document_promises_holds_whatever_is_asked(
    serve: Callable[[Home], str], published_small: Home, tmp_path: Path
) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            "schemathesis.toml",
            "run",
            f"{serve(published_small)}/openapi.json",
        ],
        cwd=tmp_path,
        env=os.environ | {"DO_NOT_TRACK": "1", "COLUMNS": "160"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    # a run that reached nothing is no success
    assert "Tested: 30" in done.stdout, done.stdout[-3_000:]
