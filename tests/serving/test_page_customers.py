"""The pages of customers: figures against SQL, empty states, and ids that nobody should have."""

import json
from typing import Any
from urllib.parse import unquote

import plotly
import pytest

from serving.dashboard.pages.customers import PAGE
from serving.dashboard.view import View
from serving.filters import Filters
from serving.palette import Theme
from serving.snapshot import Reading
from tests.serving.rendered import charts, figures, links, of_class, parts, text
from tests.tiny_shop import HOSTILE_CUSTOMERS
from warehouse.wording import money, short_money


def drawn(reading: Reading, argument: str = "", *, theme: Theme = "light", **filters: Any) -> Any:
    page = PAGE.render(View(reading, Filters(**filters), theme, argument))
    # what the browser gets: no Decimal, no NaT, no numpy
    json.dumps(page.to_plotly_json(), cls=plotly.utils.PlotlyJSONEncoder)
    return page


def titles(page: Any) -> list[str]:
    """Titles of notes, which are no children of theirs."""
    return [one.title for one in of_class(page, "note") if one.title]


def test_cards_of_the_list_are_those_of_the_snapshot(reading: Reading) -> None:
    wanted = reading.row(
        "select count(*) as customers, sum(monetary_net) as money, avg(clv) as clv from marts.customer_rfm"
        " inner join ml.customer_clv using (customer_id)"
    )
    shown = figures(drawn(reading))
    assert shown["customers.customers"] == str(wanted["customers"])
    assert shown["customers.monetary_net_sum"] == short_money(wanted["money"], "GBP")
    assert shown["customers.clv_mean"] == money(wanted["clv"], "GBP")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("customer", ["10006", "10005", "10998", *HOSTILE_CUSTOMERS])
def test_story_is_drawn_for_everybody(reading: Reading, customer: str, theme: Theme) -> None:
    assert f"Customer {customer}" in text(drawn(reading, customer, theme=theme))


def test_figures_of_a_story_are_those_of_the_invoices(reading: Reading) -> None:
    wanted = reading.row(
        """
        select
            sum(net_revenue) filter (not is_return) as money,
            count(*) filter (not is_return) as orders,
            (select max(snapshot_date) from marts.customer_rfm) - max(invoice_date) filter (not is_return) as recency
        from marts.fct_invoices
        where customer_id = '10006'
        """
    )
    shown = figures(drawn(reading, "10006"))
    assert shown["customer.monetary_net"] == money(wanted["money"], "GBP")
    assert shown["customer.invoice_count"] == str(wanted["orders"])
    assert shown["customer.recency_days"].split()[0] == str(wanted["recency"])


def test_story_tells_of_an_override_and_shows_its_words_as_text(reading: Reading) -> None:
    page = drawn(reading, "10005")
    assert "Put into Can't Lose by hand" in titles(page)
    assert "=1+1 our <b>first</b> customer" in text(page)
    # an override that is over counts no more
    assert not any(title.endswith("by hand") for title in titles(drawn(reading, "10007")))


@pytest.mark.parametrize("method", ["rfm", "audience"])
def test_story_gives_the_playbook_of_the_chosen_method(reading: Reading, method: str) -> None:
    page = drawn(reading, "10005", method=method)
    segment = reading.value(f"select {method}_segment from reporting.customer_360 where customer_id = '10005'")
    assert f"What to do: {segment}" in text(page)
    assert any(
        link.startswith("/playbooks?") and f"segment={segment}" in unquote(link).replace("+", " ")
        for link in links(page)
    )


def test_customer_with_returns_only_has_no_scores_and_says_why(reading: Reading) -> None:
    page = drawn(reading, "10998")
    told = text(page)
    assert "only gave things back" in told
    assert "Scores" not in told
    assert "None" not in told
    assert "nan" not in told.lower().split()
    back = reading.value("select -sum(return_amount) from marts.fct_invoice_lines where customer_id = '10998'")
    assert figures(page)["customer.total_return_revenue"] == money(back, "GBP")
    assert list(charts(page)) == ["customers-dealings"]


def test_returns_stand_below_zero(reading: Reading) -> None:
    ordered, returned = charts(drawn(reading, "10006"))["customers-dealings"].data
    booked = reading.value(
        "select -sum(return_amount)::double from marts.fct_invoice_lines where customer_id = '10006'"
    )
    assert booked > 0
    assert sum(returned.y) == pytest.approx(-booked)
    assert min(ordered.y) >= 0


def test_segment_history_follows_the_month_ends(reading: Reading) -> None:
    step = charts(drawn(reading, "10006"))["customers-segment-history"].data[0]
    wanted = reading.rows(
        "select rfm_segment from marts.customer_rfm_monthly where customer_id = '10006' order by month_end"
    )
    # Plotly reads a little HTML, so texts are escaped
    assert [label.replace("&#x27;", "'") for label in step.y] == [row["rfm_segment"] for row in wanted]


def test_unknown_id_leads_to_the_closest(reading: Reading) -> None:
    page = drawn(reading, "1000x")
    assert "No customer has the id “1000x”." in text(page)
    assert any(link.startswith("/customers/1000") for link in links(page))


def test_hostile_unknown_id_is_text(reading: Reading) -> None:
    page = drawn(reading, "<script>alert(1)</script>")
    assert "No customer has the id “<script>alert(1)</script>”." in text(page)
    assert not any(type(one).__name__ in ("Script", "Markdown", "DangerouslySetInnerHTML") for one in parts(page))


def test_who_ordered_once_is_a_one_time_customer_in_words(reading: Reading) -> None:
    once = reading.value("select min(customer_id) from reporting.customer_360 where customer_type = 'one_time'")
    page = text(drawn(reading, once))
    assert "one-time: ordered once" in page
    assert "one_time" not in page


def test_links_to_customers_carry_any_id(reading: Reading) -> None:
    page = drawn(reading, customer="O'NEIL")
    (link,) = (one for one in links(page) if one.startswith("/customers/"))
    path = link.split("?")[0]
    assert path.count("/") == 2
    assert unquote(path.removeprefix("/customers/")) == "O'NEIL & SON/1"


def test_search_says_how_many_it_found(reading: Reading) -> None:
    found = reading.value("select count(*) from marts.customer_rfm where customer_id like '1000%'")
    page = drawn(reading, customer="1000")
    assert figures(page)["customers.search"] == f"{found} customers begin with “1000”."
    assert sum(link.startswith("/customers/1000") for link in links(page)) == found


def test_search_says_when_a_filter_hides_what_it_found(reading: Reading) -> None:
    page = drawn(reading, customer="0042", countries=("Norway",))
    assert figures(page)["customers.search"] == "No customer under these filters begins with “0042”."
    assert "1 customer begins like that, but does not match the other filters" in text(page)
    assert any(link.startswith("/customers/0042") for link in links(page))


def test_filters_that_nobody_fits_say_so(reading: Reading) -> None:
    page = drawn(reading, countries=("Nowhere",))
    assert "No customer fits these filters." in text(page)
    assert of_class(page, "empty")


def test_caveat_stands_where_values_stand(reading: Reading) -> None:
    warned = reading.rows(
        "select warnings from reporting.model_notes where is_about_customer_value and has_warnings order by 1"
    )
    assert warned
    for page in (drawn(reading), drawn(reading, "10006")):
        told = text(page)
        assert all(row["warnings"] in told for row in warned)
