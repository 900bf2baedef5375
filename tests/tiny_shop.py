"""Made-up deliveries of a tiny shop, as files: name to content.

Belongs here: what is delivered. Does not belong here: refreshing it.
"""

import csv
import io
import os
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def small_history(days: int = 45, customers: int = 30, seed: int = 7) -> dict[str, str]:
    """Daily files of a tiny shop, Saturdays closed: file name to content."""
    rng = random.Random(seed)
    files = {}
    invoice = 600_000
    for number in range(days):
        day = datetime(2024, 1, 1) + timedelta(days=number)
        if day.weekday() == 5:
            continue
        lines = []
        for _ in range(rng.randint(4, 8)):
            invoice += 1
            customer = 10_000 + int(customers * rng.random() ** 2)
            at = day + timedelta(hours=rng.randint(9, 17), minutes=rng.randint(0, 59))
            for code in rng.sample(range(20_000, 20_040), rng.randint(1, 4)):
                price = 1 + (code % 7) * 0.85
                lines.append(
                    f"{invoice},{code},ITEM {code},{rng.randint(1, 12)},{at},{price:.2f},{customer}.0,United Kingdom\n"
                )
        files[f"{day:%Y-%m-%d}.csv"] = HEADER + "".join(lines)
    return files


def deliver(landing: Path, files: dict[str, str]) -> None:
    """Put files into landing as if they had been there for a while."""
    landing.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = landing / name
        path.write_text(content)
        os.utime(path, (1_700_000_000, 1_700_000_000))


HOSTILE_DESCRIPTIONS = (
    "=1+1",
    "+SUM(A1:A9)",
    "-2+3 CANDLE",
    "@HYPERLINK BOX",
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    'THE "QUOTED" MUG, LARGE',
    "O'BRIEN'S TIN; drop table marts.dim_customers; --",
    "🎁 GIFT WRAP 🎀",
    "{{ 7 * 7 }} ${jndi} %s {0}",
    "DAMENHANDSCHUHE WEISS ÄÖÜ ß",
    "CARD " + "VERY " * 40 + "LONG",
)
"""Names of the first stock codes of :func:`odd_history`, from 20000 on."""

HOSTILE_CUSTOMERS = ("0042", "O'NEIL & SON/1", "<B>10</B>", "=CMD|'X'!A1")
"""Customer numbers that nobody should have, and that a shop's till can still write."""

_COUNTRIES = ("United Kingdom",) * 6 + ("France", "Germany", "EIRE", "Norway")


def odd_history(days: int = 240, customers: int = 80, seed: int = 11) -> dict[str, str]:
    """Daily files of a small shop that has a little of everything; see ``published_small``."""
    rng = random.Random(seed)
    files = {}
    invoice = 700_000
    bought: list[tuple[str, str, int, str, str, str]] = []
    for number in range(days):
        day = datetime(2024, 1, 1) + timedelta(days=number)
        if day.weekday() == 5:
            continue
        lines: list[Iterable[object]] = []
        # new customers come all along, so that every month has a cohort
        known = 20 + (customers - 20) * number // days
        # two days that nobody would call usual
        for _ in range({100: 60, 200: 1}.get(number, rng.randint(4, 9))):
            invoice += 1
            customer = int(known * rng.random() ** 1.6)
            name = HOSTILE_CUSTOMERS[customer] if customer < len(HOSTILE_CUSTOMERS) else f"{10_000 + customer}.0"
            if rng.random() < 0.08:
                name = ""
            country = _COUNTRIES[customer % len(_COUNTRIES)]
            at = day + timedelta(hours=rng.randint(9, 17), minutes=rng.randint(0, 59))
            for code in sorted(rng.sample(range(40), rng.randint(1, 5))):
                described = HOSTILE_DESCRIPTIONS[code] if code < len(HOSTILE_DESCRIPTIONS) else f"ITEM {code} MUG"
                units, price = rng.randint(1, 12), f"{1 + (code % 7) * 0.85:.2f}"
                lines.append((invoice, 20_000 + code, described, units, at, price, name, country))
                if name:
                    bought.append((str(20_000 + code), described, units, price, name, country))
        if number % 4 == 1:
            # an earlier purchase comes back: whole, in part, and once something never bought
            code, described, units, price, name, country = rng.choice(bought)
            back = units if number % 8 == 1 else 1
            lines.append((f"C{800_000 + number}", code, described, -back, day, price, name, country))
        if number % 12 == 2:
            lines.append((f"C{810_000 + number}", 20_099, "NEVER SOLD", -3, day, "2.50", "10998.0", _COUNTRIES[0]))
        if number % 10 == 3:
            lines.append(lines[0])  # exact repeat
            lines.append((820_000 + number, "POST", "POSTAGE", 1, day, "18.00", "10010.0", "France"))
            lines.append((830_000 + number, 20_015, "damaged?", -4, day, "0", "", _COUNTRIES[0]))
            lines.append((840_000 + number, 20_016, "FREE SAMPLE", 2, day, "0.00", "10011.0", "Germany"))
        if number % 60 == 5:
            lines.append((f"A{850_000 + number}", "B", "Adjust bad debt", 1, day, "-12.34", "", _COUNTRIES[0]))
            lines.append((860_000 + number, 20_017, "UNREADABLE", "many", day, "2.00", "10012.0", _COUNTRIES[0]))
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(lines)
        files[f"{day:%Y-%m-%d}.csv"] = HEADER + written.getvalue()
    return files


TAKEN_BACK = f"870000,20020,ITEM 20 MUG,1,2024-03-04 12:00:00,3.55,10999.0,{_COUNTRIES[0]}\n"
"""A line of 4 March that the next delivery of that day no longer has: its customer is gone again."""

CUSTOMERS = "Customer_ID,Age,Gender,Location\n" + "".join(
    f"{10_000 + number},{20 + number},{'f' if number % 2 else 'm'},{town}\n"
    for number, town in enumerate(["Leeds", '"Cork, ""old"" town"', "<b>Oslo</b>", "=1+1", "Köln"] * 4, start=4)
)
"""Who some of the customers are."""

OVERRIDES = (
    "Customer ID;Segment;Reason;Author;Expires On\n"
    "10005;can’t lose;=1+1 our <b>first</b> customer;Ada;31.12.2030\n"
    "10006;Nowhere;a slip;Ben;31.12.2030\n"
    "10007;Champions;of last year;Ben;01.02.2024\n"
)
"""An override that holds, one that names no segment, and one that is over."""
