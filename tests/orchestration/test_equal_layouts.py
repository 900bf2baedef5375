"""The same sales in other files and layouts give equal tables."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from tests.orchestration.conftest import differing_tables, refresh
from warehouse.home import Home

pytestmark = pytest.mark.real_data

# the loader's own tests do this with all 305 days, line by line
DAYS = 25
COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
LINEAGE = {
    "marts.set_aside_lines": ["file_name", "sheet", "row_number"],
    "marts.set_aside_reasons": ["file_count", "example_file_name", "example_row_number"],
    "marts.source_profiles": ["file_count"],
    "ml.model_runs": ["data_version"],
}


def as_one_csv(sales: duckdb.DuckDBPyConnection, landing: Path) -> None:
    sales.execute(f"copy lines to '{landing}/all.csv' (header)")


def as_windows_csv(sales: duckdb.DuckDBPyConnection, landing: Path) -> None:
    as_one_csv(sales, landing)
    path = landing / "all.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))


def as_european_csv(sales: duckdb.DuckDBPyConnection, landing: Path) -> None:
    path = landing / "verkauf.csv"
    sales.execute(
        f"""
        copy (
            select * replace (
                replace(UnitPrice, '.', ',') as UnitPrice,
                strftime(InvoiceDate::timestamp, '%d.%m.%Y %H:%M') as InvoiceDate
            ) from lines
        ) to '{path}' (header, delimiter ';')
        """
    )
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))


def as_parquet(sales: duckdb.DuckDBPyConnection, landing: Path) -> None:
    sales.execute(
        f"""
        copy (
            select * replace (
                Quantity::integer as Quantity, UnitPrice::double as UnitPrice,
                InvoiceDate::timestamp as InvoiceDate, CustomerID::double as CustomerID
            ) from lines
        ) to '{landing}/all.parquet'
        """
    )


def as_overlapping_workbook(sales: duckdb.DuckDBPyConnection, landing: Path) -> None:
    rows = sales.execute(
        """
        select InvoiceNo, StockCode, Description, Quantity::integer, InvoiceDate::timestamp, UnitPrice::double,
            CustomerID::double, Country
        from lines
        """
    ).fetchall()
    with xlsxwriter.Workbook(landing / "years.xlsx", {"constant_memory": True}) as book:
        date = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        # both sheets hold the middle third, as the public yearly workbooks both hold December
        for name, part in (("first", rows[: 2 * len(rows) // 3]), ("second", rows[len(rows) // 3 :])):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, COLUMNS)
            for number, row in enumerate(part, start=1):
                for column, value in enumerate(row):
                    if column == 4:
                        sheet.write_datetime(number, column, value, date)
                    elif value is not None:
                        sheet.write(number, column, value)


@pytest.fixture(scope="module")
def sales(real_data: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    days = [str(path) for path in sorted(real_data.glob("*.csv"))[:DAYS]]
    connection.execute("create table lines as select * from read_csv(?, all_varchar = true)", [days])
    return connection


@pytest.fixture(scope="module")
def as_delivered(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("as-delivered"))
    home.landing.mkdir()
    for path in sorted(real_data.glob("*.csv"))[:DAYS]:
        (home.landing / path.name).write_bytes(path.read_bytes())
    outcome = refresh(home)
    assert outcome.succeeded, outcome.problems
    return home


@pytest.mark.parametrize("write", [as_one_csv, as_windows_csv, as_european_csv, as_parquet, as_overlapping_workbook])
def test_other_files_give_equal_tables(
    write: Callable[[duckdb.DuckDBPyConnection, Path], None],
    sales: duckdb.DuckDBPyConnection,
    as_delivered: Home,
    tmp_path: Path,
    ask,
) -> None:
    home = Home(tmp_path)
    home.landing.mkdir()
    write(sales, home.landing)
    outcome = refresh(home)
    assert outcome.succeeded, outcome.problems
    if write is not as_overlapping_workbook:
        assert differing_tables(as_delivered.published, home.published, but=LINEAGE) == []
        return
    # what both sheets hold is counted once; only the accounting knows that it came twice
    differing = differing_tables(as_delivered.published, home.published, but=LINEAGE)
    # the lines told twice are counted where lines are counted, and nowhere else
    assert {table.partition(":")[0] for table in differing} == {
        "marts.row_accounting",
        "marts.set_aside_lines",
        "marts.set_aside_reasons",
        "marts.source_profiles",
    }
