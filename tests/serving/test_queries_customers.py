"""The list of customers, the search, and one customer's story, against SQL of the facts and known cases."""

from datetime import date

import pytest

from serving.filters import CLUSTERINGS, METHODS, SEGMENT_COLUMNS, Filters
from serving.queries.customers import (
    CUSTOMERS,
    LINES,
    ORDERS,
    RETURNS,
    closest_customers,
    customer_story,
    customer_summary,
    find_customers,
)
from serving.queries.lists import count_list, fetch_list
from serving.snapshot import Reading
from tests.tiny_shop import HOSTILE_CUSTOMERS

PENNY = 0.005


# ---- search --------------------------------------------------------------------


def test_search_finds_ids_that_begin_with_the_text_shortest_first(reading: Reading) -> None:
    found = find_customers(reading, Filters(), "1000", limit=50)
    wanted = reading.rows(
        "select customer_id from marts.customer_rfm where customer_id like '1000%' order by customer_id"
    )
    assert found.found["customer_id"].tolist() == [row["customer_id"] for row in wanted]
    assert (found.matches, found.other_matches) == (len(wanted), 0)


def test_search_tells_of_ids_that_the_other_filters_hide(reading: Reading) -> None:
    of_france = reading.value(
        "select count(*) from marts.dim_customers"
        " where customer_id like '100%' and country = 'France' and has_purchases"
    )
    of_all = reading.value("select count(*) from marts.dim_customers where customer_id like '100%'")
    found = find_customers(reading, Filters(countries=("France",)), "100", limit=500)
    assert (found.matches, found.other_matches) == (of_france, of_all - of_france)
    assert found.found["is_under_filters"].tolist() == [True] * of_france + [False] * (of_all - of_france)
    assert set(found.found[found.found["is_under_filters"]]["country"]) == {"France"}


def test_search_finds_a_customer_with_returns_only_beside_the_filters(reading: Reading) -> None:
    found = find_customers(reading, Filters(), "10998")
    assert (found.matches, found.other_matches) == (0, 1)
    assert found.found["customer_id"].tolist() == ["10998"]


def test_search_ignores_case_and_takes_wildcards_and_quotes_as_letters(reading: Reading) -> None:
    assert find_customers(reading, Filters(), "o'neil").found["customer_id"].tolist() == ["O'NEIL & SON/1"]
    assert find_customers(reading, Filters(), "<b>").matches == 1
    for text in ("%", "_", "1_0", "'; drop table marts.dim_customers; --"):
        found = find_customers(reading, Filters(), text)
        assert (found.matches, found.other_matches, len(found.found)) == (0, 0, 0), text


def test_search_counts_all_and_shows_the_limit(reading: Reading) -> None:
    found = find_customers(reading, Filters(), "100", limit=3)
    assert len(found.found) == 3
    assert found.matches > 3


def test_closest_ids_are_those_with_the_fewest_letters_changed(reading: Reading) -> None:
    # 10005 is one letter away, as are others that differ in it; the id itself would be none
    assert closest_customers(reading, "10005", 1) == ["10005"]
    assert closest_customers(reading, "o'neil & son1", 1) == ["O'NEIL & SON/1"]
    assert closest_customers(reading, "0024", 1) == ["0042"]
    assert len(closest_customers(reading, "x" * 5_000, 5)) == 5


# ---- the list ------------------------------------------------------------------


def test_list_holds_every_customer_with_purchases_most_money_first(reading: Reading) -> None:
    frame = fetch_list(reading, CUSTOMERS, Filters())
    mart = reading.rows(
        "select customer_id, monetary_net::double as money, frequency from marts.customer_rfm"
        " order by monetary_net desc, customer_id"
    )
    assert frame["customer_id"].tolist() == [row["customer_id"] for row in mart]
    assert frame["monetary_net"].tolist() == pytest.approx([row["money"] for row in mart], abs=PENNY)
    assert frame["frequency"].tolist() == [row["frequency"] for row in mart]


