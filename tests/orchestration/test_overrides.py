"""A person's override, from a file in landing to the published snapshot and out of it again."""

from collections.abc import Callable
from datetime import date

from tests.orchestration.conftest import differing_tables, refresh
from tests.tiny_shop import HEADER, deliver
from warehouse.home import Home

OVERRIDES = "Customer ID;Segment;Reason;Author;Expires On\n"
LAST_DAY = "15.02.2024"
"""The tiny shop's last sale is of 14 February, so that this is the snapshot's day."""


def test_an_override_is_published_expires_and_is_taken_back(
    published_home: Home, shop_once_published: Home, ask: Callable[..., list[tuple]]
) -> None:
    def told() -> list[tuple]:
        return ask(
            published_home.published,
            "select customer_id, segment_name, reason, author, expires_on, status, row_number "
            "from reporting.segment_overrides order by row_number",
        )

    def audience() -> list[tuple]:
        return ask(
            published_home.published,
            "select audience_segment, is_overridden, audience_segment = rfm_segment from reporting.customer_360 "
            "where customer_id = '10000'",
        )

    assert told() == []
    ((by_scores, *_),) = audience()
    assert audience() == [(by_scores, False, True)]

    vip = f"10000;can’t lose;our first customer;Ada;{LAST_DAY}\n10001;Nowhere;a slip;Ben;{LAST_DAY}\n"
    deliver(published_home.landing, {"for the spring campaign.csv": OVERRIDES + vip})
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    # a file of overrides is news, though no sale changed
    assert not outcome.nothing_new
    day = date(2024, 2, 15)
    assert told() == [
        ("10000", "Can't Lose", "our first customer", "Ada", day, "active", 2),
        ("10001", "Nowhere", "a slip", "Ben", day, "unknown_segment", 3),
    ]
    assert audience() == [("Can't Lose", True, False)]
    (slip,) = [warning for warning in outcome.checks_warned if "segment_overrides" in warning]
    assert "for the spring campaign.csv line 3" in slip
    changed = {
        line.partition(":")[0] for line in differing_tables(shop_once_published.published, published_home.published)
    }
    assert {table for table in changed if table.startswith("marts.")} == set()
    assert "reporting.segment_overrides" in changed
    assert refresh(published_home).nothing_new

    # a day of sales later the last day is over
    deliver(
        published_home.landing, {"2024-02-15.csv": f"{HEADER}700000,20000,ITEM,1,2024-02-15 10:00:00,2.00,10002,UK\n"}
    )
    assert refresh(published_home).succeeded
    assert [row[5] for row in told()] == ["expired", "unknown_segment"]
    assert audience() == [(audience()[0][0], False, True)]

    # the same name without the lines takes them back
    deliver(published_home.landing, {"for the spring campaign.csv": OVERRIDES})
    outcome = refresh(published_home)
    assert outcome.succeeded, outcome.problems
    assert not outcome.nothing_new
    assert told() == []
    assert not [warning for warning in outcome.checks_warned if "segment_overrides" in warning]
