"""A home that another user owns, or on a disk that is mounted read-only: one line with what to do, and readers read on.

These tests run as root often, whom no mode keeps out: the command then gives up root's privileges, and files have
another owner; or sees the home read-only, by a mount of its own.
"""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.command import REGULARS
from tests.tiny_shop import deliver, small_history
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT

SOMEBODY = 12_345
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


def bereft(kind: str, home: Home) -> list[str]:
    """What stands before a command that may not write to the home."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files to another user and mounts")
    if kind == "of another user":
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv (util-linux) is not installed here")
        for path in (home.root, *home.root.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
        return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    before = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(home.root)]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    return before


def run(before: list[str], *arguments: str, home: Home) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, *REGULARS, *arguments, "--home", str(home.root)],
        env={**os.environ, "COLUMNS": "200"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (
            "of another user",
            f"belongs to user {SOMEBODY}. Run the command as user {SOMEBODY}, or give it to root: chown",
        ),
        ("read-only", "its disk is mounted read-only. Mount it for writing, or use another folder."),
    ],
)
def test_a_home_that_can_not_be_written_is_told_and_is_read_on(published_home: Home, kind: str, told: str) -> None:
    deliver(published_home.landing, {"news.csv": small_history(1)["2024-01-01.csv"]})
    before = bereft(kind, published_home)
    for arguments in (["refresh"], ["rollback"], ["daemon"]):
        done = run(before, *arguments, home=published_home)
        assert done.returncode == 2, done.stderr
        *_, last = done.stderr.splitlines()
        assert last.startswith(f"regulars: {published_home.root}")
        assert told in last
        assert "Traceback" not in done.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = [*before, *REGULARS, "serve", "--port", str(port), "--home", str(published_home.root)]
    with subprocess.Popen(serve, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    page = httpx.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.TransportError:
                    assert server.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.1)
            assert page.status_code == 200
            for path in ("health", "summary", "segments/profiles"):
                assert httpx.get(f"http://127.0.0.1:{port}/api/v1/{path}").status_code == 200, path
        finally:
            server.terminate()


def test_a_landing_folder_that_is_closed_is_told(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    deliver(home.landing, small_history(1))
    before = bereft("of another user", home)
    os.chown(home.root, 0, 0)
    home.landing.chmod(0o700)
    done = run(before, "refresh", home=home)
    assert done.returncode == 1
    assert done.stderr.startswith(f"regulars: The landing folder can't be listed: {home.landing} is closed to root: ")
    assert done.stderr.count("\n") == 1


def test_one_command_as_another_user_leaves_files_that_are_told(published_home: Home) -> None:
    before = bereft("of another user", published_home)
    for path in (published_home.root, *published_home.root.rglob("*")):
        if path not in (published_home.warehouse, published_home.root / "dagster" / "history" / "runs.db"):
            os.chown(path, 0, 0, follow_symlinks=False)
    done = run(before, "refresh", "--full", home=published_home)
    assert done.returncode == 2, done.stderr
    assert f"belongs to user {SOMEBODY}. Run the command" in done.stderr
