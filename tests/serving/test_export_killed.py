"""Exports and campaigns that are killed: nothing half is taken for whole, and nobody is counted twice or lost."""

import fcntl
import hashlib
import json
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from serving.export import ExportRequest, contacts_from_book, export_audiences
from serving.snapshot import SnapshotReader
from tests.command import PROCESSES
from tests.receivers import Receiver, listening
from tests.serving import killable
from warehouse.home import Home
from warehouse.whole_folders import sweep_folders

KILLS = int(os.environ.get("REGULARS_KILLS", "5"))
SECRET = "a key that only these tests sign by"


def assert_whole(folder: Path) -> None:
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    del found["manifest.json"]
    assert {name: hashlib.sha256(data).hexdigest() for name, data in found.items()} == {
        name: entry["sha256"] for name, entry in listed.items()
    }


def visible(parent: Path) -> list[Path]:
    return [path for path in parent.iterdir() if not path.name.startswith(".")]


def die(target: Callable[..., None], *arguments: object) -> None:
    process = PROCESSES.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("with_contacts", [False, True])
def test_a_kill_at_any_moment_leaves_a_whole_export_or_none(
    published_small: Home, tmp_path: Path, with_contacts: bool
) -> None:
    parent, book = tmp_path / "exports", tmp_path / "book.csv"
    addresses = "".join(f"c{number}@example.com,{number}\n" for number in range(10_004, 10_070))
    book.write_text(f"Email,Customer ID\n{addresses}")
    with SnapshotReader(published_small).reading() as reading:
        contacts = contacts_from_book(book, published_small) if with_contacts else None
        request = ExportRequest(campaign="x", layout="mailchimp")
        folder = export_audiences(reading, request, parent, contacts=contacts).folder
    rng = random.Random(3)
    remains = 0
    for _ in range(KILLS):
        begun, tell = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(
            target=killable.export_over_and_over,
            args=(published_small.root, parent, book if with_contacts else None, tell),
        )
        process.start()
        assert begun.recv()
        before = set(parent.glob(".*"))
        # most of its time it reads: kill it as it begins to write, which in memory is over at once, or some time later
        while not set(parent.glob(".*.partial")) - before:
            assert process.is_alive()
        time.sleep(rng.choice((0.0, rng.uniform(0, 0.06))))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        for found in visible(parent):
            assert_whole(found)
        remains += any(parent.glob(".*"))
    assert remains, "it was never killed while it wrote"
    # addresses don't lie about until somebody exports again: the next refresh and the daily schedule sweep
    sweep_folders(parent)
    assert [*parent.iterdir()] == [folder]
    assert_whole(folder)


def test_an_export_out_of_its_place_is_put_back(published_small: Home, tmp_path: Path) -> None:
    with SnapshotReader(published_small).reading() as reading:
        old = export_audiences(reading, ExportRequest(campaign="x"), tmp_path).folder
        before = (old / "manifest.json").read_bytes()
        die(killable.export_and_die_between_the_renames, published_small.root, tmp_path)
        assert not old.exists()
        # any export puts it back
        other = export_audiences(reading, ExportRequest(campaign="y"), tmp_path).folder
    assert (old / "manifest.json").read_bytes() == before
    assert_whole(old)
    assert sorted(tmp_path.iterdir()) == sorted([old, other])


def test_folders_of_others_and_of_who_is_at_work_are_left_alone(tmp_path: Path) -> None:
    theirs = [tmp_path / ".git", tmp_path / ".cache.partial", tmp_path / ".7-x.abcdefgh.partial"]
    for folder in theirs:
        (folder / "old").mkdir(parents=True)
    held = os.open(theirs[-1], os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    sweep_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(theirs)
    os.close(held)
    sweep_folders(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([*theirs[:-1], tmp_path / "7-x"])


@pytest.mark.parametrize("kills_at", [1, 4])
def test_a_campaign_that_is_killed_while_it_is_sent_reaches_everybody_once(
    published_small: Home, tmp_path: Path, kills_at: int
) -> None:
    with listening(Receiver()) as receiver:
        arguments = (published_small.root, tmp_path, receiver.url, SECRET)
        process = PROCESSES.Process(target=killable.export_and_deliver, args=arguments)
        process.start()
        while len(receiver.requests) < kills_at:
            time.sleep(0.0005)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        before = len(receiver.requests)
        again = PROCESSES.Process(target=killable.export_and_deliver, args=arguments)
        again.start()
        again.join(60)
        assert again.exitcode == 0
        requests = [*receiver.requests]
    # what had arrived and was noted is not sent again; the one in between is, under the id that it had
    ids = [headers["webhook-id"] for _, _, headers, _ in requests]
    assert len(ids) - len(set(ids)) <= 1
    assert before >= kills_at
    bodies = {headers["webhook-id"]: json.loads(body)["data"] for _, _, headers, body in requests}
    arrived = [(body["segment"], member["customer_id"]) for body in bodies.values() for member in body["members"]]
    with SnapshotReader(published_small).reading() as reading:
        exported = export_audiences(reading, ExportRequest(campaign="x"), tmp_path)
    assert exported.is_unchanged
    wanted = exported.members[~exported.members["is_holdout"]]
    assert sorted(arrived) == sorted(zip(wanted["segment"], wanted["customer_id"], strict=True))
