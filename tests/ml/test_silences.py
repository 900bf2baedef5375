from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from ml.silences import find_absences, find_silences
from tests.ml.revenue import shop
from warehouse.calendar import calendar_days
from warehouse.settings import Settings


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
    assert silences["back_date"].dt.strftime("%Y-%m-%d").tolist() == [
        "2011-04-26", "2011-05-01", "2011-05-03", "2011-08-30",
    ]  # fmt: skip
    assert silences["expected_days"].tolist() == [3, 1, 1, 1]


def test_a_closed_stretch_is_one_silence():
    closed = {date(2024, 5, 1) + timedelta(days=each) for each in range(10)}
    silences = find_silences(shop(closed))
    assert silences["date"].tolist() == [pd.Timestamp("2024-05-01")]
    # Saturday the 11th is closed anyway
    assert silences["back_date"].tolist() == [pd.Timestamp("2024-05-12")]
    # ten days less Saturday the 4th
    assert silences["expected_days"].tolist() == [9]


@pytest.mark.parametrize(("weeks", "back"), [(3, "2024-05-22"), (10, "2024-07-10"), (25, "2024-10-23")])
def test_a_closure_of_many_weeks_lasts_until_sales_are_back(weeks: int, back: str):
    closed = {date(2024, 5, 1) + timedelta(days=each) for each in range(7 * weeks)}
    silences = find_silences(shop(closed, last="2025-03-31"))
    assert silences["date"].tolist() == [pd.Timestamp("2024-05-01")]
    assert silences["back_date"].tolist() == [pd.Timestamp(back)]
    # six days a week, Saturdays being closed anyway
    assert silences["expected_days"].tolist() == [6 * weeks]


def test_a_shop_that_often_misses_a_day_is_silent_for_a_week_or_more_only():
    # closed on every eighth day: each weekday traded in seven of eight weeks, and 6 of 48 usual days were missed
    often = {date(2024, 1, 5) + timedelta(days=8 * each) for each in range(22)}
    assert find_silences(shop(often)).empty
    # every sixteenth day: 3 of 48
    seldom = {date(2024, 1, 5) + timedelta(days=16 * each) for each in range(11)}
    assert len(find_silences(shop(seldom))) > 0
    closed = {date(2024, 5, 14) + timedelta(days=each) for each in range(10)}
    silences = find_silences(shop(often | closed))
    assert silences["date"].tolist() == [pd.Timestamp("2024-05-14")]
    assert silences["back_date"].tolist() == [pd.Timestamp("2024-05-24")]


@pytest.mark.parametrize(("orders", "days", "is_told"), [(4, 1, False), (5, 1, True), (2, 2, False), (2, 3, True)])
def test_days_that_chance_leaves_without_an_order_are_no_silence(orders: int, days: int, is_told: bool):
    # from a Monday on: of four orders a day none in 55 times, of five none in 148
    closed = {date(2024, 5, 6) + timedelta(days=each) for each in range(days)}
    assert len(find_silences(shop(closed).assign(orders=orders))) == is_told


def test_orders_of_a_season_that_is_over_are_not_due():
    # thirty orders a day from the 1st to the 23rd of December, and one on others
    days = shop({date(2024, 1, 15)}, first="2023-10-02", last="2024-02-29")
    orders = np.where(days["date"].between("2023-12-01", "2023-12-23"), 30, 1)
    assert find_silences(days.assign(orders=orders)).empty


def test_a_weekend_that_is_always_closed_belongs_to_the_stretch_but_is_not_missed():
    weekends = {day.date() for day in pd.date_range("2024-01-01", "2024-06-30") if day.weekday() == 6}
    thursday, friday = date(2024, 5, 2), date(2024, 5, 3)
    both = find_silences(shop(weekends | {thursday, friday}))
    assert both["date"].tolist() == [pd.Timestamp(thursday)]
    assert both["back_date"].tolist() == [pd.Timestamp("2024-05-06")]
    assert both["expected_days"].tolist() == [2]
    assert find_silences(shop(weekends | {friday}))["expected_days"].tolist() == [1]


def test_a_closure_that_outlasts_its_holiday_is_told_from_the_day_after():
    # closed over New Year for a week, and the year after for three: only the first is a habit
    closed = {date(2023, 1, 1) + timedelta(days=each) for each in range(7)}
    closed |= {date(2024, 1, 1) + timedelta(days=each) for each in range(21)}
    silences = find_silences(shop(closed, first="2022-06-01"))
    assert silences["date"].tolist() == [pd.Timestamp("2023-01-01"), pd.Timestamp("2024-01-08")]
    assert silences["back_date"].tolist() == [pd.Timestamp("2023-01-08"), pd.Timestamp("2024-01-22")]


