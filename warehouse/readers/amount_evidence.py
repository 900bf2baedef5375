"""Which column of an unknown table is the money of a line, told from its values.

Belongs here: the price of a unit against an amount beside it, and amounts that are those of a whole order. Does not
belong here: which headers speak of money (:mod:`warehouse.readers.header_words`), and reading a known column
(:mod:`warehouse.readers.number_styles`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from warehouse.readers.rough_numbers import Line, field, rough_number

_ORDERS_ENOUGH = 3
"""So many orders of several unlike lines, all with one amount on each of them, are no chance."""
_PRODUCTS_ENOUGH = 3
_LINES_ENOUGH = 3
"""A product of two columns on so many lines is no chance, if one of them is not the same on all."""
_MOST = 0.9
_TAX_ON_TOP = Decimal("1.3")
_TWO_CENTS = Decimal("0.02")
_OF_PRODUCT = ("stock_code", "description", "quantity", "unit_price")


def money_column(lines: Sequence[Line], places: Mapping[str, int]) -> Literal["unit_price", "line_amount"] | None:
    """Tell which of the columns found counts.

    The amount, where it differs from quantity by price: it is what was paid, after discounts; and where a
    column of another name seems to be the quantity by which the price would have to be taken. The price, where
    the amount is that of the whole order, or differs by a tax column; and where both say the same.

    Parameters
    ----------
    lines
        Some lines of the file, as text.
    places
        Position of each of our columns that was found; one of ``unit_price`` and ``line_amount`` at least.

    Returns
    -------
    str or None
        None where the only amount is that of the order, so that nothing is the money of a line.
    """
    amount = places.get("line_amount")
    if amount is None:
        return "unit_price"
    is_of_order = _is_of_order(lines, places, amount)
    if "unit_price" not in places:
        return None if is_of_order else "line_amount"
    if is_of_order:
        return "unit_price"
    if "quantity" not in places:
        return "line_amount" if _has_pieces(lines, places) else "unit_price"
    compared = [places[column] for column in ("quantity", "unit_price", "line_amount")]
    differing = taxed = 0
    for line in lines:
        if not all(field(line, place) for place in compared):
            continue
        units, price, total = (abs(rough_number(line, place)) for place in compared)
        more = total - units * price
        # prices are rounded to cents, so that many units may differ by more
        if abs(more) > (1 + units) / 200:
            differing += 1
            tax = abs(rough_number(line, places["tax_amount"])) if "tax_amount" in places else Decimal(0)
            # a column of tax may hold its rate
            taxed += any(abs(more - said) <= _TWO_CENTS for said in (tax, units * price * tax / 100))
    return "line_amount" if taxed < _MOST * differing else "unit_price"


def grows_with_quantity(lines: Sequence[Line], places: Mapping[str, int]) -> bool:
    """Whether what is called a price is the amount of a line: it grows with the quantity of a product.

    As the check ``prices_are_of_one_unit`` sees it in lines that were read.
    """
    product = places.get("stock_code", places.get("description"))
    if product is None or not {"quantity", "unit_price"} <= places.keys():
        return False
    units_at: dict[tuple[str, Decimal, bool], set[Decimal]] = defaultdict(set)
    for line in lines:
        units, price = rough_number(line, places["quantity"]), rough_number(line, places["unit_price"])
        if units > 0 and price > 0:
            units_at[field(line, product), price, False].add(units)
            units_at[field(line, product), round(price / units, 4), True].add(units)
    shown = {(name, is_share) for (name, _, is_share), units in units_at.items() if len(units) > 1}
    grow, stay = (sum(is_share is wanted for _, is_share in shown) for wanted in (True, False))
    return grow >= _PRODUCTS_ENOUGH and grow > 3 * stay


def amount_by_price(lines: Sequence[Line], places: Mapping[str, int]) -> int | None:
    """Position of the column that has quantity times what was found as amount, on every line.

    Then that is the price of one unit, whatever it is called; None where no column has it, or all quantities are 1.
    """
    if not {"quantity", "line_amount"} <= places.keys() or "unit_price" in places:
        return None
    quantity, price = places["quantity"], places["line_amount"]
    priced = [line for line in lines if rough_number(line, quantity) and rough_number(line, price)]
    if all(abs(rough_number(line, quantity)) == 1 for line in priced):
        return None
    for place in range(max(map(len, priced))):
        if place not in places.values() and all(
            abs(abs(rough_number(line, quantity) * rough_number(line, price)) - abs(rough_number(line, place)))
            <= _TWO_CENTS
            for line in priced
        ):
            return place
    return None


def unnamed_quantity(lines: Sequence[Line], places: Mapping[str, int]) -> tuple[int, int] | None:
    """Positions of a quantity that goes by another name, and of the amounts that it makes of what was found as money.

    None unless whole numbers, not all alike, times that are another column on every line.
    """
    money = places.get("line_amount", places.get("unit_price"))
    if money is None or "quantity" in places:
        return None
    priced = [line for line in lines if rough_number(line, money)]
    if len(priced) < _LINES_ENOUGH:
        return None
    free = [place for place in range(max(map(len, priced))) if place not in places.values()]
    numbers = {place: [abs(rough_number(line, place)) for line in priced] for place in (*free, money)}
    for units in free:
        pieces = numbers[units]
        if len(set(pieces)) == 1 or any(piece % 1 or not piece for piece in pieces):
            continue
        for amount in free:
            if amount != units and all(
                abs(piece * price - total) <= _TWO_CENTS
                for piece, price, total in zip(pieces, numbers[money], numbers[amount], strict=True)
            ):
                return units, amount
    return None


def price_is_proven(lines: Sequence[Line], places: Mapping[str, int]) -> bool:
    """Whether a price is seen to be that of one unit: a column has it times the quantity, or nothing is sold twice."""
    as_amount = {"quantity": places["quantity"], "line_amount": places["unit_price"]}
    return (
        all(abs(rough_number(line, places["quantity"])) <= 1 for line in lines)
        or amount_by_price(lines, as_amount) is not None
        or discount_comes_off(lines, places)
    )


def discount_comes_off(lines: Sequence[Line], places: Mapping[str, int]) -> bool:
    """Whether another column has the amount less the discount, on every line that has a discount.

    The amount is quantity times price, or where there is no price a column of its own; tax may have been added.
    """
    if "discount_amount" not in places or not ({"quantity", "unit_price"} <= places.keys() or "line_amount" in places):
        return False
    discounted = [line for line in lines if rough_number(line, places["discount_amount"])]

    def left(line: Line, place: int) -> Decimal:
        if "line_amount" in places:
            amount = abs(rough_number(line, places["line_amount"]))
        else:
            amount = abs(rough_number(line, places["quantity"]) * rough_number(line, places["unit_price"]))
        return amount - abs(rough_number(line, places["discount_amount"])) - abs(rough_number(line, place))

    def tax(line: Line) -> Decimal:
        return abs(rough_number(line, places["tax_amount"])) if "tax_amount" in places else Decimal(0)

    others = [place for place in range(max(map(len, discounted), default=0)) if place not in places.values()]
    return any(
        all(abs(left(line, place)) <= _TWO_CENTS for line in discounted)
        or all(abs(left(line, place) + tax(line)) <= _TWO_CENTS for line in discounted)
        for place in others
    )


def price_is_after_discount(lines: Sequence[Line], places: Mapping[str, int]) -> bool:
    """Whether what is called a price is what is left of another column once the discount is off, tax included or not.

    A till writes all three of the whole line; a price of one unit would have an amount of the line beside it.
    """
    if not {"quantity", "unit_price", "discount_amount"} <= places.keys() or "line_amount" in places:
        return False
    if all(abs(rough_number(line, places["quantity"])) <= 1 for line in lines):
        return False
    as_amount = {column: place for column, place in places.items() if column != "unit_price"}
    as_amount["line_amount"] = places["unit_price"]
    if amount_by_price(lines, as_amount) is not None:
        return False
    price, discount = places["unit_price"], places["discount_amount"]
    discounted = [line for line in lines if rough_number(line, discount)]
    others = [place for place in range(max(map(len, discounted), default=0)) if place not in places.values()]

    def left(line: Line, place: int) -> Decimal:
        return abs(rough_number(line, place)) - abs(rough_number(line, discount)) - abs(rough_number(line, price))

    def tax(line: Line) -> Decimal:
        return abs(rough_number(line, places["tax_amount"])) if "tax_amount" in places else Decimal(0)

    return any(
        all(abs(left(line, place)) <= _TWO_CENTS for line in discounted)
        or all(abs(left(line, place) - tax(line)) <= _TWO_CENTS for line in discounted)
        for place in others
    )


def discount_part(lines: Sequence[Line], place: int, *, says_per_cent: bool) -> Literal["per_cent", "share"] | None:
    """Whether a column of discounts tells parts of the amount: by its header, by a % or by numbers below 1."""
    discounts = [abs(rough_number(line, place)) for line in lines]
    if any(discounts) and max(discounts) < 1:
        return "share"
    return "per_cent" if says_per_cent or any("%" in field(line, place) for line in lines) else None


def amount_after_part(lines: Sequence[Line], places: Mapping[str, int]) -> int | None:
    """Position of the column that has quantity times price less a part of it, per cent or share, on every line.

    None where there is none, or no line with a discount to show it.
    """
    if not {"quantity", "unit_price", "discount_amount"} <= places.keys():
        return None
    quantity, price, discount = (places[column] for column in ("quantity", "unit_price", "discount_amount"))
    priced = [line for line in lines if rough_number(line, quantity) and rough_number(line, price)]
    if not any(rough_number(line, discount) for line in priced):
        return None
    for whole in (1, 100):
        for place in range(max(map(len, priced))):
            if place not in (quantity, price, discount) and all(
                abs(
                    abs(rough_number(line, quantity) * rough_number(line, price))
                    * (1 - abs(rough_number(line, discount)) / whole)
                    - abs(rough_number(line, place))
                )
                <= _TWO_CENTS
                for line in priced
            ):
                return place
    return None


def _is_of_order(lines: Sequence[Line], places: Mapping[str, int], amount: int) -> bool:
    """Whether each order of several unlike lines has one amount, on all of them or on one alone.

    A few such orders may be chance, unless one has an amount that its lines make up together.
    """
    if "invoice" not in places:
        return False
    orders: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if invoice := field(line, places["invoice"]):
            orders[invoice].append(line)
    telling = [place for column, place in places.items() if column in _OF_PRODUCT]
    several = [
        order
        for order in orders.values()
        if len({tuple(field(line, place) for place in telling) for line in order}) > 1
    ]
    if any(len({field(line, amount) for line in order if field(line, amount)}) != 1 for order in several):
        return False
    return len(several) >= _ORDERS_ENOUGH or any(_makes_up(order, places, amount) for order in several)


def _has_pieces(lines: Sequence[Line], places: Mapping[str, int]) -> bool:
    """Whether some column of whole numbers makes about the amount of the price, on every line; discounts may be off."""
    priced = [line for line in lines if rough_number(line, places["unit_price"])]
    for place in range(max(map(len, priced), default=0)):
        pieces = [abs(rough_number(line, place)) for line in priced]
        if place in places.values() or set(pieces) <= {1} or any(piece % 1 or not piece for piece in pieces):
            continue
        by_price = [
            abs(rough_number(line, places["unit_price"])) * units for line, units in zip(priced, pieces, strict=True)
        ]
        amounts = [abs(rough_number(line, places["line_amount"])) for line in priced]
        if all(total / 2 <= amount <= total * _TAX_ON_TOP for total, amount in zip(by_price, amounts, strict=True)):
            return True
    return False


def _makes_up(order: Sequence[Line], places: Mapping[str, int], amount: int) -> bool:
    """Whether what stands as amount on some line is no less than all lines of the order by their prices."""
    if not {"quantity", "unit_price"} <= places.keys():
        return False
    by_price = [
        abs(rough_number(line, places["quantity"]) * rough_number(line, places["unit_price"])) for line in order
    ]
    total = max(abs(rough_number(line, amount)) for line in order)
    return sum(price > 0 for price in by_price) > 1 and total >= sum(by_price) - _TWO_CENTS


def leaves_with_a_minus(lines: Sequence[Line], places: Mapping[str, int]) -> bool:
    """Whether most lines that brought money have a negative quantity, as a ledger of stock writes what goes out."""
    if not {"quantity", "line_amount"} <= places.keys():
        return False
    sold = [rough_number(line, places["quantity"]) for line in lines if rough_number(line, places["line_amount"]) > 0]
    return sum(units < 0 for units in sold) > sum(units > 0 for units in sold)
