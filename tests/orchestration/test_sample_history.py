"""The sample through the whole pipeline gives what its maker meant."""

import pytest

from orchestration.refresh import run_refresh
from warehouse.home import Home
from warehouse.sample import SampleTruth, write_sample_history


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, SampleTruth]:
    home = Home(tmp_path_factory.mktemp("sample"))
    truth = write_sample_history(home.landing, days=240, scale=0.08)
    home.bind(home.landing, is_sample=True)
    outcome = run_refresh(home, as_of_date=None, full=False, wait_seconds=0, verbose=False)
    assert outcome.succeeded, outcome.problems
    return home, truth


def test_every_line_goes_where_its_maker_meant_it_to(sample: tuple[Home, SampleTruth], ask) -> None:
    home, truth = sample
    accounting = ask(home.published, "select disposition, row_count, gross_amount from marts.row_accounting")
    assert {name: count for name, count, _ in accounting if count} == {n: c for n, c in truth.line_counts.items() if c}
    amounts = {name: amount for name, _, amount in accounting if name != "unreadable"}
    assert {name: amounts[name] for name in truth.amounts} == truth.amounts


def test_customers_returns_and_days_are_those_that_were_made(sample: tuple[Home, SampleTruth], ask) -> None:
    home, truth = sample
    assert ask(home.published, "select count(*) from marts.dim_customers") == [(truth.customers,)]
    assert ask(home.published, "select count(*) from marts.customer_rfm") == [(truth.customers_with_sales,)]
    assert ask(home.published, "select sum(matched_units) from marts.fct_return_matches") == [(truth.matched_units,)]
    assert ask(home.published, "select sum(net_revenue) from marts.fct_invoice_lines") == [(truth.net_amount,)]
    assert ask(home.published, "select count(*) from marts.dim_dates where is_trading_day") == [(truth.trading_days,)]
    enriched = "select count(*) from marts.dim_customers where age_years is not null or location is not null"
    assert ask(home.published, enriched)[0][0] > 0


def test_everything_made_from_the_sample_says_so(sample: tuple[Home, SampleTruth], ask) -> None:
    home, _ = sample
    assert ask(home.published, "select bool_and(is_sample) from quality.publications") == [(True,)]
    assert ("is_sample", "true") in ask(home.published, "select name, lower(value) from quality.about")
