"""Fifty people at once on the server: how long they wait, and whether anything fails.

    python -m benchmarks.serving [--home DIR] [--users 50] [--seconds 60] [--write]

Serves a home's published snapshot in a process of its own (by default one made for this from
the real files where REGULARS_REAL_DATA names them, else from the sample). First one user alone
asks everything that will be asked, for the baseline, and then changes filters on every page, so
that much is looked at for the first time. Then all users come: each opens pages with
filters of their own, pages through lists and asks the interface, with one to three seconds of
thought between two questions. Waits are also told as multiples of the same question asked
alone, because a machine's speed says nothing of the server. ``--write`` puts the tables into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.documents import write_section
from benchmarks.refresh import DOCUMENT
from tests.server import drawing_request

SEED = 20111209
THOUGHT_SECONDS = (1.0, 3.0)
PAGES = ("/", "/segments", "/customers", "/playbooks", "/anomalies", "/health")
INTERFACE = ("summary", "revenue/monthly", "segments", "segments/profiles", "playbooks", "anomalies", "accounting")
START_SECONDS = 60
CHANGES = 240
"""Filters that one person changes alone."""
MOST_CHANGE_MS, MOST_MS = 200, 600
"""What 95 of 100 have to stay within: of those changes; of pages with all users."""


@dataclass
class Shop:
    """What can be asked about."""

    segments: list[str]
    countries: list[str]
    customers: list[str]
    days: list[str]


@dataclass
class Waits:
    """Seconds that each kind of question took, and what failed."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failures: dict[str, int] = field(default_factory=lambda: defaultdict(int))


Question = tuple[str, Callable[[httpx.AsyncClient], Any]]


def some_filters(shop: Shop, rng: random.Random) -> str:
    """The query of a view: mostly everything, else one filter or two."""
    choices: list[list[tuple[str, str]]] = [
        [("segment", rng.choice(shop.segments))],
        [("country", rng.choice(shop.countries))],
        [("from", rng.choice(shop.days))],
        [("min_frequency", str(rng.randint(2, 6)))],
        [("min_clv", str(rng.choice((50, 100, 500))))],
        [("customer", rng.choice(shop.customers)[:3])],
    ]
    chosen = rng.sample(choices, rng.choice((0, 0, 1, 1, 2)))
    return urlencode([pair for pairs in chosen for pair in pairs])


def page(path: str, query: str, theme: str) -> Question:
    """What a browser asks when somebody opens a page: the callback that draws it."""
    body = drawing_request(path, query, theme)
    kind = "page " + ("/customers/…" if path.count("/") > 1 else path)
    return kind, lambda client: client.post("/_dash-update-component", json=body)


def rows(query: str, start: int, column: str) -> Question:
    """What the list of customers asks while somebody scrolls and sorts."""
    identity = {"context": "", "list": "customers"}
    # the callback goes by its pattern, what it writes to by the ids
    anywhere = {"context": ["MATCH"], "list": ["MATCH"]}

    def named(part: str) -> str:
        return json.dumps({**anywhere, "part": part}, separators=(",", ":"))

    outputs = [("grid", "getRowsResponse"), ("rows", "children"), ("csv", "href"), ("xlsx", "href")]
    body = {
        "output": "..{}..".format("...".join(f"{named(part)}.{name}" for part, name in outputs)),
        "outputs": [{"id": identity | {"part": part}, "property": name} for part, name in outputs],
        "inputs": [
            {
                "id": identity | {"part": "grid"},
                "property": "getRowsRequest",
                "value": {
                    "startRow": start,
                    "endRow": start + 100,
                    "filterModel": {},
                    "sortModel": [{"colId": column, "sort": "desc"}],
                },
            }
        ],
        "state": [
            {"id": identity | {"part": "grid"}, "property": "id", "value": identity | {"part": "grid"}},
            {"id": "url", "property": "search", "value": f"?{query}" if query else ""},
        ],
        "changedPropIds": [f"{json.dumps(identity | {'part': 'grid'}, separators=(',', ':'))}.getRowsRequest"],
    }
    return "list rows", lambda client: client.post("/_dash-update-component", json=body)


