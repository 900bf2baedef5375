"""What a refresh was made from, as hashes that two machines agree on.

Belongs here: the version of the data, the settings and the code, by which a refresh
knows that there is nothing new. Does not belong here: deciding what to do about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from warehouse.settings import PROJECT_ROOT, Settings

_CODE_FOLDERS = ("warehouse", "dbt_project", "expectations", "ml", "orchestration")
_CODE_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".csv", ".md"}


def files_fingerprint(folders: Iterable[Path], suffixes: set[str] = _CODE_SUFFIXES) -> str:
    """Hash of the names and contents of source files, whatever order the disk lists them in."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(folder.parent).as_posix().encode() + b"\0")
                digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_fingerprint() -> str:
    """Hash of everything that turns lines into answers; a new release rebuilds once."""
    return files_fingerprint(PROJECT_ROOT / name for name in _CODE_FOLDERS)


def data_version(content_hashes: Iterable[str]) -> str:
    """Hash of the set of file contents that are in the warehouse; order and names don't matter."""
    return hashlib.sha256("\n".join(sorted(content_hashes)).encode()).hexdigest()


@dataclass(frozen=True)
class RefreshVersion:
    """Everything a refresh's tables are a function of."""

    data_version: str
    settings_fingerprint: str
    code_fingerprint: str
    as_of_date: str | None

    @classmethod
    def of(cls, content_hashes: Iterable[str], settings: Settings, as_of_date: str | None) -> RefreshVersion:
        """The version of what is in the warehouse now, under these settings."""
        return cls(data_version(content_hashes), settings.fingerprint(), code_fingerprint(), as_of_date)
