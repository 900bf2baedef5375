from functools import partial

import pandas as pd
import pytest

from ml.anomaly_causes import ANOMALY_COLUMNS, DRIVER_COLUMNS, NO_CUSTOMER, explain_anomalies
from tests.ml.revenue import special_days
from warehouse.wording import money, weekday

NOTHING_SPECIAL = special_days()

DAY = pd.Timestamp("2011-06-10")


def flag(*, actual, expected, series="total", grain="day", direction=None, back=None, missed=0, score=5.0, day=DAY):
    direction = direction or ("spike" if actual > expected else "drop")
    return {
        "series": series, "grain": grain, "date": day, "actual": actual, "expected": expected, "lower": 0.0,
        "upper": 0.0, "spread": 10.0, "score": score, "direction": direction, "method": "median_mad",
        "window_periods": 10, "threshold": 3.0, "window_start": DAY, "expected_days": missed,
        "back_date": pd.Timestamp(back) if back else pd.NaT,
    }  # fmt: skip


def member(dimension, name, actual, usual=0.0, *, label=None, detail=None, series="total", grain="day", day=DAY):
    return {
        "series": series, "grain": grain, "date": day, "dimension": dimension, "member": name,
        "label": label or f"{dimension} {name}", "detail": detail, "actual": actual, "window_revenue": usual * 10,
    }  # fmt: skip


COLUMNS = list(member("invoice", "1", 1.0))
COUNTED = ["series", "grain", "date", "orders", "window_orders", "returned", "window_returned"]


WORDS = {"money": partial(money, currency="GBP"), "day": weekday}


def explain(one, members, *, orders=70, usual=70.0, returned=0.0, usually_returned=0.0, special=NOTHING_SPECIAL):
    counted = pd.DataFrame(
        [{"series": one["series"], "grain": one["grain"], "date": one["date"]}]
    ).assign(
        orders=orders, window_orders=usual * 10, returned=returned, window_returned=usually_returned * 10
    )  # fmt: skip
    return explain_anomalies(pd.DataFrame([one]), pd.DataFrame(members, columns=COLUMNS), counted, special, **WORDS)


def cause(*given, **more):
    return explain(*given, **more).revenue_anomalies["cause"].iloc[0]


def test_a_spike_names_the_invoice_the_product_and_their_shares():
    one = flag(actual=109_600.0, expected=28_400.0)
    members = [
        member("invoice", "556444", 38_970.0, detail="15098"),
        member("invoice", "556445", 900.0, detail="12347"),
        member("customer", "15098", 39_970.0, 1_000.0),
        member("product", "22502", 39_619.5, 34.5, label="product 22502 (PICNIC BASKET)"),
        member("product", "POSTBOX", 500.0, 600.0),
    ]
    assert cause(one, members) == (
        "Revenue was £81,200 above the expected £28,400: invoice 556444 of customer 15098 brought £38,970 "
        "(48% of the difference); product 22502 (PICNIC BASKET) brought £39,585 more than usual (49% of the "
        "difference); about as many orders came in as usual (70, usually 70), but larger ones."
    )


def test_an_invoice_with_half_of_the_difference_is_named_alone():
    found = explain(flag(actual=200.0, expected=100.0), [member("invoice", "7", 50.0), member("invoice", "8", 4.0)])
    assert found.revenue_anomalies["top_invoice_no"].tolist() == ["7"]
    assert found.revenue_anomalies["cause"].iloc[0] == (
        "Revenue was £100 above the expected £100: invoice 7 of a customer without a number alone brought £50.00 "
        "(50% of the difference)."
    )
    less = explain(flag(actual=200.0, expected=100.0), [member("invoice", "7", 49.0)])
    assert less.revenue_anomalies["top_invoice_no"].isna().all()


