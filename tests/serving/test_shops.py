"""One page over all shops: what is told of each, what nobody may see there, and that no shop hides another."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import uvicorn
from starlette.testclient import TestClient

from serving.security import EVERY_ROLE, Caller
from serving.shops.listing import read_shops
from serving.shops.page import create_shops_app
from tests.command import regulars
from warehouse.errors import SettingsError
from warehouse.home import Home
from warehouse.last_refresh import RefreshNote, note_last_refresh
from warehouse.stopped import StoppedRefresh, note_stopped

if TYPE_CHECKING:
    from playwright.sync_api import Page

TOKEN = "a-token-of-a-test-long-enough"
ENDED = datetime(2026, 12, 1, 5, 2, tzinfo=UTC)


def shop(of: Home, folder: Path, *statements: str) -> Home:
    """A home with a copy of what another has published, after these statements."""
    home = Home(folder)
    home.published.parent.mkdir(parents=True)
    shutil.copyfile(of.published, home.published)
    with duckdb.connect(str(home.published)) as connection:
        # made an hour ago
        made = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%d %H:%M:%S}"
        for statement in (f"update quality.publications set published_at = timestamp '{made}'", *statements):
            connection.execute(statement)
    note_last_refresh(home, RefreshNote("0123456789", "succeeded", ENDED - timedelta(minutes=2), ENDED))
    return home


@pytest.fixture
def listed(published_small: Home, tmp_path: Path) -> Path:
    """Four shops: one that is well, one that was stopped and is old, one that is damaged, one that is gone."""
    # no check of it has a remark
    shop(published_small, tmp_path / "shoes", "update quality.validation_results set status = 'passed'")
    hats = shop(
        published_small,
        tmp_path / "hats",
        "update quality.validation_results set status = 'passed'",
        """
        update quality.validation_results set status = 'failed', severity = 'error', message = '£1,234.56 is lost'
        where layer = 'ml' and check_name = (select min(check_name) from quality.validation_results where layer = 'ml')
        """,
    )
    note_last_refresh(hats, RefreshNote("9876543210", "failed", ENDED, ENDED + timedelta(minutes=1)))
    note_stopped(
        hats, StoppedRefresh("9876543210", ENDED, ("Check net_adds_up failed.",), ("£99.10 of someone@x.com",))
    )
    gloves = Home(tmp_path / "gloves")
    gloves.published.parent.mkdir(parents=True)
    gloves.published.write_bytes(b"no database")
    (tmp_path / "hats.toml").write_text("[freshness]\nmax_age_hours = 0.5\n")
    (tmp_path / "shops.toml").write_text(
        """
        [[shops]]
        name = "Shoes <i>& Boots"
        home = "shoes"
        pages = "https://shoes.example.com/"
        dagster = "http://127.0.0.1:3001"
        [[shops]]
        name = "Hats"
        home = "hats"
        settings = "hats.toml"
        [[shops]]
        name = "Gloves"
        home = "gloves"
        [[shops]]
        name = "Scarves"
        home = "scarves"
        """
    )
    return tmp_path / "shops.toml"


def asked(listed: Path, tokens: dict[str, Caller] | None = None) -> TestClient:
    return TestClient(create_shops_app(read_shops(listed), tokens=tokens), base_url="http://127.0.0.1")


def by_name(client: TestClient) -> dict[str, dict]:
    return {one["name"]: one for one in client.get("/shops.json").json()}


def test_each_shop_is_told_with_what_needs_a_look(listed: Path) -> None:
    told = by_name(asked(listed))
    assert list(told) == ["Shoes <i>& Boots", "Hats", "Gloves", "Scarves"]
    well = told["Shoes <i>& Boots"]
    assert (well["state"], well["faults"], well["remarks"], well["open_checks"]) == ("fine", [], [], [])
    assert well["last_refresh"] == {"outcome": "succeeded", "ended_at": "2026-12-01T05:02:00+00:00"}
    hats = told["Hats"]
    assert hats["last_refresh"]["outcome"] == "failed"
    assert hats["faults"][:3] == [
        "1 check failed.",
        "The newest refresh was stopped, and figures are from before it.",
        "Check net_adds_up failed.",
    ]
    # made an hour ago where half of one is allowed
    assert hats["faults"][3].startswith("What readers see was made 1 hour ago, ")
    assert told["Gloves"]["faults"] == [
        "What is published, or a note beside it, can't be read. `regulars status` says why."
    ]
    assert told["Scarves"]["faults"] == ["Its home is not there: it was moved, or its disk is not mounted."]


def test_no_amount_address_or_path_of_the_machine_is_shown(listed: Path, tmp_path: Path) -> None:
    client = asked(listed)
    for shown in (client.get("/").text, client.get("/shops.json").text):
        for secret in ("1,234.56", "99.10", "a@x.com", "£", str(tmp_path)):
            assert secret not in shown


def test_names_and_addresses_are_text_and_links(listed: Path) -> None:
    page = asked(listed).get("/").text
    assert "Shoes &lt;i&gt;&amp; Boots" in page and "<i>" not in page
    assert 'href="https://shoes.example.com/"' in page
    assert 'href="https://shoes.example.com/health"' in page
    assert 'href="http://127.0.0.1:3001"' in page
    assert "4 shops, 3 to look at" in page


def test_a_monitor_is_told_how_many_need_a_look_and_no_names(listed: Path) -> None:
    answer = asked(listed).get("/readyz")
    assert (answer.status_code, answer.text) == (503, "4 shops, 3 of them to look at")
    first = listed.read_text().partition('[[shops]]\n        name = "Hats"')[0]
    listed.write_text(first)
    answer = asked(listed).get("/readyz")
    assert (answer.status_code, answer.text) == (200, "1 shop, 0 of them to look at")


def test_a_publication_and_a_home_that_comes_back_are_seen_at_the_next_look(listed: Path, tmp_path: Path) -> None:
    client = asked(listed)
    assert by_name(client)["Scarves"]["state"] == "broken"
    shutil.copytree(tmp_path / "shoes", tmp_path / "scarves")
    assert by_name(client)["Scarves"]["state"] == "fine"


def test_with_tokens_nobody_without_one_sees_a_shop(listed: Path) -> None:
    client = asked(listed, {TOKEN: Caller("owner", EVERY_ROLE)})
    for path in ("/", "/shops.json"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    # a browser is sent to the way in, and a probe let through
    answer = client.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/")
    assert client.get("/healthz").status_code == 200
    client.post("/login", data={"token": TOKEN})
    assert "Hats" in client.get("/").text


def test_another_name_than_the_machines_own_is_refused_on_loopback(listed: Path) -> None:
    assert asked(listed).get("/", headers={"Host": "evil.example.com"}).status_code == 400


def test_an_address_that_others_reach_needs_a_token(listed: Path) -> None:
    done = regulars("shops", str(listed), "--host", "0.0.0.0", home=listed.parent)
    assert done.returncode == 2
    assert "a token is required: set REGULARS_SERVE_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "shops: Field required"),
        ("[[shops]]\nname = 'A'\nhome = 'a'\ncolour = 'red'\n", "shops.0.colour: Extra inputs are not permitted"),
        ("[[shops]]\nname = 'A'\nhome = 'a'\npages = 'javascript:alert(1)'\n", "shops.0.pages: String should match"),
        ("[[shops]]\nname = 'A'\nhome = 'a'\n[[shops]]\nname = 'A'\nhome = 'b'\n", "two shops have the name A"),
        ("[[shops]]\nname = 'A'\nhome = 'a'\n[[shops]]\nname = 'B'\nhome = 'a'\n", "two shops have the home a"),
        ("shops", "is not valid TOML"),
    ],
)
def test_a_list_that_can_not_be_used_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "shops.toml").write_text(text)
    with pytest.raises(SettingsError) as refused:
        read_shops(tmp_path / "shops.toml")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@contextmanager
def served(listed: Path) -> Iterator[str]:
    config = uvicorn.Config(create_shops_app(read_shops(listed)), port=0, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def test_the_page_is_readable_for_all_and_on_a_phone(browser_page: "Page", listed: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with served(listed) as url:
        browser_page.goto(url)
        assert browser_page.locator("article").count() == 4
        found = Axe().run(browser_page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
        browser_page.set_viewport_size({"width": 390, "height": 800})
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_page_that_stays_open_shows_what_happened_since(browser_page: "Page", listed: Path, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    with served(listed) as url:
        browser_page.clock.install()
        browser_page.goto(url)
        assert "3 to look at" in browser_page.title()
        shutil.copytree(tmp_path / "shoes", tmp_path / "scarves")
        browser_page.clock.fast_forward(61_000)
        expect(browser_page).to_have_title(re.compile("2 to look at"), timeout=30_000)
