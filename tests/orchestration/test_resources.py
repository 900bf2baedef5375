"""What steps are handed."""

import pytest

from orchestration import resources
from orchestration.resources import FitsBeside


@pytest.mark.parametrize(
    ("cores_free", "customers", "is_beside"),
    [
        (True, 999, False),
        (True, 1_000, True),
        (True, 250_000, True),
        (True, 250_001, False),
        (False, 1_000, False),
    ],
)
def test_a_fit_takes_another_process_only_where_it_is_done_sooner_there_and_memory_allows(
    monkeypatch: pytest.MonkeyPatch, cores_free: bool, customers: int, is_beside: bool
) -> None:
    # a machine has the cores that it has
    monkeypatch.setattr(resources, "is_core_free", lambda: cores_free)
    assert FitsBeside().is_room_for(customers) is is_beside
