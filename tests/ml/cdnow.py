"""CDNOW: the histories that the published parameters were computed from."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd


def cdnow_folder() -> Path:
    """Where the lifetimes package keeps its files; its ``datasets`` module does not import."""
    found = importlib.util.find_spec("lifetimes")
    assert found is not None, "lifetimes is a development dependency"
    assert found.origin is not None
    return Path(found.origin).parent / "datasets"


def cdnow_summary() -> pd.DataFrame:
    """2,357 customers over 39 weeks: ``x``, ``t_x``, ``T`` in weeks, ``zbar`` in dollars."""
    summary = pd.read_csv(cdnow_folder() / "cdnow_customers_summary_with_transactions.csv")
    assert len(summary) == 2_357
    return summary