def test_what_a_customer_brought_besides_the_invoice_is_told_only_if_it_matters():
    one = flag(actual=300.0, expected=100.0)
    invoices = [member("invoice", "7", 60.0, detail="A"), member("invoice", "8", 50.0, detail="A")]
    same = cause(one, [*invoices, member("customer", "A", 112.0)])
    assert "invoices 7 (£60.00) and 8 (£50.00) of customer A together brought £110 (55% of the difference)." in same
    more = cause(one, [*invoices, member("customer", "A", 160.0)])
    assert "; in all, customer A brought £160 more than usual (80% of the difference)" in more
    nobody = [member("invoice", "7", 150.0), member("customer", NO_CUSTOMER, 155.0, label="customers without a number")]
    assert "in all" not in cause(one, nobody)


def test_what_always_brings_most_is_no_reason():
    one = flag(actual=300.0, expected=100.0)
    home = member("country", "United Kingdom", 290.0, 85.0, label="United Kingdom")
    abroad = member("country", "Norway", 90.0, 5.0, label="Norway")
    told = cause(one, [home, abroad])
    assert "Norway brought £85.00 more than usual (42% of the difference)" in told
    assert "United Kingdom" not in told
    # 45% of the difference, but 30 % of revenue on any day
    anonymous = member("customer", NO_CUSTOMER, 120.0, 30.0, label="customers without a number")
    assert "without a number" not in cause(one, [anonymous])


def test_a_customer_who_always_brings_most_is_named_where_the_others_brought_what_they_do():
    # on a Tuesday BIG brings 9,000 of 9,500; today 4,000, and the others 510 in place of 500
    one = flag(actual=4_510.0, expected=9_500.0)
    big = member("customer", "BIG", 4_000.0, 9_000.0)
    assert cause(one, [big], orders=8, usual=8.0) == (
        "Revenue was £4,990 below the expected £9,500: customer BIG brought £5,000 less than usual (100% of the "
        "difference); about as many orders came in as usual (8, usually 8.0), but smaller ones."
    )
    # where everybody brought half, BIG is no reason
    halved = [member("customer", "BIG", 4_500.0, 9_000.0), member("customer", "A", 250.0, 500.0)]
    assert "customer" not in cause(flag(actual=4_750.0, expected=9_500.0), halved)
    # nor are all those together whom nobody named
    anonymous = member("customer", NO_CUSTOMER, 4_000.0, 9_000.0, label="customers without a number")
    assert "without a number" not in cause(one, [anonymous])


def test_a_spike_of_many_counts_orders():
    one = flag(actual=300.0, expected=100.0)
    assert cause(one, [member("invoice", "7", 10.0)], orders=166, usual=38.0) == (
        "Revenue was £200 above the expected £100: no single order or customer stands out, 166 orders came in where "
        "38 a day are usual."
    )
    assert cause(one, [], orders=40, usual=38.0).endswith(
        "about as many orders came in as usual (40, usually 38), but larger ones."
    )


def test_a_drop_says_who_is_missing_or_that_few_came():
    one = flag(actual=10.0, expected=100.0, grain="week")
    assert cause(one, [], orders=1, usual=4.0) == (
        "Revenue in the week was £90.00 below the expected £100: only 1 order came in where 4.0 a week are usual."
    )
    missing = [member("customer", "A", 0.0, 40.0)]
    assert "customer A brought £40.00 less than usual (80% of the difference); about as many" in cause(
        flag(actual=50.0, expected=100.0), missing
    )
    # with nearly everybody gone, that A is gone too is no reason
    assert "customer A" not in cause(flag(actual=10.0, expected=100.0), missing)
    back = [member("invoice", "C9", -60.0, detail="A"), member("customer", "A", -60.0)]
    told = cause(flag(actual=10.0, expected=100.0), back)
    assert "return C9 of customer A took back £60.00 (67% of the difference)" in told


