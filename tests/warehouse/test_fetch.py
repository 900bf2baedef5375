"""The download of the public workbook, against a real server on loopback."""

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import xlsxwriter

from warehouse.errors import RegularsError
from warehouse.fetch import fetch_online_retail
from warehouse.sample import write_sample_history

LINES = 3


def workbook_bytes(lines: int = LINES) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("Online Retail")
    sheet.write_row(0, 0, ["InvoiceNo", "StockCode", "Quantity"])
    for row in range(lines):
        sheet.write_row(row + 1, 0, [536365 + row, "85123A", 6])
    book.close()
    return buffer.getvalue()


def archive_bytes(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@contextmanager
def serving(
    body: bytes, *, status: int = 200, stated_bytes: int | None = None, states_length: bool = True
) -> Iterator[str]:
    """Serve one body on loopback; ``stated_bytes`` may promise more than is sent."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/moved.zip":
                self.send_response(302)
                self.send_header("Location", "/online+retail.zip")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(status)
            if states_length:
                self.send_header("Content-Length", str(len(body) if stated_bytes is None else stated_bytes))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/online+retail.zip"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return tmp_path / "landing"


def held(landing: Path) -> list[str]:
    return sorted(entry.name for entry in landing.iterdir())


def test_the_workbook_lands_whole_and_alone(landing: Path) -> None:
    workbook = workbook_bytes()
    archive = archive_bytes({"Online Retail.xlsx": workbook})
    calls: list[tuple[int, int | None]] = []
    with serving(archive) as url:
        path = fetch_online_retail(
            landing,
            url=url,
            progress=lambda done, total: calls.append((done, total)),
            expected_sha256=hashlib.sha256(archive).hexdigest().upper(),
            expected_lines=LINES,
        )
    assert path.read_bytes() == workbook
    assert held(landing) == ["online_retail.xlsx"]
    assert calls[0] == (0, len(archive))
    assert calls[-1] == (len(archive), len(archive))


def test_a_server_that_states_no_length_still_works(landing: Path) -> None:
    archive = archive_bytes({"Online Retail.xlsx": workbook_bytes()})
    calls: list[tuple[int, int | None]] = []
    with serving(archive, states_length=False) as url:
        fetch_online_retail(
            landing,
            url=url,
            progress=lambda done, total: calls.append((done, total)),
            expected_sha256=None,
            expected_lines=LINES,
        )
    assert calls[-1] == (len(archive), None)


def test_a_redirect_is_followed(landing: Path) -> None:
    with serving(archive_bytes({"Online Retail.xlsx": workbook_bytes()})) as url:
        moved = url.replace("online+retail.zip", "moved.zip")
        path = fetch_online_retail(landing, url=moved, expected_sha256=None, expected_lines=LINES)
    assert path.exists()


def test_a_wrong_checksum_is_refused_and_names_both(landing: Path) -> None:
    archive = archive_bytes({"Online Retail.xlsx": workbook_bytes()})
    with serving(archive) as url, pytest.raises(RegularsError) as caught:
        fetch_online_retail(landing, url=url, expected_lines=LINES)
    assert hashlib.sha256(archive).hexdigest() in str(caught.value)
    assert "f5385cbb54bbebf7196389109c6b0621faab0c304e3702548165e71c84aede8b" in str(caught.value)
    assert held(landing) == []


def test_a_refused_download_leaves_an_earlier_workbook_alone(landing: Path) -> None:
    landing.mkdir()
    (landing / "online_retail.xlsx").write_bytes(b"as delivered before")
    with serving(b"something else") as url, pytest.raises(RegularsError):
        fetch_online_retail(landing, url=url)
    assert held(landing) == ["online_retail.xlsx"]
    assert (landing / "online_retail.xlsx").read_bytes() == b"as delivered before"


def test_a_404_is_said_plainly(landing: Path) -> None:
    with serving(b"gone", status=404) as url, pytest.raises(RegularsError, match="answered 404 Not Found"):
        fetch_online_retail(landing, url=url)
    assert held(landing) == []


def test_a_truncated_body_is_said_with_how_far_it_came(landing: Path) -> None:
    archive = archive_bytes({"Online Retail.xlsx": workbook_bytes()})
    half = archive[: len(archive) // 2]
    with (
        serving(half, stated_bytes=len(archive)) as url,
        pytest.raises(RegularsError, match=rf"broke off after {len(half):,} of {len(archive):,} bytes"),
    ):
        fetch_online_retail(landing, url=url)
    assert held(landing) == []


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (0.5, "not a whole zip archive"),
        # a workbook is a zip itself: with the outer directory cut off, the inner one is found
        (0.99, "should hold one workbook"),
    ],
)
def test_a_truncated_body_of_unstated_length_is_noticed_without_a_checksum(
    landing: Path, kept: float, message: str
) -> None:
    archive = archive_bytes({"Online Retail.xlsx": workbook_bytes()})
    with (
        serving(archive[: int(kept * len(archive))], states_length=False) as url,
        pytest.raises(RegularsError, match=message),
    ):
        fetch_online_retail(landing, url=url, expected_sha256=None)
    assert held(landing) == []


def test_a_flipped_byte_is_noticed_without_a_checksum(landing: Path) -> None:
    archive = bytearray(archive_bytes({"Online Retail.xlsx": workbook_bytes()}))
    archive[len(archive) // 2] ^= 0xFF
    with (
        serving(bytes(archive)) as url,
        pytest.raises(RegularsError, match=r"not a whole zip archive \(Bad CRC-32"),
    ):
        fetch_online_retail(landing, url=url, expected_sha256=None)
    assert held(landing) == []


def test_an_archive_without_a_workbook_is_refused(landing: Path) -> None:
    with (
        serving(archive_bytes({"readme.txt": b"moved"})) as url,
        pytest.raises(RegularsError, match=r"should hold one workbook; it holds readme\.txt"),
    ):
        fetch_online_retail(landing, url=url, expected_sha256=None)


def test_a_workbook_that_is_none_is_refused(landing: Path) -> None:
    with (
        serving(archive_bytes({"Online Retail.xlsx": b"<html>"})) as url,
        pytest.raises(RegularsError, match="workbook can't be read"),
    ):
        fetch_online_retail(landing, url=url, expected_sha256=None)
    assert held(landing) == []


def test_a_workbook_with_other_lines_than_published_is_refused(landing: Path) -> None:
    with (
        serving(archive_bytes({"Online Retail.xlsx": workbook_bytes(lines=4)})) as url,
        pytest.raises(RegularsError, match="has 4 lines; the publisher's has 3"),
    ):
        fetch_online_retail(landing, url=url, expected_sha256=None, expected_lines=3)
    assert held(landing) == []


def test_no_connection_is_one_sentence_with_the_host_and_what_else_works(landing: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(RegularsError) as caught:
        fetch_online_retail(landing, url=f"http://127.0.0.1:{port}/online+retail.zip")
    message = str(caught.value)
    assert message.startswith(f"127.0.0.1:{port} can't be reached")
    assert str(landing) in message
    assert "regulars sample" in message
    assert "\n" not in message
    assert held(landing) == []


def test_a_silent_server_is_given_up_on(landing: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        with pytest.raises(RegularsError, match="can't be reached"):
            fetch_online_retail(landing, url=f"http://127.0.0.1:{port}/x.zip", timeout_seconds=0.2)


def test_a_landing_that_is_a_file_is_said_plainly(landing: Path) -> None:
    landing.write_text("a file")
    with pytest.raises(RegularsError, match="can't be written to"):
        fetch_online_retail(landing, url="http://127.0.0.1:9/unused.zip")


def test_real_lines_are_not_put_beside_the_sample_history(landing: Path) -> None:
    write_sample_history(landing, days=60, scale=0.01)
    with pytest.raises(RegularsError, match="holds the made-up sample history"):
        fetch_online_retail(landing, url="http://127.0.0.1:9/unused.zip")


def test_what_is_there_already_is_not_downloaded_again(landing: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = workbook_bytes()
    monkeypatch.setattr("warehouse.fetch.ONLINE_RETAIL_WORKBOOK_SHA256", hashlib.sha256(workbook).hexdigest())
    with serving(archive_bytes({"Online Retail.xlsx": workbook})) as url:
        first = fetch_online_retail(landing, url=url, expected_sha256=None, expected_lines=LINES)
    # the server is gone now
    assert fetch_online_retail(landing, url=url) == first
