"""How figures are written."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from babel.numbers import format_currency, format_decimal

from warehouse import wording

ROOT = Path(__file__).resolve().parents[2]


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
    ("amount", "expected"),
    [
        (0, "£0"),
        (2.5, "£2.50"),
        (500, "£500"),
        (-2_500, "−£2,500"),
        (12_500, "£12.5k"),
        (20_000, "£20k"),
        (-100_000, "−£100k"),
        (1_500_000, "£1.5m"),
        (2e9, "£2bn"),
    ],
)
def test_axes_write_no_noughts_after_the_point(amount: float, expected: str) -> None:
    assert wording.round_money(amount, "GBP") == expected


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
    assert wording.money(1200, "CAD") == "CA$1,200"
    assert wording.money(1200, "TRY") == "₺1,200"
    assert wording.money(1200, "CHF") == "CHF\N{NO-BREAK SPACE}1,200"


def test_yen_have_no_hundredths() -> None:
    assert (wording.money(12, "JPY"), wording.money(1200, "JPY", pence=True)) == ("¥12", "¥1,200")


def test_changes_carry_their_sign_and_nothing_is_no_change() -> None:
    assert wording.change(4.24) == "+4.2%"
    assert wording.change(-4.26) == "−4.3%"
    assert wording.change(0.04) == "±0%"
    assert wording.change(None) == "–"
    assert [wording.signed_count(value) for value in (1200, -3, 0, None)] == ["+1,200", "−3", "±0", "–"]


def test_counts_and_days_agree_with_their_nouns() -> None:
    assert wording.plural(1, "customer") == "1 customer"
    assert wording.plural(4334, "customer") == "4,334 customers"
    assert wording.plural(2, "country", "countries") == "2 countries"
    assert wording.days(1.2) == "1 day"
    assert wording.days(1.6) == "2 days"


def test_a_mean_of_days_is_told_to_three_digits() -> None:
    # 13.4 against 12.5 is 7 % more, which 13 against 13 would contradict
    assert wording.in_unit(13.42, "days", "GBP", is_short=True) == "13.4 days"
    assert wording.in_unit(220.92, "days", "GBP", is_short=True) == "221 days"
    assert wording.in_unit(220.92, "days", "GBP") == "220.9 days"
    assert wording.in_unit(None, "days", "GBP", is_short=True) == "–"


def test_dates_do_not_depend_on_the_language_of_the_machine() -> None:
    assert wording.day(date(2011, 12, 9)) == "9 Dec 2011"
    assert wording.day(pd.Timestamp(2011, 9, 9)) == "9 Sep 2011"
    assert wording.weekday(date(2011, 12, 9)) == "Friday 9 Dec 2011"
    assert wording.month(date(2011, 12, 1)) == "Dec 2011"
    assert wording.month_name(date(2011, 12, 1)) == "Dec"
    assert wording.clock_time(datetime(2011, 12, 9, 12, 5)) == "9 Dec 2011, 12:05"
    assert wording.moment(datetime(2026, 11, 21, 14, 5, tzinfo=UTC)) == "21 Nov 2026, 14:05 UTC"


@pytest.mark.parametrize("value", [-0.04, 0.04, Decimal("-0.04"), -0.0])
def test_what_rounds_to_nothing_has_no_sign(value: float) -> None:
    assert (wording.number(value), wording.percent(value)) == ("0.0", "0.0%")


@pytest.mark.parametrize("value", [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT])
def test_what_is_missing_is_a_dash_and_never_zero(value: float | None) -> None:
    assert {wording.count(value), wording.money(value, "GBP"), wording.percent(value)} == {"–"}


@pytest.mark.parametrize("amount", [0.125, 2.5, 999.996, 1_234.5, 8_294_883.51])
@pytest.mark.parametrize("currency", ["GBP", "USD", "INR", "JPY"])
def test_digits_are_those_of_babel(amount: float, currency: str) -> None:
    exact = Decimal(amount)
    assert wording.money(amount, currency, pence=True) == format_currency(exact, currency, locale="en")
    assert wording.number(amount, 1) == format_decimal(exact, "#,##0.0", locale="en")


def test_nobody_else_writes_decimals_or_months() -> None:
    """A figure that is written anywhere else has a sign, a limit or a rounding of its own."""
    rooms = ("warehouse", "expectations", "orchestration", "serving")
    own = re.compile(r":\+?,\.|\bfrom babel|%b|%B")
    # the SQL of checks, which a test of theirs holds to this module; axes are written by Plotly
    others = {"warehouse/wording.py", "expectations/phrases.py"}
    found = {
        f"{path.relative_to(ROOT)}:{at}: {line.strip()}"
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        if path.relative_to(ROOT).as_posix() not in others
        for at, line in enumerate(path.read_text().splitlines(), start=1)
        if own.search(line) and "tickformat" not in line
    }
    assert found == set()
