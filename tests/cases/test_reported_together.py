"""Cases that people have met, twenty-two shops in one landing folder, refreshed once.

Each shop is a source of its own and has customers and orders of its own, so that what is
right for it alone is right here. The figures were worked out by hand from its lines.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.cases import reported
from tests.cases.shop import (
    SHOP_CUSTOMERS,
    SHOP_LINES,
    SHOP_MONEY,
    SHOP_ORDERS,
    Case,
    Published,
    Totals,
    published_together,
)

THE_SHOP = Totals(SHOP_LINES, SHOP_ORDERS, SHOP_CUSTOMERS, SHOP_MONEY)

_CASES: dict[str, Callable[[str], Case]] = {
    "11": reported.prefix_a_b,
    "12": reported.prefix_ca_us,
    "13": reported.short_codes,
    "14": reported.gift_cards,
    "15": reported.refund_negative_quantity,
    "16": reported.partial_refund,
    "17": reported.guest_zero,
    "18": reported.email_case,
    "19": reported.scientific_ids,
    "20": reported.past_midnight,
    "21": reported.numbers_restart,
    "22": reported.edited_order,
    "23": reported.by_weight_few,
    "24": reported.by_weight_many,
    "25": reported.nbsp_thousands,
    "26": reported.accounting_negatives,
    "27": reported.line_totals,
    "28": reported.shopify_no_sku,
    "29": reported.shopify_some_skus,
    "30": reported.excel_serial_dates,
    "31": reported.cancelled_status,
    "32": reported.two_currencies,
}

_ANSWERS = {
    "31": 'columns = { status = "Order Status" }\nnot_sales = ["cancelled", "failed", "refunded", "pending", "trash"]',
    "32": 'columns = { currency = "Currency" }',
}
"""What two shops' settings say; ``test_refusals`` has what happens as long as they don't."""


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Published:
    cases = []
    for place, make in _CASES.items():
        case = make(place)
        answer = _ANSWERS.get(place)
        cases.append(case if answer is None else Case(case.name, case.files, answer))
    # customers are told apart by how their ids begin, which pseudonyms would not show
    return published_together(tmp_path_factory.mktemp("reported"), cases, '[shop]\ncustomer_ids = "plain"')


@pytest.mark.parametrize("place", ["11", "12"])
def test_letters_before_an_order_number_mean_nothing_by_themselves(shops: Published, place: str) -> None:
    assert shops.totals(place) == THE_SHOP
    assert shops.set_aside(_CASES[place](place).name) == {}


def test_a_short_code_is_a_product_where_the_shop_sells_it(shops: Published) -> None:
    assert shops.customer("139001") == (10, Decimal("250.00"))
    assert shops.totals("13") == Totals(211, 98, 31, Decimal("5242.60"))


def test_gift_cards_bring_no_revenue_before_they_are_redeemed(shops: Published) -> None:
    assert shops.totals("14") == THE_SHOP
    assert shops.customer("149001") is None
    assert shops.set_aside("gift-cards/") == {"non_product": 3}


def test_a_negative_quantity_takes_back_whatever_number_it_stands_under(shops: Published) -> None:
    assert shops.customers("159") == {
        "159001": (1, Decimal("0.00")),
        "159002": (1, Decimal("36.00")),
        "159003": (1, Decimal("0.00")),
    }
    assert shops.totals("15") == Totals(204, 91, 33, Decimal("5028.60"))
    assert shops.set_aside("refund-negative-quantity/") == {}


def test_what_was_given_back_lowers_the_money_of_whoever_got_it(shops: Published) -> None:
    assert shops.customers("169") == {
        "169001": (1, Decimal("5.00")),
        "169002": (1, Decimal("80.00")),
        "169003": (1, Decimal("0.00")),
    }
    customers = shops.customers("16")
    assert sum(net for _, net in customers.values()) == Decimal("5077.60")
    # with the armchair of one who never bought it
    assert shops.totals("16") == Totals(204, 91, 33, Decimal("4977.60"))


def test_customer_number_zero_is_nobody(shops: Published) -> None:
    assert shops.totals("17") == THE_SHOP
    orders, money = shops.rows(
        "select count(*), sum(net_revenue) from marts.fct_invoices"
        " where customer_id is null and contains(invoice_no, '17600')"
    )[0]
    # 5,692.60 in all
    assert (orders, money) == (25, Decimal("700.00"))
    for table in ("marts.dim_customers", "ml.customer_segments", "ml.customer_clv", "reporting.customer_360"):
        assert shops.rows(f"select count(*) from {table} where customer_id in ('0', '170')") == [(0,)], table


def test_an_address_is_one_customer_in_any_case_and_with_any_blank_around_it(shops: Published) -> None:
    assert shops.totals("18") == Totals(206, 93, 31, Decimal("5062.60"))
    jo = shops.rows("select frequency, monetary_net from marts.customer_rfm where customer_id like '%jo.smith@%'")
    assert jo == [(5, Decimal("70.00"))]


def test_ids_that_a_spreadsheet_cut_short_are_nobody_and_told(shops: Published) -> None:
    # 30 of the shop, and six whose own number is whole; twelve orders of 14.00 belong to nobody
    assert shops.totals("19") == Totals(207, 94, 36, Decimal("5060.60"))
    assert shops.rows("select count(*) from marts.dim_customers where customer_id ilike '%E+%'") == [(0,)]
    # an order number that was cut short does not make one order of four customers'
    assert {shops.customer(f"19910{number}") for number in (1, 2, 3, 4)} == {(1, Decimal("10.00"))}
    for whose, lines in (("customer", "12"), ("order", "4"), ("product", "2")):
        assert shops.is_told("scientific-ids/orders.csv", whose, lines), whose


def test_an_order_past_midnight_is_one_order_on_the_day_it_began(shops: Published) -> None:
    assert shops.totals("20") == Totals(203, 89, 31, Decimal("5024.60"))
    assert shops.rows(
        "select frequency, purchase_days, customer_type, monetary_net from marts.customer_rfm"
        " where customer_id = '209001'"
    ) == [(1, 1, "one_time", Decimal("32.00"))]
    assert shops.rows("select repeat_purchase_days from ml.customer_clv where customer_id = '209001'") == [(0,)]
    assert shops.rows("select invoice_date, net_revenue from marts.fct_invoices where customer_id = '209001'") == [
        (date(2024, 4, 2), Decimal("32.00"))
    ]


def test_order_numbers_that_begin_anew_each_year_are_orders_of_their_year(shops: Published) -> None:
    totals = shops.totals("21")
    assert (totals.sale_lines, totals.orders, totals.net) == (533, 214, Decimal("13074.70"))
    assert shops.customer("219001") == (2, Decimal("28.00"))
    assert sum(frequency for frequency, _ in shops.customers("21").values()) == 214
    assert (
        shops.rows(
            "select invoice_no from marts.fct_invoice_lines where starts_with(customer_id, '21') group by 1"
            " having count(distinct customer_id) > 1 or count(distinct year(invoice_date)) > 1"
        )
        == []
    )


def test_the_newest_export_of_an_order_counts(shops: Published) -> None:
    assert shops.customers("229") == {"229001": (1, Decimal("42.00")), "229002": (1, Decimal("14.00"))}
    # with 9002's order of September, which the older export could not have: 5,048.60
    assert shops.totals("22") == Totals(203, 90, 32, Decimal("5048.60"))


def test_goods_by_weight_are_sold_by_the_gram(shops: Published) -> None:
    assert shops.customer("239001") == (6, Decimal("72.00"))
    assert shops.totals("23") == Totals(207, 94, 31, Decimal("5064.60"))
    assert shops.totals("24") == Totals(261, 148, 36, Decimal("5659.80"))
    assert sum(net for _, net in shops.customers("249").values()) == Decimal("667.20")
    assert shops.rows("select sum(quantity_units) from marts.fct_invoice_lines where customer_id = '239001'") == [
        (Decimal("2.250"),)
    ]


def test_a_narrow_blank_may_stand_before_the_last_three_digits(shops: Published) -> None:
    assert shops.totals("25") == Totals(226, 113, 35, Decimal("36240.10"))


def test_brackets_and_a_minus_behind_are_negative_amounts(shops: Published) -> None:
    assert shops.customers("26K9") == {"26K900": (1, Decimal("0.00")), "26K901": (1, Decimal("50.00"))}
    assert shops.totals("26").net == Decimal("1893.70")


def test_the_total_of_a_line_is_not_multiplied_once_more(shops: Published) -> None:
    assert shops.totals("27") == THE_SHOP


@pytest.mark.parametrize("place", ["28", "29"])
def test_a_product_without_a_code_is_told_by_its_name(shops: Published, place: str) -> None:
    assert shops.totals(place) == Totals(76, 41, 20, Decimal("1222.35"))
    sold = shops.rows(
        "select sum(lines.net_revenue) from marts.fct_invoice_lines as lines"
        " join marts.dim_products as products using (stock_code)"
        " where starts_with(lines.customer_id, ?)"
        " and lower(products.description) in ('photo frame', 'cake stand', 'wooden spoon')",
        place,
    )
    assert sold == [(Decimal("458.40"),)]


def test_days_as_a_spreadsheet_counts_them_are_days(shops: Published) -> None:
    assert shops.totals("30") == THE_SHOP
    assert shops.rows(
        "select first_purchase_at, last_purchase_at from marts.customer_rfm where customer_id = '301028'"
    )[0][0] == datetime(2024, 1, 9, 13, 30)


def test_orders_that_came_to_nothing_stay_out_once_the_settings_say_so(shops: Published) -> None:
    assert shops.totals("31") == THE_SHOP
    assert shops.customer("319001") is None
    assert shops.set_aside("cancelled-status/") == {"not_a_sale": 5}


def test_amounts_in_another_currency_are_set_aside_and_told(shops: Published) -> None:
    assert shops.totals("32") == THE_SHOP
    assert shops.customer("329001") is None
    ((lines, reasons),) = shops.rows(
        "select count(*), list(distinct reason) from marts.set_aside_lines"
        " where starts_with(file_name, 'two-currencies/') and disposition = 'unreadable'"
    )
    assert lines == 8
    assert all("JPY" in reason for reason in reasons)
    assert shops.rows(
        "select line_count from marts.set_aside_reasons where disposition = 'unreadable' and contains(reason, 'JPY')"
    ) == [(8,)]


def test_every_delivered_line_is_accounted_for(shops: Published) -> None:
    delivered = sum(
        content.count("\n") - 1
        for place, make in _CASES.items()
        for content in make(place).files.values()
        if isinstance(content, str)
    )
    assert shops.rows("select sum(row_count) from marts.row_accounting") == [(delivered,)]
    # what belongs to no place is nobody's: the guests and the twelve orders without a whole id
    assert shops.rows("select count(*), sum(net_revenue) from marts.fct_invoices where customer_id is null") == [
        (37, Decimal("868.00"))
    ]


def test_months_of_many_customers_need_no_doubt_beside_the_headline(shops: Published) -> None:
    assert shops.rows("select sentence from reporting.headline_notes") == []
