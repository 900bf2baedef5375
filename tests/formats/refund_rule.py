"""Which goods came back, where a system tells one amount for a whole order.

Belongs here: the rule, worked out by trying every combination. Does not belong here: what
systems write into the column.

The rule: the units of the fewest lines that add up to the amount. If several choices of so
few lines do, or none does, nobody can say what came back: it is a return without a product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

Units = dict[int, int]
"""Position of a line to units."""


def units_of_amount(amount: Decimal, lines: Sequence[tuple[Decimal, int]]) -> Units | None:
    """The units of an order's lines, given as net and quantity, that an amount stands for; None if that is open."""
    for few in range(1, len(lines) + 1):
        found = [
            units
            for positions in combinations([n for n, (net, _) in enumerate(lines) if net > 0], few)
            for units in _choices(Fraction(amount), positions, lines)
        ]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _choices(amount: Fraction, positions: Sequence[int], lines: Sequence[tuple[Decimal, int]]) -> Iterator[Units]:
    position, *others = positions
    net, quantity = lines[position]
    for units in range(1, quantity + 1):
        rest = amount - Fraction(net) * units / quantity
        if not others and rest == 0:
            yield {position: units}
        elif others and rest > 0:
            for more in _choices(rest, others, lines):
                yield {position: units, **more}