def ask(path: str, query: str) -> Question:
    """A question to the interface."""
    url = f"/api/v1/{path}" + (f"?{query}" if query else "")
    kind = "api " + ("customers/…" if path.startswith("customers/") else path)
    return kind, lambda client: client.get(url)


def next_question(shop: Shop, rng: random.Random) -> Question:
    """Half pages, a quarter lists, a quarter the interface."""
    query = some_filters(shop, rng)
    dice = rng.random()
    if dice < 0.5:
        path = rng.choice((*PAGES, f"/customers/{rng.choice(shop.customers)}"))
        return page(path, query, rng.choice(("light", "dark")))
    if dice < 0.75:
        return rows(query, rng.randrange(0, 2_000, 100), rng.choice(("monetary_net", "clv", "recency_days")))
    if dice < 0.85:
        return ask("customers", query + ("&" if query else "") + f"limit=100&offset={rng.randrange(0, 1_000, 100)}")
    if dice < 0.9:
        return ask(f"customers/{rng.choice(shop.customers)}", "")
    path = rng.choice(INTERFACE)
    return ask(path, query if path in ("summary", "revenue/monthly", "segments", "segments/profiles") else "")


def every_question(shop: Shop) -> list[Question]:
    """One of each kind, for the baseline."""
    first = shop.customers[0]
    return [
        *(page(path, "", "light") for path in (*PAGES, f"/customers/{first}")),
        rows("", 0, "monetary_net"),
        ask("customers", "limit=100"),
        ask(f"customers/{first}", ""),
        *(ask(path, "") for path in INTERFACE),
    ]


async def put(client: httpx.AsyncClient, question: Question, waits: Waits) -> None:
    """Ask, and keep how long it took; an answer that says it failed counts as a failure."""
    kind, send = question
    started = time.perf_counter()
    try:
        response = await send(client)
        # a page that can't be drawn says so with status 200
        is_failed = response.status_code != 200 or "could not be drawn" in response.text
    except httpx.HTTPError as error:
        is_failed = True
        print(f"{kind}: {type(error).__name__} {error}", file=sys.stderr)
    if is_failed:
        waits.failures[kind] += 1
    waits.seconds[kind].append(time.perf_counter() - started)


async def alone(client: httpx.AsyncClient, shop: Shop, *, rounds: int) -> dict[str, float]:
    """Median seconds of each kind for one user; the first round only warms up."""
    waits = Waits()
    for number in range(rounds + 1):
        for question in every_question(shop):
            await put(client, question, waits if number else Waits())
    if waits.failures:
        sys.exit(f"Failures with one user alone: {dict(waits.failures)}")
    return {kind: statistics.median(seconds) for kind, seconds in waits.seconds.items()}


async def changes(client: httpx.AsyncClient, shop: Shop) -> Waits:
    """One person who changes filters, page after page, without a pause."""
    rng = random.Random(SEED)
    waits = Waits()
    for number in range(CHANGES):
        query = ""
        while not query:
            query = some_filters(shop, rng)
        await put(client, page(PAGES[number % len(PAGES)], query, "light"), waits)
    return waits


async def visitor(url: str, shop: Shop, seed: int, until: float, waits: Waits) -> None:
    """One person, thinking between two questions."""
    rng = random.Random(seed)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.sleep(rng.uniform(0, THOUGHT_SECONDS[1]))
        while time.perf_counter() < until:
            await put(client, next_question(shop, rng), waits)
            await asyncio.sleep(rng.uniform(*THOUGHT_SECONDS))