def test_a_day_of_returns_is_no_day_of_small_orders():
    one = flag(actual=20.0, expected=100.0)
    # 90 given back where 20 are usual: 70 of the 80 that are missing
    told = "Revenue was £80.00 below the expected £100: returns of £90.00 were booked, £70.00 more than usual (88% of "
    assert cause(one, [], returned=90.0, usually_returned=20.0) == f"{told}the difference)."
    # fewer orders are a reason beside it
    assert cause(one, [], orders=35, returned=90.0, usually_returned=20.0) == (
        f"{told}the difference); only 35 orders came in where 70 a day are usual."
    )
    # of 70 that are more than usual one return took 65: it is told once
    back = [member("invoice", "C9", -65.0, detail="A")]
    assert cause(one, back, returned=90.0, usually_returned=20.0).endswith(
        ": return C9 of customer A took back £65.00 (81% of the difference)."
    )
    # 39 of 80: most is missing for another reason
    assert cause(one, [], returned=59.0, usually_returned=20.0).endswith(
        ": about as many orders came in as usual (70, usually 70), but smaller ones."
    )
    # revenue above what is expected, because nothing came back
    assert cause(flag(actual=200.0, expected=100.0), [], returned=0.0, usually_returned=80.0).endswith(
        ": no return was booked, £80.00 less than usual (80% of the difference)."
    )


def test_orders_that_moved_the_other_way_are_not_as_many_as_usual():
    assert cause(flag(actual=10.0, expected=100.0), [], orders=80, usual=40.0).endswith(
        ": more orders came in than usual (80, usually 40), but smaller ones."
    )
    assert cause(flag(actual=300.0, expected=100.0), [], orders=20, usual=40.0).endswith(
        ": fewer orders came in than usual (20, usually 40), but larger ones."
    )


def test_a_silence_says_what_is_usual_and_until_when():
    one = flag(actual=0.0, expected=24_447.0, direction="silence", score=-4.0, back="2011-06-12", missed=1)
    assert (
        cause(one, [], orders=0, usual=58.0) == "No sale on Friday 10 Jun 2011, where 58 orders and £24,447 are usual."
    )
    longer = flag(
        actual=-12.0, expected=500.0, direction="silence", score=-4.0, series="Norway", back="2011-08-15", missed=66
    )
    found = explain(longer, [], orders=0, usual=0.4)
    assert found.revenue_anomalies["cause"].iloc[0] == (
        "No sale from Norway on Friday 10 Jun 2011, where £500 is usual; sales came back on "
        "Monday 15 Aug 2011; returns of £12.00 were booked."
    )
    assert found.revenue_anomalies["spread"].isna().all()
    assert found.revenue_anomalies["country"].tolist() == ["Norway"]


def test_of_a_silence_where_more_comes_back_than_is_sold_orders_alone_are_usual():
    one = flag(actual=0.0, expected=-488.0, direction="silence", score=2.5, back="2011-06-12", missed=1)
    assert cause(one, [], orders=0, usual=3.2) == "No sale on Friday 10 Jun 2011, where 3 orders are usual."
    assert cause(one, [], orders=0, usual=1.2) == "No sale on Friday 10 Jun 2011, where 1 order is usual."


def test_where_more_comes_back_than_is_sold_what_always_does_most_of_it_is_no_reason():
    one = flag(actual=200.0, expected=-488.0)
    always = member("product", "P", 180.0, -450.0)
    assert "product P" not in cause(one, [always])


def test_the_only_country_is_no_reason():
    one = flag(actual=300.0, expected=100.0)
    home = member("country", "United Kingdom", 300.0, 40.0, label="United Kingdom")
    assert "United Kingdom" not in cause(one, [home])


def test_a_silence_that_goes_on_does_not_say_that_sales_came_back():
    one = flag(actual=0.0, expected=24_447.0, direction="silence", score=-4.0, missed=1)
    assert cause(one, [], orders=0, usual=58.0) == (
        "No sale on Friday 10 Jun 2011, where 58 orders and £24,447 are usual; none had come since when the data ended."
    )


