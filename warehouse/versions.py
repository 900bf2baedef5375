"""What a refresh was made from, as hashes that two machines agree on.

Belongs here: the version of the data, the settings and the code, by which a refresh
knows that there is nothing new. Does not belong here: deciding what to do about it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType

from warehouse.settings import PROJECT_ROOT, Settings

_CODE_FOLDERS = ("warehouse", "dbt_project", "expectations", "ml", "orchestration")
_CODE_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".csv", ".md"}
_WRITTEN_FOLDERS = {"__pycache__", "target", "logs", "dbt_packages"}
"""What Python, and dbt called by hand, leave among the sources."""
_NOT_OF_A_REFRESH = "__unit_tests.yml"

# a string or a quoted name, which stay as they are; then what SQL and Jinja pass over
_SQL_PARTS = re.compile(r"""('(?:[^']|'')*'|"[^"]*")|(?:\s|--[^\n]*|/\*.*?\*/|\{#.*?#\})+""", re.DOTALL)


def source_files(folder: Path, suffixes: Collection[str] = _CODE_SUFFIXES) -> list[Path]:
    """Source files of a folder, in an order that does not depend on the disk."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in suffixes and _WRITTEN_FOLDERS.isdisjoint(path.relative_to(folder).parts) and path.is_file()
    ]


def files_fingerprint(folders: Iterable[Path], suffixes: Collection[str] = _CODE_SUFFIXES) -> str:
    """Hash of the names and contents of source files."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in source_files(folder, suffixes):
            digest.update(path.relative_to(folder.parent).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_fingerprint(memo: Path | None = None) -> str:
    """Hash of everything that turns lines into answers; a new release rebuilds once.

    Comments of Python and SQL, Python's docstrings, blank space of SQL and dbt's unit tests change no table
    and are left out. Python counts as the code that the interpreter makes of it, so another version of
    Python rebuilds, too.

    Parameters
    ----------
    memo
        A file that remembers the hash for these bytes of source: compiling them takes a fifth of a second, which is
        a fifth of finding that nothing is new. Written where it is missing or tells of others.
    """
    bytes_read = files_fingerprint(PROJECT_ROOT / name for name in _CODE_FOLDERS)
    seen = hashlib.sha256(f"{sys.version} {bytes_read}".encode()).hexdigest()
    if memo is not None and memo.exists():
        remembered, _, told = memo.read_text(errors="replace").partition(" ")
        if remembered == seen:
            return told
    told = _fingerprint_of_code()
    if memo is not None:
        partial = memo.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(f"{seen} {told}")
        partial.replace(memo)
    return told


def _fingerprint_of_code() -> str:
    digest = hashlib.sha256()
    for folder in (PROJECT_ROOT / name for name in _CODE_FOLDERS):
        for path in source_files(folder):
            if not path.name.endswith(_NOT_OF_A_REFRESH):
                digest.update(path.relative_to(folder.parent).as_posix().encode() + b"\0")
                digest.update(_meaning(path.suffix, path.read_bytes()) + b"\0")
    return digest.hexdigest()


@cache
def _meaning(suffix: str, source: bytes) -> bytes:
    """What of a source file can change a table."""
    if suffix == ".py":
        # 2: without docstrings and assertions, of which no value depends
        return repr(_told(compile(source, "", "exec", dont_inherit=True, optimize=2))).encode()
    if suffix == ".sql":
        return _SQL_PARTS.sub(lambda part: part[1] or " ", source.decode()).strip().encode()
    return source


def _told(constant: object) -> object:
    """A constant as its text is the same in each process: code without its places in the file, sets in order."""
    if isinstance(constant, CodeType):
        signature = (constant.co_argcount, constant.co_posonlyargcount, constant.co_kwonlyargcount, constant.co_flags)
        names = (constant.co_qualname, constant.co_names, constant.co_varnames, constant.co_freevars)
        does = (constant.co_code, constant.co_exceptiontable)
        return (*signature, *names, constant.co_cellvars, *does, _told(constant.co_consts))
    if isinstance(constant, tuple):
        return tuple(_told(one) for one in constant)
    if isinstance(constant, frozenset):
        return ("set", *sorted(repr(_told(one)) for one in constant))
    return constant


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
    def of(
        cls, content_hashes: Iterable[str], settings: Settings, as_of_date: str | None, *, memo: Path
    ) -> RefreshVersion:
        """The version of what is in the warehouse now, under these settings; ``memo`` is that of the code."""
        return cls(data_version(content_hashes), settings.fingerprint(), code_fingerprint(memo), as_of_date)
