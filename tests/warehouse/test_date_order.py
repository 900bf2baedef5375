"""Whether day or month comes first is settled by evidence, the same in any order of files, or called a guess."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.staged import decide, decide_dates
from warehouse.readers.file_name_dates import periods_in_name
from warehouse.readers.file_styles import FileHints
from warehouse.readers.values import known_styles, may_change_with_neighbours

MONTH_FIRST, DAY_FIRST = "month/day/year", "day/month/year"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


def days(con: duckdb.DuckDBPyConnection, dates: list[str], **hints: Any) -> tuple[list[date | None], str]:
    """Dates of one file of sales, and the evidence for them."""
    styles, moments = decide_dates(con, dates, FileHints(**{"name": "sales.csv"} | hints))
    assert styles.date_style_evidence is not None
    return [moment and moment.date() for moment in moments], styles.date_style_evidence


def test_a_guess_is_called_one_with_its_lines_and_what_to_type(con: duckdb.DuckDBPyConnection) -> None:
    # 11 August to 10 October or 10 October to 9 December, 61 days each; 10 October is the same both ways
    styles, moments = decide_dates(con, ["08/11/2010", "09/12/2010", "10/10/2010"])
    assert moments == [datetime(2010, 8, 11), datetime(2010, 9, 12), datetime(2010, 10, 10)]
    assert styles.date_style_evidence == "assumed: month/day/year and day/month/year both fit"
    assert styles.assumed_lines == 2
    assert styles.notes == [
        "dates were read as month/day/year, and day/month/year fits as well (2010-08-11 or 2010-10-10): "
        "2 lines would fall in another month. Say which holds: "
        'date_order = "month_first" (or "day_first") under [landing] in regulars.toml'
    ]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [(["05/05/2010", "05/05/2010"], date(2010, 5, 5)), (["11-11-24", "08-08-24"], date(2024, 11, 11))],
)
def test_dates_that_are_the_same_both_ways_are_no_guess(
    con: duckdb.DuckDBPyConnection, dates: list[str], expected: date
) -> None:
    styles, moments = decide_dates(con, dates)
    assert moments[0] is not None
    assert moments[0].date() == expected
    assert (styles.assumed_lines, styles.notes) == (0, [])
    assert "gives the same date" in str(styles.date_style_evidence)


@pytest.mark.parametrize(("order", "expected"), [("day_first", date(2010, 12, 5)), ("month_first", date(2010, 5, 12))])
def test_the_settings_come_before_all_other_evidence(
    con: duckdb.DuckDBPyConnection, order: str, expected: date
) -> None:
    # name, neighbours and the day it came all speak for December
    found, evidence = days(
        con,
        ["05/12/2010"],
        name="2010-12-05.csv",
        date_order=order,
        delivered_at=datetime(2010, 12, 6),
        known_styles={"": {DAY_FIRST: 9}},
    )
    assert found == [expected]
    assert evidence == f"both orders fit; date_order in the settings says {order}"


def test_values_that_only_one_order_reads_come_before_the_settings(con: duckdb.DuckDBPyConnection) -> None:
    styles, moments = decide_dates(con, ["05/12/2010", "12/13/2010"], FileHints("a.csv", date_order="day_first"))
    assert moments == [datetime(2010, 5, 12), datetime(2010, 12, 13)]
    assert styles.notes == [
        "date_order in the settings says day_first, but 1 dates can be read as month/day/year only, so that was taken"
    ]


def test_of_mixed_orders_the_settings_or_the_many_hold(con: duckdb.DuckDBPyConnection) -> None:
    dates = ["13/12/2010", "14/12/2010", "12/13/2010", "05/12/2010"]
    found, evidence = days(con, dates)
    assert found == [date(2010, 12, 13), date(2010, 12, 14), None, date(2010, 12, 5)]
    assert evidence.endswith("reads 3 of 4 dates, month/day/year 2, of which 1 only so: the orders are mixed")
    assert days(con, dates, date_order="month_first")[0] == [None, None, date(2010, 12, 13), date(2010, 5, 12)]
    assert known_styles([("till", DAY_FIRST, evidence)]) == {}


@pytest.mark.parametrize(
    ("dates", "loaded_at", "expected", "style"),
    [
        # 12 November sold, 28 November loaded; 11 December had not come
        (["12/11/2026"], datetime(2026, 11, 28, 10), date(2026, 11, 12), DAY_FIRST),
        (["11/12/2026"], datetime(2026, 11, 28, 10), date(2026, 11, 12), MONTH_FIRST),
        # one of many dates is enough
        (["01/02/2026", "02/03/2026", "03/12/2026"], datetime(2026, 4, 1), date(2026, 1, 2), MONTH_FIRST),
        (["01-02-26", "08-03-26"], datetime(2026, 3, 8, 20), date(2026, 2, 1), "day-month-year"),
    ],
)
def test_a_sale_does_not_lie_after_the_load_of_its_file(
    con: duckdb.DuckDBPyConnection, dates: list[str], loaded_at: datetime, expected: date, style: str
) -> None:
    found, evidence = days(con, dates, loaded_at=loaded_at)
    assert found[0] == expected
    assert f"after the day the file was loaded ({loaded_at:%Y-%m-%d})" in evidence
    assert f"{style} ends" in evidence


def test_a_day_of_grace_is_no_evidence(con: duckdb.DuckDBPyConnection) -> None:
    # 11 December is tomorrow, which a shop east of here may have
    assert days(con, ["12/11/2026"], loaded_at=datetime(2026, 12, 10))[1].startswith("assumed:")
    assert not days(con, ["12/11/2026"], loaded_at=datetime(2026, 12, 9, 23))[1].startswith("assumed:")


def test_a_wrong_year_in_both_orders_refutes_neither(con: duckdb.DuckDBPyConnection) -> None:
    # the last line was typed 2062; the first is what only one order puts into the future
    found, _ = days(con, ["12/11/2026", "05/06/2062"], loaded_at=datetime(2026, 11, 28))
    assert found[0] == date(2026, 11, 12)


def test_a_file_read_again_next_year_still_goes_by_the_day_it_was_written(con: duckdb.DuckDBPyConnection) -> None:
    found, evidence = days(con, ["12/11/2026"], loaded_at=datetime(2027, 6, 1), delivered_at=datetime(2026, 11, 30, 9))
    assert found == [date(2026, 11, 12)]
    assert "month/day/year would end 2026-12-11, after the day the file was written (2026-11-30)" in evidence


@pytest.mark.parametrize(
    "name",
    [
        "sales 2010-12-05.csv",
        "sales_20101205.csv",
        "2010_12_05/sales.csv",
        # named by the Monday of its export
        "export-2010-12-06.csv",
        "umsatz 2010-12.csv",
        "Sales December 2010.csv",
        "ventes_décembre_2010.csv",
        "2010 dez.csv",
    ],
)
def test_the_files_name_tells(con: duckdb.DuckDBPyConnection, name: str) -> None:
    found, evidence = days(con, ["05/12/2010"], name=name)
    assert found == [date(2010, 12, 5)]
    assert evidence.startswith("both orders fit; the file's name holds a ")


@pytest.mark.parametrize(
    "name",
    # the first reads both ways itself, the others speak of another time or none
    ["05122010.csv", "sales 2009-12-05.csv", "2010-13-05.csv", "shop 2010.csv", "march.csv", "4711-2010-99.csv"],
)
def test_a_name_that_says_nothing_leaves_a_guess(con: duckdb.DuckDBPyConnection, name: str) -> None:
    assert days(con, ["05/12/2010"], name=name)[1].startswith("assumed:")


def test_a_day_behind_the_twelfth_in_a_name_reads_one_way() -> None:
    assert [period.first for period in periods_in_name("till 13-12-2010.csv")] == [date(2010, 12, 13)]
    assert [period.first for period in periods_in_name("till 12132010.csv")] == [date(2010, 12, 13)]
    assert {period.first for period in periods_in_name("till 05.12.2010.csv")} == {date(2010, 12, 5), date(2010, 5, 12)}
    (month,) = periods_in_name("till 2024-02.csv")
    assert (month.first, month.last) == (date(2024, 2, 1), date(2024, 2, 29))


def test_a_file_takes_the_order_of_its_source(con: duckdb.DuckDBPyConnection) -> None:
    files = [
        (FileHints("1.csv", source="till"), {"invoice_date": ["05/12/2010"]}),
        (FileHints("2.csv", source="till"), {"invoice_date": ["13/12/2010"]}),
        (FileHints("3.csv", source="web"), {"invoice_date": ["05/12/2010"]}),
        (FileHints("4.csv", source="web"), {"invoice_date": ["12/13/2010", "12/02/2010"]}),
        # dashes of a source say nothing of its slashes
        (FileHints("5.csv", source="web"), {"invoice_date": ["05-12-2010"]}),
    ]
    (till, _), _, (web, _), _, (dashes, _) = decide(con, files)
    assert (till.date_style, till.date_style_evidence) == (
        DAY_FIRST,
        "both orders fit; 1 other file of till can be read as day/month/year only",
    )
    assert web.date_style == MONTH_FIRST
    assert dashes.date_style_evidence == "assumed: day-month-year and month-day-year both fit"
    assert till.assumed_lines == web.assumed_lines == 0


def test_a_file_takes_the_order_of_files_that_came_before(con: duckdb.DuckDBPyConnection) -> None:
    before = known_styles(
        [
            ("till", DAY_FIRST, "day/month/year reads 3 of 3 dates, month/day/year 2"),
            ("till", DAY_FIRST, "day/month/year reads 1,203 of 1,204 dates"),
            # guesses and conclusions teach nothing
            ("till", MONTH_FIRST, "assumed: month/day/year and day/month/year both fit"),
            ("till", MONTH_FIRST, "both orders fit; the file's name holds a date that month/day/year gives"),
            ("web", MONTH_FIRST, "month/day/year reads 9 of 9 dates, day/month/year 0"),
            ("web", None, "not read: …"),
        ]
    )
    assert before == {"till": {DAY_FIRST: 2}, "web": {MONTH_FIRST: 1}}
    assert days(con, ["05/12/2010"], source="till", known_styles=before) == (
        [date(2010, 12, 5)],
        "both orders fit; 2 other files of till can be read as day/month/year only",
    )
    assert days(con, ["05/12/2010"], source="web", known_styles=before)[0] == [date(2010, 5, 12)]
    assert days(con, ["05/12/2010"], source="shop", known_styles=before)[1].startswith("assumed:")


@pytest.mark.parametrize(
    ("dates", "hints", "weak"),
    [
        (["05/12/2010"], {}, True),
        (["05/12/2010"], {"delivered_at": datetime(2010, 12, 6)}, True),
        (["06/12/2010", "07/12/2010"], {}, True),
        (["05/12/2010"], {"name": "2010-12-05.csv"}, False),
        (["12/11/2026"], {"loaded_at": datetime(2026, 11, 28)}, False),
        (["05/12/2010"], {"date_order": "day_first"}, False),
        (["05/12/2010"], {"known_styles": {"": {DAY_FIRST: 1}}}, False),
        (["13/12/2010"], {}, False),
        (["05/05/2010"], {}, False),
        (["2010-12-05"], {}, False),
    ],
)
def test_only_what_is_weaker_than_neighbours_is_read_again_for_them(
    con: duckdb.DuckDBPyConnection, dates: list[str], hints: dict[str, Any], weak: bool
) -> None:
    _, evidence = days(con, dates, **hints)
    assert may_change_with_neighbours(evidence) == weak
    # and the neighbours, once known, do change it
    if weak:
        order = {MONTH_FIRST: 1, DAY_FIRST: 2}
        for style in order:
            found, _ = days(con, dates, **hints, known_styles={"": {style: 1}})
            assert found[0] is not None
            assert found[0].month == int(dates[0].split("/")[order[style] - 1])


def test_neighbours_that_disagree_settle_nothing(con: duckdb.DuckDBPyConnection) -> None:
    files = [
        (FileHints(f"{n}.csv", source="till"), {"invoice_date": [text]})
        for n, text in enumerate(["05/12/2010", "13/12/2010", "12/13/2010"])
    ]
    assert str(decide(con, files)[0][0].date_style_evidence).startswith("assumed:")


@pytest.mark.parametrize(
    ("dates", "delivered_at", "expected"),
    [
        (["05/12/2010"], datetime(2010, 12, 5, 19), date(2010, 12, 5)),
        (["05/12/2010"], datetime(2010, 12, 12, 6), date(2010, 12, 5)),
        (["05/12/2010"], datetime(2010, 5, 12, 22), date(2010, 5, 12)),
        # a week, sent on Monday: 6 to 11 September
        (["09/06/2010", "09/11/2010"], datetime(2010, 9, 13), date(2010, 9, 6)),
    ],
)
def test_the_day_a_file_came_tells_if_one_order_ends_just_before(
    con: duckdb.DuckDBPyConnection, dates: list[str], delivered_at: datetime, expected: date
) -> None:
    found, evidence = days(con, dates, delivered_at=delivered_at, loaded_at=datetime(2024, 1, 1))
    assert found[0] == expected
    assert not evidence.startswith("assumed:")


@pytest.mark.parametrize(
    ("dates", "delivered_at"),
    [
        # eight days, so perhaps not sent when it ended
        (["05/12/2010"], datetime(2010, 12, 13)),
        # 2 March was yesterday, and 3 February is 28 days ago
        (["02/03/2010"], datetime(2010, 3, 3)),
        # copied long after
        (["05/12/2010"], datetime(2015, 1, 1)),
    ],
)
def test_a_day_of_delivery_that_fits_neither_or_both_leaves_a_guess(
    con: duckdb.DuckDBPyConnection, dates: list[str], delivered_at: datetime
) -> None:
    assert days(con, dates, delivered_at=delivered_at)[1].startswith("assumed:")


def test_the_narrower_span_must_be_at_most_half_of_the_wider(con: duckdb.DuckDBPyConnection) -> None:
    # 2 January to 2 March is 60 days, 1 to 3 February 3 days
    clear = days(con, ["02/01/2011", "02/03/2011"])
    assert clear[0] == [date(2011, 2, 1), date(2011, 2, 3)]
    assert clear[1].endswith("month/day/year keeps them within 3 days, day/month/year spreads them over 60")
    # 5 January to 3 February is 30 days, 2 March to 1 May 61
    assert days(con, ["01/05/2011", "02/03/2011"])[0] == [date(2011, 1, 5), date(2011, 2, 3)]
    # 3 January to 1 February is 30 days, 2 January to 1 March 59
    assert days(con, ["01/03/2011", "02/01/2011"])[1].startswith("assumed:")
    # 8 November to 9 December (32 days) against 11 August to 12 September (33 days)
    assert days(con, ["08/11/2011", "09/12/2011"])[1].startswith("assumed:")


def test_files_of_one_day_are_judged_by_the_span_of_all(con: duckdb.DuckDBPyConnection) -> None:
    # 6 to 10 December, one file each: alone each is one day in both orders
    files = [(FileHints(f"{n}.csv"), {"invoice_date": [f"{n}/12/2010"] * 3}) for n in range(6, 11)]
    for styles, moments in decide(con, files):
        assert styles.date_style == DAY_FIRST
        assert {moment and moment.month for moment in moments} == {12}
        assert styles.assumed_lines == 0
        assert str(styles.date_style_evidence).endswith("over 123, with the 4 other undecided files of its source")


def test_expiries_go_by_values_settings_and_neighbours_only(con: duckdb.DuckDBPyConnection) -> None:
    # next year's expiry lies after its file, far from its name
    hints = FileHints(
        "2026-12-11.csv",
        raw_table="segment_overrides",
        source="segment_overrides",
        loaded_at=datetime(2026, 11, 28),
        delivered_at=datetime(2026, 11, 28),
    )
    other = FileHints("b.csv", raw_table="segment_overrides", source="segment_overrides")
    alone, decided = {"expires_on": ["12/11/2026", "12/10/2026"]}, {"expires_on": ["31/12/2026"]}
    ((styles, _),) = decide(con, [(hints, alone)])
    assert str(styles.date_style_evidence).startswith("assumed:")
    assert decide(con, [(hints, alone), (other, decided)])[0][0].date_style == DAY_FIRST
    # sales of a source by the same name are other files
    sales = FileHints("c.csv", source="segment_overrides")
    ((styles, _), _) = decide(con, [(hints, alone), (sales, {"invoice_date": ["31/12/2026"]})])
    assert str(styles.date_style_evidence).startswith("assumed:")


SALES = st.lists(st.dates(date(2010, 1, 1), date(2011, 12, 31)), min_size=1, max_size=4)


@hypothesis_settings(max_examples=30, deadline=None)
@given(
    files=st.lists(
        st.tuples(
            SALES,
            st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"]),
            st.sampled_from(["till", "web"]),
            st.sampled_from(["", " 2010-05", " 2011-02-03"]),
            st.sampled_from([None, datetime(2010, 12, 6), datetime(2012, 1, 1)]),
        ),
        min_size=2,
        max_size=7,
    ),
    data=st.data(),
)
def test_the_order_of_files_and_lines_changes_nothing(
    con: duckdb.DuckDBPyConnection,
    files: list[tuple[list[date], str, str, str, datetime | None]],
    data: st.DataObject,
) -> None:
    def decided(order: list[int], *, shuffle: bool) -> dict[str, tuple[Any, ...]]:
        staged = []
        for n in order:
            sales, written, source, named, delivered_at = files[n]
            texts = [day.strftime(written) for day in sales]
            texts = data.draw(st.permutations(texts)) if shuffle else texts
            hints = FileHints(
                f"file {n}{named}.csv", source=source, delivered_at=delivered_at, loaded_at=datetime(2012, 1, 2)
            )
            staged.append((hints, {"invoice_date": texts}))
        return {
            hints.name: (
                styles,
                sorted(zip(columns["invoice_date"], map(str, moments), strict=True)),
            )
            for (hints, columns), (styles, moments) in zip(staged, decide(con, staged), strict=True)
        }

    straight = list(range(len(files)))
    assert decided(data.draw(st.permutations(straight)), shuffle=True) == decided(straight, shuffle=False)


@hypothesis_settings(max_examples=15, deadline=None)
@given(
    order=st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]),
    first=st.dates(date(2009, 1, 1), date(2020, 1, 1)),
    closed=st.sets(st.integers(0, 59)),
)
def test_two_months_of_one_day_files_are_all_read_right(
    con: duckdb.DuckDBPyConnection, order: str, first: date, closed: set[int]
) -> None:
    opened = [first + timedelta(days=n) for n in range(60) if n not in closed]
    if not any(day.day > 12 for day in opened):
        return
    files = [(FileHints(f"{n}.csv"), {"invoice_date": [day.strftime(order)]}) for n, day in enumerate(opened)]
    found = [moment and moment.date() for _, (moment,) in decide(con, files)]
    assert found == opened
