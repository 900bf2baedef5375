"""Dates are read as they were meant, in any style, or it is said that they were not."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.staged import decide, decide_dates
from warehouse.readers.file_styles import FileHints


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


@pytest.mark.parametrize(
    ("dates", "style", "first"),
    [
        # month first, by name
        (["Sep-30-26", "Oct-01-26"], "Mon-day-year", datetime(2026, 9, 30)),
        (["Dec 8, 2024", "Dec 12, 2024"], "Mon-day-year", datetime(2024, 12, 8)),
        (["September 30, 2026 2:05 PM"], "Mon-day-year", datetime(2026, 9, 30, 14, 5)),
        (["Dec. 8 2024", "Jan. 9 2025"], "Mon-day-year", datetime(2024, 12, 8)),
        (["Mar 3rd, 2025 at 12:10 am"], "Mon-day-year", datetime(2025, 3, 3, 0, 10)),
        (["Tue Mar 04 2026 09:15:00"], "Mon-day-year", datetime(2026, 3, 4, 9, 15)),
        # day first, by name
        (["8 December 2024", "12 December 2024"], "day-Mon-year", datetime(2024, 12, 8)),
        (["26-May-26 17:30"], "day-Mon-year", datetime(2026, 5, 26, 17, 30)),
        (["05-oct.-26"], "day-Mon-year", datetime(2026, 10, 5)),
        (["8. Dezember 2024 um 14:05 Uhr"], "day-Mon-year", datetime(2024, 12, 8, 14, 5)),
        # of Mercado Libre
        (["8 de diciembre de 2024 14:05 hs."], "day-Mon-year", datetime(2024, 12, 8, 14, 5)),
        (["03 Mär 2025"], "day-Mon-year", datetime(2025, 3, 3)),
        (["1er août 2024 14h05"], "day-Mon-year", datetime(2024, 8, 1, 14, 5)),
        (["8 de diciembre de 2024"], "day-Mon-year", datetime(2024, 12, 8)),
        (["14 ottobre 2024"], "day-Mon-year", datetime(2024, 10, 14)),
        (["14 mrt 2024"], "day-Mon-year", datetime(2024, 3, 14)),
        (["2 de março de 2025"], "day-Mon-year", datetime(2025, 3, 2)),
        (["3. maj 2024 kl. 10.15"], "day-Mon-year", datetime(2024, 5, 3, 10, 15)),
        (["Sun, 08 Dec 2024 14:05:00"], "day-Mon-year", datetime(2024, 12, 8, 14, 5)),
        (["08DEC2024"], "day-Mon-year", datetime(2024, 12, 8)),
        (["2024-Dec-08 10:00"], "year-Mon-day", datetime(2024, 12, 8, 10)),
        # serial numbers: 45300 is 2024-01-09, 0.5625 of a day 13:30
        (["45300.562500", "45303.450000"], "excel serial", datetime(2024, 1, 9, 13, 30)),
        (["45300,5625"], "excel serial", datetime(2024, 1, 9, 13, 30)),
        (["45300", "45301"], "excel serial", datetime(2024, 1, 9)),
        # 08:26 is 0.35138888… of a day; a workbook rounds it
        (["40606.351388889"], "excel serial", datetime(2011, 3, 4, 8, 26)),
        # date and time from two columns
        (["03/04/2026 12:40:10", "13/04/2026 9:05"], "day/month/year", datetime(2026, 4, 3, 12, 40, 10)),
        (["2026-03-04 12:40"], "year-month-day", datetime(2026, 3, 4, 12, 40)),
        (["2026-03-04 1899-12-31 09:15:00"], "year-month-day", datetime(2026, 3, 4, 9, 15)),
        (["2026-03-04 1899-12-31T09:15"], "year-month-day", datetime(2026, 3, 4, 9, 15)),
        (["2026-03-04 00:00:00 12:40:10"], "year-month-day", datetime(2026, 3, 4, 12, 40, 10)),
        (["2026-03-04 00:00:00 1899-12-30 09:15:00"], "year-month-day", datetime(2026, 3, 4, 9, 15)),
        (["13/04/2026 0:00 9:15"], "day/month/year", datetime(2026, 4, 13, 9, 15)),
        (["4/13/2026 12:00:00 AM 9:15:00 PM"], "month/day/year", datetime(2026, 4, 13, 21, 15)),
        (["13/04/2026 30/12/1899 09:15:00"], "day/month/year", datetime(2026, 4, 13, 9, 15)),
        (["45300 0.5625"], "excel serial", datetime(2024, 1, 9, 13, 30)),
        (["45300 09:15"], "excel serial", datetime(2024, 1, 9, 9, 15)),
        # what stands around a date
        (["1. 12. 2010 8.26"], "day.month.year", datetime(2010, 12, 1, 8, 26)),
        (["So, 05.12.2010"], "day.month.year", datetime(2010, 12, 5)),
        (["13/12/2010\u00a008:26"], "day/month/year", datetime(2010, 12, 13, 8, 26)),
        (["12/13/2010, 2:05:07\u202fPM"], "month/day/year", datetime(2010, 12, 13, 14, 5, 7)),
        (["20101213T082600"], "yearmonthday", datetime(2010, 12, 13, 8, 26)),
    ],
)
def test_a_style_is_told_and_read(
    con: duckdb.DuckDBPyConnection, dates: list[str], style: str, first: datetime
) -> None:
    styles, moments = decide_dates(con, dates)
    assert (styles.date_style, moments[0]) == (style, first)
    assert None not in moments
    assert styles.notes == []
    assert styles.assumed_lines == 0
    assert (styles.first_at, styles.last_at) == (min(moments), max(moments))  # type: ignore[type-var]


CAME = datetime(2024, 3, 12, 6)
WEEKS = [f"24-03-{day:02d} 10:15" for day in range(1, 9)]


@pytest.mark.parametrize("mark", ["-", "/", "."])
def test_eight_days_of_one_year_are_not_one_day_of_eight_years(con: duckdb.DuckDBPyConnection, mark: str) -> None:
    styles, moments = decide_dates(con, [text.replace("-", mark) for text in WEEKS])
    assert styles.date_style == "yy-month-day"
    assert moments == [datetime(2024, 3, day, 10, 15) for day in range(1, 9)]


@pytest.mark.parametrize(
    ("dates", "came", "style", "first"),
    [
        # one day, delivered on the next
        (["24-03-11 09:00", "24-03-11 17:00"], CAME, "yy-month-day", datetime(2024, 3, 11, 9)),
        # and one that nothing shows to be recent
        (["24-03-11", "24-03-11"], None, "day-month-year", datetime(2011, 3, 24)),
        (["24-03-11", "24-03-11"], datetime(2024, 9, 1), "day-month-year", datetime(2011, 3, 24)),
        # seven days may be the 24th of seven years
        (WEEKS[:7], None, "day-month-year", datetime(2001, 3, 24, 10, 15)),
        # a date of the file has its day in front
        ([*WEEKS, "05-03-24"], CAME, "day-month-year", datetime(2001, 3, 24, 10, 15)),
        # no sale after its file
        (WEEKS, datetime(2023, 3, 12), "day-month-year", datetime(2001, 3, 24, 10, 15)),
        # a month of days, one of which is the 24th
        ([f"{day}-03-24" for day in range(13, 32)], CAME, "day-month-year", datetime(2024, 3, 13)),
    ],
)
def test_a_year_of_two_digits_comes_first_only_where_the_file_shows_it(
    con: duckdb.DuckDBPyConnection, dates: list[str], came: datetime | None, style: str, first: datetime
) -> None:
    hints = FileHints("a.csv", loaded_at=came, delivered_at=came)
    styles, moments = decide_dates(con, dates, hints)
    assert (styles.date_style, moments[0]) == (style, first)


def test_who_says_that_the_day_comes_first_is_believed(con: duckdb.DuckDBPyConnection) -> None:
    styles, moments = decide_dates(con, WEEKS, FileHints("a.csv", date_order="day_first"))
    assert (styles.date_style, moments[0]) == ("day-month-year", datetime(2001, 3, 24, 10, 15))


def test_one_file_of_a_source_shows_it_for_all(con: duckdb.DuckDBPyConnection) -> None:
    came = (datetime(2024, 3, 5), datetime(2025, 3, 5))
    files = [
        (FileHints(f"{n}.csv", source="till", delivered_at=at), {"invoice_date": [f"24-03-0{n}"]})
        for n, at in enumerate(came, start=4)
    ]
    found = decide(con, files)
    assert [style.date_style for style, _ in found] == ["yy-month-day"] * 2


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "12 jui 2024",
        "2011-02-29",
        "31 November 2024",
        "99999",
        "12345.5",
        "10:15",
        "Dec 8, 14:05:30",
        "8 Brumaire 2024",
    ],
)
def test_what_is_no_date_stays_unread_and_is_named(con: duckdb.DuckDBPyConnection, text: str) -> None:
    styles, moments = decide_dates(con, ["2010-12-01", text])
    assert moments == [datetime(2010, 12, 1), None]
    assert styles.notes == [f"1 dates would not read as year-month-day, for example '{text}'"]


def test_dates_that_read_one_way_are_taken_beside_any_style(con: duckdb.DuckDBPyConnection) -> None:
    dates = ["13/12/2010", "14/12/2010", "2010-12-15 10:00:00", "16 Dec 2010", "20101217"]
    styles, moments = decide_dates(con, dates)
    assert [moment and moment.day for moment in moments] == [13, 14, 15, 16, 17]
    assert (styles.date_style, styles.notes) == ("day/month/year", [])


def test_serials_among_texts_are_dates_only_in_the_days_of_the_others(con: duckdb.DuckDBPyConnection) -> None:
    # 40525 is 2010-12-13; 45300 lies thirteen years later and may be an order number
    styles, moments = decide_dates(con, ["12/12/2010", "13/12/2010", "14/12/2010", "40525", "45300"])
    assert [moment and moment.date() for moment in moments][3:] == [date(2010, 12, 13), None]
    assert styles.date_style == "day/month/year"
    assert styles.notes == ["1 dates would not read as day/month/year, for example '45300'"]


def test_a_format_of_the_settings_is_taken_as_it_is(con: duckdb.DuckDBPyConnection) -> None:
    serial = FileHints("a.csv", date_format="excel_serial")
    # 367 days after the last of 1899: no file would be taken for serials by such numbers
    assert decide_dates(con, ["367.5", "45300"], serial)[1] == [datetime(1901, 1, 1, 12), datetime(2024, 1, 9)]
    written = FileHints("a.csv", date_format="%d.%m.%y, %H Uhr")
    styles, moments = decide_dates(con, ["01.12.10, 08 Uhr", "2010-12-02 09:00:00", "12/13/2010"], written)
    assert moments == [datetime(2010, 12, 1, 8), datetime(2010, 12, 2, 9), None]
    assert (styles.date_style, styles.date_style_evidence) == ("%d.%m.%y, %H Uhr", "set under landing.sources")


MONTH_NAMES = {
    "English": "January February March April May June July August September October November December",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "Danish": "januar februar marts april maj juni juli august september oktober november december",
    "Norwegian": "januar februar mars april mai juni juli august september oktober november desember",
    "Swedish": "januari februari mars april maj juni juli augusti september oktober november december",
    "English, short": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "German, short": "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.",
    "French, short": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "Spanish, short": "ene feb mar abr may jun jul ago sept oct nov dic",
    "Italian, short": "gen feb mar apr mag giu lug ago set ott nov dic",
    "Dutch, short": "jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.",
    "Portuguese, short": "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
}


@pytest.mark.parametrize("language", MONTH_NAMES)
def test_every_month_is_known_by_its_name(con: duckdb.DuckDBPyConnection, language: str) -> None:
    names = MONTH_NAMES[language].split()
    expected = [datetime(2024, month, 9) for month in range(1, 13)]
    for written in ("9 {} 2024", "{} 9, 2024", "09-{}-24", "9 {} 2024"):
        for cased in (str.upper, str.lower, str.title):
            assert decide_dates(con, [cased(written.format(name)) for name in names])[1] == expected, written


NAMED = "%d %B %Y %H:%M", "%b %d, %Y %I:%M:%S %p", "%B %d %Y", "%d-%b-%y", "%Y-%b-%d %H:%M", "%A, %d %b %Y %H:%M:%S"
NUMBERED = "%Y-%m-%d %H:%M:%S.%f", "%Y/%m/%dT%H:%M", "%Y%m%d", "%Y%m%d%H%M%S", "%d.%m.%Y %H:%M", "%d.%m.%y"
OPEN = {
    "day_first": ("%d/%m/%Y %H:%M", "%d-%m-%y", "%d/%m/%y %I:%M %p", "%d-%m-%Y, %H:%M:%S"),
    "month_first": ("%m/%d/%Y %H:%M", "%m-%d-%y", "%m/%d/%y %I:%M %p", "%m-%d-%Y, %H:%M:%S"),
}
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31))


def as_written(moment: datetime, written: str) -> datetime:
    """What is left of a moment that is written in a format."""
    return datetime.strptime(moment.strftime(written), written)


@hypothesis_settings(max_examples=60, deadline=None)
@given(written=st.sampled_from(NAMED + NUMBERED), moments=st.lists(MOMENTS, min_size=1, max_size=6))
def test_a_style_with_one_reading_gives_back_what_was_written(
    con: duckdb.DuckDBPyConnection, written: str, moments: list[datetime]
) -> None:
    styles, found = decide_dates(con, [moment.strftime(written) for moment in moments])
    assert found == [as_written(moment, written) for moment in moments]
    assert styles.notes == []


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    order=st.sampled_from(sorted(OPEN)),
    moments=st.lists(MOMENTS, max_size=6),
    telling=MOMENTS.filter(lambda moment: moment.day > 12),
    data=st.data(),
)
def test_one_date_past_the_twelfth_reads_all_others_right(
    con: duckdb.DuckDBPyConnection, order: str, moments: list[datetime], telling: datetime, data: st.DataObject
) -> None:
    written = data.draw(st.sampled_from(OPEN[order]))
    shuffled = data.draw(st.permutations([telling, *moments]))
    # not even the settings say otherwise
    hints = FileHints("a.csv", date_order=data.draw(st.sampled_from([None, "day_first", "month_first"])))
    styles, found = decide_dates(con, [moment.strftime(written) for moment in shuffled], hints)
    assert found == [as_written(moment, written) for moment in shuffled]
    assert styles.assumed_lines == 0
    assert bool(styles.notes) == (hints.date_order not in (None, order))


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 60_000 * 86_400), min_size=1, max_size=5),
    digits=st.integers(9, 12),
)
def test_a_serial_number_is_days_since_the_end_of_1899_to_the_second(
    con: duckdb.DuckDBPyConnection, seconds: list[int], digits: int
) -> None:
    moments = [datetime(1954, 10, 3) + timedelta(seconds=second) for second in seconds]
    since = [(moment - datetime(1899, 12, 30)) / timedelta(days=1) for moment in moments]
    assert decide_dates(con, [f"{days:.{digits}f}" for days in since])[1] == moments


@pytest.mark.parametrize(
    "hint", [{}, {"date_format": "excel_serial"}, {"date_format": "%Y"}, {"date_order": "day_first"}]
)
def test_a_file_without_dates_has_no_style(con: duckdb.DuckDBPyConnection, hint: dict[str, str]) -> None:
    ((styles, _),) = decide(con, [(FileHints("a.csv", **hint), {"unit_price": ["1"]})])  # type: ignore[arg-type]
    assert (styles.date_style, styles.first_at, styles.assumed_lines, styles.notes) == (None, None, 0, [])
