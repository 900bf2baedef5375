"""A whole test run writes to memory, and leaves nothing there."""

from pathlib import Path

import pytest

from tests import in_memory
from tests.in_memory import FolderInMemory, has_room


def test_what_a_killed_run_left_is_taken_away_and_one_at_work_is_let_work(tmp_path: Path) -> None:
    killed, at_work = tmp_path / "regulars-tests-killed", FolderInMemory(tmp_path)
    (killed / "home").mkdir(parents=True)
    (killed / "home" / "warehouse.duckdb").write_bytes(b"half a home")
    (tmp_path / "others").mkdir()
    begun = FolderInMemory(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {at_work.path.name, begun.path.name, "others"}
    begun.give_back()
    at_work.give_back()
    assert [path.name for path in tmp_path.iterdir()] == ["others"]


def test_a_machine_without_room_writes_to_its_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_room(tmp_path / "no such folder")
    for limit in ("ROOM_BYTES", "WORKING_BYTES"):
        with monkeypatch.context() as patch:
            # of memory and of disk no machine has a million terabytes
            patch.setattr(in_memory, limit, 2**60)
            assert not has_room(tmp_path)
    monkeypatch.setattr(in_memory, "ROOM_BYTES", 0)
    monkeypatch.setattr(in_memory, "WORKING_BYTES", 0)
    assert has_room(tmp_path)
