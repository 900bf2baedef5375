"""What a monitor scrapes says what status, probe and Data health say, and nothing of customers or money."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from serving.server import create_app
from tests.orchestration.conftest import copy_of
from tests.server import served
from warehouse.home import Home
from warehouse.last_refresh import RefreshNote, note_last_refresh
from warehouse.stopped import StoppedRefresh, note_stopped

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]

LABELS = {"le", "route", "status", "of", "outcome", "layer", "table", "disposition"}
TOKEN = "token-of-a-guest-1"


def samples_of(text: str) -> Samples:
    families = list(text_string_to_metric_families(text))
    assert all(family.documentation for family in families)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def scraped(url: str) -> Samples:
    answer = httpx.get(f"{url}/metrics", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples_of(answer.text)


def names(samples: Samples) -> set[str]:
    return {name for name, _ in samples}


def only(samples: Samples, name: str) -> float:
    [value] = [value for (found, _), value in samples.items() if found == name]
    return value


def by(samples: Samples, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(dict(found)[label] for label in labels): value for (each, found), value in samples.items() if each == name
    }


@pytest.fixture(scope="module")
def url(serve: Callable[[Home], str], published_small: Home) -> Iterator[str]:
    yield serve(published_small)


def test_figures_are_those_of_the_snapshot_by_other_sql(url: str, snapshot: duckdb.DuckDBPyConnection) -> None:
    told = scraped(url)
    tables = snapshot.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = 's'"
    ).fetchall()
    assert by(told, "regulars_table_rows", "layer", "table") == {
        (schema, name): snapshot.execute(f'select count(*) from "{schema}"."{name}"').fetchone()[0]
        for schema, name in tables
    }
    # the history's 240th day is 27 August 2024, which began in London an hour before that of UTC
    assert only(told, "regulars_last_day_timestamp_seconds") == datetime(2024, 8, 26, 23, tzinfo=UTC).timestamp()
    aside = dict(snapshot.execute("select disposition, count(*) from marts.set_aside_lines group by 1").fetchall())
    found = by(told, "regulars_set_aside_lines", "disposition")
    assert {name: lines for (name,), lines in found.items() if lines} == aside
    [(kept,)] = snapshot.execute("select count(*) from marts.fct_invoice_lines").fetchall()
    assert only(told, "regulars_delivered_lines") == kept + sum(aside.values())


def test_checks_and_ages_are_those_of_the_interface(url: str) -> None:
    told = scraped(url)
    health = httpx.get(f"{url}/api/v1/health").json()["data"]
    outcomes = ("passed", "warned", "failed", "could_not_run")
    assert by(told, "regulars_checks", "layer", "outcome") == {
        (layer["layer"], outcome): layer[outcome] for layer in health["layers"] for outcome in outcomes
    }
    assert sum(layer["warned"] for layer in health["layers"]) > 0
    ready = httpx.get(f"{url}/readyz").json()
    for name, field in (("snapshot", "made_at"), ("delivery", "taken_in_at")):
        at = datetime.fromisoformat(ready[field]).timestamp()
        # the interface tells whole seconds or more
        assert only(told, f"regulars_{name}_timestamp_seconds") == pytest.approx(at, abs=1)
    assert only(told, "regulars_ready") == 1
    assert only(told, "regulars_refresh_stopped") == only(told, "regulars_snapshot_damaged") == 0
    # there is no rule, so nothing is fresh or stale
    assert not [name for name in names(told) if name.endswith(("_is_fresh", "_limit_seconds"))]


def test_a_rule_that_is_broken_is_told_as_the_probe_tells_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_DELIVERY_AGE_HOURS", "0.0001")
    monkeypatch.setenv("REGULARS_FRESHNESS__MAX_AGE_HOURS", "90000")
    told = scraped(url)
    assert httpx.get(f"{url}/readyz").status_code == 503
    assert only(told, "regulars_ready") == 0
    assert (only(told, "regulars_delivery_is_fresh"), only(told, "regulars_snapshot_is_fresh")) == (0, 1)
    # 0.0001 hours and 90,000 hours
    assert only(told, "regulars_delivery_age_limit_seconds") == pytest.approx(0.36)
    assert only(told, "regulars_snapshot_age_limit_seconds") == 324_000_000


def test_settings_that_cannot_be_read_are_told_and_not_quoted_to_whoever_probes(
    published_small: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("[shop]\ncurrency = 'a secret'\n")
    with served(published_small) as url:
        monkeypatch.setenv("REGULARS_SETTINGS", str(file))
        probed = httpx.get(f"{url}/readyz")
        told = scraped(url)
        monkeypatch.delenv("REGULARS_SETTINGS")
        mended = scraped(url)
    assert (probed.status_code, probed.json()["type"]) == (503, "urn:regulars:problem:settings")
    assert "`regulars status` says why" in probed.json()["detail"]
    assert "secret" not in probed.text and str(tmp_path) not in probed.text
    assert (only(told, "regulars_settings_valid"), only(told, "regulars_ready")) == (0, 0)
    assert "regulars_last_day_timestamp_seconds" not in names(told)
    assert only(told, "regulars_delivered_lines") > 0
    assert (only(mended, "regulars_settings_valid"), only(mended, "regulars_ready")) == (1, 1)


def test_a_home_where_nothing_was_published_leaves_out_what_is_not_known(tmp_path: Path) -> None:
    with served(Home(tmp_path)) as url:
        scraped(url)
        told = scraped(url)
    of_home = {name for name in names(told) if name.startswith("regulars_") and "_http_" not in name}
    assert of_home == {"regulars_ready", "regulars_refresh_stopped", "regulars_settings_valid"}
    assert only(told, "regulars_ready") == 0


def test_the_newest_refresh_is_told_with_its_end_time_and_outcome(published_small: Home, tmp_path: Path) -> None:
    home = copy_of(published_small, tmp_path / "home")
    began, ended = datetime(2026, 3, 1, 5, 0, tzinfo=UTC), datetime(2026, 3, 1, 5, 1, 30, tzinfo=UTC)
    note_last_refresh(home, RefreshNote("0123", "failed", began, ended))
    note_stopped(home, StoppedRefresh("0123", ended, ("Step 'load files' failed.",), ()))
    with served(home) as url:
        told = scraped(url)
        home.last_refresh.write_text("{")
        damaged = scraped(url)
        home.last_refresh.unlink()
        unknown = scraped(url)
    assert by(told, "regulars_last_refresh_outcome", "outcome") == {("succeeded",): 0, ("failed",): 1, ("stopped",): 0}
    assert only(told, "regulars_last_refresh_duration_seconds") == 90
    # 20,513 days from 1970 to 1 March 2026, and five hours and 90 seconds
    assert only(told, "regulars_last_refresh_timestamp_seconds") == 20_513 * 86_400 + 5 * 3_600 + 90
    assert only(told, "regulars_refresh_stopped") == 1
    # figures hold all the same
    assert only(told, "regulars_ready") == 1
    for one in (damaged, unknown):
        assert not [name for name in names(one) if name.startswith("regulars_last_refresh")]
        assert only(one, "regulars_delivered_lines") == only(told, "regulars_delivered_lines")


def test_a_damaged_snapshot_is_told(published_small: Home, tmp_path: Path) -> None:
    home = copy_of(published_small, tmp_path / "home")
    home.published.unlink()
    home.published.write_bytes(b"no database")
    with served(home) as url:
        told = scraped(url)
    assert (only(told, "regulars_snapshot_damaged"), only(told, "regulars_ready")) == (1, 0)
    assert "regulars_snapshot_timestamp_seconds" not in names(told)


def test_requests_are_counted_by_the_template_of_their_address(published_small: Home) -> None:
    with served(published_small) as url:
        for path in ("/api/v1/customers/10004", "/api/v1/customers/10005", "/api/v1/customers/nobody"):
            httpx.get(url + path)
        for path in ("/segments", "/customers/10004", "/nowhere", "/"):
            httpx.get(url + path)
        httpx.get(f"{url}/health")
        httpx.get(f"{url}/readyz")
        httpx.get(f"{url}/segments", headers={"Sec-Fetch-Site": "cross-site"})
        # a page takes no POST, so that Flask has no rule for it
        httpx.post(f"{url}/segments")
        told = scraped(url)
    counted = by(told, "regulars_http_request_duration_seconds_count", "route", "status")
    took = by(told, "regulars_http_request_duration_seconds_sum", "route", "status")
    assert counted == {
        ("/api/v1/customers/{customer_id}", "200"): 2,
        ("/api/v1/customers/{customer_id}", "404"): 1,
        ("/<path:path>", "200"): 3,
        ("/", "200"): 1,
        ("/readyz", "200"): 2,
        # refused before its address was looked up
        ("", "403"): 1,
        ("", "405"): 1,
    }
    assert all(0 < seconds < 60 for seconds in took.values())


def test_a_fault_that_nobody_foresaw_counts_as_500(published_small: Home, tmp_path: Path) -> None:
    home = copy_of(published_small, tmp_path / "home")
    home.published.chmod(0o644)
    with duckdb.connect(str(home.published)) as connection:
        connection.execute("drop table reporting.customer_360")
    with served(home) as url:
        assert httpx.get(f"{url}/api/v1/customers").status_code == 500
        counted = by(scraped(url), "regulars_http_request_duration_seconds_count", "route", "status")
    assert counted[("/api/v1/customers", "500")] == 1


def test_every_token_may_scrape_and_nobody_else(published_small: Home) -> None:
    from serving.security import Caller

    app = create_app(published_small, host="0.0.0.0", tokens={TOKEN: Caller("guest", frozenset({"view"}))})
    client = TestClient(app, base_url="http://shop.example", follow_redirects=False)
    assert client.get("/metrics").status_code == 401
    told = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert told.status_code == 200
    counted = by(samples_of(told.text), "regulars_http_request_duration_seconds_count", "route", "status")
    assert counted == {("", "401"): 1}
    assert client.head("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


def test_no_customer_and_no_money_is_in_it(url: str, snapshot: duckdb.DuckDBPyConnection) -> None:
    httpx.get(f"{url}/customers/10004")
    httpx.get(f"{url}/api/v1/customers/10004")
    told = scraped(url)
    assert {label for _, labels in told for label, _ in labels} <= LABELS
    said = {value for _, labels in told for _, value in labels}
    for sql in (
        "select customer_id from marts.dim_customers",
        "select distinct description from marts.dim_products",
        "select distinct country from marts.dim_customers",
    ):
        assert said.isdisjoint(value for (value,) in snapshot.execute(sql).fetchall())
    [(revenue,)] = snapshot.execute("select round(sum(net_revenue)) from marts.fct_daily_revenue").fetchall()
    assert float(revenue) not in {round(value) for value in told.values()}