@pytest.mark.parametrize("method", METHODS)
def test_list_shows_the_segment_of_the_chosen_method(reading: Reading, method: str) -> None:
    frame = fetch_list(reading, CUSTOMERS, Filters(method=method))  # type: ignore[arg-type]
    wanted = {
        row["customer_id"]: row["segment"]
        for row in reading.rows(
            f"select customer_id, {SEGMENT_COLUMNS[method]} as segment from reporting.customer_360 where has_purchases"
        )
    }
    assert dict(zip(frame["customer_id"], frame["segment"], strict=True)) == wanted


def test_summary_adds_up_the_customers_under_the_filters(reading: Reading) -> None:
    filters = Filters(countries=("France", "Germany"), min_frequency=3)
    wanted = reading.row(
        """
        select
            count(*) as customers,
            count(*) filter (r.invoice_count > 1) as returning_customers,
            sum(r.monetary_net)::double as money,
            avg(v.clv) as clv
        from marts.customer_rfm as r
        inner join marts.dim_customers as d using (customer_id)
        inner join ml.customer_clv as v using (customer_id)
        where d.country in ('France', 'Germany') and r.frequency >= 3
        """
    )
    summary = customer_summary(reading, filters)
    for key in ("customers", "returning_customers"):
        assert summary.figures[key] == wanted[key]
    assert summary.figures["monetary_net_sum"] == pytest.approx(wanted["money"], abs=PENNY)
    assert summary.figures["clv_mean"] == pytest.approx(wanted["clv"], abs=0.01)
    # 10998 gave back what was never sold
    assert summary.customers_without_purchases == 1


def test_summary_of_nobody_has_no_figures(reading: Reading) -> None:
    summary = customer_summary(reading, Filters(countries=("Nowhere",)))
    told = ("customers", "monetary_net_sum", "clv_mean", "returning_pct")
    assert [summary.figures[key] for key in told] == [0, None, None, None]


# ---- one customer --------------------------------------------------------------


def test_unknown_id_has_no_story(reading: Reading) -> None:
    assert customer_story(reading, "nobody") is None
    assert customer_story(reading, "1000%") is None


@pytest.mark.parametrize("customer", ["10006", "10005", *HOSTILE_CUSTOMERS])
def test_story_agrees_with_the_invoice_lines(reading: Reading, customer: str) -> None:
    story = customer_story(reading, customer)
    assert story is not None
    lines = reading.row(
        """
        select
            count(distinct invoice_no) filter (line_type = 'sale') as orders,
            count(distinct invoice_no) filter (line_type = 'return') as returns,
            sum(gross_revenue)::double as gross,
            sum(returned_revenue)::double as returned,
            -sum(return_amount)::double as booked
        from marts.fct_invoice_lines
        where customer_id = $customer
        """,
        {"customer": customer},
    )
    orders = fetch_list(reading, ORDERS, Filters(), customer)
    assert story.facts["invoice_count"] == len(orders) == story.months["invoices"].sum() == lines["orders"]
    assert story.facts["return_count"] == story.months["return_invoices"].sum() == lines["returns"]
    for told in (
        story.facts["monetary_gross"],
        orders["gross_revenue"].sum(),
        story.months["gross_revenue"].sum(),
    ):
        assert float(told) == pytest.approx(lines["gross"], abs=PENNY)
    assert float(story.facts["returned_revenue"]) == pytest.approx(lines["returned"], abs=PENNY)
    assert orders["returned_revenue"].sum() == pytest.approx(lines["returned"], abs=PENNY)
    for told in (story.facts["total_return_revenue"], story.returns["return_amount"].sum()):
        assert float(told) == pytest.approx(lines["booked"], abs=PENNY)
    assert story.returns["matched_amount"].sum() == pytest.approx(lines["returned"], abs=PENNY)
    assert story.returns["unmatched_amount"].sum() == pytest.approx(lines["booked"] - lines["returned"], abs=PENNY)


