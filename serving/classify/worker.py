"""The process that reads one uploaded file, with bounds on what it may take, and ends.

Belongs here: the bounds that a process can set itself, and handing the answer (or why
there is none) to the one who asked, in files. Does not belong here: the work
(:mod:`serving.classify.labels`), and the limit in time, which the one who asked enforces.

A process of its own, because readers of workbooks and Parquet are native code: no thread
that runs them can be stopped, and what they allocate nobody else can bound.

    python -m serving.classify.worker FOLDER      # FOLDER holds job.json and the file
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import date, datetime
from pathlib import Path

from pydantic import TypeAdapter

from serving.classify.errors import UploadRefusedError, too_much_memory
from serving.classify.folders import ANSWER, JOB, REFUSAL, REFUSED, TABLES
from serving.classify.limits import UploadLimits
from serving.classify.results import Facts


def work(folder: Path) -> None:
    """Answer the job in a folder.

    Raises
    ------
    UploadRefusedError
        If there are no labels to give; the message is meant for the one who asked.
    """
    import duckdb
    import pyarrow as pa

    from serving.classify.inspection import inspect_upload
    from serving.classify.labels import classify_file
    from serving.snapshot import SnapshotReader
    from warehouse.errors import HomeError
    from warehouse.home import Home
    from warehouse.pseudonyms import read_key
    from warehouse.readers.errors import is_disk_full
    from warehouse.settings import Landing, Settings, Shop

    job = json.loads((folder / JOB).read_text(encoding="utf-8"))
    limits, name = UploadLimits(**job["limits"]), job["name"]
    path = folder / job["file"]
    kind = inspect_upload(path, name, limits)
    # readers of workbooks go by the suffix
    path = path.rename(path.with_suffix(f".{kind}"))
    # the shop's clock is what times with an offset are converted to
    settings = Settings.model_construct(
        landing=Landing.model_validate(job["landing"]), shop=Shop.model_validate(job["shop"])
    )
    home = Home(Path(job["home"]))
    try:
        key = read_key(home.to_read)
    except HomeError:
        # an answer without it says that nobody can be matched, and a refresh says what is wrong with the file
        key = None
    try:
        with SnapshotReader(home).reading() as reading:
            done = classify_file(
                reading,
                path,
                name,
                settings,
                limits,
                method=job["method"],
                as_of=None if job["as_of"] is None else date.fromisoformat(job["as_of"]),
                read_at=datetime.fromisoformat(job["read_at"]),
                key=key,
            )
    except (MemoryError, duckdb.OutOfMemoryException, pa.ArrowMemoryError) as error:
        raise too_much_memory(name) from error
    except (OSError, duckdb.Error, RuntimeError) as error:
        if is_disk_full(error) or is_disk_full(error.__cause__ or error):
            raise too_much_memory(name) from error
        raise
    for table in TABLES:
        frame = getattr(done, table)
        with pa.OSFile(str(folder / f"{table}.arrow"), "wb") as sink:
            written = pa.Table.from_pandas(frame, preserve_index=False)
            with pa.ipc.new_file(sink, written.schema) as writer:
                writer.write_table(written)
    (folder / ANSWER).write_bytes(TypeAdapter(Facts).dump_json(done))


def _bound(process_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Darwin knows the limit and does not keep to it, and refuses to lower it
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (process_bytes, process_bytes))


def main(folder: Path) -> int:
    """Do the work; the exit code tells how it went."""
    _bound(int(json.loads((folder / JOB).read_text(encoding="utf-8"))["limits"]["process_bytes"]))
    try:
        work(folder)
    except UploadRefusedError as error:
        told = {"kind": type(error).__name__, "message": str(error)}
        (folder / REFUSAL).write_text(json.dumps(told), encoding="utf-8")
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
