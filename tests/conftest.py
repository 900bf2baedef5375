"""What every test may use: real files, published homes, a server, a browser, a clean environment."""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import CHROMIUM_VARIABLE, FLAGS, Watch, find_chromium
from tests.homes import KEPT_HOMES_VARIABLE, build_once, regulars_refresh, shared_folder
from tests.in_memory import FolderInMemory, has_room
from tests.parsed import share_one_folder
from tests.tiny_shop import CUSTOMERS, OVERRIDES, TAKEN_BACK, deliver, odd_history
from warehouse.home import Home

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

REAL_DATA_VARIABLE = "REGULARS_REAL_DATA"


def pytest_configure(config: pytest.Config) -> None:
    """A run of several processes keeps its files in memory, where there is room.

    Nothing of them is left then. A run of one process, as when somebody looks for a fault, keeps those of a test that
    failed on the disk; so does ``--basetemp=DIR``.
    """
    is_divided = bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")
    if is_divided and config.option.basetemp is None and has_room():
        folder = FolderInMemory()
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder.path)
        config.add_cleanup(folder.give_back)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The 305 daily files of the public Online Retail data."""
    folder = os.environ.get(REAL_DATA_VARIABLE)
    if not folder:
        pytest.skip(f"{REAL_DATA_VARIABLE} is not set: the public Online Retail files are not part of the project")
    return Path(folder)


@pytest.fixture(scope="session")
def published_small(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A small shop with a little of everything, published twice. Read-only: copy what you change.

    240 days from 1 January 2024, Saturdays closed: eight months of sales (some 4,200 lines,
    1,450 invoices), returns matched in full, in part and not at all, and set-aside lines of
    seven dispositions. Seventy-odd customers in five countries: ids as in ``HOSTILE_CUSTOMERS``,
    one with returns only (10998), twenty enriched by a customer file. The first twelve
    products have ``HOSTILE_DESCRIPTIONS``. Spikes on 10 April and a quiet 19 July.
    The second publication brought the days from 17 July on and three overrides (active,
    unknown segment, expired) and took customer 10999 back, so that
    ``reporting.audience_changes`` has customers who joined, moved and are gone.
    """
    history = odd_history()
    first = dict(list(history.items())[:170])
    first["2024-03-04.csv"] += TAKEN_BACK

    def build(home: Home) -> None:
        deliver(home.landing, {**first, "customers.csv": CUSTOMERS})
        regulars_refresh(home)
        deliver(home.landing, {**history, "overrides.csv": OVERRIDES})
        regulars_refresh(home)

    return build_once(shared_folder(tmp_path_factory), "small", build)


@pytest.fixture(scope="session")
def published_real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The 305 real files with default settings, published once. Read-only: copy what you change."""
    return build_once(
        shared_folder(tmp_path_factory),
        "real",
        lambda home: regulars_refresh(home, "--landing", str(real_data)),
    )


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Home], str]]:
    """Serve a home until the module's tests are over: ``url = serve(published_small)``."""
    from tests.server import served

    addresses: dict[Path, str] = {}
    with ExitStack() as servers:

        def start(home: Home) -> str:
            if home.root not in addresses:
                addresses[home.root] = servers.enter_context(served(home))
            return addresses[home.root]

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Headless Chromium; skips where there is none.

    For one module only: while it runs, so does its event loop, which other tests may not expect.
    """
    chromium = find_chromium()
    if chromium is None:
        pytest.skip(f"no Chromium on PATH, and {CHROMIUM_VARIABLE} names none")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def browser_watch() -> Watch:
    """What goes wrong in ``browser_page``: ``browser_watch.allow("404")`` before it is expected."""
    return Watch()


@pytest.fixture
def browser_page(browser: "Browser", browser_watch: Watch) -> Iterator["Page"]:
    """A page of its own; at the end there were no errors on it and no request left this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB", timezone_id="UTC")
    browser_watch.follow(context)
    yield context.new_page()
    context.close()
    assert browser_watch.problems() == []


@pytest.fixture(autouse=True)
def _settings_from_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the person who runs the tests must not bend them."""
    for name in list(os.environ):
        if name.startswith("REGULARS_") and name not in (
            REAL_DATA_VARIABLE,
            CHROMIUM_VARIABLE,
            KEPT_HOMES_VARIABLE,
        ):
            monkeypatch.delenv(name)


gc.set_threshold(200_000, 20, 20)
share_one_folder()