def test_every_return_of_the_shop_is_listed_once_whatever_it_reverses(reading: Reading) -> None:
    wanted = reading.rows(
        """
        select customer_id, count(*) as lines
        from marts.fct_invoice_lines
        where line_type = 'return' and customer_id is not null
        group by customer_id
        """
    )
    assert wanted
    for row in wanted:
        assert count_list(reading, RETURNS, Filters(), row["customer_id"]) == row["lines"]


def test_returns_name_the_purchase_that_they_take_back(reading: Reading) -> None:
    story = customer_story(reading, "10006")
    assert story is not None
    wanted = reading.rows(
        """
        select
            back.invoice_no, back.stock_code, back.invoiced_at, sold.invoice_no as sold_on, sold.invoiced_at as sold_at
        from marts.fct_invoice_lines as back
        inner join marts.fct_invoice_lines as sold on back.reversed_line_id = sold.line_id
        where back.customer_id = '10006'
        order by back.invoiced_at desc, back.invoice_no, back.stock_code
        """
    )
    assert len(wanted) == len(story.returns) > 1
    for row, told in zip(wanted, story.returns.itertuples(), strict=True):
        assert (told.invoice_no, told.stock_code, told.reversed_invoices) == (
            row["invoice_no"],
            row["stock_code"],
            row["sold_on"],
        )
        assert told.sold_at == row["sold_at"]
        assert told.days_after_purchase == (row["invoiced_at"].date() - row["sold_at"].date()).days > 0


def test_categories_are_shares_of_the_customers_and_of_the_shops_money(reading: Reading) -> None:
    story = customer_story(reading, "10006")
    assert story is not None
    assert story.categories["share_pct"].sum() == pytest.approx(100)
    mart = {
        row["category"]: row["share_pct"]
        for row in reading.rows(
            "select category, share_pct from marts.customer_category_shares where customer_id = '10006'"
        )
    }
    assert dict(zip(story.categories["category"], story.categories["share_pct"], strict=True)) == pytest.approx(mart)
    top = story.categories.iloc[0]
    shop = reading.row(
        """
        with kept as (
            select r.customer_id, p.category, greatest(sum(l.net_revenue), 0) as net_revenue
            from marts.fct_invoice_lines as l
            inner join marts.dim_products as p using (stock_code)
            inner join marts.customer_rfm as r using (customer_id)
            group by all
        )

        select 100 * sum(net_revenue) filter (category = $category) / sum(net_revenue) as share_pct from kept
        """,
        {"category": top["category"]},
    )
    assert top["shop_share_pct"] == pytest.approx(float(shop["share_pct"]))


def test_history_is_the_month_ends_in_order(reading: Reading) -> None:
    story = customer_story(reading, "10006")
    assert story is not None
    wanted = reading.rows(
        "select month_end, rfm_segment from marts.customer_rfm_monthly where customer_id = '10006' order by month_end"
    )
    assert [day.date() for day in story.history["month_end"]] == [row["month_end"] for row in wanted]
    assert story.history["rfm_segment"].tolist() == [row["rfm_segment"] for row in wanted]


def test_ranks_are_shares_of_customers_behind(reading: Reading) -> None:
    story = customer_story(reading, "10006")
    assert story is not None
    everyone = reading.rows("select recency_days, frequency, monetary from marts.customer_rfm")
    own = story.facts
    behind = sum(row["recency_days"] > own["recency_days"] for row in everyone)
    assert own["recency_rank_pct"] == pytest.approx(100 * behind / len(everyone))
    behind = sum(row["frequency"] < own["frequency"] for row in everyone)
    assert own["frequency_rank_pct"] == pytest.approx(100 * behind / len(everyone))
    behind = sum(row["monetary"] < own["monetary"] for row in everyone)
    assert own["monetary_rank_pct"] == pytest.approx(100 * behind / len(everyone))


def test_story_has_the_playbook_of_each_methods_segment(reading: Reading) -> None:
    story = customer_story(reading, "10005")
    assert story is not None
    # put into Can't Lose by hand, which only the audience follows
    assert (story.segment("audience"), story.facts["is_overridden"]) == ("Can't Lose", True)
    for method in METHODS:
        playbook = story.playbook(method)
        # nobody acts on clusters
        assert (playbook is None) == (method in CLUSTERINGS)
        if playbook is not None:
            assert playbook["segment_name"] == story.segment(method)


