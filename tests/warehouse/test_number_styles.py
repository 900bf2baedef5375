"""The decimal mark of each column is the one its numbers show, in any spelling of numbers."""

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.warehouse.conftest import Shop
from tests.warehouse.staged import decide_numbers
from warehouse.readers.file_styles import NUMBER_COLUMNS, FileHints
from warehouse.readers.number_styles import MarkEvidence, choose_marks

NARROW, NO_BREAK, THIN, FIGURE = "\u202f", "\u00a0", "\u2009", "\u2007"
MINUS = "\u2212"


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        yield con


@pytest.mark.parametrize(
    ("price", "mark"),
    [
        # one mark that can group nothing
        ("2,5", ","),
        ("2.55", "."),
        ("12,", ","),
        (",50", ","),
        (".5", "."),
        ("3,1416", ","),
        ("1234,567", ","),
        ("12345.678", "."),
        # weights below one unit
        ("0.250", "."),
        ("0,250", ","),
        (",250", ","),
        ("00.125", "."),
        # the last of two kinds
        ("1.234,56", ","),
        ("1,234.56", "."),
        ("1.234.567,8", ","),
        ("1,23,456.78", "."),
        # a mark that comes twice groups
        ("1,234,567", "."),
        ("1.234.567", ","),
        ("12,34,567", "."),
        # blanks and apostrophes of every kind
        ("1 234,50", ","),
        (f"1{NARROW}249,90", ","),
        (f"1{NO_BREAK}249.90", "."),
        (f"1{THIN}249,9", ","),
        (f"1{FIGURE}249,9", ","),
        ("1’234.50", "."),
        ("1'234,50", ","),
        # what stands around the digits
        ("£1,05", ","),
        ("12.5 GBP", "."),
        ("EUR 12,5", ","),
        ("Rs. 12,50", ","),
        ("kr. 5,5", ","),
        ("S/.12.50", "."),
        ("12,50 kr.", ","),
        ("12,-", ","),
        ("($120.00)", "."),
        ("(120,00 €)", ","),
        ("30.00-", "."),
        (f"{MINUS}12,5", ","),
        ("+12.5", "."),
        ("7,5 %", ","),
        ("1,25E+03", ","),
        ("1.234E-02", "."),
    ],
)
def test_one_number_shows_its_mark(con: duckdb.DuckDBPyConnection, price: str, mark: str) -> None:
    styles = decide_numbers(con, {"unit_price": ["3", price, "4"]})
    assert styles.marks["unit_price"] == mark
    assert styles.notes == []


@pytest.mark.parametrize("price", ["3", "£5", "1 234", "1’234", "free", "-", "N/A"])
def test_numbers_without_a_mark_leave_the_point_and_say_nothing(con: duckdb.DuckDBPyConnection, price: str) -> None:
    styles = decide_numbers(con, {"unit_price": [price]})
    assert (styles.marks, styles.notes) == (dict.fromkeys(NUMBER_COLUMNS, "."), [])


def test_each_column_has_its_own_mark(con: duckdb.DuckDBPyConnection) -> None:
    # weights that a scale writes beside prices that people typed
    styles = decide_numbers(con, {"quantity": ["0.250", "1.500"], "unit_price": ["32,00", "1.250,00"]})
    assert (styles.marks["quantity"], styles.marks["unit_price"]) == (".", ",")
    assert styles.decimal_mark == ","
    assert styles.notes == []


def test_an_open_column_takes_the_mark_of_the_files_others(con: duckdb.DuckDBPyConnection) -> None:
    thousands = decide_numbers(con, {"quantity": ["1,200", "6"], "unit_price": ["2.55", "3.10"]})
    weights = decide_numbers(con, {"quantity": ["1,200", "6"], "unit_price": ["2,55", "3,10"]})
    assert (thousands.marks["quantity"], weights.marks["quantity"]) == (".", ",")
    assert thousands.notes == weights.notes == []


@pytest.mark.parametrize(
    ("price", "delimiter", "mark", "said"),
    [
        ("1,250", ";", ",", "read with a decimal comma, as ';' separates fields"),
        ("1.250", ";", ",", "read with '.' between thousands, as ';' separates fields"),
        ("1,250", ",", ".", "read with ',' between thousands, and nothing in the file shows"),
        ("1.250", "\t", ".", "read with a decimal point, and nothing in the file shows"),
    ],
)
def test_a_file_of_open_numbers_goes_by_its_separator_and_says_so(
    con: duckdb.DuckDBPyConnection, price: str, delimiter: str, mark: str, said: str
) -> None:
    styles = decide_numbers(con, {"unit_price": [price, "7"]}, FileHints("a.csv", delimiter=delimiter))
    assert styles.marks["unit_price"] == mark
    (note,) = styles.notes
    assert note.startswith(f"numbers such as {price} in unit_price were {said}")
    assert "decimal_mark" in note


