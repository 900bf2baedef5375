"""What a customer looks like to a model: feature matrix, scaling, outliers.

Belongs here: turning the RFM table into numbers in a fixed order, fitting and applying
a scaler, marking outliers. Does not belong here: how recency, frequency and money are
counted (that is SQL in ``dbt_project/``), and any clustering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ScalerMethod = Literal["log_standard", "standard", "minmax"]
OutlierRule = Literal["keep", "iqr_exclude"]

RFM_COLUMNS = ("recency_days", "frequency", "monetary")

# Tukey's fences (Exploratory Data Analysis, 1977): 1.5 interquartile ranges beyond the quartiles.
FENCE_IQRS = 1.5


@dataclass(frozen=True)
class FeatureMatrix:
    """Customers and their features, in an order that depends on the customers alone.

    Attributes
    ----------
    customer_ids : array of str, shape (n_customers,)
        Ascending and unique.
    unscaled : float array, shape (n_customers, n_features)
        In each column's own unit (days, counts, the shop's currency).
    columns
        The name of each column of ``unscaled``.
    """

    customer_ids: NDArray[np.object_]
    unscaled: FloatArray
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Scaler:
    """A fitted scaling, as plain numbers that travel with the model that was fitted on them.

    ``scaled = (prepared - center) / scale``, where ``prepared`` is the signed logarithm
    for ``log_standard`` and the value itself otherwise.

    Attributes
    ----------
    method
        ``log_standard``: signed log1p, then mean 0 and standard deviation 1.
        ``standard``: mean 0, standard deviation 1. ``minmax``: 0 to 1.
    columns
        Feature names, in the order of ``center`` and ``scale``.
    center, scale : float arrays, shape (n_features,)
        In prepared units. ``scale`` is 1 for a feature that never varies, which
        therefore scales to 0 and plays no part.
    """

    method: ScalerMethod
    columns: tuple[str, ...]
    center: FloatArray
    scale: FloatArray

    def transform(self, values: FloatArray) -> FloatArray:
        """Scale unscaled ``values`` of shape (n, n_features) with what was learned at the fit."""
        scaled: FloatArray = (prepare(values, self.method) - self.center) / self.scale
        return scaled

    def inverse(self, scaled: FloatArray) -> FloatArray:
        """Back from scaled to each feature's own unit; shape (n, n_features) both ways."""
        prepared = scaled * self.scale + self.center
        return signed_expm1(prepared) if self.method == "log_standard" else prepared

    def as_dict(self) -> dict[str, object]:
        """Everything needed to scale elsewhere (SQL, another process), ready for JSON."""
        return {
            "method": self.method,
            "columns": list(self.columns),
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
        }


def build_feature_matrix(rfm: pd.DataFrame, columns: Sequence[str] = RFM_COLUMNS) -> FeatureMatrix:
    """Take the features out of the RFM table, sorted by customer.

    Parameters
    ----------
    rfm : DataFrame, one row per customer
        ``customer_id`` and every one of ``columns``; row order does not matter.
    columns
        Features to use, in this order.

    Raises
    ------
    ValueError
        If there is no customer, a column is missing, a customer appears twice, or a
        feature has a value that is missing or infinite; the customers are named.
    """
    missing = [name for name in ("customer_id", *columns) if name not in rfm.columns]
    if missing:
        raise ValueError(f"the RFM table lacks {', '.join(missing)}; it has {', '.join(map(str, rfm.columns))}")
    if rfm.empty:
        raise ValueError("there is no customer to model: the RFM table is empty")
    # Sorted as text, so that 17850 and '17850' from different drivers sort alike.
    ids = rfm["customer_id"].astype(str).to_numpy(dtype=object)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    repeated = sorted(set(ids[1:][ids[1:] == ids[:-1]]))
    if repeated:
        raise ValueError(f"{len(repeated)} customers appear more than once, first {_few(repeated)}")
    values = rfm[list(columns)].astype(float).to_numpy(dtype=np.float64)[order]
    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} customers have no finite value for every one of {', '.join(columns)}, "
            f"first {_few(ids[broken])}"
        )
    return FeatureMatrix(customer_ids=ids, unscaled=values, columns=tuple(columns))


def fit_scaler(values: FloatArray, method: ScalerMethod, columns: Sequence[str] = RFM_COLUMNS) -> Scaler:
    """Learn a scaling from unscaled ``values`` of shape (n, n_features).

    Raises
    ------
    ValueError
        If ``method`` is unknown or there is no row.
    """
    if method not in get_args(ScalerMethod):
        raise ValueError(f"unknown scaler {method!r}; known are {', '.join(get_args(ScalerMethod))}")
    if len(values) == 0:
        raise ValueError("a scaler can't be fitted on no rows")
    prepared = prepare(values, method)
    if method == "minmax":
        center = prepared.min(axis=0)
        scale = prepared.max(axis=0) - center
    else:
        center = prepared.mean(axis=0)
        scale = prepared.std(axis=0)
    # Rounding leaves a spread of about 1e-16 on a constant column; dividing by it would make noise a feature.
    never_varies = scale <= 1e-12 * np.maximum(1.0, np.abs(center))
    return Scaler(method=method, columns=tuple(columns), center=center, scale=np.where(never_varies, 1.0, scale))


def find_iqr_outliers(values: FloatArray, method: ScalerMethod) -> BoolArray:
    """Mark rows that lie beyond Tukey's fences on any feature.

    The fences are drawn on the scale that the clustering sees: on logarithms for
    ``log_standard``, where money is close to symmetric, and on the values themselves
    otherwise. A feature whose interquartile range is 0 (most customers alike) has no
    fences, else everyone who is not like most would be an outlier.

    Parameters
    ----------
    values : float array, shape (n, n_features)
        Unscaled.

    Returns
    -------
    bool array, shape (n,)
    """
    prepared = prepare(values, method)
    lower, upper = np.quantile(prepared, [0.25, 0.75], axis=0)
    reach = FENCE_IQRS * (upper - lower)
    outside = (prepared < lower - reach) | (prepared > upper + reach)
    flagged: BoolArray = (outside & (reach > 0)).any(axis=1)
    return flagged


def prepare(values: FloatArray, method: ScalerMethod) -> FloatArray:
    """Give what a scaler centres: the signed logarithm for ``log_standard``, else the values themselves."""
    return signed_log1p(values) if method == "log_standard" else np.asarray(values, dtype=np.float64)


def signed_log1p(values: FloatArray) -> FloatArray:
    """Take log1p of the size and keep the sign, so that net money below zero has a place too."""
    result: FloatArray = np.sign(values) * np.log1p(np.abs(values))
    return result


def signed_expm1(values: FloatArray) -> FloatArray:
    """Inverse of :func:`signed_log1p`."""
    result: FloatArray = np.sign(values) * np.expm1(np.abs(values))
    return result


def _few(names: Sequence[str] | NDArray[np.object_]) -> str:
    return ", ".join(str(name) for name in list(names)[:5])
