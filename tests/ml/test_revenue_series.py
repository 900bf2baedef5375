import pandas as pd

from ml.revenue_series import complete_weeks, day_numbers, mondays
from tests.ml.revenue import days_of


def test_a_week_adds_up_every_line_and_counts_its_trading_days():
    # a week, one without Wednesday to Friday, one without a sale, six days of another
    days = days_of([*range(1, 8), 1.0, 2.0, None, None, None, 6.0, 7.0, *[None] * 7, *[1.0] * 6])
    days.loc[days["date"] == "2024-01-14", "is_trading_day"] = False
    weeks = complete_weeks(days)
    assert weeks["date"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-08")]
    assert weeks["net_revenue"].tolist() == [28.0, 16.0]
    assert weeks["trading_days"].tolist() == [7.0, 3.0]


def test_a_week_is_complete_where_the_history_says_so_though_nothing_was_sold_at_its_end():
    # a shop that closes on Sundays, seen from the Monday after
    days = days_of([1.0] * 6)
    assert complete_weeks(days).empty
    assert complete_weeks(days.assign(is_complete_week=True))["net_revenue"].tolist() == [6.0]


def test_a_week_of_returns_alone_is_no_week():
    assert complete_weeks(days_of([-1.0] * 7).assign(is_trading_day=False)).empty


def test_weeks_start_on_mondays_and_days_count_from_1970():
    days = pd.Series(pd.to_datetime(["1970-01-01", "2023-12-31", "2024-01-01", "2024-01-07"]))
    assert mondays(days).dt.strftime("%Y-%m-%d").tolist() == ["1969-12-29", "2023-12-25", "2024-01-01", "2024-01-01"]
    # 54 years with 13 leap days before 2024
    assert day_numbers(days).tolist() == [0, 54 * 365 + 12, 54 * 365 + 13, 54 * 365 + 19]