def test_the_settings_have_the_last_word(con: duckdb.DuckDBPyConnection) -> None:
    hints = FileHints("a.csv", delimiter=",", decimal_mark=",")
    styles = decide_numbers(con, {"unit_price": ["1,250", "2.300"]}, hints)
    assert styles.marks == dict.fromkeys(NUMBER_COLUMNS, ",")
    assert styles.notes == []


def test_mixed_marks_go_with_the_many_and_are_told(con: duckdb.DuckDBPyConnection) -> None:
    styles = decide_numbers(con, {"unit_price": ["2,50", "2,50", "3.75"], "quantity": ["1", "2", "3"]})
    assert styles.marks["unit_price"] == ","
    assert styles.notes == [
        "decimal marks are mixed in unit_price: 2 numbers have a comma, 1 a point; ',' was taken for the whole column"
    ]


def test_amounts_of_lines_discounts_and_taxes_help_each_other() -> None:
    columns = {
        "line_amount": MarkEvidence(comma_lines=7),
        "discount_amount": MarkEvidence(open_comma="1,000"),
        "quantity": MarkEvidence(point_lines=3),
    }
    marks, notes = choose_marks(columns, FileHints("a.csv"))
    assert marks == {
        "quantity": ".",
        "unit_price": ",",
        "line_amount": ",",
        "discount_amount": ",",
        "tax_amount": ",",
    }
    assert notes == []


def test_an_export_whose_numbers_leave_the_mark_open_is_read_and_the_guess_told(shop: Shop) -> None:
    """A till in yen: no amount shows a decimal, and some are grouped. Its columns are named as the export's."""
    shop.deliver(
        "items.csv",
        "Date,Item,Qty,Net Sales,Transaction ID,Event Type\n"
        '2026-03-03,Mug,1,"¥1,200",A1,Payment\n'
        "2026-03-04,Card,1,¥300,A2,Payment\n",
    )
    (outcome,) = (report := shop.load()).files
    assert outcome.status == "loaded"
    reading = report.readings["items.csv"]
    assert set(reading.marks.values()) == {"."}
    assert [note for note in reading.notes if "net_sales" in note] == [
        "numbers such as 1,200 in net_sales were read with ',' between thousands, and nothing in the file shows which "
        "mark is decimal; set decimal_mark under [[landing.sources]] to be sure"
    ]


def test_all_numbers_of_an_export_have_one_mark() -> None:
    """Its model reads them with one, so that no column is told of with another."""
    columns = {"unit_price": MarkEvidence(comma_lines=1, point_lines=2), "subtotal": MarkEvidence(comma_lines=7)}
    marks, notes = choose_marks(columns, FileHints("a.csv", raw_table="shopify_orders"))
    assert set(marks.values()) == {","}
    assert notes == [
        "decimal marks are mixed in unit_price: 1 numbers have a comma, 2 a point; ',' was taken for the whole column"
    ]


def write_number(value: int, decimals: int, mark: str, group: str) -> str:
    """Write ``value / 10 ** decimals`` with a decimal mark and a mark between thousands."""
    digits = str(value).rjust(decimals + 1, "0")
    whole, part = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    grouped = ""
    while len(whole) > 3:
        whole, grouped = whole[:-3], group + whole[-3:] + grouped
    return whole + grouped + (mark + part if part else "")


AROUND = st.sampled_from(
    ["{}", " {} ", "£{}", "{} €", "-{}", f"{MINUS}{{}}", "({})", "(${})", "{}-", "+{}", "{} EUR", "{}%"]
)
STYLES = [
    (mark, group) for mark in ".," for group in ("", " ", NARROW, NO_BREAK, THIN, "'", "’", ".", ",") if group != mark
]


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    style=st.sampled_from(STYLES),
    numbers=st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 3), AROUND), max_size=12),
    deciding=st.tuples(st.integers(0, 10**7), st.sampled_from([1, 2, 4]), AROUND),
    data=st.data(),
)
def test_the_mark_of_any_style_is_found_in_any_order_of_lines(
    con: duckdb.DuckDBPyConnection,
    style: tuple[str, str],
    numbers: list[tuple[int, int, str]],
    deciding: tuple[int, int, str],
    data: st.DataObject,
) -> None:
    mark, group = style
    texts = [
        around.format(write_number(value, decimals, mark, group)) for value, decimals, around in [deciding, *numbers]
    ]
    styles = decide_numbers(con, {"unit_price": data.draw(st.permutations(texts))})
    assert styles.marks["unit_price"] == mark
    assert not any("mixed" in note for note in styles.notes)
