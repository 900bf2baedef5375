"""Files of segment overrides: known by their headers, read in every dialect, replaced by name."""

import gzip
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, Shop
from warehouse.ledger import active_content_hashes
from warehouse.loading import RAW_SCHEMA, ensure_raw_schema, read_file, scan_landing
from warehouse.settings import Landing, Settings, SourceMapping

OVERRIDES = "Customer_ID,Segment,Reason,Author,Expires_On"
LINES = (
    '17850,Champions,"wrote to us, and visited",Ada,2011-12-31',
    "14527.0,At Risk,moved away,Ben,2012-01-13",
)
VALUES = "customer_id, segment, reason, author, expires_at::date"
EXPECTED = [
    ("17850", "Champions", "wrote to us, and visited", "Ada", date(2011, 12, 31)),
    ("14527.0", "At Risk", "moved away", "Ben", date(2012, 1, 13)),
]


def overrides(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows(f"select {VALUES} from raw.segment_overrides order by _line_id")


def told(shop: Shop) -> dict[str, str | None]:
    return {outcome.file_name: outcome.problem for outcome in shop.load().files}


@pytest.mark.parametrize(
    "header",
    [
        OVERRIDES,
        "customer id,SEGMENT,reason,Author,expires on",
        "CustomerID,segment_name,Reason,author,ExpiresOn",
        '"Customer ID"," Segment ","Reason","Author","Expires_On"',
    ],
)
@pytest.mark.parametrize("name", ["segment_overrides.csv", "vip list.csv", "customers_vip.csv"])
def test_a_file_of_overrides_is_known_by_its_headers_alone(shop: Shop, header: str, name: str) -> None:
    shop.deliver(name, "\n".join([header, *LINES]) + "\n")
    report = shop.load()
    assert overrides(shop) == EXPECTED
    assert (report.transaction_lines, report.customer_lines, report.override_lines) == (0, 0, 2)
    (outcome,) = report.files
    assert (outcome.kind, outcome.lines, outcome.notes) == ("segment_overrides", 2, None)
    assert shop.rows(
        "select kind, layout, date_style, decimal_mark, first_invoiced_at, delivered_lines from quality.load_ledger"
    ) == [("segment_overrides", "segment_overrides", "year-month-day", None, None, 2)]


def test_order_of_columns_and_columns_beside_them_do_not_matter(shop: Shop) -> None:
    shop.deliver("a.csv", "Country,Author,Expires_On,Age,Customer_ID,Reason,Segment\nUK,Ada,2011-12-31,44,7,r,Lost\n")
    (outcome,) = shop.load().files
    assert overrides(shop) == [("7", "Lost", "r", "Ada", date(2011, 12, 31))]
    assert outcome.notes == "columns not used: Country, Age"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_dialects_of_text_give_equal_overrides(shop: Shop, delimiter: str, encoding: str) -> None:
    fields = [OVERRIDES.split(","), ["17850", "At Risk", "très déçue", "René", "31.12.2011"]]
    shop.deliver("a.csv", "\r\n".join(delimiter.join(row) for row in fields).encode(encoding))
    shop.load()
    assert overrides(shop) == [("17850", "At Risk", "très déçue", "René", date(2011, 12, 31))]


def test_gzip_workbook_and_parquet_give_equal_overrides(shop: Shop) -> None:
    shop.deliver("a.csv.gz", gzip.compress("\n".join([OVERRIDES, *LINES]).encode()))
    shop.load()
    assert overrides(shop) == EXPECTED

    path = shop.deliver("a.xlsx", b"")
    with xlsxwriter.Workbook(path) as workbook:
        day = workbook.add_format({"num_format": "dd/mm/yyyy"})
        sheet = workbook.add_worksheet("May")
        sheet.write_row(0, 0, ["Overrides of this season"])
        sheet.write_row(2, 0, OVERRIDES.split(","))
        sheet.write_row(3, 0, [17850, "Champions", "wrote to us, and visited", "Ada"])
        sheet.write_datetime(3, 4, datetime(2011, 12, 31), day)
        sheet.write_row(5, 0, [14527, "At Risk", "moved away", "Ben", "2012-01-13"])
        workbook.add_worksheet("Notes").write(0, 0, "ask Ada")
    columns = "customer_id, segment, reason, author, cast(expires_on as date) as expires_on"
    with duckdb.connect() as con:
        con.execute(
            f"copy (select {columns} from (values (17850::double, 'Champions', 'wrote to us, and visited', 'Ada', "
            "'2011-12-31'), (14527, 'At Risk', 'moved away', 'Ben', '2012-01-13')) as t "
            "(customer_id, segment, reason, author, expires_on)) "
            f"to '{shop.landing / 'a.parquet'}' (format parquet)"
        )
    shop.load(settle_wait_seconds=0.01)
    for name in ("a.xlsx", "a.parquet"):
        found = shop.rows(f"select {VALUES} from raw.segment_overrides where _file_name = '{name}' order by _line_id")
        assert found == [("17850", *EXPECTED[0][1:]), ("14527", *EXPECTED[1][1:])], name
    assert shop.rows(
        "select _sheet, _row_number from raw.segment_overrides where _file_name = 'a.xlsx' order by 2"
    ) == [
        ("May", 4),
        ("May", 6),
    ]


@pytest.mark.parametrize(
    ("dates", "style", "first"),
    [
        (["12/31/2011", "01/05/2012"], "month/day/year", date(2011, 12, 31)),
        (["31/12/2011", "01/05/2012"], "day/month/year", date(2011, 12, 31)),
        (["31.12.2011", "1.5.2012"], "day.month.year", date(2011, 12, 31)),
        (["31-Dec-2011", "1 May 2012"], "day-Mon-year", date(2011, 12, 31)),
        (["20111231", "20120501"], "yearmonthday", date(2011, 12, 31)),
    ],
)
def test_the_style_of_expiries_is_decided_for_each_file(shop: Shop, dates: list[str], style: str, first: date) -> None:
    shop.deliver("a.csv", "\n".join([OVERRIDES, *(f"7,Lost,r,a,{text}" for text in dates)]))
    # another file, read at the same time, has another style
    shop.deliver_lines("sales.csv", LINE_A.replace("2010-12-01 08:26:00", "13/12/2010"))
    shop.load()
    assert shop.value("select date_style from quality.load_ledger where file_name = 'a.csv'") == style
    assert [row[-1] for row in overrides(shop)] == [first, overrides(shop)[1][-1]]
    assert overrides(shop)[1][-1] in (date(2012, 1, 5), date(2012, 5, 1))
    assert shop.value("select count(expires_at) from raw.segment_overrides") == 2
    assert shop.value("select invoiced_at::date from raw.transactions") == date(2010, 12, 13)


def test_expiries_that_read_both_ways_are_not_guessed_from_the_files_name_or_their_nearness(shop: Shop) -> None:
    # sales of 2 and 3 January would be near to each other; expiries may as well be 1 February and 1 March
    shop.deliver("2012-01-02.csv", "\n".join([OVERRIDES, "7,Lost,r,a,02/01/2012", "8,Lost,r,a,03/01/2012"]))
    (outcome,) = shop.load().files
    assert [row[-1] for row in overrides(shop)] == [date(2012, 2, 1), date(2012, 3, 1)]
    assert outcome.notes is not None
    assert "dates were read as month/day/year, and day/month/year fits as well" in outcome.notes
    assert shop.value("select date_style_evidence from quality.load_ledger").startswith("assumed: ")


def test_a_mapping_names_columns_and_date_format(shop: Shop) -> None:
    columns = {"customer_id": "Kunde", "segment": "Gruppe", "reason": "Grund", "author": "Wer", "expires_on": "Bis"}
    mapping = SourceMapping(name="crm", layout="segment_overrides", columns=columns, date_format="%d/%m/%Y")
    shop.settings = Settings(landing=Landing(sources=(mapping,)))
    shop.deliver("a.csv", "Kunde;Gruppe;Grund;Wer;Bis\n7;Lost;r;a;02/01/2012\n")
    shop.load()
    assert overrides(shop) == [("7", "Lost", "r", "a", date(2012, 1, 2))]


def test_a_missing_column_is_named(shop: Shop) -> None:
    shop.deliver("a.csv", "Customer_ID,Segment,Reason,Author\n7,Lost,r,a\n")
    shop.deliver("customers_b.csv", "Customer_ID,Segment,Author,Valid_Until\n7,Lost,a,2012-01-01\n")
    found = told(shop)
    assert found["a.csv"] == (
        "a.csv: column missing: expires_on (header Expires_On); the headers found are 'Customer_ID', 'Segment', "
        "'Reason', 'Author'. Add the column, or map its header under [[landing.sources]] in regulars.toml"
    )
    assert "columns missing: reason (header Reason), expires_on (header Expires_On)" in str(found["customers_b.csv"])
    assert overrides(shop) == []


def test_customers_and_sales_stay_what_they_are(shop: Shop) -> None:
    shop.deliver("people.csv", "Customer_ID,Age,Gender,Segment,Author\n7,44,F,Lost,Ada\n")
    shop.deliver("customers.csv", "Customer_ID,Segment\n7,Lost\n")
    sales = f"{HEADER},Segment,Reason,Author,Expires_On"
    shop.deliver("sales.csv", f"{sales}\n{LINE_A},Lost,r,a,2012-01-01\n")
    report = shop.load()
    kinds = {outcome.file_name: outcome.kind for outcome in report.files}
    assert kinds == {"people.csv": "customers", "customers.csv": "customers", "sales.csv": "transactions"}
    assert report.override_lines == 0


def test_lines_that_will_not_split_keep_file_line_and_text(shop: Shop) -> None:
    lines = ["7,Lost,r,a,2012-01-01", "8,Lost", '9,Lost,"never closed,a,2012-01-01', "10,Lost,r,a,soon"]
    shop.deliver("a.csv", "\n".join([OVERRIDES, *lines]) + "\n")
    (outcome,) = shop.load().files
    assert (outcome.lines, outcome.unreadable_lines) == (4, 2)
    assert shop.rows(
        "select _file_name, _row_number, customer_id, expires_at::date, _problem, _line_text "
        "from raw.segment_overrides order by _row_number"
    ) == [
        ("a.csv", 2, "7", date(2012, 1, 1), None, None),
        ("a.csv", 3, None, None, "line 3 has 2 fields, the header has 5", "8,Lost"),
        ("a.csv", 4, None, None, "line 4 opens a quote that is never closed", lines[2]),
        ("a.csv", 5, "10", None, None, None),
    ]
    assert outcome.notes is not None
    assert "1 dates would not read as year-month-day, for example 'soon'" in outcome.notes


def test_a_line_that_left_the_file_leaves_the_warehouse(shop: Shop) -> None:
    shop.deliver_lines("sales.csv", LINE_A)
    shop.deliver("segment_overrides.csv", "\n".join([OVERRIDES, *LINES]))
    shop.load()
    sales, before = shop.raw(), active_content_hashes(shop.con)
    shop.deliver("segment_overrides.csv", "\n".join([OVERRIDES, LINES[1]]))
    assert scan_landing(shop.con, shop.landing, shop.settings).changed == ("segment_overrides.csv",)
    assert shop.load().changed
    assert overrides(shop) == EXPECTED[1:]
    # the contents make the data version; the sales are as they were
    assert active_content_hashes(shop.con) != before
    assert shop.raw() == sales
    shop.deliver("segment_overrides.csv", OVERRIDES + "\n")
    report = shop.load()
    assert (report.changed, report.override_lines) == (True, 0)


def test_one_file_of_overrides_reads_into_a_table_of_the_raw_shape(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "upload.csv"
    path.write_text("\n".join([OVERRIDES, *LINES]))
    outcome = read_file(shop.con, path, shop.settings, scratch=shop.scratch, read_at=datetime(2024, 1, 1))
    assert shop.rows(f"select {VALUES} from {outcome.lines_table} order by _line_id") == EXPECTED
    ensure_raw_schema(shop.con)
    assert shop.rows("select column_name, column_type from (describe raw.segment_overrides)") == shop.rows(
        "select column_name, column_type from (describe read_lines)"
    )


def test_a_ledger_made_before_there_were_overrides_takes_them_and_keeps_its_rows(shop: Shop) -> None:
    former = RAW_SCHEMA.read_text().replace(", 'segment_overrides'", "")
    shop.con.execute(former)
    shop.con.execute("drop table raw.segment_overrides")
    shop.deliver_lines("sales.csv", LINE_A)
    shop.con.execute(
        "insert into quality.load_ledger (load_id, file_name, recorded_at, status, kind) "
        "values (1, 'gone.csv', timestamp '2011-12-10', 'superseded', 'customers')"
    )
    shop.deliver("segment_overrides.csv", "\n".join([OVERRIDES, *LINES]))
    shop.load()
    assert shop.rows("select load_id, file_name, kind from quality.load_ledger order by load_id") == [
        (1, "gone.csv", "customers"),
        (2, "sales.csv", "transactions"),
        (3, "segment_overrides.csv", "segment_overrides"),
    ]
    assert overrides(shop) == EXPECTED
    with pytest.raises(duckdb.ConstraintException):
        shop.con.execute("update quality.load_ledger set kind = 'other'")
