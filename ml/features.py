"""What a customer looks like to a model: feature matrix, scaling, outliers.

Belongs here: turning the RFM table, and what else is told of customers, into numbers in
a fixed order; fitting and applying a scaler; the scaler as a table; marking outliers.
Does not belong here: how recency, frequency and money are counted (that is SQL in
``dbt_project/``), and any clustering.
"""

from __future__ import annotations

import re
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
        Unique; ascending, and behind the others pseudonyms by their features.
    unscaled : float array, shape (n_customers, n_features)
        In each column's own unit (days, counts, the shop's currency).
    columns
        The name of each column of ``unscaled``.
    extra_columns
        Which of ``columns`` are not recency, frequency or money; the last ones.
    """

    customer_ids: NDArray[np.object_]
    unscaled: FloatArray
    columns: tuple[str, ...]
    extra_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scaler:
    """A fitted scaling, as plain numbers that travel with the model that was fitted on them.

    ``scaled = (prepared - center) / scale``, where ``prepared`` is the signed logarithm
    for ``log_standard`` and the value itself otherwise.

    Attributes
    ----------
    methods
        How each feature is scaled. ``log_standard``: signed log1p, then mean 0 and
        standard deviation 1. ``standard``: mean 0, standard deviation 1. ``minmax``: 0 to 1.
    columns
        Feature names, in the order of ``methods``, ``center`` and ``scale``.
    center, scale : float arrays, shape (n_features,)
        In prepared units. ``scale`` is 1 for a feature that never varies, which
        therefore scales to 0 and plays no part.
    """

    methods: tuple[ScalerMethod, ...]
    columns: tuple[str, ...]
    center: FloatArray
    scale: FloatArray

    def transform(self, values: FloatArray) -> FloatArray:
        """Scale unscaled ``values`` of shape (n, n_features) with what was learned at the fit."""
        scaled: FloatArray = (_prepare_each(values, self.methods) - self.center) / self.scale
        return scaled

    def inverse(self, scaled: FloatArray) -> FloatArray:
        """Back from scaled to each feature's own unit; shape (n, n_features) both ways."""
        prepared = scaled * self.scale + self.center
        is_log = np.array([method == "log_standard" for method in self.methods])
        unscaled: FloatArray = np.where(is_log, signed_expm1(np.where(is_log, prepared, 0.0)), prepared)
        return unscaled

    def as_dict(self) -> dict[str, object]:
        """Everything needed to scale elsewhere (SQL, another process), ready for JSON."""
        return {
            "methods": list(self.methods),
            "columns": list(self.columns),
            "center": self.center.tolist(),
            "scale": self.scale.tolist(),
        }

    def as_table(self) -> pd.DataFrame:
        """The same as ``ml.segment_scaler``: one row per feature, ``feature, position, method, center, scale``."""
        return pd.DataFrame(
            {
                "feature": pd.array(list(self.columns), dtype="str"),
                "position": np.arange(len(self.columns), dtype=np.int32),
                "method": pd.array(list(self.methods), dtype="str"),
                "center": self.center,
                "scale": self.scale,
            }
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Scaler:
        """Rebuild a scaler from :meth:`as_table`, rows in any order.

        Raises
        ------
        ValueError
            If the table has no row, positions that are not 0, 1, 2 …, or an unknown method.
        """
        rows = table.sort_values("position")
        if rows.empty or rows["position"].tolist() != list(range(len(rows))):
            raise ValueError(f"the scaler's positions are {rows['position'].tolist()}, expected 0, 1, 2 and so on")
        for method in rows["method"]:
            _require_known(method)
        return cls(
            methods=tuple(rows["method"]),
            columns=tuple(rows["feature"].astype(str)),
            center=rows["center"].to_numpy(dtype=np.float64),
            scale=rows["scale"].to_numpy(dtype=np.float64),
        )


def build_feature_matrix(
    rfm: pd.DataFrame, columns: Sequence[str] = RFM_COLUMNS, *, extra: pd.DataFrame | None = None
) -> FeatureMatrix:
    """Take the features out of the RFM table, sorted by customer; pseudonyms by their features.

    Parameters
    ----------
    rfm : DataFrame, one row per customer
        ``customer_id`` and every one of ``columns``; row order does not matter.
    columns
        Features to use, in this order.
    extra : DataFrame, one row per customer, or None
        ``customer_id`` and further features (category shares in percent, a flag as 0 or
        1). Its columns are taken in alphabetical order. A customer of ``rfm`` who is not
        there has 0 in all of them; others are not looked at.

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

    extra_columns: tuple[str, ...] = ()
    if extra is not None:
        extra_columns = tuple(sorted(str(name) for name in extra.columns if name != "customer_id"))
        taken = sorted(set(extra_columns) & set(columns))
        if taken:
            raise ValueError(f"{', '.join(taken)} can't be an extra feature: it is one already")
        beside = extra.assign(customer_id=extra["customer_id"].astype(str)).set_index("customer_id")
        if beside.index.has_duplicates:
            again = sorted(set(beside.index[beside.index.duplicated()]))
            raise ValueError(f"{len(again)} customers appear more than once in the extra features, first {_few(again)}")
        beside = beside[list(extra_columns)].astype(float)
        # a gap in what was given is an error below; only who is not there at all gets zeros
        added = beside.reindex(ids, fill_value=0.0).to_numpy(dtype=np.float64)
        values = np.column_stack([values, added])

    broken = ~np.isfinite(values).all(axis=1)
    if broken.any():
        raise ValueError(
            f"{int(broken.sum())} customers have no finite value for every one of "
            f"{', '.join((*columns, *extra_columns))}, first {_few(ids[broken])}"
        )
    order = _independent_order(ids, values)
    return FeatureMatrix(
        customer_ids=ids[order],
        unscaled=values[order],
        columns=(*columns, *extra_columns),
        extra_columns=extra_columns,
    )


_PSEUDONYM = re.compile(r"p-[0-9a-f]{16}")
"""How an id looks that stands for an e-mail address or the like; each home makes others of the same customers."""


def _independent_order(ids: NDArray[np.object_], values: FloatArray) -> NDArray[np.intp]:
    """Positions of the customers in an order that is the same in every home.

    Ids that are sorted stay so; behind them come pseudonyms, by the features themselves. Who
    draws a starting point by its place then draws the same customer everywhere.
    """
    is_pseudonym = np.fromiter((_PSEUDONYM.fullmatch(one) is not None for one in ids), dtype=bool, count=len(ids))
    if not is_pseudonym.any():
        return np.arange(len(ids))
    plain, hidden = np.flatnonzero(~is_pseudonym), np.flatnonzero(is_pseudonym)
    return np.concatenate([plain, hidden[np.lexsort(values[hidden].T[::-1])]])


HOME_COUNTRY_FEATURE = "is_home_country"
SHARE_FEATURE_PREFIX = "share_"


def build_extra_features(
    customer_ids: pd.Series,
    *,
    category_shares: pd.DataFrame | None = None,
    home_countries: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What is told of customers beside recency, frequency and money, one row per customer.

    Parameters
    ----------
    customer_ids
        Whom the rows are for, each once.
    category_shares : DataFrame with ``customer_id, category, share_pct``, or None
        Gives a column ``share_<category>`` for each category there is. A customer without
        a share of it, or whose share is null, has 0: no share of a category is a share of
        nothing.
    home_countries : DataFrame with ``customer_id, is_home_country``, or None
        Gives the column ``is_home_country``, 0 or 1; 0 where it is not known.
    """
    extra = pd.DataFrame({"customer_id": customer_ids}).sort_values("customer_id").set_index("customer_id")
    if category_shares is not None:
        known = category_shares[category_shares["share_pct"].notna()]
        wide = known.pivot_table(index="customer_id", columns="category", values="share_pct", aggfunc="sum")
        extra = extra.join(wide.add_prefix(SHARE_FEATURE_PREFIX)).fillna(0.0)
    if home_countries is not None:
        home = home_countries.set_index("customer_id")[HOME_COUNTRY_FEATURE]
        extra[HOME_COUNTRY_FEATURE] = home.reindex(extra.index).astype("boolean").fillna(False).astype(float)
    return extra.reset_index()


def fit_scaler(
    values: FloatArray,
    method: ScalerMethod,
    columns: Sequence[str] = RFM_COLUMNS,
    *,
    extra_columns: Sequence[str] = (),
) -> Scaler:
    """Learn a scaling from unscaled ``values`` of shape (n, n_features).

    Extra columns are shares and flags, so they are never put on logarithms; and however
    many there are, together they spread as much as one feature. A dozen category shares
    would otherwise outweigh recency, frequency and money four to one.

    Parameters
    ----------
    columns
        The name of each column of ``values``.
    extra_columns
        Which of them are extra.

    Raises
    ------
    ValueError
        If ``method`` is unknown or there is no row.
    """
    _require_known(method)
    if len(values) == 0:
        raise ValueError("a scaler can't be fitted on no rows")
    is_extra = np.array([name in set(extra_columns) for name in columns])
    methods: tuple[ScalerMethod, ...] = tuple(
        "standard" if extra and method == "log_standard" else method for extra in is_extra
    )
    prepared = _prepare_each(values, methods)
    if method == "minmax":
        center = prepared.min(axis=0)
        scale = prepared.max(axis=0) - center
    else:
        center = prepared.mean(axis=0)
        scale = prepared.std(axis=0)
    # Rounding leaves a spread of about 1e-16 on a constant column; dividing by it would make noise a feature.
    never_varies = scale <= 1e-12 * np.maximum(1.0, np.abs(center))
    scale = np.where(never_varies, 1.0, scale)
    scale = np.where(is_extra, scale * np.sqrt(max(1, int(is_extra.sum()))), scale)
    return Scaler(methods=methods, columns=tuple(columns), center=center, scale=scale)


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


def _prepare_each(values: FloatArray, methods: Sequence[ScalerMethod]) -> FloatArray:
    is_log = np.array([method == "log_standard" for method in methods])
    prepared = np.array(values, dtype=np.float64)
    prepared[:, is_log] = signed_log1p(prepared[:, is_log])
    return prepared


def _require_known(method: str) -> None:
    if method not in get_args(ScalerMethod):
        raise ValueError(f"unknown scaler {method!r}; known are {', '.join(get_args(ScalerMethod))}")


def _few(names: Sequence[str] | NDArray[np.object_]) -> str:
    return ", ".join(str(name) for name in list(names)[:5])
