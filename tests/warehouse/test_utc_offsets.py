"""Times with a UTC offset lie on the shop's clock, whatever the connection's zone and the season."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.staged import decide, decide_dates
from warehouse.readers.file_styles import FileHints


@pytest.fixture(scope="module", params=["UTC", "Asia/Tokyo"])
def con(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(f"set TimeZone = '{request.param}'")
        yield con


def shop_in(timezone_name: str, **hints: str) -> FileHints:
    return FileHints("a.csv", timezone=timezone_name, **hints)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "timezone_name", "expected"),
    [
        # 10 September at 21:30 in Mexico City, which has no summer time since 2022
        ("2024-09-11T03:30:00Z", "America/Mexico_City", datetime(2024, 9, 10, 21, 30)),
        # London is an hour ahead in summer, not in winter
        ("2011-06-30 17:15:00+00", "Europe/London", datetime(2011, 6, 30, 18, 15)),
        ("2011-01-31 23:30:00+00", "Europe/London", datetime(2011, 1, 31, 23, 30)),
        # the hour around the change of clocks: 00:59 is winter, 01:00 is 02:00 of summer
        ("2024-03-31 00:59:00Z", "Europe/London", datetime(2024, 3, 31, 0, 59)),
        ("2024-03-31 01:00:00Z", "Europe/London", datetime(2024, 3, 31, 2, 0)),
        ("2026-03-04 12:40:10 +0530", "Europe/Berlin", datetime(2026, 3, 4, 8, 10, 10)),
        ("2026-03-04T12:40:10.5-03:00", "America/Sao_Paulo", datetime(2026, 3, 4, 12, 40, 10, 500_000)),
        ("31/12/2025 23:30 UTC", "Asia/Tokyo", datetime(2026, 1, 1, 8, 30)),
        ("20260304T230000Z", "Europe/Berlin", datetime(2026, 3, 5)),
        ("Wed, 04 Mar 2026 23:30:00 +0000", "Europe/Berlin", datetime(2026, 3, 5, 0, 30)),
        (
            "Wed Mar 04 2026 23:30:00 GMT+0000 (Coordinated Universal Time)",
            "Europe/Berlin",
            datetime(2026, 3, 5, 0, 30),
        ),
        ("2026-03-04T12:40:10+01:00[Europe/Berlin]", "Europe/London", datetime(2026, 3, 4, 11, 40, 10)),
    ],
)
def test_an_offset_is_converted_to_the_shops_clock(
    con: duckdb.DuckDBPyConnection, text: str, timezone_name: str, expected: datetime
) -> None:
    styles, moments = decide_dates(con, [text], shop_in(timezone_name))
    assert moments == [expected]
    assert (styles.first_at, styles.last_at) == (expected, expected)
    assert styles.clock == f"UTC offset, converted to {timezone_name}"


def test_the_note_tells_how_many_and_which(con: duckdb.DuckDBPyConnection) -> None:
    dates = ["2026-03-04T12:40:10Z", "2026-03-04T12:40:10Z", "2026-07-04T12:40:10+02:00", "2026-07-04 12:40:10"]
    styles, moments = decide_dates(con, dates, shop_in("Europe/Berlin"))
    assert moments == [
        datetime(2026, 3, 4, 13, 40, 10),
        datetime(2026, 3, 4, 13, 40, 10),
        datetime(2026, 7, 4, 12, 40, 10),
        # no offset: the shop's own clock
        datetime(2026, 7, 4, 12, 40, 10),
    ]
    assert styles.notes == [
        "3 times carry a UTC offset (+02:00, Z) and were converted to the shop's clock (Europe/Berlin)"
    ]
    assert styles.clock == "UTC offset, converted to Europe/Berlin (3 of 4 times; the others as written)"


def test_a_mapping_can_keep_the_clock_as_written(con: duckdb.DuckDBPyConnection) -> None:
    styles, moments = decide_dates(con, ["2024-09-11T03:30:00Z"], shop_in("America/Mexico_City", clock="as_written"))
    assert moments == [datetime(2024, 9, 11, 3, 30)]
    assert styles.clock == "UTC offset, as written"
    assert styles.notes == ["1 times carry a UTC offset (Z); the clock time was taken as written"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # as Clover writes it: an hour behind New York
        ("16-Dec-2023 02:44 AM CST", datetime(2023, 12, 16, 3, 44)),
        ("16-Dec-2023 02:44 PM EST", datetime(2023, 12, 16, 14, 44)),
        ("2024-07-11 23:30:00 PDT", datetime(2024, 7, 12, 2, 30)),
        ("11.07.2024 12:30 MESZ", datetime(2024, 7, 11, 6, 30)),
        # not 10 in the morning, EST
        ("11 Jul 2024 10:30 AEST", datetime(2024, 7, 10, 20, 30)),
    ],
)
def test_a_zone_may_be_told_by_its_name(con: duckdb.DuckDBPyConnection, text: str, moment: datetime) -> None:
    assert decide_dates(con, [text], shop_in("America/New_York"))[1] == [moment]


def test_a_file_without_offsets_says_nothing_of_clocks(con: duckdb.DuckDBPyConnection) -> None:
    styles, _ = decide_dates(con, ["2024-09-11T03:30:00"], shop_in("America/Mexico_City"))
    assert (styles.clock, styles.notes) == (None, [])


@pytest.mark.parametrize("offset", ["+15:00", "-13:10:00 x", "+99", "EST"])
def test_an_offset_that_no_place_has_leaves_the_time_unread(con: duckdb.DuckDBPyConnection, offset: str) -> None:
    assert decide_dates(con, [f"2024-09-11T03:30:00{offset}"], shop_in("Europe/London"))[1] == [None]


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("%d.%m.%Y %H.%M.%S%z", "11.09.2024 03.30.00+00"),
        ("%d.%m.%Y, %H Uhr %M %z", "11.09.2024, 05 Uhr 30 +0200"),
        ("%Y%m%d_%H%M%SZ", "20240911_033000Z"),
    ],
)
def test_a_format_with_an_offset_goes_by_the_same_clock(
    con: duckdb.DuckDBPyConnection, date_format: str, text: str
) -> None:
    styles, moments = decide_dates(con, [text], shop_in("America/Mexico_City", date_format=date_format))
    assert moments == [datetime(2024, 9, 10, 21, 30)]
    assert styles.clock == "UTC offset, converted to America/Mexico_City"
    written = shop_in("America/Mexico_City", date_format=date_format, clock="as_written")
    assert decide_dates(con, [text], written)[1] == [datetime(2024, 9, 11, 5 if "Uhr" in text else 3, 30)]


def test_each_file_goes_by_its_own_clock(con: duckdb.DuckDBPyConnection) -> None:
    dates = {"invoice_date": ["2024-09-11T03:30:00Z"]}
    found = decide(
        con,
        [
            (shop_in("America/Mexico_City"), dates),
            (shop_in("Europe/Berlin"), dates),
            (shop_in("Europe/Berlin", clock="as_written"), dates),
        ],
    )
    assert [moments for _, moments in found] == [
        [datetime(2024, 9, 10, 21, 30)],
        [datetime(2024, 9, 11, 5, 30)],
        [datetime(2024, 9, 11, 3, 30)],
    ]


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    instant=st.datetimes(datetime(1975, 1, 1), datetime(2036, 1, 1)),
    minutes=st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters * 15),
    timezone_name=st.sampled_from(
        ["Europe/London", "America/New_York", "America/Mexico_City", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]
    ),
    colon=st.booleans(),
)
def test_the_same_instant_is_the_same_time_of_the_shop_whatever_its_offset(
    con: duckdb.DuckDBPyConnection, instant: datetime, minutes: int, timezone_name: str, colon: bool
) -> None:
    moment = instant.replace(microsecond=0, tzinfo=UTC)
    text = moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat(" ")
    text = text if colon else text[:-3] + text[-2:]
    expected = moment.astimezone(ZoneInfo(timezone_name)).replace(tzinfo=None)
    assert decide_dates(con, [text], shop_in(timezone_name))[1] == [expected]
