"""How a segmentation differs from the one before it.

Belongs here: matching two fits' clusters, and telling drift, moved names, segments that
came and went, in numbers and in words. Does not belong here: any influence on the new
fit. Ids and names are a function of the model and its members; this only reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.clustering import Algorithm
from ml.features import RFM_COLUMNS, FloatArray, Scaler

# A centre that moved less than a quarter of a standard deviation is where it was, to the eye.
# On the real data, 250 against 305 files, two of k-means' four centres moved more: 0.30 and 0.48.
NOTABLE_DRIFT = 0.25


@dataclass(frozen=True)
class Changes:
    """One algorithm's fit compared with the one before.

    Attributes
    ----------
    figures
        Ready for JSON. ``k_before``, ``k_now``; ``segments``: per matched segment its id
        and name now and before, ``drift`` (Euclidean, in the present fit's scaled units)
        and the differences of the centre (now less before) as ``recency_days_change``,
        ``frequency_change``, ``monetary_change``; ``moved_names``, ``new_segments``,
        ``vanished_segments``, ``features_added``, ``features_dropped``.
    notes
        What a person should know, one sentence each; none if nothing of note changed.
    """

    figures: Mapping[str, Any]
    notes: tuple[str, ...]


def match_to_previous(
    centroids_now: pd.DataFrame, centroids_before: pd.DataFrame, scaler: Scaler, algorithm: Algorithm
) -> Changes | None:
    """Match an algorithm's clusters one to one with those of the fit before.

    The centres of before, in their own units, are put on the present scale; the
    assignment with the smallest sum of squared distances is taken (Kuhn's assignment
    problem). Features that only one of the fits has play no part.

    Parameters
    ----------
    centroids_now, centroids_before : DataFrames
        ``ml.segment_centroids`` of the two fits.
    scaler
        Of the present fit.

    Returns
    -------
    Changes, or None
        None if the fit before did not have the algorithm.

    Raises
    ------
    ValueError
        If the present fit does not have the algorithm, or the two have no feature in common.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    now, before = _wide(centroids_now, algorithm), _wide(centroids_before, algorithm)
    if before is None:
        return None
    if now is None:
        raise ValueError(f"the present fit has no centroids of {algorithm}")
    common = [name for name in scaler.columns if name in before.centres.columns and name in now.centres.columns]
    if not common:
        raise ValueError("the two fits have no feature in common, so their segments can't be matched")
    at = [scaler.columns.index(name) for name in common]

    def rescale(values: pd.DataFrame) -> FloatArray:
        full = np.zeros((len(values), len(scaler.columns)))
        full[:, at] = values[common].to_numpy(dtype=np.float64)
        return scaler.transform(full)[:, at]

    between = cdist(rescale(now.centres), rescale(before.centres))
    rows, columns = linear_sum_assignment(between**2)

    segments: list[dict[str, Any]] = []
    notes: list[str] = []
    k_now, k_before = len(now.names), len(before.names)
    if k_now != k_before:
        notes.append(f"There are {k_now} segments by {algorithm}, {k_before} before.")
    for row, column in zip(rows, columns, strict=True):
        differences = now.centres.iloc[row] - before.centres.iloc[column]
        segments.append(
            {
                "cluster_id": now.ids[row],
                "segment_name": now.names[row],
                "cluster_id_before": before.ids[column],
                "segment_name_before": before.names[column],
                "drift": float(between[row, column]),
                **{
                    f"{name}_change" if name != "recency_days" else "recency_days_change": float(differences[name])
                    for name in RFM_COLUMNS
                    if name in common
                },
            }
        )
        if now.names[row] != before.names[column]:
            notes.append(f"The segment that was {before.names[column]} is called {now.names[row]} now.")
        if between[row, column] >= NOTABLE_DRIFT:
            notes.append(
                f"The centre of {now.names[row]} moved {between[row, column]:.2f} standard deviations"
                f"{_in_units(differences, common)}."
            )
    matched_now, matched_before = set(rows.tolist()), set(columns.tolist())
    new = [now.names[row] for row in range(k_now) if row not in matched_now]
    vanished = [before.names[column] for column in range(k_before) if column not in matched_before]
    if new:
        notes.append(f"New by {algorithm}: {', '.join(new)}.")
    if vanished:
        notes.append(f"No longer there by {algorithm}: {', '.join(vanished)}.")
    added = [name for name in now.centres.columns if name not in before.centres.columns]
    dropped = [name for name in before.centres.columns if name not in now.centres.columns]
    if added or dropped:
        notes.append(
            "The features are not those of the fit before"
            + (f"; added: {', '.join(added)}" if added else "")
            + (f"; dropped: {', '.join(dropped)}" if dropped else "")
            + "."
        )
    return Changes(
        figures={
            "k_before": k_before,
            "k_now": k_now,
            "segments": segments,
            "moved_names": [
                {"from": one["segment_name_before"], "to": one["segment_name"]}
                for one in segments
                if one["segment_name"] != one["segment_name_before"]
            ],
            "new_segments": new,
            "vanished_segments": vanished,
            "features_added": added,
            "features_dropped": dropped,
        },
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Centres:
    ids: list[int]
    names: list[str]
    centres: pd.DataFrame


def _wide(centroids: pd.DataFrame, algorithm: str) -> _Centres | None:
    rows = centroids[centroids["algorithm"] == algorithm]
    if rows.empty:
        return None
    values = rows.set_index(["cluster_id", "feature"])["unscaled_value"].unstack("feature").sort_index()  # noqa: PD010
    order = rows.drop_duplicates("feature").sort_values("position")["feature"].astype(str).tolist()
    names = rows.drop_duplicates("cluster_id").set_index("cluster_id")["segment_name"]
    return _Centres(
        ids=[int(number) for number in values.index],
        names=[str(names.loc[number]) for number in values.index],
        centres=values[order],
    )


def _in_units(differences: pd.Series, common: Sequence[str]) -> str:
    told = {
        "recency_days": "{:+,.1f} days since the last purchase",
        "frequency": "{:+,.1f} in frequency",
        "monetary": "{:+,.0f} in money",
    }
    parts = [told[name].format(float(differences[name])) for name in RFM_COLUMNS if name in common]
    return f" ({', '.join(parts)})" if parts else ""