def test_customer_with_returns_only_has_a_story_without_figures(reading: Reading) -> None:
    story = customer_story(reading, "10998")
    assert story is not None
    assert (story.facts["has_purchases"], story.facts["order_value"], story.facts["recency_rank_pct"]) == (
        False,
        None,
        None,
    )
    assert fetch_list(reading, ORDERS, Filters(), "10998").empty
    assert story.playbooks.empty
    # never sold, 3 units at 2.50 each time
    assert set(story.returns["return_amount"]) == {7.5}
    assert story.returns["reversed_invoices"].isna().all()
    assert story.facts["unmatched_return_revenue"] == pytest.approx(7.5 * len(story.returns))


def test_lists_of_a_customer_ignore_the_filters_and_hold_nobody_else(reading: Reading) -> None:
    narrow = Filters(countries=("Nowhere",), start=date(1999, 1, 1), end=date(1999, 1, 2))
    wanted = reading.row(
        """
        select
            count(*) as lines,
            count(distinct invoice_no) filter (line_type = 'sale') as orders,
            count(*) filter (line_type = 'return') as returns
        from marts.fct_invoice_lines
        where customer_id = '10006'
        """
    )
    assert count_list(reading, LINES, narrow, "10006") == wanted["lines"]
    assert count_list(reading, ORDERS, narrow, "10006") == wanted["orders"]
    assert count_list(reading, RETURNS, narrow, "10006") == wanted["returns"]
    assert count_list(reading, LINES, Filters(), "") == 0


# ---- the public data -----------------------------------------------------------


def test_cancelled_orders_leave_their_customers_small(real_reading: Reading) -> None:
    """16446 cancelled £168,469.60 within 12 minutes and kept £2.90; 12346 cancelled all of £77,183.60."""
    story = customer_story(real_reading, "16446")
    assert story is not None
    assert float(story.facts["monetary_net"]) == pytest.approx(2.90)
    assert float(story.facts["monetary_gross"]) == pytest.approx(168_472.50)
    assert story.returns[
        ["invoice_no", "reversed_invoices", "matched_amount", "is_matched_in_full"]
    ].to_numpy().tolist() == [["C581484", "581483", 168_469.60, True]]
    # two visits; the shop's gap, the mean of its customers' own mean gaps, counts as two more
    shop_gap_days = real_reading.value(
        """
        select avg(gap_days) from (
            select (max(invoice_date) - min(invoice_date)) / (count(distinct invoice_date) - 1) as gap_days
            from marts.fct_invoices where order_number is not null
            group by customer_id having count(distinct invoice_date) > 1
        )
        """
    )
    own_gap_days = (date(2011, 12, 9) - date(2011, 5, 18)).days
    assert story.facts["expected_gap_days"] == pytest.approx((2 * shop_gap_days + own_gap_days) / 3, abs=1e-5)
    gone = customer_story(real_reading, "12346")
    assert gone is not None
    assert float(gone.facts["monetary_net"]) == 0
    assert gone.returns["reversed_invoices"].tolist() == ["541431"]
    assert (gone.categories["net_revenue"] > 0).sum() == 0


def test_customers_without_purchases_of_the_public_data_have_stories(real_reading: Reading) -> None:
    ids = [
        row["customer_id"]
        for row in real_reading.rows("select customer_id from marts.dim_customers where not has_purchases order by 1")
    ]
    # 4,372 customers, 4,334 of them with a purchase that counts
    assert len(ids) == 38
    stories = [customer_story(real_reading, one) for one in ids]
    assert all(story is not None and story.facts["clv"] is None for story in stories)


def test_search_in_the_public_data(real_reading: Reading) -> None:
    found = find_customers(real_reading, Filters(), "1234")
    assert (found.found["customer_id"].tolist(), found.matches) == (["12346", "12347", "12348", "12349"], 4)
