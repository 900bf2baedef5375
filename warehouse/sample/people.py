"""Who buys from the made-up shop, and when: a buy-till-you-die process with genuine drop-out.

Belongs here: customers, their habits and the times of their orders. Does not belong
here: what is in a basket.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.sample.catalogue import CATEGORIES
from warehouse.sample.shop_days import ShopDays

HOME_COUNTRY = "United Kingdom"
COUNTRIES = (
    (HOME_COUNTRY, 0.885),
    ("Germany", 0.022),
    ("France", 0.020),
    ("EIRE", 0.009),
    ("Spain", 0.0075),
    ("Belgium", 0.006),
    ("Switzerland", 0.005),
    ("Portugal", 0.005),
    ("Netherlands", 0.004),
    ("Italy", 0.004),
    ("Finland", 0.003),
    ("Austria", 0.003),
    ("Norway", 0.003),
    ("Channel Islands", 0.003),
    ("Denmark", 0.0025),
    ("Australia", 0.0025),
    ("Sweden", 0.002),
    ("Japan", 0.002),
    ("Cyprus", 0.002),
    ("Poland", 0.0015),
    ("USA", 0.0015),
    ("Unspecified", 0.001),
    ("Canada", 0.001),
    ("Greece", 0.001),
    ("Israel", 0.001),
    ("Hong Kong", 0.0007),
    ("Singapore", 0.0007),
    ("United Arab Emirates", 0.0007),
    ("Iceland", 0.0005),
    ("Malta", 0.0005),
    ("Lebanon", 0.0005),
    ("Lithuania", 0.0005),
    ("RSA", 0.0005),
    ("Brazil", 0.0005),
    ("Czech Republic", 0.0005),
    ("Bahrain", 0.0005),
    ("European Community", 0.0005),
)
"""Names as the shop's till writes them, with their share of the customers."""

COUNTRY_NAMES = tuple(name for name, _ in COUNTRIES)


@dataclass(frozen=True)
class Kind:
    """One kind of customer.

    Orders per average day are Gamma, the chance to have gone for good after an order
    is Beta: the BG/NBD process (Fader, Hardie and Lee, Marketing Science 24(2), 2005).
    """

    name: str
    share: float
    days_between_orders: float
    drop_out: tuple[float, float]
    """Beta parameters; (1, 0) means gone after the first order."""
    basket_lines: float


GIFT, OCCASIONAL, REGULAR, WHOLESALE = range(4)
KINDS = (
    Kind("gift", 0.20, 90.0, (1.0, 0.0), 11.0),
    Kind("occasional", 0.495, 75.0, (1.0, 3.9), 12.5),
    Kind("regular", 0.25, 36.0, (0.8, 8.0), 15.0),
    Kind("wholesale", 0.055, 17.0, (0.7, 16.0), 15.0),
)

_BEFORE_HISTORY = 0.6
"""Customers came before the history began as well: for this part of its length, at the same pace."""
_NEVER_SEEN_KEPT = 0.1
"""Share of those who stopped before the history began who are still in the customers file."""
_MOST_ORDERS = 400


@dataclass(frozen=True)
class People:
    """Customers; arrays have one element a customer. Number 0 is nobody (no customer on the line)."""

    customer_id: npt.NDArray[np.int64]
    kind: npt.NDArray[np.int64]
    country: npt.NDArray[np.int64]
    second_country: npt.NDArray[np.int64]
    """Where a few moved to in the middle of the history; else the same."""
    taste: npt.NDArray[np.float64]
    """Shape (customers, categories): cumulated shares of categories in a basket."""
    basket_lines: npt.NDArray[np.float64]
    appetite: npt.NDArray[np.float64]
    """How many times the usual quantity a wholesaler takes."""
    is_alive: npt.NDArray[np.bool_]
    """Not gone for good at the end of the history."""


@dataclass(frozen=True)
class Orders:
    """Orders of customers and guests; arrays have one element an order."""

    customer: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]


