"""What is said of a file whose header no layout knows.

Belongs here: how much was refused, an example of it, and the mapping that would read it.
Does not belong here: deciding that it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from warehouse.readers.errors import HeaderError
from warehouse.readers.layouts import INVOICE_LINES, TRANSACTIONS
from warehouse.readers.rough_numbers import rough_number
from warehouse.readers.suggest import Guess, guess_mapping, write_mapping
from warehouse.wording import number

ENOUGH_LINES = 1_000_000
"""Counting goes no further; a refusal should not take longer than a load."""
_LINES_FOR_GUESS = 1_000
_SALES = (INVOICE_LINES.name, TRANSACTIONS.name)
_GUESSES_WORTH_SAYING = 3
_EXAMPLE_LENGTH = 200
_LACKING = (
    "No column was found for {}. If another file holds that, as in tables of a database, join them first: a line of "
    "sales has its order, product, day and money in one file"
)
_TOTALS = (
    ", and none for a customer: totals of days, shops or products have neither and can't be read; deliver the orders "
    "that they are made of"
)
_IN_WORDS = {
    "invoice": "the number of the order",
    "stock_code": "the product",
    "quantity": "the quantity",
    "invoice_date": "the day",
    "unit_price": "the price",
    "customer_id": "the customer",
}


def explain_refusal(error: HeaderError, file_name: str) -> str:
    """Write the whole message: what was found, how much it concerns, and what to type.

    Returns the error's own words where nothing more is known.
    """
    if error.below is None or error.closest not in _SALES:
        return str(error)
    guess = guess_mapping(error.headers, _some(error.below()))
    told = [str(error), _extent(error.below(), error.headers, guess)]
    is_worth_saying = len(guess.headers) >= _GUESSES_WORTH_SAYING
    if not is_worth_saying:
        return ". ".join(part for part in told if part)
    if guess.missing:
        is_of_totals = "invoice" in guess.missing and "customer_id" not in guess.headers
        lacking = ", ".join(_IN_WORDS.get(column, column) for column in guess.missing)
        told.append(_LACKING.format(lacking + (_TOTALS if is_of_totals else "")))
    open_end = (
        f", and put its header in place of {'each' if len(guess.missing) > 1 else 'the'} ?" if guess.missing else ""
    )
    told.append(
        "By its headers this is the mapping to put into regulars.toml; look it over"
        f"{open_end}:\n\n{write_mapping(guess, file_name)}\n"
    )
    return ". ".join(part for part in told if part)


def _some(lines: Iterator[Sequence[str | None]]) -> list[Sequence[str | None]]:
    found: list[Sequence[str | None]] = []
    for line in lines:
        if any(line):
            found.append(line)
        if len(found) >= _LINES_FOR_GUESS:
            break
    return found


def _extent(lines: Iterator[Sequence[str | None]], headers: Sequence[str], guess: Guess) -> str:
    """How many lines lie below the header, one of them, and the money in them if a column clearly is money."""
    positions = {column: list(headers).index(header) for column, header in guess.headers.items()}
    amount, price, quantity = (positions.get(name) for name in ("line_amount", "unit_price", "quantity"))
    count, example, money = 0, "", Decimal(0)
    is_capped = False
    for line in lines:
        if not any(line):
            continue
        count += 1
        if not example:
            example = ",".join((field or "") for field in line)[:_EXAMPLE_LENGTH]
        if amount is not None:
            money += rough_number(line, amount)
        elif price is not None:
            money += rough_number(line, price) * (rough_number(line, quantity) if quantity is not None else 1)
        if count >= ENOUGH_LINES:
            is_capped = True
            break
    if not count:
        return "Below it are no lines"
    told = f"Below it {'are at least' if is_capped else 'are' if count > 1 else 'is'} {count:,} line{'s' * (count > 1)}"
    told += f", the first: {example}"
    if money and amount is not None:
        told += f". Column '{headers[amount]}' adds up to {number(money, 2)}"
    elif money and price is not None:
        by = f" by '{headers[quantity]}'" if quantity is not None else ""
        told += f". Column '{headers[price]}'{by} adds up to {number(money, 2)}"
    return told
