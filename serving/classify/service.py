"""Uploads, a few at a time, each in a folder and a process of its own.

Belongs here: how many at once, how long, how large, and cleaning up. Does not belong here:
how labels come about, and HTTP.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from ml.clustering import ALGORITHMS
from serving.classify.errors import (
    BY_NAME,
    ClassifierBusyError,
    TooLongError,
    UploadRefusedError,
    UploadTooLargeError,
    too_much_memory,
)
from serving.classify.folders import ANSWER, JOB, REFUSAL, REFUSED, TABLES, sweep, upload_folder
from serving.classify.limits import UploadLimits
from serving.classify.results import Classification, Facts
from serving.snapshot import NoSnapshotError
from warehouse.home import Home
from warehouse.settings import PROJECT_ROOT, load_settings

METHODS: tuple[str, ...] = ALGORITHMS
DEFAULT_METHOD = "kmeans"

_FILE = "upload"
_NAME_LENGTH = 120
_COPY_BYTES = 1024 * 1024
# what a process needs to run, and nothing that configures anything
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")


class Upload:
    """A file on its way in: written piece by piece, never more than it may be."""

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self.folder = folder
        self.name = "upload"
        self._limits = limits
        self._bytes = 0
        self._stream: IO[bytes] = (folder / _FILE).open("wb")

    def call(self, name: str) -> None:
        """Tell what people know the file by: its last part, printable, and never a path of ours."""
        last = name.replace("\\", "/").rpartition("/")[2]
        shown = "".join(character if character.isprintable() else "\ufffd" for character in last).strip()
        self.name = shown[:_NAME_LENGTH] or "upload"

    def write(self, piece: bytes) -> None:
        """Take in the next bytes.

        Raises
        ------
        UploadTooLargeError
            As soon as there are more than there may be, whatever was announced.
        """
        self._bytes += len(piece)
        if self._bytes > self._limits.upload_bytes:
            raise UploadTooLargeError(
                f"{self.name}: it is larger than {self._limits.upload_bytes:,} bytes, the most that can be uploaded; "
                "compress it (gzip, Parquet), split it by customers, or deliver it to the warehouse."
            )
        self._stream.write(piece)

    def take(self, source: IO[bytes]) -> None:
        """Copy all of a file, as far as :meth:`write` does."""
        while piece := source.read(_COPY_BYTES):
            self.write(piece)

    def close(self) -> None:
        """No more bytes come."""
        self._stream.close()


class Classifier:
    """Classifies uploads by a home's published snapshot; safe to share between threads."""

    def __init__(self, home: Home, limits: UploadLimits) -> None:
        self.home = home
        self.limits = limits
        self._slots = threading.BoundedSemaphore(limits.at_once)
        sweep(home.scratch)

    @contextmanager
    def receiving(self) -> Iterator[Upload]:
        """A place for one upload, from its first byte to its answer; its folder is gone afterwards.

        Raises
        ------
        ClassifierBusyError
            If as many as there may be at once are at work.
        """
        if not self._slots.acquire(blocking=False):
            raise ClassifierBusyError(
                f"{self.limits.at_once} uploads are being classified, as many as there may be at once. Try again in "
                f"{self.limits.retry_after_seconds} seconds.",
                retry_after_seconds=self.limits.retry_after_seconds,
            )
        try:
            with upload_folder(self.home.scratch) as folder:
                upload = Upload(folder, self.limits)
                try:
                    yield upload
                finally:
                    upload.close()
        finally:
            self._slots.release()

    def classify(self, upload: Upload, *, method: str = DEFAULT_METHOD, as_of: date | None = None) -> Classification:
        """Label the customers of an upload that has arrived whole.

        Raises
        ------
        UploadRefusedError
            If there are no labels to give, with the reason and an HTTP status.
        NoSnapshotError
            If nothing was published yet.
        RegularsError
            If the settings can't be read.
        """
        if method not in METHODS:
            raise UploadRefusedError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
        if not self.home.to_read.published.exists():
            raise NoSnapshotError(f"Nothing is published in {self.home.root} yet. Run `regulars refresh` first.")
        upload.close()
        settings = load_settings()
        job = {
            "home": str(self.home.root),
            "file": _FILE,
            "name": upload.name,
            "method": method,
            "as_of": None if as_of is None else as_of.isoformat(),
            "read_at": datetime.now(UTC).isoformat(),
            "limits": asdict(self.limits),
            "landing": settings.landing.model_dump(mode="json"),
            "shop": settings.shop.model_dump(mode="json"),
        }
        (upload.folder / JOB).write_text(json.dumps(job), encoding="utf-8")
        self._run(upload)
        return _read_answer(upload.folder)

    def classify_path(self, path: Path, *, method: str = DEFAULT_METHOD, as_of: date | None = None) -> Classification:
        """Label the customers of a file of this machine; a copy is worked on.

        Raises
        ------
        OSError
            If the file can't be read; otherwise as :meth:`classify`.
        """
        with self.receiving() as upload, path.open("rb") as source:
            upload.call(path.name)
            upload.take(source)
            return self.classify(upload, method=method, as_of=as_of)

    def _run(self, upload: Upload) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        # whatever a library leaves lying about lies in the folder that goes
        environment["TMPDIR"] = str(upload.folder)
        with (upload.folder / "log").open("wb") as told:
            # nothing of the upload is in the command: the folder's name is ours
            try:
                code = subprocess.run(  # noqa: S603
                    [sys.executable, "-m", "serving.classify.worker", str(upload.folder)],
                    cwd=PROJECT_ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=told,
                    start_new_session=True,
                    timeout=self.limits.seconds,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired as error:
                raise TooLongError(
                    f"{upload.name}: classifying it takes longer than {self.limits.seconds:g} seconds. Split it by "
                    "customers, or deliver it to the warehouse."
                ) from error
        if code == 0:
            return
        if code == REFUSED:
            refusal = json.loads((upload.folder / REFUSAL).read_text(encoding="utf-8"))
            raise BY_NAME[refusal["kind"]](refusal["message"])
        log = (upload.folder / "log").read_text(encoding="utf-8", errors="replace")
        # killed by the system, or native code that gave up for want of memory
        if code < 0 or "memory allocation of" in log:
            raise too_much_memory(upload.name)
        raise RuntimeError(f"classifying an upload ended with {code}:\n{log[-4000:]}")


@lru_cache(maxsize=16)
def classifier_of(home: Home, limits: UploadLimits) -> Classifier:
    """The one classifier of a home in this process, so that HTTP and page share its places."""
    return Classifier(home, limits)


def _read_answer(folder: Path) -> Classification:
    import pyarrow as pa

    facts = TypeAdapter(Facts).validate_json((folder / ANSWER).read_bytes())
    frames = {}
    for table in TABLES:
        with pa.ipc.open_file((folder / f"{table}.arrow").read_bytes()) as reader:
            frames[table] = reader.read_all().to_pandas(integer_object_nulls=True)
    return Classification(**vars(facts), **frames)
