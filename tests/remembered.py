"""What clusterings were found to be worth and how models were drawn, remembered by all processes of a test run.

Belongs here: keeping an answer under all that it is a function of. Does not belong here: whether the same arguments
bring the same answer (``tests/ml``, which asks the functions themselves each time).

A refresh of a shop of thirty customers spends much of its processor time on the resamples of its clusterings and on two
pictures, and a test run refreshes the same few made-up shops a hundred times. Whoever asks with the same
arguments is given the first one's answer; points that differ in one bit are measured.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import ml.anomaly_plots
import ml.segment_plots
import ml.segments
from tests.parsed import shared_by_all_processes

# each is asked for by this module and name while a refresh is at work
_ANSWERING: dict[tuple[Any, str], Callable[..., Any]] = {
    (module, name): getattr(module, name)
    for module, name in (
        (ml.segments, "measure_stability"),
        (ml.segment_plots, "draw_cluster_selection"),
        (ml.anomaly_plots, "draw_revenue_anomalies"),
    )
}


def remember_answers() -> None:
    """Remember from now on in this process and in those forked from it."""
    folder = shared_by_all_processes() / "answers"
    folder.mkdir(exist_ok=True)
    for (module, name), function in _ANSWERING.items():
        setattr(module, name, partial(_recalled, folder, function))


@contextmanager
def remembered_answers() -> Iterator[None]:
    """Remember in this block."""
    before = {(module, name): getattr(module, name) for module, name in _ANSWERING}
    remember_answers()
    try:
        yield
    finally:
        for (module, name), function in before.items():
            setattr(module, name, function)


def _recalled(folder: Path, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    kept = folder / _told(function.__name__, arguments, named)
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    answer = function(*arguments, **named)
    unfinished = folder / f"{kept.name}.{os.getpid()}.partial"
    unfinished.write_bytes(pickle.dumps(answer))
    # another process finds all of it or nothing
    unfinished.replace(kept)
    return answer


def _told(*asked: Any) -> str:
    """A name that differs where anything differs that was asked with."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written)
    # without it equal values are written differently where they are one object here and two there
    pickler.fast = True
    pickler.dump(asked)
    return hashlib.sha256(written.getvalue()).hexdigest()
