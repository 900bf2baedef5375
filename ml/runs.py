"""The record of a fit: what went in, what came out, what it warns of.

Belongs here: the shape of ``ml.model_runs``. Does not belong here: the models, and the
time of day, so that the same input gives the same record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd


def describe_run(
    model: str,
    algorithm: str,
    *,
    data_version: str,
    parameters: Mapping[str, Any],
    figures: Mapping[str, Any],
    warnings: Sequence[str] = (),
    previous_data_version: str | None = None,
    changes: Mapping[str, Any] | None = None,
    change_notes: Sequence[str] = (),
) -> pd.DataFrame:
    """One row of ``ml.model_runs``.

    Parameters
    ----------
    model, algorithm
        What was modelled (``customer_segments``) and how (``kmeans``).
    data_version
        The version of the data that the model saw.
    parameters, figures
        What was asked for, and what the fit found. Kept as JSON with sorted keys; a
        number that JSON does not know (NaN, infinity) is an error, not a silent null.
    warnings
        One sentence each; joined by a space, null when there are none.
    previous_data_version, changes, change_notes
        The version of the data that the fit before saw, how this fit differs from it (as
        JSON) and the same in sentences; null where there was none or nothing changed.
        The only columns that depend on what was published before.

    Returns
    -------
    DataFrame of shape (1, 9)
        ``model, algorithm, data_version, parameters, figures, warnings,
        previous_data_version, changes, change_notes``, all text.
    """
    return pd.DataFrame(
        {
            "model": pd.array([model], dtype="str"),
            "algorithm": pd.array([algorithm], dtype="str"),
            "data_version": pd.array([data_version], dtype="str"),
            "parameters": pd.array([json.dumps(parameters, sort_keys=True, allow_nan=False)], dtype="str"),
            "figures": pd.array([json.dumps(figures, sort_keys=True, allow_nan=False)], dtype="str"),
            "warnings": pd.array([" ".join(warnings) or None], dtype="str"),
            "previous_data_version": pd.array([previous_data_version], dtype="str"),
            "changes": pd.array(
                [None if changes is None else json.dumps(changes, sort_keys=True, allow_nan=False)], dtype="str"
            ),
            "change_notes": pd.array([" ".join(change_notes) or None], dtype="str"),
        }
    )
