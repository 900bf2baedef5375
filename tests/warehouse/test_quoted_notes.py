"""Notes in quotes that run over lines, and quotes that were never closed."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop

SALE = "536{:03},85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
NOTE_HEADER = f"{HEADER},Note"


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def with_description(number: int, note: str) -> str:
    return f"7{number:05},85123A,{quoted(note)},6,2010-12-01 08:26:00,2.55,17850,United Kingdom"


def load(shop: Shop, *lines: str, header: str = HEADER, end: str = "\n") -> tuple[int, int]:
    shop.deliver("a.csv", end.join([header, *lines]) + end)
    (outcome,) = shop.load().files
    assert outcome.status == "loaded", outcome.problem
    return outcome.lines, outcome.unreadable_lines


def problems(shop: Shop) -> list[str]:
    rows = shop.rows("select _problem from raw.transactions where _problem is not null order by _row_number")
    return [row[0] for row in rows]


@pytest.mark.parametrize("size", [4_000, 16_000, 100_000, 1_000_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_note_of_any_length_is_one_line(shop: Shop, size: int, end: str) -> None:
    note = end.join(["seventy-one characters of a note that somebody took a great deal of care"] * (size // 72))
    sales = [SALE.format(number) for number in range(30)]
    assert load(shop, *sales[:20], with_description(1, note), *sales[20:], end=end) == (31, 0)
    assert shop.rows(
        "select length(description) > $0.9 from raw.transactions where invoice = '700001'".replace(
            "$0.9", str(int(size * 0.9))
        )
    ) == [(True,)]
    # the number is that of the file's physical line, also below the note
    rows = note.count("\n")
    assert shop.value("select max(_row_number) from raw.transactions") == 1 + 31 + rows


@pytest.mark.parametrize("size", [2, 300, 15_000])
def test_lines_inside_a_note_never_become_sales_even_if_they_look_like_them(shop: Shop, size: int) -> None:
    note = "\n".join(SALE.format(number % 1000) for number in range(size))
    assert load(shop, SALE.format(1), with_description(1, note), with_description(2, note), LINE_B) == (4, 0)
    assert shop.rows("select distinct invoice from raw.transactions order by 1") == [
        ("536001",),
        ("700001",),
        ("700002",),
        ("C536379",),
    ]


def test_a_note_that_begins_with_words_and_goes_on_with_lines_like_records_is_a_note(shop: Shop) -> None:
    note = "replaces these lines:\n" + "\n".join(SALE.format(number) for number in range(5)) + "\nthank you"
    assert load(shop, with_description(1, note), LINE_B) == (2, 0)


def test_notes_in_the_first_and_in_the_last_column(shop: Shop) -> None:
    header = f"Note,{HEADER},Remark"
    line = f"{quoted('one' + chr(10) + 'two')},{LINE_A},{quoted('three' + chr(10) + chr(10) + 'four')}"
    assert load(shop, line, f"x,{LINE_B},y", line, header=header) == (3, 0)
    assert shop.rows("select _row_number from raw.transactions order by 1") == [(2,), (6,), (7,)]


def test_a_note_in_the_first_column_whose_last_line_has_all_the_fields(shop: Shop) -> None:
    line = f"{quoted('one' + chr(10) + 'two')},{LINE_A}"
    assert load(shop, line, f"x,{LINE_B}", line, header=f"Note,{HEADER}") == (3, 0)


def test_two_notes_of_one_record(shop: Shop) -> None:
    header = f"Note,{HEADER}"
    line = f"{quoted('a' + chr(10) + 'b')},536365,85123A,{quoted('c' + chr(10) + 'd')},6,2010-12-01,2.55,17850,UK"
    assert load(shop, line, f"x,{LINE_B}", header=header) == (2, 0)
    assert shop.rows("select description from raw.transactions where invoice = '536365'") == [("c\nd",)]


def test_doubled_quotes_do_not_end_a_note(shop: Shop) -> None:
    note = 'she said "no",\n"" and then ""\n"no"'
    assert load(shop, with_description(1, note), LINE_B) == (2, 0)
    assert shop.value("select description from raw.transactions where invoice = '700001'") == note


FORGOTTEN = '536366,22423,"CAKESTAND,6,2010-12-01 08:28:00,1.85,17850,United Kingdom'


@pytest.mark.parametrize(
    "later",
    [
        LINE_B,
        '536370,22423,RULER 12",6,2010-12-01 08:30:00,1.85,17850,United Kingdom',
        '536370,22423,"CAKE, BIG",6,2010-12-01 08:30:00,1.85,17850,United Kingdom',
        '536370,22423,"",6,2010-12-01 08:30:00,1.85,17850,United Kingdom',
        '536370,22423,CAKE,6,2010-12-01 08:30:00,1.85,17850,"United Kingdom"',
    ],
    ids=["no quote", "a sign for inches", "a quoted field", "an empty quoted field", "a quoted last field"],
)
@pytest.mark.parametrize("between", [0, 1, 250])
def test_a_forgotten_closing_quote_costs_its_own_line_only(shop: Shop, later: str, between: int) -> None:
    sales = [SALE.format(number) for number in range(between)]
    assert load(shop, LINE_A, FORGOTTEN, *sales, later, LINE_B) == (4 + between, 1)
    assert problems(shop) == ["line 3 opens a quote that is never closed"]


def test_many_forgotten_quotes_cost_a_line_each(shop: Shop) -> None:
    lines = [line for number in range(200) for line in (FORGOTTEN, SALE.format(number))]
    assert load(shop, *lines) == (400, 200)


def test_a_quote_that_closes_where_the_fields_do_not_fit_says_so(shop: Shop) -> None:
    # one comma too many behind the note
    broken = with_description(1, "first\nsecond").replace("United Kingdom", "United, Kingdom")
    load(shop, LINE_A, broken, LINE_B)
    assert problems(shop)[0] == "line 3 opens a quote that closes on line 4, where 9 fields end; the header has 8"
    assert shop.rows("select invoice from raw.transactions where _problem is null order by 1") == [
        ("536365",),
        ("C536379",),
    ]


def test_a_quote_open_at_the_end_of_the_file_costs_one_line(shop: Shop) -> None:
    assert load(shop, LINE_A, LINE_B, '536366,22423,"CAKE') == (3, 1)


def test_a_large_file_with_open_quotes_counts_as_its_records_do(shop: Shop) -> None:
    """Over the size that several threads read: one that begins inside a note must not find sales there."""
    note = "\n".join(SALE.format(number % 1000) for number in range(40))
    lines = []
    for block in range(2_500):
        lines += [SALE.format(number) for number in range(5)]
        lines.append(with_description(block, note))
    assert load(shop, *lines) == (15_000, 0)
    assert shop.value("select count(*) from raw.transactions where invoice < '6'") == 12_500


PIECE = st.sampled_from(["a", ",", '"', "\n", "é", " ", SALE.format(1), "\n\n"])


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(st.lists(PIECE, max_size=12).map("".join), min_size=1, max_size=4))
def test_whatever_is_quoted_by_the_rules_comes_back_as_it_was(shop: Shop, notes: list[str]) -> None:
    """Every file that Python's own writer makes is read, note by note."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(HEADER.split(","))
    for number, note in enumerate(notes):
        writer.writerow([str(number), "A", note, "1", "2024-01-01", "2.00", "7", "UK"])
    shop.deliver("a.csv", text.getvalue())
    (outcome,) = shop.load().files
    assert (outcome.lines, outcome.unreadable_lines) == (len(notes), 0)
    found = shop.rows("select coalesce(description, '') from raw.transactions order by _line_id")
    assert [row[0] for row in found] == notes
