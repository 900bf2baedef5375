"""What a cluster is called, and its id: a function of the fitted model and of who is in it.

Belongs here: the places that ids stand for, and which of the names that may be given a
cluster gets. Does not belong here: the names and what they claim (``segment_claims`` of
dbt_project/dbt_project.yml), whether a claim is true of a customer (SQL), the clusters
themselves, and any memory of earlier names (:mod:`ml.segment_memory` tells when one moved).

An id tells where a cluster stands, and stays while the cluster does. A name tells what is
true of its customers, and goes to another cluster, or to none, when that has changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ml.clustering import IntArray, label_means
from ml.features import BoolArray, FloatArray, fit_scaler

LEAST_SHARE = 0.8
"""A name is given only where its claim is true of this share of the cluster's customers, and not of this share of all
customers."""

NEUTRAL = "Group"
"""What a cluster is called that no name fits, with its id; its figures describe it."""


class SegmentName(NamedTuple):
    """One cluster's id and name."""

    cluster_id: int
    name: str

    @property
    def kind(self) -> str:
        """The name without its number: "Group 2" is a "Group"."""
        kind, _, number = self.name.rpartition(" ")
        return kind if kind and number.isdigit() else self.name


# Recency and value in standard deviations of log1p over all customers: recency of days since the last purchase
# (negative: more recent than average), value the mean of frequency and money. From most to least valuable to keep; a
# cluster's id is its place in this list. The places lie amid where such clusters lie on the real data, k = 2 to 8, and
# as far from each other as that allows: with 4 segments, from its first 150 files to all 305, the next best assignment
# is always at least 0.2 worse.
PLACES = (
    (-1.3, 1.5),
    (-0.6, 0.9),
    (-1.6, 0.7),
    (-1.05, -0.35),
    (-0.3, -1.4),
    (-0.3, -0.1),
    (0.9, 1.3),
    (0.2, 0.35),
    (1.0, -0.25),
    (0.85, -0.8),
)
# A model of one segment says nothing about places, so its id must be none of theirs.
SINGLE_SEGMENT = SegmentName(100, "All Customers")


def number_segments(places: FloatArray) -> list[int]:
    """Give each cluster the number of the place of :data:`PLACES` that it is nearest to.

    The one assignment with the smallest sum of squared distances is taken (Kuhn's
    assignment problem), so ids are unique and do not depend on the order of the clusters,
    and an id means the same whatever the number of segments. Beyond ten clusters a place is
    used again: the second at 9 has id 19, the third 29.

    Parameters
    ----------
    places : float array, shape (k, 2)
        Where each cluster's customers stand, see :func:`place_clusters`. Any order.

    Returns
    -------
    One id for each row of ``places``.
    """
    from scipy.optimize import linear_sum_assignment

    k = len(places)
    if k == 1:
        return [SINGLE_SEGMENT.cluster_id]
    cost = ((places[:, None, :] - np.array(PLACES)[None, :, :]) ** 2).sum(axis=2)
    # A second use of a place costs more than any first one, so places repeat only where k exceeds their number.
    rounds = math.ceil(k / len(PLACES))
    surcharge = 1.0 + float(cost.max()) * k
    cost = np.concatenate([cost + surcharge * repeat for repeat in range(rounds)], axis=1)
    rows, columns = linear_sum_assignment(cost)
    place_of = dict(zip(rows.tolist(), (columns % len(PLACES)).tolist(), strict=True))

    # at one place the more valuable cluster comes first
    order = sorted(range(k), key=lambda row: (place_of[row], -places[row, 1], places[row, 0]))
    ids: dict[int, int] = {}
    uses: dict[int, int] = {}
    for row in order:
        place = place_of[row]
        ids[row] = place + len(PLACES) * uses.get(place, 0)
        uses[place] = uses.get(place, 0) + 1
    return [ids[row] for row in range(k)]


def name_segments(ids: Sequence[int], held: BoolArray, names: Sequence[str], labels: IntArray) -> list[SegmentName]:
    """Name each cluster after what is true of its customers and tells them from the others.

    A name may be given where its claim holds for at least :data:`LEAST_SHARE` of the
    cluster's customers, unless it does so for all customers: in a shop where everybody has
    come back, one cluster of "Repeat buyers" would say that the others have not. How well
    it tells them from the others is F1, the harmonic mean of that share and of the
    cluster's share of all whom the claim is true of (van Rijsbergen, Information
    Retrieval, 1979). The one assignment with the largest sum of F1 is taken, so names are
    unique and do not depend on the order of the clusters. A cluster that is left without a
    name is a "Group" with its id.

    Parameters
    ----------
    ids
        Of each cluster, from :func:`number_segments`.
    held : bool array, shape (n, n_names)
        Whether each name's claim is true of each customer.
    names
        The names that may be given.
    labels : int array, shape (n,)
        Places in ``ids``.

    Returns
    -------
    One name for each of ``ids``.
    """
    from scipy.optimize import linear_sum_assignment

    k = len(ids)
    if k == 1:
        return [SINGLE_SEGMENT]
    order = sorted(range(k), key=lambda row: ids[row])
    # a place without a name for each cluster, so that none has to take an untrue one
    fits = np.zeros((k, len(names) + k))
    tells = held.sum(axis=0) < LEAST_SHARE * len(held)
    for place, row in enumerate(order):
        members = labels == row
        true_of = held[members].sum(axis=0)
        may_be_given = tells & (true_of >= LEAST_SHARE * members.sum()) & (true_of > 0)
        f1 = 2 * true_of / np.maximum(members.sum() + held.sum(axis=0), 1)
        fits[place, : len(names)] = np.where(may_be_given, f1, 0.0)
    rows, columns = linear_sum_assignment(fits, maximize=True)
    named = {
        order[row]: names[column] if fits[row, column] > 0 else f"{NEUTRAL} {ids[order[row]]}"
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    }
    return [SegmentName(ids[row], named[row]) for row in range(k)]


def place_clusters(values: FloatArray, labels: IntArray, columns: Sequence[str], centroids: FloatArray) -> FloatArray:
    """Recency and value of each cluster relative to all customers, in the units of :data:`PLACES`.

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
