"""How much an upload may ask of this machine.

Belongs here: every limit, once. Does not belong here: enforcing them.
"""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024**2


@dataclass(frozen=True)
class UploadLimits:
    """What one upload may take, and how many at once."""

    upload_bytes: int = 100 * _MIB
    """Size of the file as it comes. The public data, 541,909 lines of CSV, have 44 MiB."""
    lines: int = 2_000_000
    unpacked_bytes: int = 1024 * _MIB
    """Of a workbook or a gzip file. A worksheet of a million lines unpacks to about 0.4 GB."""
    unpacked_ratio: int = 200
    """Unpacked to packed, beyond :attr:`unpacked_harmless_bytes`. Sales lines reach 5 to 30."""
    unpacked_harmless_bytes: int = 32 * _MIB
    archive_entries: int = 2_000
    """Files inside a workbook; one that Excel writes has a few dozen."""
    seconds: float = 60.0
    """From the whole file on disk to the answer."""
    receive_seconds: float = 300.0
    """For the file to arrive."""
    at_once: int = 2
    retry_after_seconds: int = 15
    """What those are told who come when :attr:`at_once` are at work."""
    database_bytes: int = 2048 * _MIB
    """DuckDB's memory; what is more goes to disk, inside the upload's folder."""
    spill_bytes: int = 8192 * _MIB
    process_bytes: int = 8192 * _MIB
    """Address space of the process that reads the file: a workbook with one cell in its far
    corner asks for hundreds of gigabytes."""
    threads: int = 2