def test_drivers_are_ranked_by_what_they_moved_the_way_it_went():
    one = flag(actual=300.0, expected=100.0)
    members = [
        member("customer", "b", 30.0),
        member("customer", "a", 30.0),
        member("customer", "c", 90.0, 10.0),
        member("customer", "d", 5.0),
        member("customer", "e", 0.0, 70.0),
    ]
    found = explain(one, members).anomaly_drivers
    assert tuple(found.columns) == DRIVER_COLUMNS
    assert found["member"].tolist() == ["c", "a", "b"]
    assert found["rank"].tolist() == [1, 2, 3]
    assert found["expected"].tolist() == [10.0, 0.0, 0.0]
    assert found["share_pct"].tolist() == [40.0, 15.0, 15.0]
    down = explain(flag(actual=10.0, expected=100.0), members).anomaly_drivers
    assert down["member"].tolist() == ["e"]
    assert down["share_pct"].tolist() == pytest.approx([700 / 9])


def test_the_larger_of_two_differences_that_round_to_one_penny_comes_first():
    # 2.1786 and 2.185 are both written as 2.18
    members = [member("customer", "171", 0.0, 2.1786), member("customer", "361", 0.0, 2.185)]
    drivers = explain(flag(actual=-120.0, expected=15.0), members).anomaly_drivers
    assert drivers["member"].tolist() == ["361", "171"]


def test_order_of_rows_changes_nothing():
    one = flag(actual=300.0, expected=100.0)
    members = [member(kind, name, 30.0) for kind in ("invoice", "customer", "product") for name in "fcaebd"]
    forward, backward = explain(one, members), explain(one, members[::-1])
    pd.testing.assert_frame_equal(forward.anomaly_drivers, backward.anomaly_drivers)
    pd.testing.assert_frame_equal(forward.revenue_anomalies, backward.revenue_anomalies)


def test_a_countrys_series_has_no_country_driver():
    one = flag(actual=300.0, expected=100.0, series="Norway")
    assert explain(one, [member("country", "Norway", 300.0, 100.0, series="Norway")]).anomaly_drivers.empty


def test_no_flags_give_empty_tables_with_all_columns():
    none = pd.DataFrame([flag(actual=2.0, expected=1.0)]).iloc[:0]
    empty = pd.DataFrame(columns=COLUMNS)
    orders = pd.DataFrame(columns=COUNTED)
    found = explain_anomalies(none, empty, orders, NOTHING_SPECIAL, **WORDS)
    assert found.revenue_anomalies.empty
    assert tuple(found.revenue_anomalies.columns) == ANOMALY_COLUMNS
    assert tuple(found.anomaly_drivers.columns) == DRIVER_COLUMNS


def test_a_flag_without_its_orders_is_refused():
    orders = pd.DataFrame(columns=COUNTED)
    with pytest.raises(ValueError, match="no orders are given for total, day 2011-06-10"):
        explain_anomalies(
            pd.DataFrame([flag(actual=2.0, expected=1.0)]),
            pd.DataFrame(columns=COLUMNS),
            orders,
            NOTHING_SPECIAL,
            **WORDS,
        )
    with pytest.raises(ValueError, match="contributions lack member"):
        explain_anomalies(
            pd.DataFrame([flag(actual=2.0, expected=1.0)]),
            pd.DataFrame(columns=COLUMNS).drop(columns="member"), orders, NOTHING_SPECIAL, **WORDS,
        )  # fmt: skip


def test_a_promotion_and_a_holiday_are_named():
    told = special_days(
        promotions={"2011-06-10": "Picnic week", "2011-06-11": "Picnic week"}, holidays={"2011-06-13": "Whit Monday"}
    )
    start = "Revenue was £60.00 above the expected £40.00, during the promotion Picnic week: "
    assert cause(flag(actual=100.0, expected=40.0), [], special=told).startswith(start)
    # a week is named by any of its days, and by none of the next one's
    monday = pd.Timestamp("2011-06-06")
    of_week = cause(flag(actual=100.0, expected=40.0, grain="week", day=monday), [], special=told)
    assert of_week.startswith("Revenue in the week was £60.00 above")
    assert ", during the promotion Picnic week: " in of_week
    assert "Whit Monday" not in of_week
    on_monday = cause(flag(actual=10.0, expected=40.0, day=pd.Timestamp("2011-06-13")), [], special=told)
    assert on_monday.startswith("Revenue was £30.00 below the expected £40.00, on Whit Monday: ")