def test_a_silence_that_no_sale_has_ended_goes_on():
    days = shop({date(2024, 6, 20) + timedelta(days=each) for each in range(11)})
    returned = pd.DataFrame({"date": [pd.Timestamp("2024-06-27")], "is_trading_day": False, "net_revenue": -5.0})
    silences = find_silences(pd.concat([days, returned], ignore_index=True))
    assert silences["date"].tolist() == [pd.Timestamp("2024-06-20")]
    assert silences["back_date"].isna().all()
    # the 20th to the 26th less Saturday the 22nd; the 27th, the last day, may not have come in full
    assert silences["expected_days"].tolist() == [6]
    on_the_first = returned.assign(date=pd.Timestamp("2024-06-20"))
    assert find_silences(pd.concat([days, on_the_first], ignore_index=True)).empty


def test_days_after_the_last_line_are_no_silence():
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
    assert found["back_date"].tolist() == [pd.Timestamp("2024-01-08")]
    assert found["expected_days"].tolist() == [3]
    # not where none was expected
    assert find_absences(days, ~stays_away, np.zeros(len(days), dtype=bool)).empty


def test_an_absence_that_goes_on_says_so_once_the_shop_has_traded_on():
    days = pd.DatetimeIndex(shop(set(), last="2024-01-10")["date"])
    stays_away = days.isin(pd.to_datetime(["2024-01-04", "2024-01-05", "2024-01-07"]))
    is_expected = days == pd.Timestamp("2024-01-04")
    # up to Friday the 5th: Thursday and Friday are missed so far
    found = find_absences(days[:5], ~stays_away[:5], is_expected[:5])
    assert found["date"].tolist() == [pd.Timestamp("2024-01-04")]
    assert found["back_date"].isna().all()
    assert found["expected_days"].tolist() == [2]
    # on Thursday itself the country may still buy
    assert find_absences(days[:4], ~stays_away[:4], is_expected[:4]).empty


def test_days_out_of_order_are_refused():
    with pytest.raises(ValueError, match="must ascend"):
        find_silences(shop(set()).iloc[::-1])


def test_days_that_the_calendar_closes_are_not_expected_and_make_no_other_day_doubtful():
    # two Mondays closed for holidays within eight weeks: without a calendar no later Monday is expected to trade
    holidays = {date(2024, 4, 1), date(2024, 5, 6)}
    days = shop(holidays | {date(2024, 5, 13)})
    assert pd.Timestamp("2024-05-13") not in set(find_silences(days)["date"])
    found = find_silences(days, pd.to_datetime(sorted(holidays)))
    assert found["date"].tolist() == [pd.Timestamp("2024-05-13")]
    # a holiday within a closed stretch is not one of the days that were missed
    stretch = find_silences(shop({date(2024, 5, 6), date(2024, 5, 7)}), [pd.Timestamp("2024-05-06")])
    assert stretch["date"].tolist() == [pd.Timestamp("2024-05-07")]
    assert stretch["expected_days"].tolist() == [1]


def test_days_between_two_holidays_that_the_shop_bridged_are_not_missed():
    # Good Friday, Easter Sunday and Easter Monday of 2024; Saturdays are always closed
    easter = shop({date(2024, 3, 29), date(2024, 3, 31), date(2024, 4, 1)})
    holidays = pd.to_datetime(["2024-03-29", "2024-04-01"])
    assert find_silences(easter)["date"].tolist() == [pd.Timestamp("2024-03-29")]
    assert find_silences(easter, holidays).empty
    # traded on the Friday, so that the Sunday was no bridge
    traded = shop({date(2024, 3, 31), date(2024, 4, 1)})
    assert find_silences(traded, holidays)["date"].tolist() == [pd.Timestamp("2024-03-31")]


@pytest.mark.real_data
def test_no_public_holiday_of_the_public_year_is_silent(real_lines):
    days = real_lines.execute(
        "select invoiced_at::date as date, bool_or(amount > 0) as is_trading_day from lines group by all order by 1"
    ).df()
    holidays = [day for day, kind, _ in calendar_days(Settings()) if kind == "holiday"]
    # the Summer bank holiday among them
    assert pd.Timestamp("2011-08-29") in set(find_silences(days)["date"])
    assert find_silences(days, holidays).empty
