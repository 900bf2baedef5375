"""The public UCI Online Retail workbook, for those who have internet.

Belongs here: the download, its checks, and putting the workbook into landing. Does
not belong here: reading it as a delivery (see ``readers``), or any other address:
this one is the only one the project ever calls.

The publisher states no checksum. The two pinned here are those that more than ten
independent public projects pin for the same address, and they fit each other: an
archive that stores one member of 18 letters is its size plus 134 bytes, and
23,715,478 - 23,715,344 = 134. The number of lines is the publisher's own.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from warehouse.errors import RegularsError
from warehouse.sample.truth import truth_path

ONLINE_RETAIL_URL = "https://archive.ics.uci.edu/static/public/352/online+retail.zip"
ONLINE_RETAIL_PAGE = "https://archive.ics.uci.edu/dataset/352/online+retail"
ONLINE_RETAIL_SHA256 = "f5385cbb54bbebf7196389109c6b0621faab0c304e3702548165e71c84aede8b"
"""Of the archive."""
ONLINE_RETAIL_WORKBOOK_SHA256 = "43465a06f2ccf7c8b5bd2892bc7defb52f97487934fe93b16ae4c3936424676d"
"""Of the workbook in it."""
ONLINE_RETAIL_LINES = 541_909

_FILE_NAME = "online_retail.xlsx"
_CHUNK_BYTES = 1 << 18
# The archive is 24 MB; far more than that is something else, or an attack.
_MOST_BYTES = 200 * 1024 * 1024

Progress = Callable[[int, int | None], None]

log = logging.getLogger(__name__)


def fetch_online_retail(
    landing: Path,
    *,
    progress: Progress | None = None,
    url: str = ONLINE_RETAIL_URL,
    expected_sha256: str | None = ONLINE_RETAIL_SHA256,
    expected_lines: int | None = ONLINE_RETAIL_LINES,
    timeout_seconds: float = 30.0,
) -> Path:
    """Download the Online Retail workbook into a landing folder.

    The workbook appears there whole and checked, or not at all. If it is there
    already, nothing is downloaded. Its SHA-256 and the archive's are logged.

    Parameters
    ----------
    landing
        Folder to put ``online_retail.xlsx`` into; made if missing.
    progress
        Called with bytes done and bytes in all; the latter is None where the server
        doesn't say.
    expected_sha256
        Of the downloaded archive, in hexadecimal; None checks only what the archive
        and the workbook say of themselves.
    expected_lines
        Lines of the workbook, header apart; None doesn't count them.
    timeout_seconds
        Longest silence of the server that is waited for.

    Returns
    -------
    Path
        The workbook.

    Raises
    ------
    RegularsError
        If ``landing`` holds the sample history, if the host can't be reached, refuses or
        breaks off, if what came is not what was expected (nothing of it is kept), or if
        it can't be written.
    """
    landing = landing.resolve()
    workbook = landing / _FILE_NAME
    if truth_path(landing).exists():
        raise RegularsError(
            f"{landing} holds the made-up sample history; real lines are never mixed with it. Choose another folder."
        )
    if workbook.exists() and _sha256(workbook) == ONLINE_RETAIL_WORKBOOK_SHA256:
        log.info("%s is there already (SHA-256 %s)", workbook, ONLINE_RETAIL_WORKBOOK_SHA256)
        return workbook
    # hidden and named as unfinished, so that no load takes them for deliveries
    archive_part = landing / f".{_FILE_NAME}.zip.part"
    workbook_part = landing / f".{_FILE_NAME}.part"
    try:
        landing.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RegularsError(f"The download can't be written to {landing}: {error}.") from error
    try:
        archive_sha256 = _download(url, archive_part, landing, progress, timeout_seconds)
        if expected_sha256 is not None and archive_sha256 != expected_sha256.lower():
            raise RegularsError(
                f"What came from {url} is not the expected file: its SHA-256 is {archive_sha256}, not "
                f"{expected_sha256.lower()}. It was deleted; try again, and if it comes out the same, the publisher "
                f"has changed the file: look at {ONLINE_RETAIL_PAGE}."
            )
        _extract_workbook(archive_part, workbook_part, url)
        if expected_lines is not None:
            _check_lines(workbook_part, expected_lines)
        workbook_sha256 = _sha256(workbook_part)
        workbook_part.replace(workbook)
    except OSError as error:
        raise RegularsError(f"The download can't be written to {landing}: {error}.") from error
    finally:
        archive_part.unlink(missing_ok=True)
        workbook_part.unlink(missing_ok=True)
    log.info("%s: archive SHA-256 %s, workbook SHA-256 %s", workbook, archive_sha256, workbook_sha256)
    return workbook


def _download(url: str, part: Path, landing: Path, progress: Progress | None, timeout_seconds: float) -> str:
    """Stream ``url`` into ``part`` and return its SHA-256."""
    host = urlsplit(url).netloc
    digest, done, total, has_answered = hashlib.sha256(), 0, None, False
    by_hand = f"Without internet, download it elsewhere from {ONLINE_RETAIL_PAGE} and put it into {landing}"
    try:
        with (
            httpx.stream("GET", url, follow_redirects=True, timeout=timeout_seconds) as response,
            part.open("wb") as file,
        ):
            response.raise_for_status()
            has_answered = True
            stated = response.headers.get("Content-Length", "")
            # with a content encoding, the stated length is not that of what is read
            total = int(stated) if stated.isdigit() and "Content-Encoding" not in response.headers else None
            if progress is not None:
                progress(0, total)
            for chunk in response.iter_bytes():
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                if done > _MOST_BYTES:
                    raise RegularsError(f"{url} sends more than {_MOST_BYTES:,} bytes; the file is about 24 MB.")
                if progress is not None:
                    progress(done, total)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise RegularsError(
            f"{host} answered {status} {error.response.reason_phrase} for {url}; "
            f"look at {ONLINE_RETAIL_PAGE} whether the file has moved, or put your own files into {landing}."
        ) from error
    except (httpx.TransportError, httpx.InvalidURL) as error:
        if has_answered:
            of_all = f" of {total:,}" if total else ""
            raise RegularsError(
                f"{host} broke off after {done:,}{of_all} bytes ({error}); nothing was kept, try again."
            ) from error
        raise RegularsError(
            f"{host} can't be reached ({str(error) or type(error).__name__}). {by_hand}, or try things on the made-up "
            "history of `regulars sample`."
        ) from error
    except httpx.HTTPError as error:
        raise RegularsError(f"{url} can't be downloaded: {error}.") from error
    return digest.hexdigest()


def _extract_workbook(archive_path: Path, workbook_part: Path, url: str) -> None:
    """Take the one workbook out of the archive; reading it to the end checks its CRC."""
    try:
        with zipfile.ZipFile(archive_path) as archive:
            members = [member for member in archive.infolist() if member.filename.lower().endswith(".xlsx")]
            if len(members) != 1:
                held = ", ".join(archive.namelist()[:5]) or "nothing"
                raise RegularsError(f"The archive from {url} should hold one workbook; it holds {held}.")
            if members[0].file_size > _MOST_BYTES:
                raise RegularsError(
                    f"The workbook in {url} unpacks to {members[0].file_size:,} bytes; it should be about 24 MB."
                )
            with archive.open(members[0]) as source, workbook_part.open("wb") as target:
                shutil.copyfileobj(source, target, _CHUNK_BYTES)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError) as error:
        raise RegularsError(
            f"What came from {url} is not a whole zip archive ({error}); nothing was kept, try again."
        ) from error


def _check_lines(workbook: Path, expected_lines: int) -> None:
    import fastexcel

    try:
        reader = fastexcel.read_excel(workbook)
        lines = sum(reader.load_sheet(name).total_height for name in reader.sheet_names)
    except fastexcel.FastExcelError as error:
        raise RegularsError(f"The downloaded workbook can't be read: {str(error).splitlines()[0]}.") from error
    if lines != expected_lines:
        raise RegularsError(
            f"The downloaded workbook has {lines:,} lines; the publisher's has {expected_lines:,}. It was deleted."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
