"""The whole application as a person meets it: a browser, a real server, a published snapshot.

Every page that is opened here also says nothing on the console and asks no other host (the fixture
``browser_page`` sees to that). Figures are compared with SQL on the snapshot.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import duckdb
import fastexcel
import httpx
import pytest

from serving.filters import METHOD_LABELS
from serving.security import Caller
from tests.browser import Watch
from tests.server import served
from tests.tiny_shop import HOSTILE_CUSTOMERS, odd_history
from warehouse.home import Home
from warehouse.settings import Role

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

Sql = Callable[..., list[tuple[Any, ...]]]
WAIT_MS = 20_000
PAGES = (
    "/",
    "/countries",
    "/segments",
    "/clusters",
    "/customers",
    "/customers/10005",
    "/playbooks",
    "/anomalies",
    "/figures",
    "/health",
    "/classify",
)

# one value of each filter: the URL's, and the same in SQL on reporting.customer_360
FILTERS: dict[str, tuple[str, str]] = {
    "segment": ("Lost", "rfm_segment = 'Lost'"),
    "country": ("United Kingdom", "country = 'United Kingdom'"),
    "from": ("2024-08-12", "customer_id in (select customer_id from sales where invoice_date >= '2024-08-12')"),
    "to": ("2024-06-30", "customer_id in (select customer_id from sales where invoice_date <= '2024-06-30')"),
    "min_frequency": ("8", "frequency >= 8"),
    "min_clv": ("60.5", "clv >= 60.5"),
    "customer": ("1001", "customer_id like '1001%'"),
}


@pytest.fixture(scope="module")
def url(serve: Callable[[Home], str], published_small: Home) -> str:
    return serve(published_small)


@pytest.fixture(scope="module")
def sql(published_small: Home) -> Iterator[Sql]:
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{published_small.published}' as snapshot (read_only)")
        connection.execute("use snapshot")
        connection.execute("create temp view sales as select * from snapshot.marts.fct_invoices where not is_return")
        yield lambda query, *values: connection.execute(query, list(values)).fetchall()


@pytest.fixture(autouse=True)
def _patience(browser_page: Page) -> None:
    # a machine that runs other tests beside this is slow
    browser_page.set_default_timeout(WAIT_MS)
    browser_page.set_default_navigation_timeout(WAIT_MS)


def see(page: Page, selector: str, text: str | re.Pattern[str]) -> None:
    from playwright.sync_api import expect

    expect(page.locator(selector).first).to_have_text(text, timeout=WAIT_MS)


def settle(page: Page) -> None:
    """Until the page is drawn and nothing is on its way."""
    from playwright.sync_api import expect

    page.locator("main h1").first.wait_for()
    # a change takes a moment to be asked for
    page.wait_for_timeout(250)
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-dash-is-loading=true]")).to_have_count(0, timeout=WAIT_MS)


def go(page: Page, url: str, query: dict[str, str]) -> None:
    """To another view of the page, without loading it anew: what the back button does."""
    page.evaluate(
        "to => { history.pushState({}, '', to); dispatchEvent(new PopStateEvent('popstate')); }",
        f"{url}?{urlencode(query)}",
    )


def told(customers: int, of_customers: int) -> str:
    noun = "customer" if of_customers == 1 else "customers"
    return f"{customers} {noun}, all of them" if customers == of_customers else f"{customers} of {of_customers} {noun}"


def count(sql: Sql, *conditions: str, values: tuple[str, ...] = ()) -> int:
    condition = " and ".join(("has_purchases", *conditions))
    return int(sql(f"select count(*) from reporting.customer_360 where {condition}", *values)[0][0])


# ---- pages ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_readable_for_all_in_both_themes_and_on_a_phone(browser_page: Page, url: str, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, findings = browser_page, []
    page.goto(url + path)
    settle(page)
    assert "could not be drawn" not in page.inner_text("main")
    for theme in ("light", "dark"):
        if page.locator("#theme-toggle").inner_text().lower() == theme:
            page.click("#theme-toggle")
        see(page, "#theme-toggle", "Light" if theme == "dark" else "Dark")
        settle(page)
        # what Plotly draws is told in words by the chart around it, and takes axe a minute where there are many points
        for found in Axe().run(page, context={"exclude": [[".js-plotly-plot"]]}).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                where = [node["target"] for node in found["nodes"]][:3]
                findings.append(f"{theme}: {found['id']} ({found['impact']}, {len(found['nodes'])}): {where}")
        page.set_viewport_size({"width": 390, "height": 800})
        width = 0
        for _ in range(25):
            # charts are drawn anew for the new width, one after the other
            page.wait_for_timeout(200)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width <= 390:
                break
        if width > 390:
            findings.append(f"{theme}: {width} px wide on a phone of 390 px")
        page.set_viewport_size({"width": 1280, "height": 800})
    assert findings == []


def test_an_address_without_a_page_says_so(browser_page: Page, url: str) -> None:
    browser_page.goto(f"{url}/nothing/here")
    see(browser_page, "main", re.compile("There is no page /nothing/here"))
    browser_page.click("main a")
    see(browser_page, "main h1", re.compile("."))
    assert browser_page.url == f"{url}/"


def test_the_interface_explains_itself(browser_page: Page, url: str) -> None:
    operations = sum(len(methods) for methods in httpx.get(f"{url}/openapi.json").json()["paths"].values())
    browser_page.goto(f"{url}/docs")
    browser_page.locator(".opblock").first.wait_for()
    assert browser_page.locator(".opblock").count() == operations > 20
    browser_page.locator(".opblock-summary", has_text="/api/v1/segments/cohorts").click()
    browser_page.get_by_role("button", name="Try it out").click()
    browser_page.get_by_role("button", name="Execute").click()
    see(browser_page, ".live-responses-table tr.response .response-col_status", re.compile("200"))


# ---- filters -------------------------------------------------------------------------


def test_each_filter_of_the_bar_keeps_whom_it_names(browser_page: Page, url: str, sql: Sql) -> None:
    page, everybody = browser_page, count(sql)

    def choose(control: str, option: str) -> None:
        page.click(f"#filter-{control}")
        page.get_by_role("option", name=option, exact=True).click()
        page.keyboard.press("Escape")

    def type_in(control: str, text: str) -> None:
        page.fill(f"#filter-{control}", text)
        page.keyboard.press("Tab")

    use: dict[str, Callable[[], None]] = {
        "segment": lambda: choose("segment", FILTERS["segment"][0]),
        "country": lambda: choose("country", "United Kingdom"),
        "from": lambda: type_in("from", "12 Aug 2024"),
        "to": lambda: type_in("to", "30 Jun 2024"),
        "min_frequency": lambda: type_in("min-frequency", "8"),
        "min_clv": lambda: type_in("min-clv", "60.5"),
        "customer": lambda: type_in("customer", "1001"),
    }
    assert set(use) == set(FILTERS)
    page.goto(f"{url}/customers")
    see(page, "#found", told(everybody, everybody))
    settle(page)
    for name, act in use.items():
        value, condition = FILTERS[name]
        act()
        expected = count(sql, condition)
        assert 0 < expected < everybody, name
        see(page, "#found", told(expected, everybody))
        see(page, "[data-figure='customers.customers']", str(expected))
        page.wait_for_url(f"{url}/customers?{urlencode({name: value})}")
        see(page, ".list-rows", f"{expected} rows")
        page.click("#filter-reset")
        see(page, "#found", told(everybody, everybody))
        page.wait_for_url(f"{url}/customers")


def test_filters_in_pairs_keep_whom_both_name(browser_page: Page, url: str, sql: Sql) -> None:
    page, everybody = browser_page, count(sql)
    page.goto(f"{url}/customers")
    settle(page)
    for one, other in combinations(FILTERS, 2):
        values, conditions = zip(*(FILTERS[name] for name in (one, other)), strict=True)
        if (one, other) == ("from", "to"):
            # one purchase within both, not one after the first and one before the last
            values = ("2024-07-10", "2024-07-14")
            conditions = ("customer_id in (select customer_id from sales where invoice_date between $1 and $2)",)
            expected = count(sql, *conditions, values=values)
        else:
            expected = count(sql, *conditions)
        go(page, f"{url}/customers", dict(zip((one, other), values, strict=True)))
        see(page, "#found", told(expected, everybody))
        if expected:
            see(page, "[data-figure='customers.customers']", str(expected))
        else:
            see(page, "main .empty-message", re.compile("No customer fits"))


def test_views_in_quick_succession_do_not_mix(browser_page: Page, url: str) -> None:
    page = browser_page
    page.goto(f"{url}/customers")
    settle(page)
    first, then = {"customer": "1001", "min_frequency": "3", "min_clv": "10"}, {"country": "United Kingdom"}
    # a control that reports late would write the first view's values into the second's address
    for pause_ms in (0, 50, 150, 350, 450, 600):
        go(page, f"{url}/customers", first)
        page.wait_for_timeout(pause_ms)
        go(page, f"{url}/customers", then)
        page.wait_for_timeout(900)
        settle(page)
        assert page.url == f"{url}/customers?{urlencode(then)}", f"after {pause_ms} ms"


@pytest.mark.parametrize("path", ["/", "/segments", "/customers", "/anomalies"])
def test_filters_that_nobody_fits_leave_no_page_broken(browser_page: Page, url: str, path: str) -> None:
    browser_page.goto(f"{url}{path}?country=Norway&min_frequency=900&from=2024-08-01")
    settle(browser_page)
    see(browser_page, "#found", re.compile("^0 of"))
    assert "could not be drawn" not in browser_page.inner_text("main")
    assert "nan" not in browser_page.inner_text("main").lower().split()


def test_the_overview_adds_up_the_chosen_days(browser_page: Page, url: str, sql: Sql) -> None:
    browser_page.goto(f"{url}/?from=2024-05-01&to=2024-06-30&country=France")
    ((gross, customers),) = sql(
        "select sum(gross_revenue), count(distinct customer_id) from sales"
        " where country = 'France' and invoice_date between '2024-05-01' and '2024-06-30'"
    )
    see(browser_page, "[data-figure='customers']", str(customers))
    shown = browser_page.locator("[data-figure='gross_revenue']").first.inner_text()
    assert shown.replace(",", "") == f"£{float(gross):.0f}"


def test_a_shared_link_shows_what_the_sender_saw(browser_page: Page, url: str, sql: Sql) -> None:
    method, segment = "audience", "Champions"
    asked = {"method": method, "segment": segment, "min_frequency": "8"}
    expected = count(sql, "audience_segment = 'Champions'", "frequency >= 8")
    browser_page.goto(f"{url}/customers?{urlencode(asked)}")
    see(browser_page, "[data-figure='customers.customers']", str(expected))
    assert browser_page.input_value("#filter-method") == METHOD_LABELS[method]
    assert browser_page.input_value("#filter-min-frequency") == "8"
    # the filters stay from page to page, and the back button brings back what was there
    browser_page.click("nav >> text=Segments")
    browser_page.wait_for_url(f"{url}/segments?{urlencode(asked)}")
    settle(browser_page)
    browser_page.go_back()
    see(browser_page, "[data-figure='customers.customers']", str(expected))
    # an old link: what can't be read is told, the rest holds
    browser_page.goto(f"{url}/customers?segment=Nobody&min_frequency=8&from=soon")
    see(browser_page, "[data-figure='customers.customers']", str(count(sql, "frequency >= 8")))
    notes = browser_page.inner_text("main")
    assert "Nobody" in notes
    assert "soon" in notes


@pytest.mark.parametrize("customer_id", HOSTILE_CUSTOMERS)
def test_a_customer_is_found_whatever_the_id(browser_page: Page, url: str, sql: Sql, customer_id: str) -> None:
    page = browser_page
    page.goto(f"{url}/")
    settle(page)
    page.fill("#filter-customer", customer_id)
    page.press("#filter-customer", "Enter")
    page.locator("#found-links a", has_text=customer_id).first.click()
    ((orders,),) = sql("select invoice_count from reporting.customer_360 where customer_id = $1", customer_id)
    see(page, "[data-figure='customer.invoice_count']", str(orders))
    assert f"/customers/{quote(customer_id, safe='')}" in page.url
    assert customer_id in page.inner_text("main")


# ---- files ---------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [{"view"}, {"view", "export"}, {"view", "operate"}])
def test_nobody_is_offered_what_their_token_would_be_refused(
    browser_page: Page, published_small: Home, roles: set[Role], sql: Sql
) -> None:
    from playwright.sync_api import expect

    page = browser_page
    # each segment's playbook has a list, and so have all customers together
    [(segments,)] = sql("select count(*) from reporting.segment_playbooks where method = 'rfm'")
    lists = segments + 1
    with served(published_small, {"a-token-of-sixteen": Caller("somebody", frozenset(roles))}) as url:
        page.goto(f"{url}/login?next=/customers")
        page.get_by_label("Token").fill("a-token-of-sixteen")
        page.get_by_role("button").click()
        for path, links, reasons in (("/customers", 2, 1), ("/playbooks", 2 * lists, lists), ("/health", 2, 1)):
            page.goto(url + path)
            settle(page)
            if path == "/customers":
                # the list is fetched, and with it the links' addresses
                page.locator(".ag-header-cell", has_text="Orders").first.click()
                settle(page)
            shown = page.locator("a[href^='/download/']:visible")
            reason = page.get_by_text("Downloads are for tokens with the role export").locator("visible=true")
            expect(shown).to_have_count(links if "export" in roles else 0)
            expect(reason).to_have_count(0 if "export" in roles else reasons)
        expect(page.get_by_role("link", name="Data Docs")).to_have_count(1 if "operate" in roles else 0)
        told = page.get_by_text("which are for tokens with the role operate")
        expect(told).to_have_count(0 if "operate" in roles else 1)


def test_downloads_hold_what_the_list_shows(browser_page: Page, url: str, sql: Sql) -> None:
    page = browser_page
    page.goto(f"{url}/customers?country=United+Kingdom")
    settle(page)
    expected = sql(
        """
        select customer_id, monetary_net::double from reporting.customer_360
        where has_purchases and country = 'United Kingdom' order by monetary_net desc, customer_id
        """
    )
    see(page, ".ag-row [col-id='customer_id']", expected[0][0])

    def fetch(label: str) -> bytes:
        with page.expect_download() as waiting:
            page.locator("a.button", has_text=label).first.click()
        return Path(waiting.value.path()).read_bytes()

    rows = list(csv.DictReader(io.StringIO(fetch("CSV").decode("utf-8-sig"))))
    # an id that a spreadsheet would run as a formula comes with an apostrophe before it
    disarmed = [("'" + name if name.startswith("=") else name, amount) for name, amount in expected]
    assert [(row["Customer"], pytest.approx(float(row["Spent"]), abs=0.0051)) for row in rows] == disarmed
    sheet = fastexcel.read_excel(fetch("Excel")).load_sheet(0, dtypes={"Customer": "string"}).to_arrow().to_pylist()
    assert [(row["Customer"], pytest.approx(row["Spent"], abs=0.0051)) for row in sheet] == expected


def test_a_row_on_its_way_is_empty_and_no_dash_says_that_it_has_no_values(browser_page: Page, url: str) -> None:
    page = browser_page
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "getRowsResponse" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    asked = re.compile("_dash-update-component")
    page.route(asked, hold)
    with page.expect_request(lambda request: "getRowsResponse" in (request.post_data or "")):
        page.goto(f"{url}/customers")
    cells = page.locator(".ag-row:has([col-id='customer_id']) .ag-cell")
    cells.first.wait_for()
    assert set(cells.all_inner_texts()) == {""}
    for route in held:
        route.continue_()
    page.unroute(asked)
    see(page, ".ag-row [col-id='monetary_net']", re.compile("£"))


def test_the_report_is_a_pdf_of_the_view(browser_page: Page, url: str) -> None:
    browser_page.goto(f"{url}/customers?country=France")
    settle(browser_page)
    address = browser_page.get_attribute("#report-link", "href")
    assert address == "/report.pdf?country=France"
    answer = httpx.get(url + address, timeout=60)
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")


def test_an_uploaded_file_gets_its_labels(browser_page: Page, url: str, tmp_path: Path) -> None:
    page = browser_page
    days = list(odd_history().items())[:60]
    header = days[0][1].partition("\n")[0]
    lines = [line for _, content in days for line in content.splitlines()[1:]]
    file = tmp_path / "upload.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    page.goto(f"{url}/classify")
    settle(page)
    page.set_input_files("#classify-upload input[type=file]", file)
    see(page, "[data-figure='delivered_lines']", f"{len(list(csv.reader(lines))):,}")
    page.locator("#classify-result .ag-row").first.wait_for()
    labelled = int(page.locator("[data-figure='labelled_customers']").inner_text())
    assert labelled > 15
    kept, aside = (
        int(page.locator(f"[data-figure='{key}']").inner_text().replace(",", ""))
        for key in ("kept_lines", "set_aside_lines")
    )
    assert kept + aside == len(list(csv.reader(lines)))
    # a file that is none is refused in words, and the page goes on
    (tmp_path / "none.csv").write_bytes(b"\x00\x01\x02 no table")
    page.set_input_files("#classify-upload input[type=file]", tmp_path / "none.csv")
    page.locator("#classify-result .note-error").first.wait_for()


# ---- publications --------------------------------------------------------------------


def test_a_publication_shows_at_the_next_click(
    browser_page: Page, published_small: Home, tmp_path: Path, sql: Sql
) -> None:
    home = Home(tmp_path)
    page, everybody = browser_page, count(sql)
    with served(home) as url:
        page.goto(f"{url}/customers")
        see(page, "main h1", "Nothing is published yet")
        home.published.parent.mkdir()
        shutil.copy(published_small.published, home.published)
        page.goto(f"{url}/customers")
        see(page, "[data-figure='customers.customers']", str(everybody))
        changed = tmp_path / "next.duckdb"
        shutil.copy(published_small.published, changed)
        with duckdb.connect(str(changed)) as connection:
            connection.execute("update reporting.customer_360 set has_purchases = false where customer_id = '10005'")
            connection.execute(
                "insert into quality.publications by name (select * replace (publication_id + 1 as publication_id,"
                " published_at + interval '1 day' as published_at) from quality.publications"
                " order by publication_id desc limit 1)"
            )
        changed.replace(home.published)
        page.click("nav >> text=Segments")
        page.wait_for_url(f"{url}/segments")
        page.click("nav >> text=Customers")
        see(page, "[data-figure='customers.customers']", str(everybody - 1))
        # away before the server goes: its ticking is no error
        page.goto("about:blank")


def test_the_theme_of_the_system_is_taken_and_a_choice_is_kept(
    browser: Browser, browser_watch: Watch, url: str
) -> None:
    context = browser.new_context(color_scheme="dark", locale="en-GB")
    browser_watch.follow(context)
    page = context.new_page()
    page.goto(f"{url}/health")
    see(page, "#theme-toggle", "Light")
    page.click("#theme-toggle")
    see(page, "#theme-toggle", "Dark")
    page.goto(f"{url}/segments")
    see(page, "#theme-toggle", "Dark")
    context.close()
    assert browser_watch.problems() == []
