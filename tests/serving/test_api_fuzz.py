"""No request, well formed or not, makes the interface break what its OpenAPI document promises.

Schemathesis derives requests from the document: its examples, the limits of every parameter and
values around them, and random ones, both such as are allowed and such as are not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from warehouse.home import Home

CONFIG = {
    "generation": {"mode": "all", "max-examples": 5, "deterministic": True},
    "checks": {
        # what no schema can say, such as that a segment is there, is refused with 400
        "positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404", "413", "415"]},
    },
}


@pytest.fixture(scope="module")
def described(serve: Callable[[Home], str], published_small: Home) -> Any:
    return schemathesis.openapi.from_url(
        f"{serve(published_small)}/openapi.json", config=SchemathesisConfig.from_dict(CONFIG)
    )


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@settings(deadline=None, max_examples=5, derandomize=True, suppress_health_check=list(HealthCheck))
def test_what_the_document_promises_holds(case: schemathesis.Case) -> None:
    case.call_and_validate()
