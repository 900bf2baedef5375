"""What a browser fetches on a first visit, page by page, and on a second one.

    python -m benchmarks.first_visit [--home DIR]

Serves a home's published snapshot (by default the sample's, made for this), opens each page of the
dashboard in a headless Chromium with an empty cache, then once more with the full one, and adds up the
bytes on the wire as the browser counts them: headers, and bodies as they were sent.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.serving import published_home
from tests.browser import FLAGS, fetched_bytes, find_chromium
from tests.server import served
from warehouse.home import Home

PAGES = ("/", "/segments", "/clusters", "/customers", "/playbooks", "/anomalies", "/figures", "/health", "/classify")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home with a published snapshot")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder, sync_playwright() as playwright:
        home = Home(given.home or published_home(Path(folder)))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        with served(home) as url:
            print(f"{'page':12} {'first visit':>14} {'second':>12}")
            for path in PAGES:
                first, second = fetched_bytes(browser, url + path)
                print(f"{path:12} {first:>8,} bytes {second:>6,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
