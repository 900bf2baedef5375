"""What a cluster is called, and its id: both a function of the model alone.

Belongs here: kinds of customer, where a cluster stands among a shop's customers, and the
assignment of one to the other. Does not belong here: the clusters themselves, and any
memory of earlier names (:mod:`ml.segment_memory` tells when one moved).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ml.clustering import IntArray, label_means
from ml.features import FloatArray, fit_scaler


class Archetype(NamedTuple):
    """A kind of customer, and where it stands relative to the shop's average customer.

    ``recency`` and ``value`` are in standard deviations of log1p over all customers:
    recency of days since the last purchase (negative: more recent than average), value
    the mean of frequency and money.
    """

    name: str
    recency: float
    value: float


class SegmentName(NamedTuple):
    """One cluster's id, its name, and the kind of customer that it is (its name without a number)."""

    cluster_id: int
    name: str
    kind: str


# From most to least valuable to keep; a segment's id is its kind's place in this list. The places lie
# amid where such clusters lie on the real data, k = 2 to 8, and as far from each other as that allows:
# with 4 segments, from its first 150 files to all 305, the next best assignment is always at least 0.2 worse.
ARCHETYPES = (
    Archetype("Champions", -1.3, 1.5),
    Archetype("Loyal Regulars", -0.6, 0.9),
    Archetype("Rising Stars", -1.6, 0.7),
    Archetype("Promising", -1.05, -0.35),
    Archetype("Newcomers", -0.3, -1.4),
    Archetype("Need Attention", -0.3, -0.1),
    Archetype("Can't Lose", 0.9, 1.3),
    Archetype("At Risk", 0.2, 0.35),
    Archetype("Hibernating", 1.0, -0.25),
    Archetype("Dormant", 0.85, -0.8),
)
# A model of one segment says nothing about kinds, so its id must be none of theirs.
SINGLE_SEGMENT = SegmentName(100, "All Customers", "All Customers")


def name_segments(places: FloatArray) -> list[SegmentName]:
    """Name each cluster after the kind of customer it resembles most.

    The one assignment of :data:`ARCHETYPES` to clusters with the smallest sum of squared
    distances is taken (Kuhn's assignment problem), so names are unique and do not depend
    on the order of the clusters. The id is the kind's own number, so that it means the
    same whatever the number of segments. Beyond ten clusters a kind is used again: the
    second is "Dormant 2" with id 19, the third "Dormant 3" with id 29.

    Parameters
    ----------
    places : float array, shape (k, 2)
        Where each cluster's customers stand: recency and value, in the units of
        :class:`Archetype`. Any order.

    Returns
    -------
    One name for each row of ``places``.
    """
    from scipy.optimize import linear_sum_assignment

    k = len(places)
    if k == 1:
        return [SINGLE_SEGMENT]
    ideals = np.array([[kind.recency, kind.value] for kind in ARCHETYPES])
    cost = ((places[:, None, :] - ideals[None, :, :]) ** 2).sum(axis=2)
    # A second use of a kind costs more than any first one, so kinds repeat only where k exceeds their number.
    rounds = math.ceil(k / len(ARCHETYPES))
    surcharge = 1.0 + float(cost.max()) * k
    cost = np.concatenate([cost + surcharge * repeat for repeat in range(rounds)], axis=1)
    rows, columns = linear_sum_assignment(cost)
    kind_of = dict(zip(rows.tolist(), (columns % len(ARCHETYPES)).tolist(), strict=True))

    # within one kind the more valuable cluster comes first
    order = sorted(range(k), key=lambda row: (kind_of[row], -places[row, 1], places[row, 0]))
    named: dict[int, SegmentName] = {}
    uses: dict[int, int] = {}
    for row in order:
        number = kind_of[row]
        kind = ARCHETYPES[number].name
        uses[number] = uses.get(number, 0) + 1
        name = kind if uses[number] == 1 else f"{kind} {uses[number]}"
        named[row] = SegmentName(number + len(ARCHETYPES) * (uses[number] - 1), name, kind)
    return [named[row] for row in range(k)]


def place_clusters(values: FloatArray, labels: IntArray, columns: Sequence[str], centroids: FloatArray) -> FloatArray:
    """Recency and value of each cluster relative to all customers, in the units of :class:`Archetype`.

    Logarithms whatever scaler the clustering used: on plain money one customer's millions
    would make everybody else look alike.

    Parameters
    ----------
    values : float array, shape (n, n_features)
        Unscaled.
    labels : int array, shape (n,)
        Rows of ``centroids``.
    columns
        The name of each column of ``values``; recency, frequency and money must be there.
    centroids : float array, shape (k, n_features)
        Unscaled; only looked at for a cluster that nobody is labelled with.

    Returns
    -------
    float array, shape (k, 2)
    """
    at = {name: position for position, name in enumerate(columns)}
    rfm = [at["recency_days"], at["frequency"], at["monetary"]]
    scaler = fit_scaler(values[:, rfm], "log_standard")
    means = label_means(scaler.transform(values[:, rfm]), labels, len(centroids))
    is_empty = np.isnan(means).any(axis=1)
    means[is_empty] = scaler.transform(centroids[is_empty][:, rfm])
    return np.column_stack([means[:, 0], (means[:, 1] + means[:, 2]) / 2])