async def read_shop(client: httpx.AsyncClient) -> Shop:
    """What there is to ask about."""

    async def data(path: str) -> list[dict[str, Any]]:
        response = await client.get(f"/api/v1/{path}")
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()["data"]
        return found

    return Shop(
        segments=[row["segment"] for row in await data("segments")],
        countries=[row["country"] for row in await data("revenue/countries")][:8],
        customers=[row["customer_id"] for row in await data("customers?limit=1000")],
        days=[row["month_start"] for row in await data("revenue/monthly")],
    )


async def measure(url: str, *, users: int, seconds: float) -> tuple[dict[str, float], Waits, Waits]:
    """Alone first, then with filters that change, then all at once."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        shop = await read_shop(client)
        baseline = await alone(client, shop, rounds=3)
        changed = await changes(client, shop)
    waits = Waits()
    until = time.perf_counter() + seconds
    await asyncio.gather(*(visitor(url, shop, SEED + number, until, waits) for number in range(users)))
    return baseline, changed, waits


def as_markdown(baseline: dict[str, float], changed: Waits, waits: Waits, *, users: int, seconds: float) -> str:
    """The tables."""
    asked = sum(map(len, waits.seconds.values()))
    alone_ms = at(0.95, (second for taken in changed.seconds.values() for second in taken)) * 1000
    table = [
        "| asked for | requests | alone, ms | p50, ms | p95, ms | longest, ms | p95 ÷ alone |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups = {"all pages": "page ", "all lists": "list ", "all of the interface": "api "}
    for kind, prefix in [*((kind, kind) for kind in sorted(waits.seconds)), *groups.items()]:
        members = [name for name in waits.seconds if name == kind or (kind in groups and name.startswith(prefix))]
        taken = [second for name in members for second in waits.seconds[name]]
        if not taken:
            continue
        own = statistics.mean(baseline[name] for name in members)
        p50, p95 = at(0.5, taken), at(0.95, taken)
        cells = [f"{len(taken):,}", *(f"{second * 1000:.0f}" for second in (own, p50, p95, max(taken)))]
        table.append(f"| {' | '.join([kind, *cells, f'{p95 / own:.0f}'])} |")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return "\n".join(
        [
            f"One person who changes {CHANGES} filters, page after page: p95 {alone_ms:.0f} ms at the server (goal ≤ "
            f"{MOST_CHANGE_MS}).",
            "",
            f"{users} people for {seconds:g} s on the {os.cpu_count()} cores that ask as well (load {load} at the "
            f"end): {asked:,} requests, {asked / seconds:.1f} a second, {sum(waits.failures.values())} failed. The "
            f"goal for pages is a p95 of ≤ {MOST_MS} ms.",
            "",
            *table,
        ]
    )


def at(share: float, seconds: Iterable[float]) -> float:
    """The wait that this share of all stays within."""
    taken = sorted(seconds)
    return taken[min(len(taken) - 1, int(share * len(taken)))]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    sys.exit("The server did not start.")


def published_home(folder: Path) -> Path:
    """A home with a snapshot, made for this."""
    real = os.environ.get("REGULARS_REAL_DATA")
    home = folder / "home"
    command = [sys.executable, "-m", "orchestration.cli", "refresh", "--home", str(home)]
    print("Making a snapshot of the real files …" if real else "Making a snapshot of the sample …", flush=True)
    command += ["--landing", real] if real else ["--sample-if-empty"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return home


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home with a published snapshot")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="regulars-bench-") as folder:
        home = given.home or published_home(Path(folder))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", "serve", "--home", str(home), "--port", str(port)],
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for(url, server)
            baseline, changed, waits = asyncio.run(measure(url, users=given.users, seconds=given.seconds))
        finally:
            server.terminate()
            server.wait(timeout=20)
    text = as_markdown(baseline, changed, waits, users=given.users, seconds=given.seconds)
    print(text)
    if given.write:
        write_section(DOCUMENT, "what people wait", "Pages, lists and the HTTP interface", text)
    if failed := {**changed.failures, **waits.failures}:
        sys.exit(f"Failed: {failed}")


if __name__ == "__main__":
    main()
