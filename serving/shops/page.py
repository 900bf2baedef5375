"""The page, the same for programs, and the small server of both.

Belongs here: how shops are shown, and who is let in. Does not belong here: what there is to show
(:mod:`serving.shops.standing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from serving.listening import listen
from serving.security import (
    LOOPBACK_NAMES,
    Caller,
    ForeignSites,
    SecurityHeaders,
    TokenGuard,
    content_security_policy,
    is_loopback,
    required_tokens,
)
from serving.shops.listing import Shops, read_shops
from serving.shops.standing import ShopStanding, reader_of, stand_of
from warehouse.freshness import Age, in_words
from warehouse.last_refresh import RefreshNote
from warehouse.wording import moment, plural

MOST_LINES = 6
_ASSETS = {
    "login.css": Path(__file__).parents[1] / "dashboard" / "assets",
    "style.css": Path(__file__).parents[1] / "dashboard" / "assets",
    "shops.css": Path(__file__).parent / "assets",
    "shops.js": Path(__file__).parent / "assets",
}
_STATES = {"fine": "All well", "remarks": "Remarks", "broken": "Needs a look"}


def create_shops_app(shops: Shops, *, host: str = "127.0.0.1", tokens: Mapping[str, Caller] | None = None) -> Starlette:
    """The application; ``host`` and ``tokens`` as for :func:`serving.server.create_app`."""
    readers = [(shop, reader_of(shop)) for shop in shops.shops]

    def look() -> list[ShopStanding]:
        at = datetime.now(UTC)
        return [stand_of(shop, reader, at) for shop, reader in readers]

    # plain functions, which Starlette runs in threads: each opens files
    def page(_: Request) -> Response:
        return HTMLResponse(_page(look()))

    def programs(_: Request) -> Response:
        return JSONResponse([_as_json(one) for one in look()])

    def ready(_: Request) -> Response:
        standings = look()
        broken = sum(one.state == "broken" for one in standings)
        told = f"{plural(len(standings), 'shop')}, {broken} of them to look at"
        return PlainTextResponse(told, 503 if broken else 200, {"Cache-Control": "no-store"})

    def alive(_: Request) -> Response:
        return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        folder = _ASSETS.get(name)
        return (
            PlainTextResponse("There is nothing at this address.", 404)
            if folder is None
            else FileResponse(folder / name)
        )

    middleware = [
        Middleware(SecurityHeaders, policy=content_security_policy([])),
        *([Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK_NAMES))] if is_loopback(host) else []),
        Middleware(ForeignSites),
        *([Middleware(TokenGuard, tokens=tokens)] if tokens else []),
    ]
    routes = [
        Route("/", page),
        Route("/shops.json", programs),
        Route("/readyz", ready),
        Route("/healthz", alive),
        Route("/assets/{name}", asset),
    ]
    return Starlette(routes=routes, middleware=middleware)


def serve_shops(path: Path, *, host: str, port: int, on_start: Callable[[str, int], None] | None = None) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    path
        The file that lists the shops.
    on_start
        Told the address once it is ours, and how many shops there are.

    Raises
    ------
    SettingsError
        If the file can't be used; else as :func:`serving.server.serve`.
    """
    shops = read_shops(path)
    tokens = required_tokens(host, shops.serve)
    app = create_shops_app(shops, host=host, tokens=tokens)
    config = uvicorn.Config(app, log_level="warning", server_header=False, ws="none", lifespan="off")
    listening = listen(host, port)
    if on_start:
        on_start(f"http://{f'[{host}]' if ':' in host else host}:{port}", len(shops.shops))
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=listening)


def _page(standings: Sequence[ShopStanding]) -> str:
    broken = sum(one.state == "broken" for one in standings)
    told = f"{plural(len(standings), 'shop')}, " + (f"{broken} to look at" if broken else "nothing to do")
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(told)} · Regulars</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/style.css"><link rel="stylesheet" href="/assets/shops.css">
<script src="/assets/shops.js" defer></script></head>
<body><main class="shops"><header><h1>Shops</h1><p>{escape(told)}. Looked at {escape(moment(datetime.now(UTC)))}; \
the page looks again each minute.</p></header>
{"".join(map(_card, standings))}
</main></body></html>"""


def _card(one: ShopStanding) -> str:
    shop = one.shop
    links = [
        f'<a href="{escape(address)}">{what}<span class="unseen"> of {escape(shop.name)}</span></a>'
        for what, address in (
            ("Pages", shop.pages),
            ("Data health", shop.pages and f"{shop.pages.rstrip('/')}/health"),
            ("Dagster", shop.dagster),
        )
        if address
    ]
    facts = [(name, _age(age)) for name, age in zip(("Published", "Delivered"), one.ages, strict=False)]
    facts.append(("Last refresh", _last(one.last_refresh)))
    if one.checks:
        facts.append(("Checks", f"{one.checks - len(one.open_checks)} of {one.checks} passed"))
    sample = " <small>made-up history</small>" if one.is_sample else ""
    return f"""<article class="shop {one.state}" aria-labelledby="{_id(shop.name)}">
<h2 id="{_id(shop.name)}">{escape(shop.name)}{sample}</h2><p class="state">{_STATES[one.state]}</p>
<dl>{"".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)}</dl>
{_lines("faults", one.faults)}{_lines("remarks", [*one.remarks, *one.open_checks])}
<p class="links">{" ".join(links)}</p></article>"""


def _lines(name: str, lines: Sequence[str]) -> str:
    shown = [*lines[:MOST_LINES], *([f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else [])]
    return f'<ul class="{name}">{"".join(f"<li>{escape(line)}</li>" for line in shown)}</ul>' if lines else ""


def _id(name: str) -> str:
    return "shop-" + "".join(letter if letter.isalnum() else f"-{ord(letter)}-" for letter in name)


def _age(age: Age) -> str:
    if age.hours is None:
        return "never"
    when = f"{in_words(-age.hours)} ahead of the clock" if age.is_ahead else f"{in_words(age.hours)} ago"
    return when if age.limit_hours is None else f"{when}; at most {age.limit_hours:g} hours are allowed"


def _last(note: RefreshNote | None) -> str:
    if note is None:
        return "not known"
    return note.outcome if note.ended_at is None else f"{note.outcome}, {moment(note.ended_at)}"


def _as_json(one: ShopStanding) -> dict[str, Any]:
    last = one.last_refresh
    return {
        "name": one.shop.name,
        "state": one.state,
        "published_at": one.ages[0].at.isoformat() if one.ages and one.ages[0].at else None,
        "last_refresh": None
        if last is None
        else {"outcome": last.outcome, "ended_at": last.ended_at and last.ended_at.isoformat()},
        "checks": one.checks,
        "open_checks": one.open_checks,
        "faults": one.faults,
        "remarks": one.remarks,
        "is_sample": one.is_sample,
        "pages": one.shop.pages,
        "dagster": one.shop.dagster,
    }
