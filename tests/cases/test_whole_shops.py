"""What is told of a shop as a whole: its closures, its doubts, its repeat buyers.

Each case has a home of its own, since every line of another shop would change the answer.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from tests.cases import reported
from tests.cases.shop import Case, Published, Row, csv_text, every, line, shop

Alone = Callable[..., Published]


def _published(shop: Published) -> Published:
    assert shop.outcome.succeeded, shop.outcome.problems
    return shop


def _silences(shop: Published) -> list[tuple[date, str]]:
    return shop.rows(
        "select date, cause from ml.revenue_anomalies where series = 'total' and direction = 'silence' order by date"
    )


def _headline(shop: Published) -> list[str]:
    return [sentence for (sentence,) in shop.rows("select sentence from reporting.headline_notes")]


def test_equal_purchases_of_one_day_are_purchases_and_one_day(alone: Alone) -> None:
    # the figures of the lifetimes package for customer 1 (eight purchases on four days) and 4125
    told = _published(alone(reported.same_day_repeats()))
    assert told.rows(
        "select customer_id, repeat_purchase_days, days_to_last_purchase, round(mean_purchase_value, 2)"
        " from ml.customer_clv where customer_id in ('1', '4125') order by 1"
    ) == [("1", 3, 43, 183.33), ("4125", 1, 30, 25.0)]
    assert told.rows("select observed_days from ml.customer_clv where customer_id = '4125'") == [(282,)]
    assert told.customer("1") == (8, Decimal("700.00"))
    assert told.set_aside("transactions.csv") == {}


def test_a_closure_of_ten_weeks_is_told_with_all_of_it(alone: Alone) -> None:
    ((day, cause),) = _silences(_published(alone(reported.closed_ten_weeks())))
    assert day == date(2024, 3, 31)
    assert "10 Jun 2024" in cause


def test_a_closure_that_the_settings_name_is_no_news_and_a_promotion_is_a_cause(alone: Alone) -> None:
    settings = """
        [[calendar.closures]]
        from = 2024-03-31
        to = 2024-06-09
        reason = "Rebuilding"
        [[calendar.promotions]]
        from = 2024-08-20
        to = 2024-08-20
        name = "Summer sale"
    """
    case = reported.closed_ten_weeks()
    text = case.files["orders.csv"]
    assert isinstance(text, str)
    sale = [
        line(900000 + number, "P07", "CAKE STAND", 40, datetime(2024, 8, 20, 12), "14.00", 1001 + number)
        for number in range(20)
    ]
    both = {"orders.csv": text, "sale.csv": csv_text(sale)}
    told = _published(alone(replace(case, files=both), settings))
    assert _silences(told) == []
    assert told.rows(
        "select count(*), bool_and(is_closed_day) from marts.dim_dates where closure_reason = 'Rebuilding'"
    ) == [(71, True)]
    ((direction, cause),) = told.rows(
        "select direction, cause from ml.revenue_anomalies where series = 'total' and date = date '2024-08-20'"
    )
    assert direction == "spike"
    assert "during the promotion Summer sale: " in cause


def test_closures_of_any_length_are_told_once_each_with_all_of_it(alone: Alone) -> None:
    # Mondays to Saturdays from New Year 2024 to March 2025: three weeks, twenty weeks, one week
    closed = [
        (date(2024, 3, 15), date(2024, 4, 5)),
        (date(2024, 7, 1), date(2024, 11, 18)),
        (date(2025, 1, 27), date(2025, 2, 3)),
    ]
    rows: list[Row] = []
    for number in range(440):
        day = date(2024, 1, 1) + timedelta(days=number)
        if day.weekday() == 6 or any(first <= day < back for first, back in closed):
            continue
        for order in range(2):
            customer = 1000 + (7 * number + 3 * order) % 41
            units = 1 + (number + order) % 4
            at = datetime(day.year, day.month, day.day, 10 + order)
            rows.append(line(500000 + 2 * number + order, "P07", "CAKE STAND", units, at, "14.00", customer))
    told = _published(alone(Case("closures", {"orders.csv": csv_text(rows)})))
    (three_weeks, twenty_weeks, one_week) = _silences(told)
    assert three_weeks[0] == date(2024, 3, 15)
    assert "5 Apr 2024" in three_weeks[1]
    assert twenty_weeks[0] == date(2024, 7, 1)
    assert "18 Nov 2024" in twenty_weeks[1]
    assert one_week[0] == date(2025, 1, 27)
    assert "3 Feb 2025" in one_week[1]


def test_three_weeks_and_five_customers_are_told_beside_the_headline(alone: Alone) -> None:
    rows = [
        line(500000 + n, "P07", "CAKE STAND", 1 + n % 3, at, "14.00", 1001 + n % 5)
        for n, at in enumerate(every(1, "2024-05-01 10:00:00", 19))
    ]
    told = _headline(_published(alone(Case("first-weeks", {"orders.csv": csv_text(rows)}))))
    assert any("19 days" in sentence for sentence in told)
    assert any("5 customers" in sentence for sentence in told)


def test_one_who_brings_most_of_the_money_and_one_with_most_of_the_orders_are_told(alone: Alone) -> None:
    wholesaler = [
        line(710001 + n, "P07", "CAKE STAND", 500, at, "20.00", 7001)
        for n, at in enumerate(every(60, "2024-03-01 10:00:00", 2))
    ]
    # what a till books every sale on that it knows no customer for
    default = [
        line(720001 + n, "P07", "CAKE STAND", 1, at, "14.00", 9999)
        for n, at in enumerate(every(2, "2024-02-01 10:00:00", 90))
    ]
    told = _published(alone(Case("wholesaler", {"orders.csv": csv_text(shop() + wholesaler + default)})))
    # 20,000.00 of 4,992.60 + 1,260.00 + 20,000.00
    assert any("7001" in sentence and "76" in sentence for sentence in _headline(told))
    assert any("9999" in sentence and "90" in sentence for sentence in [*told.outcome.checks_warned, *_headline(told)])
    # the mean is 820.39; who reads it alone is misled
    ((customers, money),) = told.rows("select count(*), sum(monetary_net) from marts.customer_rfm")
    assert (customers, money) == (32, Decimal("26252.60"))
