"""The HTTP interface says what the snapshot says, over a real server."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import httpx
import pytest

from tests.server import served
from tests.tiny_shop import HOSTILE_CUSTOMERS
from warehouse.home import Home

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def api(serve: Callable[[Home], str], published_small: Home) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=serve(published_small) + "/api/v1", timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def sql(published_small: Home) -> Iterator[Sql]:
    with duckdb.connect(str(published_small.published), read_only=True) as connection:
        yield lambda query, *values: connection.execute(query, list(values)).fetchall()


def data(response: httpx.Response) -> Any:
    assert response.status_code == 200, response.text
    return response.json()["data"]


def pence(value: Any) -> Any:
    return None if value is None else pytest.approx(float(value), abs=0.0051)


# ---- customers ---------------------------------------------------------------------


def test_customers_are_those_who_bought_richest_first(api: httpx.Client, sql: Sql) -> None:
    found = data(api.get("/customers", params={"limit": 1000}))
    expected = sql(
        """
        select
            customer_id, rfm_segment, country, recency_days, frequency, monetary_net, clv, silence_ratio, cohort_month
        from reporting.customer_360 where has_purchases order by monetary_net desc, customer_id
        """
    )
    assert [(row["customer_id"], row["segment"], row["country"]) for row in found] == [row[:3] for row in expected]
    for row, (*_, recency, frequency, net, clv, silence, cohort) in zip(found, expected, strict=True):
        assert (row["recency_days"], row["frequency"]) == (recency, frequency)
        assert row["monetary_net"] == pence(net)
        assert row["clv"] == pence(clv)
        assert row["silence_ratio"] == pytest.approx(silence)
        assert row["cohort_month"] == cohort.isoformat()


def test_pages_hold_every_customer_once(api: httpx.Client, sql: Sql) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        response = api.get("/customers", params={"limit": 7, "offset": offset, "sort": "country"})
        seen += [row["customer_id"] for row in data(response)]
        page = response.json()["page"]
        offset = page["next_offset"]
    assert page["total"] == len(seen) == len(set(seen))
    assert set(seen) == {row[0] for row in sql("select customer_id from marts.customer_rfm")}
    assert data(api.get("/customers", params={"offset": 5000})) == []


@pytest.mark.parametrize(
    ("given", "condition"),
    [
        ({"method": "rfm", "segment": "Champions"}, "rfm_segment = 'Champions'"),
        ({"country": ["France", "Norway"]}, "country in ('France', 'Norway')"),
        ({"min_frequency": 20}, "frequency >= 20"),
        ({"min_clv": 100.5}, "clv >= 100.5"),
        ({"slipping": "1"}, "is_slipping and not is_dormant"),
        ({"customer": "1000"}, "customer_id like '1000%'"),
        ({"customer": "o'neil & s"}, "customer_id = 'O''NEIL & SON/1'"),
        (
            {"from": "2024-02-01", "to": "2024-02-10"},
            """customer_id in (
                select customer_id from marts.fct_invoices
                where not is_return and invoice_date between '2024-02-01' and '2024-02-10'
            )""",
        ),
        ({"country": "France", "min_frequency": 10}, "country = 'France' and frequency >= 10"),
    ],
)
def test_a_filter_keeps_whom_it_names(api: httpx.Client, sql: Sql, given: dict[str, Any], condition: str) -> None:
    found = {row["customer_id"] for row in data(api.get("/customers", params=given | {"limit": 1000}))}
    assert found == {
        row[0] for row in sql(f"select customer_id from reporting.customer_360 where has_purchases and {condition}")
    }
    assert found


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("column", ["clv", "country", "last_purchase_at", "rfm_score", "frequency"])
def test_customers_are_sorted_as_asked(api: httpx.Client, sql: Sql, column: str, direction: str) -> None:
    found = data(api.get("/customers", params={"sort": column, "direction": direction, "limit": 1000}))
    expected = sql(
        f"""
        select customer_id from reporting.customer_360 where has_purchases
        order by {column} {direction} nulls last, monetary_net desc, customer_id
        """
    )
    assert [row["customer_id"] for row in found] == [row[0] for row in expected]


@pytest.mark.parametrize("customer_id", [*HOSTILE_CUSTOMERS, "10005", "10998"])
def test_one_customer_is_told_whole(api: httpx.Client, sql: Sql, customer_id: str) -> None:
    told = data(api.get(f"/customers/{quote(customer_id, safe='')}", params={"method": "rfm"}))
    ((purchases, net, segment, score, overridden, reason),) = sql(
        """
        select has_purchases, monetary_net, rfm_segment, rfm_score, is_overridden, override_reason
        from reporting.customer_360 where customer_id = $1
        """,
        customer_id,
    )
    facts = told["facts"]
    assert (facts["customer_id"], facts["has_purchases"]) == (customer_id, purchases)
    assert facts["monetary_net"] == pence(net)
    assert (facts["segment"], facts["rfm_score"]) == (segment, score)
    assert (facts["is_overridden"], facts["override_reason"]) == (overridden, reason)
    assert (told["playbook"] or {}).get("segment_name") == segment
    months = sql("select count(*) from marts.customer_rfm_monthly where customer_id = $1", customer_id)
    assert [(len(told["history"]),)] == months


def test_orders_and_returns_of_a_customer_add_up(api: httpx.Client, sql: Sql) -> None:
    ((busiest,),) = sql(
        """
        select customer_id from marts.fct_invoices
        where is_return and customer_id in (select customer_id from marts.customer_rfm)
        group by 1 order by count(*) desc, 1 limit 1
        """
    )
    path = f"/customers/{quote(busiest, safe='')}"
    orders = data(api.get(f"{path}/orders", params={"limit": 1000}))
    assert [(row["invoice_no"], row["net_revenue"]) for row in orders] == [
        (number, pence(net))
        for number, net in sql(
            """
            select invoice_no, net_revenue from marts.fct_invoices
            where customer_id = $1 and not is_return order by invoiced_at desc, invoice_no
            """,
            busiest,
        )
    ]
    response = api.get(f"{path}/returns", params={"limit": 1})
    ((lines,),) = sql(
        "select count(*) from marts.fct_invoice_lines where customer_id = $1 and line_type = 'return'", busiest
    )
    assert response.json()["page"] == {
        "total": lines,
        "limit": 1,
        "offset": 0,
        "next_offset": 1 if lines > 1 else None,
    }


# ---- the other subjects ------------------------------------------------------------


def test_revenue_is_that_of_the_marts(api: httpx.Client, sql: Sql) -> None:
    months = sql(
        "select month_start, gross_revenue, net_revenue, customer_count from marts.fct_monthly_revenue order by 1"
    )
    assert [
        (row["month_start"], row["gross_revenue"], row["net_revenue"], row["customers"])
        for row in data(api.get("/revenue/monthly"))
    ] == [(day.isoformat(), pence(gross), pence(net), buyers) for day, gross, net, buyers in months]

    days = dict(sql("select date, net_revenue from marts.fct_daily_revenue"))
    told = {date.fromisoformat(row["date"]): row["net_revenue"] for row in data(api.get("/revenue/daily"))}
    assert {day: told[day] for day in days} == {day: pence(net) for day, net in days.items()}
    # closed days are gaps, and open ones without an order are zero
    closed = {day for (day,) in sql("select date from marts.dim_dates where is_closed_day")}
    assert {day for day, net in told.items() if net is None} == closed - set(days)
    assert {net for day, net in told.items() if day not in days | dict.fromkeys(closed)} <= {0.0}

    countries = sql("select country, sum(net_revenue) from marts.fct_country_revenue group by 1 order by 2 desc, 1")
    assert [(row["country"], row["net_revenue"]) for row in data(api.get("/revenue/countries"))] == [
        (name, pence(net)) for name, net in countries
    ]


@pytest.mark.parametrize("method", ["kmeans", "rfm", "hierarchical", "mixture", "audience"])
def test_segments_and_their_texts_are_those_of_the_method(api: httpx.Client, sql: Sql, method: str) -> None:
    column = f"{method}_segment"
    expected = dict(sql(f"select {column}, count(*) from reporting.customer_360 where has_purchases group by 1"))
    sizes = data(api.get("/segments", params={"method": method}))
    assert {row["segment"]: row["customers"] for row in sizes} == expected
    profiles = data(api.get("/segments/profiles", params={"method": method}))
    assert {row["segment"]: row["customers"] for row in profiles if not row["is_everyone"]} == expected
    assert [row["customers"] for row in profiles if row["is_everyone"]] == [sum(expected.values())]
    texts = sql("select segment_name, strategy, customers from reporting.segment_playbooks where method = $1", method)
    assert sorted(
        (row["segment_name"], row["strategy"], row["customers"])
        for row in data(api.get("/playbooks", params={"method": method}))
    ) == sorted(texts)
    drafts = sql("select segment_name, subject, body from reporting.segment_emails where method = $1", method)
    assert sorted(
        (row["segment_name"], row["subject"], row["body"])
        for row in data(api.get("/playbooks/emails", params={"method": method}))
    ) == sorted(drafts)


def test_changes_since_the_publication_before_are_told_in_sum_and_one_by_one(api: httpx.Client, sql: Sql) -> None:
    expected = sql(
        """
        select customer_id, from_segment, to_segment, change
        from reporting.audience_changes where method = 'rfm' order by monetary desc nulls last, customer_id
        """
    )
    response = api.get("/playbooks/changes/customers", params={"method": "rfm", "limit": 1000})
    told = [(row["customer_id"], row["from_segment"], row["to_segment"], row["change"]) for row in data(response)]
    assert told == expected
    assert {"gone", "joined", "moved"} == {row[3] for row in told}
    for row in data(api.get("/playbooks/changes", params={"method": "rfm"})):
        assert row["entered_customers"] == sum(1 for one in expected if one[2] == row["segment"])
        assert row["left_customers"] == sum(1 for one in expected if one[1] == row["segment"])


def test_moves_and_cohorts_are_those_of_the_marts(api: httpx.Client, sql: Sql) -> None:
    (last, before), *_ = sql(
        "select max(month_end), max(month_end) filter (month_end < (select max(month_end) from marts.segment_moves)) "
        "from marts.segment_moves"
    )
    moves = sql("select from_segment, to_segment, customers from marts.segment_moves where month_end = $1", last)
    for given in ({}, {"from_month_end": before, "to_month_end": last}):
        told = data(api.get("/segments/moves", params=given))
        assert {row["to_month_end"] for row in told} == {last.isoformat()}
        assert sorted((row["from_segment"], row["to_segment"], row["customers"]) for row in told) == sorted(moves)
    cohorts = sql("select cohort_month, age_months, active_customers from marts.cohort_retention order by 1, 2")
    assert [
        (date.fromisoformat(row["cohort_month"]), row["age_months"], row["active_customers"])
        for row in data(api.get("/segments/cohorts"))
    ] == cohorts
    chosen = sql("select algorithm, k from ml.cluster_selection where is_chosen and algorithm = 'kmeans'")
    assert [(row["algorithm"], row["k"]) for row in data(api.get("/segments/evidence")) if row["is_chosen"]] == chosen


def test_anomalies_come_with_their_drivers(api: httpx.Client, sql: Sql) -> None:
    expected = sql("select series, grain, date, direction, actual, cause from ml.revenue_anomalies")
    told = data(api.get("/anomalies"))
    assert sorted(
        (row["series"], row["grain"], date.fromisoformat(row["date"]), row["direction"]) for row in told
    ) == sorted(row[:4] for row in expected)
    assert [row["date"] for row in told] == sorted((row["date"] for row in told), reverse=True)
    ((series, grain, day, drivers),) = sql(
        "select series, grain, date, count(*) from ml.anomaly_drivers group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit 1"
    )
    asked = {"series": series, "grain": grain, "date": day.isoformat()}
    assert len(data(api.get("/anomalies/drivers", params=asked))) == drivers
    assert api.get("/anomalies/drivers", params=asked | {"date": "2001-01-01"}).status_code == 404
    ((periods,),) = sql("select count(*) from ml.revenue_expectations where series = 'total' and grain = 'day'")
    assert len(data(api.get("/anomalies/expectations"))) == periods


def test_accounting_reaches_from_the_files_to_the_sales(api: httpx.Client, sql: Sql) -> None:
    told = data(api.get("/accounting"))
    assert told["does_add_up"] is True
    assert {(row["disposition"], row["row_count"]) for row in told["lines"]} == set(
        sql("select disposition, row_count from marts.row_accounting")
    )
    ((delivered,),) = sql(
        "select sum(delivered_lines)::int from quality.load_ledger where status = 'loaded' and kind = 'transactions'"
    )
    assert told["delivered_rows"] == sum(row["row_count"] for row in told["lines"]) == delivered
    for disposition, condition in (("", "true"), ("unreadable", "disposition = 'unreadable'")):
        given = {"limit": 1000} | ({"disposition": disposition} if disposition else {})
        response = api.get("/accounting/set-aside", params=given)
        expected = sql(f"select file_name, row_number from marts.set_aside_lines where {condition} order by 1, 2")
        assert [(row["file_name"], row["row_number"]) for row in data(response)] == expected
        assert response.json()["page"]["total"] == len(expected) > 0


def test_health_counts_the_checks(api: httpx.Client, sql: Sql) -> None:
    told = data(api.get("/health"))
    ((run,),) = sql("select max_by(run_id, recorded_at) from quality.validation_results")
    counted = dict(sql("select layer, count(*) from quality.validation_results where run_id = $1 group by 1", run))
    assert {row["layer"]: row["checks"] for row in told["layers"]} == counted
    outcomes = sql(
        "select count(*) filter (status <> 'passed'), count(*) filter (status <> 'passed' and severity <> 'warning')"
        " from quality.validation_results where run_id = $1",
        run,
    )
    assert (len(told["open_checks"]), told["status"]) == (
        outcomes[0][0],
        "failures" if outcomes[0][1] else "warnings" if outcomes[0][0] else "ok",
    )
    assert told["freshness"] == data(api.get("/freshness"))
    ((last, published),) = sql(
        "select (select max(invoice_date) from marts.fct_invoices), max(publication_id) from quality.publications"
    )
    assert (told["freshness"]["last_date"], told["freshness"]["publication_id"]) == (last.isoformat(), published)
    assert [row["publication_id"] for row in data(api.get("/publications"))] == list(range(published, 0, -1))


def test_the_summary_has_the_sums(api: httpx.Client, sql: Sql) -> None:
    figures = {row["key"]: row["value"] for row in data(api.get("/summary", params={"country": "France"}))["figures"]}
    ((gross, net, customers),) = sql(
        "select sum(gross_revenue), sum(net_revenue), count(distinct customer_id) filter (not is_return)"
        " from marts.fct_invoices where country = 'France'"
    )
    assert (figures["gross_revenue"], figures["net_revenue"]) == (pence(gross), pence(net))
    assert figures["customers"] == customers


# ---- the form of answers -----------------------------------------------------------

LISTS = [
    "/customers?limit=1000",
    "/customers/10998",
    "/summary",
    "/summary?customer=nobody",
    "/revenue/daily",
    "/segments/profiles",
    "/segments/evidence",
    "/segments/categories",
    "/segments/moves",
    "/anomalies/expectations",
    "/playbooks",
    "/playbooks/changes/customers?limit=1000",
    "/accounting/set-aside?limit=1000",
]


@pytest.mark.parametrize("path", LISTS)
def test_every_figure_is_a_number_or_null_and_money_has_two_decimals(api: httpx.Client, path: str) -> None:
    def refuse(token: str) -> float:
        raise AssertionError(f"{token} is no JSON")

    response = api.get(path)
    answer = json.loads(response.text, parse_constant=refuse)
    assert answer["snapshot"]["currency"] == "GBP"

    def look(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                look(key, inner)
        elif isinstance(value, list):
            for inner in value:
                look(name, inner)
        elif isinstance(value, float):
            assert math.isfinite(value)
            if name.startswith(("monetary_", "clv_")) or name.endswith(("revenue", "amount")):
                is_money = not name.endswith(("_pct", "_days"))
                assert not is_money or round(value, 2) == value, name

    look("", answer["data"])


def test_nothing_that_fits_is_an_empty_answer(api: httpx.Client) -> None:
    nobody = {"customer": "nobody-has-this"}
    for path in ("/customers", "/segments", "/segments/profiles", "/revenue/monthly", "/revenue/countries"):
        assert data(api.get(path, params=nobody)) == []
    assert data(api.get("/anomalies", params={"from": "2031-01-01"})) == []


# ---- the snapshot's tag ------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_an_answer_that_the_caller_has_is_not_sent_again(api: httpx.Client, form: str) -> None:
    first = api.get("/segments")
    assert first.headers["cache-control"] == "private, no-cache"
    again = api.get("/segments", headers={"If-None-Match": form.format(first.headers["etag"])})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert api.get("/segments", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_tag_does_not_hide_a_mistake(api: httpx.Client) -> None:
    for path, status in (("/customers/nobody", 404), ("/customers?limit=0", 422), ("/customers?segment=none", 400)):
        assert api.get(path, headers={"If-None-Match": "*"}).status_code == status


def test_a_new_publication_has_a_new_tag(published_small: Home, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.published.parent.mkdir()
    shutil.copy(published_small.published, home.published)
    with served(home) as url:
        first = httpx.get(f"{url}/api/v1/freshness")
        changed = tmp_path / "next.duckdb"
        shutil.copy(published_small.published, changed)
        with duckdb.connect(str(changed)) as connection:
            connection.execute(
                "insert into quality.publications by name (select * replace (publication_id + 1 as publication_id)"
                " from quality.publications order by publication_id desc limit 1)"
            )
        changed.replace(home.published)
        again = httpx.get(f"{url}/api/v1/freshness", headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 200
        assert again.headers["etag"] != first.headers["etag"]
        assert again.json()["snapshot"]["publication_id"] == first.json()["snapshot"]["publication_id"] + 1


# ---- problems ----------------------------------------------------------------------


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = response.json()
    assert told["status"] == status
    assert told["instance"] == response.url.path
    assert told["type"] and told["title"] and told["detail"]
    return told


@pytest.mark.parametrize("path", ["/nothing", "/customers/10005/orders/1", "/customers/nobody", "/segments/x"])
def test_what_is_not_there_is_a_404(api: httpx.Client, path: str) -> None:
    is_problem(api.get(path), 404)
    is_problem(httpx.get(str(api.base_url).rstrip("/").removesuffix("/v1") + "/x"), 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_an_address_does_not_take_is_a_405(api: httpx.Client, method: str) -> None:
    response = api.request(method, "/customers")
    is_problem(response, 405)
    assert response.headers["allow"] == "GET, HEAD"


def test_head_is_get_without_a_body(api: httpx.Client) -> None:
    got, headed = api.get("/customers?limit=3"), api.head("/customers?limit=3")
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("etag", "content-type", "content-length"):
        assert headed.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("offset=-1", "offset"),
        ("from=1704067200", "from"),
        ("from=2024-02-30", "from"),
        ("to=yesterday", "to"),
        ("min_frequency=-1", "min_frequency"),
        ("min_clv=nan", "min_clv"),
        ("min_clv=1e999", "min_clv"),
        ("method=magic", "method"),
        ("sort=1;drop table x", "sort"),
        ("direction=up", "direction"),
        ("segmnet=Champions", "segmnet"),
        ("customer=" + "1" * 65, "customer"),
    ],
)
def test_a_parameter_out_of_its_limits_is_a_422_that_names_it(api: httpx.Client, query: str, name: str) -> None:
    told = is_problem(api.get(f"/customers?{query}"), 422)
    assert [(one["location"], one["name"]) for one in told["errors"]] == [("query", name)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("segment=Nobody", "no segment 'Nobody' by rfm; there are"),
        ("country=Atlantis", "no country 'Atlantis'"),
        ("from=2024-03-01&to=2024-02-01", "ends before it begins"),
    ],
)
def test_a_filter_on_what_is_not_there_is_refused(api: httpx.Client, query: str, words: str) -> None:
    assert words in is_problem(api.get(f"/customers?{query}"), 400)["detail"]


def test_month_ends_that_are_none_are_refused(api: httpx.Client, sql: Sql) -> None:
    ((last,),) = sql("select max(month_end) from marts.segment_moves")
    is_problem(api.get("/segments/moves?to_month_end=2024-02-15"), 400)
    is_problem(api.get("/segments/moves", params={"from_month_end": last, "to_month_end": last}), 400)


def test_nothing_published_is_a_503_that_says_what_to_run(tmp_path: Path) -> None:
    with served(Home(tmp_path)) as url:
        response = httpx.get(f"{url}/api/v1/customers")
        told = is_problem(response, 503)
        assert "regulars refresh" in told["detail"]
        assert int(response.headers["retry-after"]) > 0
        assert str(tmp_path) not in response.text
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
        for path in ("/readyz", "/health"):
            probed = httpx.get(url + path)
            assert (probed.status_code, probed.json()["title"]) == (503, "Service Unavailable")
            assert "Nothing is published yet" in probed.json()["detail"]
        assert httpx.get(f"{url}/openapi.json").status_code == 200


def test_the_probe_is_green_while_what_is_published_is_no_older_than_allowed(
    serve: Callable[[Home], str], published_small: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve(published_small)
    for path in ("/readyz", "/health"):
        assert httpx.get(url + path).json()["status"] == "ok"
        assert httpx.head(url + path).status_code == 200
    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_DELIVERY_AGE_HOURS", "0.0001")
    for path in ("/readyz", "/health"):
        probed = httpx.get(url + path)
        assert probed.status_code == 503
        assert re.fullmatch(
            r"The newest delivery came .+ ago, .+ UTC; at most 0.0001 hours are allowed, until .+ UTC\.",
            probed.json()["detail"],
        )
    # people get the page of that address
    page = httpx.get(f"{url}/health", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_an_error_that_nobody_foresaw_is_told_by_reference_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home(tmp_path)
    home.published.parent.mkdir()
    home.published.write_bytes(b"this is no DuckDB file" * 1000)
    with served(home) as url:
        response = httpx.get(f"{url}/api/v1/customers")
    told = is_problem(response, 500)
    assert told["reference"] in caplog.text
    assert str(tmp_path) not in response.text
    assert "duckdb" not in response.text.lower()
    assert "Traceback" not in response.text


# ---- the description ---------------------------------------------------------------


def test_everything_is_described(api: httpx.Client) -> None:
    document = httpx.get(str(api.base_url.copy_with(path="/openapi.json"))).json()
    missing = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if not operation.get("summary") or not operation.get("description") or not operation.get("tags"):
                missing.append(f"{method} {path}")
            missing += [
                f"{path}?{one['name']}" for one in operation.get("parameters", ()) if not one.get("description")
            ]
            if path.startswith("/api/v1"):
                problems = {status: answer for status, answer in operation["responses"].items() if status != "200"}
                assert {"422", "503"} <= set(problems)
                for answer in problems.values():
                    assert list(answer["content"]) == ["application/problem+json"]
    schemas = document["components"]["schemas"]
    for name in _reached(schemas, [told for path, told in document["paths"].items() if path.startswith("/api/v1")]):
        if name.startswith(("Envelope", "PagedEnvelope")) or "enum" in schemas[name]:
            continue
        missing += [
            f"{name}.{field}"
            for field, described in schemas[name]["properties"].items()
            if not described.get("description") and "$ref" not in json.dumps(described)
        ]
    assert missing == []


def _reached(schemas: dict[str, Any], told: Any) -> set[str]:
    names: set[str] = set()
    waiting = [json.dumps(told)]
    while waiting:
        for name in set(re.findall(r'#/components/schemas/([^"]+)', waiting.pop())) - names:
            names.add(name)
            waiting.append(json.dumps(schemas[name]))
    assert "CustomerFacts" in names
    return names
