"""A workbook whose days and months a spreadsheet program swapped is mended or refused, never believed."""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.conftest import HEADER, Shop
from tests.warehouse.staged import decide_dates


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def opened_wrongly(moment: datetime, written: str) -> str:
    """What becomes of a date as text in a program that puts day and month the other way round."""
    if moment.day > 12:
        return moment.strftime(written)
    return f"{datetime(moment.year, moment.day, moment.month, moment.hour, moment.minute)}"


def month_of(year: int, month: int, *, days: Sequence[int] = range(1, 32)) -> list[datetime]:
    last = monthrange(year, month)[1]
    return [datetime(year, month, day, 9, 30) for day in days if day <= last]


@pytest.mark.parametrize("written", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M"])
def test_cells_strewn_over_the_year_are_swapped_back_into_the_month_of_the_texts(
    con: duckdb.DuckDBPyConnection, written: str
) -> None:
    truth = month_of(2011, 3)
    styles, moments = decide_dates(con, [opened_wrongly(moment, written) for moment in truth])
    assert moments == truth
    # 1 to 12 March but for the third, which is the same both ways
    assert styles.notes == [
        "a spreadsheet program had swapped day and month of 11 dates (cells from 2011-01-03 to 2011-12-03 beside "
        "texts from 2011-03-13 to 2011-03-31); they were swapped back"
    ]
    assert str(styles.date_style_evidence).endswith(
        "11 native cells had day and month swapped by a spreadsheet program"
    )


@pytest.mark.parametrize(
    "truth",
    [
        # few texts among many cells
        month_of(2011, 3, days=[*range(1, 13), 13]),
        # a quarter
        [*month_of(2011, 1), *month_of(2011, 2), *month_of(2011, 3)],
        # a whole year: the cells fit both ways, but their split at the 12th is no chance
        [moment for month in range(1, 13) for moment in month_of(2011, month)],
        # the texts of one month, and cells into the next
        [*month_of(2011, 10), *month_of(2011, 11, days=range(1, 9))],
    ],
)
def test_other_swapped_files_are_mended_too(con: duckdb.DuckDBPyConnection, truth: list[datetime]) -> None:
    assert decide_dates(con, [opened_wrongly(moment, "%d/%m/%Y %H:%M") for moment in truth])[1] == truth


def test_serial_cells_are_swapped_back_as_well(con: duckdb.DuckDBPyConnection) -> None:
    # 40607.5 is noon of 5 March 2011, 3 May before the swap; 40544 is 1 January
    styles, moments = decide_dates(con, ["40607.5", "40579", "13/05/2011", "14/05/2011"])
    assert moments == [datetime(2011, 5, 3, 12), datetime(2011, 5, 2), datetime(2011, 5, 13), datetime(2011, 5, 14)]
    assert styles.date_style == "day/month/year"


@pytest.mark.parametrize(
    "dates",
    [
        # cells past the 12th were not swapped
        ["2011-03-14 09:30:00", "2011-04-02 09:30:00", "13/03/2011"],
        # right cells of the texts' own month and the next
        ["2011-03-01", "2011-03-02", "2011-04-06", "14/03/2011", "31/03/2011"],
        # the same day both ways
        ["2011-03-03", "13/06/2011"],
    ],
)
def test_right_cells_stay_as_they_are(con: duckdb.DuckDBPyConnection, dates: list[str]) -> None:
    styles, moments = decide_dates(con, dates)
    natives = [datetime.fromisoformat(text) for text in dates if "/" not in text]
    assert moments[: len(natives)] == natives
    assert None not in moments
    assert styles.notes == []


@pytest.mark.parametrize(
    "dates",
    [
        # neither way do the cells lie near the texts
        ["2011-03-04", "2011-04-05", "2011-06-07", "13/11/2011", "14/11/2011"],
        # too few days to tell in a file of a year
        ["2011-03-04", "2011-06-05", "2011-05-07", "13/01/2011", "14/12/2011"],
    ],
)
def test_cells_that_fit_neither_way_or_both_leave_the_file_unread(
    con: duckdb.DuckDBPyConnection, dates: list[str]
) -> None:
    styles, moments = decide_dates(con, dates)
    assert moments == [None] * 5
    assert styles.date_style is None
    assert str(styles.date_style_evidence).startswith("not read: no date in a native cell lies past the 12th")
    assert "deliver the file that the workbook was made from" in styles.notes[0]
    assert styles.notes[1].startswith("5 dates would not read, for example '")


@hypothesis_settings(max_examples=50, deadline=None)
@given(
    first=st.dates(date(2005, 1, 1), date(2030, 12, 1)),
    days=st.lists(st.integers(1, 31), min_size=1, max_size=31, unique=True),
    written=st.sampled_from(["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%y %H:%M"]),
)
def test_a_swapped_month_is_never_believed(
    con: duckdb.DuckDBPyConnection, first: date, days: list[int], written: str
) -> None:
    truth = month_of(first.year, first.month, days=days)
    if not any(moment.day > 12 for moment in truth):
        # native cells only: nothing in the file tells
        return
    assert decide_dates(con, [opened_wrongly(moment, written) for moment in truth])[1] == truth


@hypothesis_settings(max_examples=50, deadline=None)
@given(
    begin=st.dates(date(2005, 1, 1), date(2030, 12, 1)),
    open_days=st.sets(st.integers(0, 30), min_size=1),
    typed=st.sets(st.integers(0, 30), max_size=5),
)
def test_right_cells_beside_typed_dates_are_never_swapped(
    con: duckdb.DuckDBPyConnection, begin: date, open_days: set[int], typed: set[int]
) -> None:
    cells = [datetime.combine(begin + timedelta(days=n), datetime.min.time()) for n in sorted(open_days)]
    texts = [begin + timedelta(days=n) for n in sorted(typed) if (begin + timedelta(days=n)).day > 12]
    if not any(cell.day > 12 for cell in cells):
        # cells up to the 12th beside texts past it: the signature itself
        return
    found = decide_dates(con, [*map(str, cells), *(day.strftime("%d/%m/%Y") for day in texts)])[1]
    assert found == [*cells, *(datetime.combine(day, datetime.min.time()) for day in texts)]


def test_a_real_workbook_with_swapped_cells_loads_mended(shop: Shop, tmp_path: Path) -> None:
    # four lines a day of March 2011, in one file: 124 lines
    truth = [moment for moment in month_of(2011, 3) for _ in range(4)]
    path = shop.deliver("march.xlsx", b"")
    with xlsxwriter.Workbook(path) as workbook:
        moment_format = workbook.add_format({"num_format": "m/d/yyyy h:mm"})
        sheet = workbook.add_worksheet("March")
        sheet.write_row(0, 0, HEADER.split(","))
        for row, moment in enumerate(truth, start=1):
            sheet.write_row(row, 0, [536000 + row, "85123A", "HEART", 1, None, 2.55, 17850, "United Kingdom"])
            if moment.day > 12:
                sheet.write_string(row, 4, moment.strftime("%d/%m/%Y %H:%M"))
            else:
                swapped = datetime(moment.year, moment.day, moment.month, moment.hour, moment.minute)
                sheet.write_datetime(row, 4, swapped, moment_format)
    (outcome,) = shop.load(settle_wait_seconds=0.01).files
    assert outcome.status == "loaded", outcome.problem
    assert [row[0] for row in shop.rows("select invoiced_at from raw.transactions order by _line_id")] == truth
    assert "swapped day and month of 44 dates" in str(outcome.notes)
