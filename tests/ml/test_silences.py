from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.silences import find_absences, find_silences
from tests.ml.revenue import shop


@pytest.mark.real_data
def test_a_shop_closed_on_saturdays_is_silent_on_holidays_only(real_lines):
    days = real_lines.execute(
        """
        select invoiced_at::date as date, bool_or(amount > 0) as is_trading_day
        from lines group by all order by 1
        """
    ).df()
    silences = find_silences(days)
    # Good Friday to Easter Monday, the royal wedding, and the bank holidays of early May and August 2011;
    # by 30 May two of eight Mondays had been closed, so that a third is no surprise
    assert silences["date"].dt.strftime("%Y-%m-%d").tolist() == [
        "2011-04-22", "2011-04-29", "2011-05-02", "2011-08-29",
    ]  # fmt: skip
    assert silences["last_date"].dt.strftime("%Y-%m-%d").tolist()[0] == "2011-04-25"
    assert silences["expected_days"].tolist() == [3, 1, 1, 1]


def test_a_closed_stretch_is_one_silence():
    closed = {date(2024, 5, 1) + timedelta(days=each) for each in range(10)}
    silences = find_silences(shop(closed))
    assert silences["date"].tolist() == [pd.Timestamp("2024-05-01")]
    assert silences["last_date"].tolist() == [pd.Timestamp("2024-05-10")]
    # ten days less Saturday the 4th
    assert silences["expected_days"].tolist() == [9]


def test_days_after_the_last_sale_are_no_silence():
    closed = {date(2024, 6, 20) + timedelta(days=each) for each in range(11)}
    assert find_silences(shop(closed)).empty
    # nor are closed days of a shop that is too young to have habits
    assert find_silences(shop({date(2024, 2, 20)})).empty


def test_a_day_closed_a_year_before_is_a_holiday():
    closed = {date(2023, 12, 25), date(2024, 12, 25)}
    assert find_silences(shop(closed, first="2023-06-01", last="2025-01-31"))["date"].tolist() == [
        pd.Timestamp("2023-12-25")
    ]
    # the first Monday of May: 52 weeks before
    closed = {date(2023, 5, 8), date(2024, 5, 6)}
    found = find_silences(shop(closed, first="2023-01-01", last="2024-06-30"))["date"].tolist()
    assert found == [pd.Timestamp("2023-05-08")]
    assert find_silences(shop({date(2024, 2, 29)}, first="2023-01-01"))["date"].tolist() == [pd.Timestamp("2024-02-29")]


def test_an_absence_lasts_until_the_country_buys_again():
    # the shop's Saturday, the 6th, is closed; the country stays away from Thursday to Sunday
    days = pd.DatetimeIndex(shop(set(), last="2024-01-10")["date"])
    stays_away = days.isin(pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-07"]))
    is_expected = days == pd.Timestamp("2024-01-04")
    found = find_absences(days, ~stays_away, is_expected)
    assert found["date"].tolist() == [pd.Timestamp("2024-01-04")]
    assert found["last_date"].tolist() == [pd.Timestamp("2024-01-07")]
    assert found["expected_days"].tolist() == [3]
    # not before it has bought again, and not where none was expected
    assert find_absences(days[:6], ~stays_away[:6], is_expected[:6]).empty
    assert find_absences(days, ~stays_away, np.zeros(len(days), dtype=bool)).empty


def test_days_out_of_order_are_refused():
    with pytest.raises(ValueError, match="must ascend"):
        find_silences(shop(set()).iloc[::-1])
