"""How figures are written."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from serving import wording


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (1234.5, "£1,234"),
        (-1234.5, "−£1,234"),
        (5.2, "£5.20"),
        (-0.004, "£0.00"),
        (Decimal("99.995"), "£100.00"),
        (0, "£0.00"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_money_has_sign_currency_and_separators(amount: float | None, expected: str) -> None:
    assert wording.money(amount, "GBP") == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (9_999, "£9,999"),
        (12_345, "£12.3k"),
        (99_950, "£100k"),
        (999_499, "£999k"),
        (999_600, "£1.00m"),
        (8_294_883.51, "£8.29m"),
        (-8_294_883.51, "−£8.29m"),
        (1e9, "£1.00bn"),
    ],
)
def test_short_money_has_three_digits(amount: float, expected: str) -> None:
    assert wording.short_money(amount, "GBP") == expected


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (12.0, "12"),
        (0.25, "0.25"),
        (Decimal("0.250"), "0.25"),
        (Decimal("-1.500"), "−1.5"),
        (1234.0, "1,234"),
        (100, "100"),
        (0, "0"),
        (-0.0001, "0"),
        (None, "–"),
        (float("nan"), "–"),
    ],
)
def test_quantities_are_shown_without_zeros_at_their_end(quantity: float | None, expected: str) -> None:
    assert wording.units(quantity) == expected


def test_currencies_without_a_sign_of_their_own_show_their_code() -> None:
    assert wording.money(1200, "EUR") == "€1,200"
    assert wording.money(1200, "CHF") == "CHF\N{NO-BREAK SPACE}1,200"


def test_changes_carry_their_sign_and_nothing_is_no_change() -> None:
    thin = "\N{NARROW NO-BREAK SPACE}"
    assert wording.change(4.24) == f"+4.2{thin}%"
    assert wording.change(-4.26) == f"−4.3{thin}%"
    assert wording.change(0.04) == f"±0{thin}%"
    assert wording.change(None) == "–"


def test_counts_and_days_agree_with_their_nouns() -> None:
    assert wording.plural(1, "customer") == "1 customer"
    assert wording.plural(4334, "customer") == "4,334 customers"
    assert wording.plural(2, "country", "countries") == "2 countries"
    assert wording.days(1.2) == "1 day"
    assert wording.days(1.6) == "2 days"


def test_dates_do_not_depend_on_the_language_of_the_machine() -> None:
    assert wording.day(date(2011, 12, 9)) == "9 Dec 2011"
    assert wording.month(date(2011, 12, 1)) == "Dec 2011"
    assert wording.moment(datetime(2026, 11, 21, 14, 5, tzinfo=UTC)) == "21 Nov 2026, 14:05 UTC"


@pytest.mark.parametrize("value", [-0.04, 0.04, Decimal("-0.04"), -0.0])
def test_what_rounds_to_nothing_has_no_sign(value: float) -> None:
    assert (wording.number(value), wording.percent(value)) == ("0.0", "0.0\u202f%")