def make_people(count: int, calendar: ShopDays, rng: np.random.Generator) -> tuple[People, Orders]:
    """Draw customers and the days of their orders.

    Time runs at the pace of demand: an average day is one day long, a closed day has
    no length, so that seasons and closed days shape every customer's orders alike.
    """
    kind = rng.choice(len(KINDS), size=count, p=[each.share for each in KINDS])
    mean_days = np.array([each.days_between_orders for each in KINDS])[kind]
    rate = rng.gamma(1.6, 1.0 / 1.6, count) / mean_days
    # a handful of giants, as every wholesale trade has: they order often, and a lot
    wholesalers = np.flatnonzero(kind == WHOLESALE)
    is_giant = np.isin(np.arange(count), wholesalers[: max(len(wholesalers) // 20, 1)])
    rate = np.where(is_giant, 2.0 / mean_days, rate)
    gone = np.ones(count)
    for number, each in enumerate(KINDS):
        members = np.flatnonzero(kind == number)
        if each.drop_out[1] > 0:
            gone[members] = rng.beta(*each.drop_out, len(members))
    lifetime_orders = np.minimum(rng.geometric(np.maximum(gone, 0.004)), _MOST_ORDERS)

    clock = np.concatenate(([0.0], np.cumsum(calendar.demand)))
    end = float(clock[-1])
    first = (rng.random(count) * (1.0 + _BEFORE_HISTORY) - _BEFORE_HISTORY) * end
    owner = np.repeat(np.arange(count), lifetime_orders)
    is_first = np.concatenate(([True], owner[1:] != owner[:-1]))
    gap = np.where(is_first, 0.0, rng.exponential(1.0, len(owner)) / rate[owner])
    running = np.cumsum(gap)
    time = running - np.repeat(running[is_first], lifetime_orders) + first[owner]
    last_of_life = np.concatenate((owner[1:] != owner[:-1], [True]))
    is_alive = time[last_of_life] >= end

    # who stopped before the history began left no line; only a few are still on file
    is_seen = (time >= 0.0) & (time < end)
    on_file = (np.bincount(owner[is_seen], minlength=count) > 0) | (rng.random(count) < _NEVER_SEEN_KEPT)
    new_number = np.cumsum(on_file) - 1
    owner, time = new_number[owner[is_seen]], time[is_seen]
    kind, is_alive, is_giant = kind[on_file], is_alive[on_file], is_giant[on_file]
    count = int(on_file.sum())

    country = rng.choice(len(COUNTRIES), size=count, p=_normalised([share for _, share in COUNTRIES]))
    second = country.copy()
    movers = rng.choice(count, size=max(count // 600, 1), replace=False)
    second[movers] = rng.integers(1, 12, len(movers))
    # the smallest history too has the Germans and the wholesaler that its events are about
    country[:3] = second[:3] = COUNTRY_NAMES.index("Germany")
    kind[3], country[3], second[3] = WHOLESALE, 0, 0
    appetite = np.minimum(np.exp(0.4 * rng.standard_normal(count)) * np.where(is_giant, 1.8, 1.0), 2.4)
    taste = np.cumsum(_taste(count, rng), axis=1)
    people = People(
        customer_id=np.concatenate(([0], _draw_ids(count, rng))),
        kind=np.concatenate(([GIFT], kind)),
        country=np.concatenate(([0], country)),
        second_country=np.concatenate(([0], second)),
        taste=np.concatenate((np.full((1, len(CATEGORIES)), 1.0).cumsum(axis=1) / len(CATEGORIES), taste)),
        basket_lines=np.concatenate(
            (
                [21.0],
                np.array([each.basket_lines for each in KINDS])[kind] * np.exp(0.5 * rng.standard_normal(count)),
            )
        ),
        appetite=np.concatenate(([1.0], appetite)),
        is_alive=np.concatenate(([False], is_alive)),
    )
    day = np.searchsorted(clock, time, side="right") - 1
    return people, Orders(owner + 1, day)


def guest_orders(per_day: float, calendar: ShopDays, rng: np.random.Generator) -> Orders:
    """Orders of people who never gave a customer number."""
    count = rng.poisson(per_day * calendar.demand)
    day = np.repeat(np.arange(calendar.days), count)
    return Orders(np.zeros(len(day), dtype=np.int64), day)


def _draw_ids(count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Numbers with gaps, from 12001 on; those below are kept for :func:`with_strangers`."""
    return 12001 + rng.choice(max(7900, count * 3 // 2), size=count, replace=False)


def _taste(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    appeal = np.array((1.5, 1.3, 1.7, 0.8, 0.9, 0.7, 0.8, 0.6, 0.5, 0.9))
    share = rng.gamma(0.55, 1.0, (count, len(CATEGORIES))) * appeal + 0.02
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _normalised(weights: list[float]) -> npt.NDArray[np.float64]:
    values = np.array(weights)
    return np.asarray(values / values.sum())


def with_strangers(people: People, count: int) -> People:
    """Add customers whom no order belongs to; they only return, or buy and cancel.

    They are the last ``count`` elements of every array.
    """

    def repeated(values: npt.NDArray[np.generic], value: object) -> npt.NDArray[np.generic]:
        return np.concatenate((values, np.full((count, *values.shape[1:]), value, dtype=values.dtype)))

    return People(
        customer_id=np.concatenate((people.customer_id, 12000 - np.arange(count))),
        kind=np.asarray(repeated(people.kind, GIFT), dtype=np.int64),
        country=np.asarray(repeated(people.country, 0), dtype=np.int64),
        second_country=np.asarray(repeated(people.second_country, 0), dtype=np.int64),
        taste=np.asarray(repeated(people.taste, 1.0), dtype=np.float64),
        basket_lines=np.asarray(repeated(people.basket_lines, 1.0), dtype=np.float64),
        appetite=np.asarray(repeated(people.appetite, 1.0), dtype=np.float64),
        is_alive=np.asarray(repeated(people.is_alive, False), dtype=np.bool_),
    )
