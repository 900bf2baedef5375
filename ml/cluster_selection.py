"""Which numbers of segments are tried, and which one each algorithm gets.

Belongs here: what is asked for, the ks that the customers allow, and the table
``cluster_selection``. Does not belong here: the rule by which ``auto`` chooses
(:mod:`ml.cluster_choice`) and what is measured (:mod:`ml.cluster_evidence`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ml.cluster_choice import MIN_CLUSTER_SHARE, choose_k, measure_elbow
from ml.clustering import ALGORITHMS, Algorithm, count_different
from ml.features import FloatArray, OutlierRule, ScalerMethod
from ml.segment_runs import Told


@dataclass(frozen=True)
class Choices:
    """How customers are to be divided.

    Attributes
    ----------
    k
        Number of segments of every algorithm, or ``auto``. With fewer different customers
        than that, as many as there are, and ``model_runs`` warns.
    k_min, k_max
        The ks that are fitted and kept as evidence, even where ``k`` is fixed.
    scaler
        See :func:`ml.features.fit_scaler`.
    outliers
        ``iqr_exclude`` fits scaler and clusters without the customers beyond the fences
        of :func:`ml.features.find_iqr_outliers` in recency, frequency or money; they are
        labelled all the same, and marked.
    random_state
        Seed of the starts, of the resamples, and of the samples that large inputs need.

    Raises
    ------
    ValueError
        If ``k``, the range of k or the outlier rule makes no sense.
    """

    k: int | Literal["auto"] = "auto"
    k_min: int = 2
    k_max: int = 8
    scaler: ScalerMethod = "log_standard"
    outliers: OutlierRule = "keep"
    random_state: int = 42

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.k != "auto" and self.k < 1:
            raise ValueError(f"k is {self.k}; a customer needs at least one segment to be in")
        if not 2 <= self.k_min <= self.k_max:
            raise ValueError(f"k_min {self.k_min} and k_max {self.k_max}: expected 2 <= k_min <= k_max")
        if self.outliers not in ("keep", "iqr_exclude"):
            raise ValueError(f"unknown outlier rule {self.outliers!r}; known are keep, iqr_exclude")


def numbers_to_try(points: FloatArray, choices: Choices, told: Told) -> list[int]:
    """List the ks that the customers allow: never more clusters than different customers."""
    wanted = list(range(choices.k_min, choices.k_max + 1))
    if choices.k != "auto":
        wanted = sorted({*wanted, choices.k})
    different = count_different(points, enough=wanted[-1])
    allowed = [number for number in wanted if number <= different]
    smallest_wanted = choices.k_min if choices.k == "auto" else choices.k
    if smallest_wanted > different:
        told.warnings.append(
            f"{smallest_wanted} segments were asked for, but by what customers are segmented on there "
            f"{'is 1 kind' if different == 1 else f'are {different} kinds'} of them: {different} made."
        )
        allowed = sorted({*allowed, different})
    return allowed


def settle(evidence: pd.DataFrame, k: int | Literal["auto"], told: Mapping[Algorithm, Told]) -> pd.DataFrame:
    """The table ``cluster_selection``: the evidence with elbow, choice and reasons."""
    parts = []
    for algorithm in ALGORITHMS:
        rows = evidence[evidence["algorithm"] == algorithm].sort_values("k").reset_index(drop=True)
        tried = [int(number) for number in rows["k"]]
        # a few customers can be too alike when resampled; then the one fit has to do
        is_resampled = not rows[["resample_silhouette", "resample_inertia"]].isna().to_numpy().any()
        bend = measure_elbow(tried, rows["resample_inertia" if is_resampled else "inertia"].tolist())
        if k == "auto":
            read = rows["resample_silhouette" if is_resampled else "silhouette"]
            chosen, reasons = choose_k(rows[["k", "smallest_share"]].assign(silhouette=read, elbow_distance=bend))
            share = float(rows.loc[rows["k"] == chosen, "smallest_share"].iloc[0])
            if share < MIN_CLUSTER_SHARE:
                told[algorithm].warnings.append(
                    f"The smallest segment holds only {share:.2%} of customers, whatever the number of segments: a few "
                    "customers are far from all others. The scaler log_standard or outliers = iqr_exclude helps."
                )
        else:
            chosen = k if k in tried else tried[-1]
            reason = f"chosen: fixed by setting k = {k}"
            if chosen != k:
                reason += ", lowered to the number of different customers"
            reasons = [reason if number == chosen else "evidence only: k is fixed by setting" for number in tried]
        elbow = None if np.isnan(bend).any() else tried[int(bend.argmax())]
        parts.append(
            pd.DataFrame(
                {
                    "algorithm": pd.array([algorithm] * len(rows), dtype="str"),
                    "k": pd.array(tried, dtype="int32"),
                    "silhouette": rows["silhouette"],
                    "resample_silhouette": rows["resample_silhouette"],
                    "inertia": rows["inertia"],
                    "elbow_distance": bend,
                    "is_elbow": [number == elbow for number in tried],
                    "davies_bouldin": rows["davies_bouldin"],
                    "calinski_harabasz": rows["calinski_harabasz"],
                    "smallest_share_pct": 100.0 * rows["smallest_share"],
                    "seed_stability": rows["seed_stability"],
                    "bootstrap_stability": rows["bootstrap_stability"],
                    "bic": rows["bic"],
                    "is_chosen": [number == chosen for number in tried],
                    "reason": pd.array(reasons, dtype="str"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
