"""A figure reads the same in a list, which the browser writes, as everywhere else."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import serving.dashboard
from warehouse.wording import clock_time, count, day, money, number, percent, units

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPT = Path(serving.dashboard.__file__).parent / "assets" / "tables.js"
# halves, what rounds to nothing, both signs, thousands, and what no float holds exactly
VALUES = [
    0,
    0.5,
    1.5,
    2.5,
    -2.5,
    0.125,
    12.25,
    12.35,
    6.75,
    -0.004,
    -0.04,
    -0.4,
    99.995,
    1234567.891,
    -98765.4321,
    0.25,
    -0.0005,
    -0.0006,
    1000.0625,
    1e12,
]


def test_lists_write_numbers_as_everything_else_does(browser_page: "Page") -> None:
    browser_page.goto("about:blank")
    browser_page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    written = browser_page.evaluate(
        """values => values.map(value => {
            const formats = window.dashAgGridFunctions.regularsFormat;
            return [
                formats.count(value), formats.units(value), formats.number(value), formats.money(value, "£", 2),
                formats.money(value, "¥", 0),
                formats.percent(value),
            ];
        })""",
        [*VALUES, None],
    )
    assert written == [
        [
            *(count(value), units(value), number(value, 2), money(value, "GBP", pence=True)),
            *(money(value, "JPY", pence=True), percent(value)),
        ]
        for value in [*VALUES, None]
    ]


def test_lists_write_days_as_everything_else_does(browser_page: "Page") -> None:
    browser_page.goto("about:blank")
    browser_page.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    moments = [datetime(2011, month, 9, 8, 5) for month in range(1, 13)]
    written = browser_page.evaluate(
        """values => values.map(value => {
            const formats = window.dashAgGridFunctions.regularsFormat;
            return [formats.date(value), formats.moment(value)];
        })""",
        [moment.isoformat() for moment in moments],
    )
    assert written == [[day(moment), clock_time(moment)] for moment in moments]
