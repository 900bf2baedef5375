"""What clusterings were found to be worth, remembered by all processes of a test run.

Belongs here: keeping an answer under all that it is a function of. Does not belong here: whether a fit on the same
points is the same fit (``tests/ml``, which asks the real one each time).

A refresh of a shop of thirty customers spends a fifth of its processor time on the resamples of its clusterings, and a
test run refreshes the same two made-up shops a hundred times. Whoever asks for the same points, fits and seed under the
same code is given the first one's answer; points that differ in one bit are measured.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import ml.segments
from ml.cluster_evidence import Stability
from tests.parsed import shared_by_all_processes

_measure = ml.segments.measure_stability


def remember_clusterings() -> None:
    """Remember from now on in this process and in those forked from it."""
    folder = shared_by_all_processes() / "clusterings"
    folder.mkdir(exist_ok=True)
    ml.segments.measure_stability = partial(_recalled_or_measured, folder)


@contextmanager
def remembered_clusterings() -> Iterator[None]:
    """Remember in this block."""
    before = ml.segments.measure_stability
    remember_clusterings()
    try:
        yield
    finally:
        ml.segments.measure_stability = before


def _recalled_or_measured(folder: Path, points: Any, fits: Sequence[Any], *, random_state: int) -> Stability:
    kept = folder / _name(points, fits, random_state)
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    measured = _measure(points, fits, random_state=random_state)
    unfinished = folder / f"{kept.name}.{os.getpid()}.partial"
    unfinished.write_bytes(pickle.dumps(measured))
    # another process finds all of it or nothing
    unfinished.replace(kept)
    return measured


def _name(points: Any, fits: Sequence[Any], random_state: int) -> str:
    written = io.BytesIO()
    pickler = pickle.Pickler(written)
    # without it equal numbers are written differently where they are one object here and two there
    pickler.fast = True
    pickler.dump((points, list(fits), random_state))
    return hashlib.sha256(written.getvalue()).hexdigest()
