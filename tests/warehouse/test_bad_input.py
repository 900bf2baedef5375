"""Bad input gets a clear message, is recorded with its reason, and lets the good files through."""

import gzip
import os
import socket
import threading
import time
from pathlib import Path

import pytest
import xlsxwriter

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.errors import RegularsError
from warehouse.loading import FileOutcome


def load_beside_a_good_file(shop: Shop) -> FileOutcome:
    """Load; the good file must have come through whatever the other one is. Returns the other's outcome."""
    shop.deliver_lines("zz good.csv", LINE_B)
    report = shop.load(settle_wait_seconds=0.01)
    (good,) = [outcome for outcome in report.files if outcome.file_name == "zz good.csv"]
    (other,) = [outcome for outcome in report.files if outcome.file_name != "zz good.csv"]
    assert (good.status, good.lines) == ("loaded", 1)
    return other


def rejected_problem(shop: Shop) -> str:
    outcome = load_beside_a_good_file(shop)
    assert outcome.status == "rejected"
    assert outcome.problem is not None
    assert outcome.problem.startswith(f"{outcome.file_name}: ")
    assert len(shop.raw()) == 1
    recorded = shop.rows("select file_name, problem from quality.load_ledger where status = 'rejected'")
    assert recorded == [(outcome.file_name, outcome.problem)]
    return outcome.problem


def problems(shop: Shop) -> list[tuple[int, str, str]]:
    return shop.rows(  # type: ignore[return-value]
        "select _row_number, _problem, _line_text from raw.transactions "
        "where _problem is not null and _file_name = 'a.csv' order by 1"
    )


def test_an_empty_landing_folder_says_what_to_do(shop: Shop) -> None:
    with pytest.raises(RegularsError, match=r"is empty; put sales files"):
        shop.load()


def test_a_missing_landing_folder_says_what_to_do(shop: Shop) -> None:
    shop.landing.rmdir()
    with pytest.raises(RegularsError, match=r"does not exist; create it"):
        shop.load()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"\n\n  \n", "blank lines only"),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
            "the file is a PNG image, expected CSV (plain or gzip), XLSX or Parquet",
        ),
        (b"%PDF-1.7\n%\xe2\xe3", "the file is a PDF document"),
        (bytes(range(256)) * 40, "the file is a binary file"),
        (b"<!DOCTYPE html><html><body>Please log in</body></html>", "the file is an HTML page"),
        (b'{"InvoiceNo": 1}', "the file is JSON"),
        (b'{"InvoiceNo": 1}\n{"InvoiceNo": 2}\n', "copy (from read_json('sales.json')) to 'sales.csv'"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an old Excel workbook (.xls)"),
        (b"PAR1" + bytes(200), "the Parquet file is cut off or damaged"),
        (b"PK\x03\x04" + bytes(200), "the workbook (or zip archive) is cut off or damaged"),
        (b"name,colour\nx,red\n", "no known header was found: it reads 'name', 'colour', expected at least InvoiceNo"),
        (f"{LINE_A}\n{LINE_B}\n".encode(), "no known header was found"),
        (
            b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,CustomerID\n1,A,B,1,2010-12-01,5\n",
            "column missing: unit_price (header UnitPrice or Price); the headers found are 'InvoiceNo', 'StockCode'",
        ),
        (f"{HEADER},Quantity\n{LINE_A},1\n".encode(), "column quantity is there 2 times"),
    ],
)
def test_a_file_that_is_no_sales_file_is_rejected_with_its_reason(shop: Shop, content: bytes, said: str) -> None:
    shop.deliver("orders.csv", content)
    assert said in rejected_problem(shop)


def test_a_cut_off_gzip_file_is_rejected(shop: Shop) -> None:
    body = "\n".join([HEADER, *(LINE_A.replace("536365", str(number)) for number in range(50_000))]).encode()
    shop.deliver("a.csv.gz", gzip.compress(body)[:-2000])
    assert "the gzip file is cut off or damaged" in rejected_problem(shop)


def test_a_gzip_file_with_a_wrong_checksum_is_rejected(shop: Shop) -> None:
    packed = bytearray(gzip.compress(f"{HEADER}\n{LINE_A}\n".encode()))
    packed[-6] ^= 0xFF
    shop.deliver("a.csv.gz", bytes(packed))
    assert "the gzip file is cut off or damaged" in rejected_problem(shop)


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_cut_off_workbook_is_rejected(shop: Shop, tmp_path: Path, kept: float) -> None:
    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        workbook.add_worksheet().write_row(0, 0, HEADER.split(","))
    whole = (tmp_path / "a.xlsx").read_bytes()
    shop.deliver("a.xlsx", whole[: int(len(whole) * kept)])
    assert "is cut off or damaged" in rejected_problem(shop)


def test_a_workbook_with_a_broken_sheet_is_rejected(shop: Shop, tmp_path: Path) -> None:
    import zipfile

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as workbook:
        workbook.add_worksheet().write_row(0, 0, HEADER.split(","))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as whole, zipfile.ZipFile(shop.landing / "a.xlsx", "w") as broken:
        for name in whole.namelist():
            content = whole.read(name)
            broken.writestr(name, content[: len(content) // 2] if "sheet1" in name else content)
    assert "a.xlsx" in rejected_problem(shop)


def test_a_workbook_without_a_known_sheet_says_what_it_found(shop: Shop, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(shop.landing / "a.xlsx") as workbook:
        workbook.add_worksheet("Budget").write_row(0, 0, ["Month", "Amount"])
    assert "sheet 'Budget': no known header was found: it reads 'Month', 'Amount'" in rejected_problem(shop)


def test_a_zip_archive_of_several_files_is_to_be_unpacked(shop: Shop) -> None:
    import zipfile

    with zipfile.ZipFile(shop.landing / "sales.zip", "w") as archive:
        archive.writestr("january.csv", HEADER)
        archive.writestr("february.csv", HEADER)
    assert "a zip archive that holds 2 files (january.csv, february.csv); unpack it" in rejected_problem(shop)


def test_a_header_only_loads_no_lines_and_is_noted(shop: Shop) -> None:
    shop.deliver("a.csv", f"{HEADER}\n")
    outcome = load_beside_a_good_file(shop)
    assert (outcome.status, outcome.lines, outcome.notes) == ("loaded", 0, "header only, no lines")


def test_ragged_rows_are_set_aside_with_their_text(shop: Shop) -> None:
    shop.deliver_lines("a.csv", LINE_A, "536366,22423,CAKESTAND", "", LINE_A + ",extra", LINE_A + ",,")
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (4, 2)
    assert problems(shop) == [
        (3, "line 3 has 3 fields, the header has 8", "536366,22423,CAKESTAND"),
        (5, "line 5 has 9 fields, the header has 8", LINE_A + ",extra"),
    ]
    good = shop.rows(
        "select _row_number, country from raw.transactions where _problem is null and _file_name = 'a.csv' order by 1"
    )
    assert good == [(2, "United Kingdom"), (6, "United Kingdom")]
    assert shop.rows(
        "select delivered_lines, loaded_lines, unreadable_lines from quality.load_ledger where file_name = 'a.csv'"
    ) == [(4, 2, 2)]


def test_a_quote_never_closed_costs_only_its_line(shop: Shop) -> None:
    broken = '536366,22423,"CAKESTAND,6,2010-12-01 08:28:00,12.75,14527,France'
    quoted = '536367,22424,"PLATE, ""BLUE""",6,2010-12-01 08:29:00,1.25,14527,France'
    shop.deliver_lines("a.csv", LINE_A, broken, quoted, *[LINE_A] * 200, broken)
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (204, 2)
    assert problems(shop) == [
        (3, "line 3 opens a quote that is never closed", broken),
        (205, "line 205 opens a quote that is never closed", broken),
    ]
    assert shop.value("select description from raw.transactions where _row_number = 4") == 'PLATE, "BLUE"'


def test_a_forgotten_quote_does_not_swallow_the_sales_lines_after_it(shop: Shop) -> None:
    # read as one quoted field, lines 2 to 4 would have three fields as well
    lines = ['1,"2010-12-01,5', "2,2010-12-02,6", '3,2010-12-03",7']
    shop.deliver("a.csv", "\n".join(["Customer_ID,Transaction_Date,Amount", *lines]))
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (3, 1)
    assert problems(shop) == [(2, "line 2 opens a quote that is never closed", lines[0])]


def test_a_record_may_span_lines_inside_quotes(shop: Shop) -> None:
    spread = '536366,22423,"CAKE\r\nSTAND, ""3"" tiers",6,2010-12-01 08:28:00,12.75,14527,France'
    shop.deliver("a.csv", "\r\n".join([HEADER, LINE_A, spread, LINE_A]))
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (3, 0)
    assert outcome.notes == "1 records span several lines inside quotes"
    assert shop.rows("select _row_number, description from raw.transactions where invoice = '536366'") == [
        (3, 'CAKE\nSTAND, "3" tiers')
    ]
    assert shop.value("select max(_row_number) from raw.transactions where _file_name = 'a.csv'") == 5


def test_text_after_a_closing_quote_is_set_aside(shop: Shop) -> None:
    broken = '536366,22423,"5" PLATE",6,2010-12-01 08:28:00,12.75,14527,France'
    shop.deliver_lines("a.csv", LINE_A, broken)
    load_beside_a_good_file(shop)
    ((number, problem, text),) = problems(shop)
    assert (number, text) == (3, broken)
    assert problem == "line 3 has text after a closing quote; a quote inside a quoted field must be doubled"


def test_a_field_of_40_megabytes_is_set_aside_whole(shop: Shop) -> None:
    huge = LINE_A.replace("WHITE HANGING HEART", "x" * 40_000_000)
    shop.deliver_lines("a.csv", LINE_A, huge, LINE_A)
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (3, 1)
    ((number, problem, text),) = problems(shop)
    assert number == 3
    assert problem.startswith(f"line 3 is {len(huge):,} bytes long, more than the 1,048,576 a line may have")
    assert text == huge


def test_nul_bytes_are_shown_and_noted(shop: Shop) -> None:
    shop.deliver_lines("a.csv", LINE_A.replace("HEART", "HE\x00ART"), "\x00" * 30)
    outcome = load_beside_a_good_file(shop)
    assert outcome.notes == "2 lines hold NUL bytes, shown as ␀"
    assert shop.value("select description from raw.transactions where _row_number = 2 and _file_name = 'a.csv'") == (
        "WHITE HANGING HE␀ART"
    )
    assert problems(shop) == [(3, "line 3 has 1 field, the header has 8", "␀" * 30)]


def test_mixed_encodings_are_decided_line_by_line(shop: Shop) -> None:
    lines = [
        HEADER.encode(),
        LINE_A.replace("HEART", "CAFÉ").encode("utf-8"),
        LINE_A.replace("HEART", "DÉCOR €").encode("cp1252"),
        LINE_B.encode(),
    ]
    shop.deliver("a.csv", b"\n".join(lines))
    outcome = load_beside_a_good_file(shop)
    assert outcome.notes == "mixed encodings: 1 lines read as Latin-1, 1 as UTF-8"
    assert shop.rows(
        "select description from raw.transactions where _file_name = 'a.csv' and _row_number < 4 order by _row_number"
    ) == [("WHITE HANGING CAFÉ",), ("WHITE HANGING DÉCOR €",)]
    assert shop.value("select encoding from quality.load_ledger where file_name = 'a.csv'") == "mixed"
    assert list(shop.scratch.iterdir()) == []


def test_mixed_line_ends_and_a_lone_carriage_return_lose_nothing(shop: Shop) -> None:
    shop.deliver("a.csv", f"{HEADER}\r\n{LINE_A}\n{LINE_A.replace('HEART', 'HE' + chr(13) + 'ART')}\r\n{LINE_A}\n")
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (3, 0)
    assert shop.value("select description from raw.transactions where _row_number = 3") == "WHITE HANGING HE\rART"


def test_absurd_values_stay_text_for_later_layers_to_judge(shop: Shop) -> None:
    shop.deliver_lines("a.csv", "1,A,B,1000000000000,2055-06-01 10:00:00,1e309,x,")
    load_beside_a_good_file(shop)
    assert shop.rows(
        "select quantity, year(invoiced_at), unit_price from raw.transactions where _file_name = 'a.csv'"
    ) == [("1000000000000", 2055, "1e309")]


def test_one_damaged_file_among_many_leaves_the_others_alone(shop: Shop) -> None:
    for number in range(20):
        shop.deliver_lines(f"{number:02}.csv", LINE_A.replace("536365", str(number)), LINE_B)
    # mixed ends make DuckDB refuse the statement, a ragged row only the file
    shop.deliver("07.csv", f"{HEADER}\n{LINE_A}\r\n{LINE_B}\n")
    shop.deliver_lines("13.csv", LINE_A, "1,2,3")
    report = shop.load()
    assert {outcome.status for outcome in report.files} == {"loaded"}
    assert (report.delivered_lines, report.unreadable_lines) == (40, 1)
    assert shop.rows("select _file_name from raw.transactions where _problem is not null") == [("13.csv",)]
    assert shop.rows("select _row_number, count(*) from raw.transactions group by 1 order by 1") == [(2, 20), (3, 20)]


def test_a_file_still_being_written_waits_for_the_next_refresh(shop: Shop) -> None:
    growing = shop.deliver_lines("a.csv", LINE_A)
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            with growing.open("a") as stream:
                stream.write(LINE_B + "\n")
            time.sleep(0.01)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        time.sleep(0.05)
        outcome = load_beside_a_good_file(shop)
    finally:
        stop.set()
        writer.join()
    assert outcome.status == "in_transit"
    assert "still being written" in str(outcome.problem)
    assert shop.rows("select file_name, status, content_hash from quality.load_ledger where status = 'in_transit'") == [
        ("a.csv", "in_transit", None)
    ]
    os.utime(growing, (1_300_000_000, 1_300_000_000))
    report = shop.load()
    assert [outcome.status for outcome in report.files] == ["loaded", "unchanged"]
    assert shop.rows("select status from quality.load_ledger where file_name = 'a.csv'") == [("loaded",)]


def test_a_fresh_file_that_holds_still_loads_after_one_short_wait(shop: Shop) -> None:
    shop.deliver("a.csv", f"{HEADER}\n{LINE_A}\n", modified=int(time.time()))
    assert [outcome.status for outcome in shop.load(settle_wait_seconds=0.05).files] == ["loaded"]


@pytest.mark.parametrize("name", ["a.csv.part", "a.csv.tmp", "a.csv.crdownload", "a.csv.filepart"])
def test_uploads_in_progress_are_left_alone(shop: Shop, name: str) -> None:
    shop.deliver_lines(name, LINE_A)
    outcome = load_beside_a_good_file(shop)
    assert outcome.status == "in_transit"
    assert len(shop.raw()) == 1


def test_hidden_files_and_spreadsheet_locks_are_no_deliveries(shop: Shop) -> None:
    shop.deliver_lines("a.csv", LINE_A)
    shop.deliver(".DS_Store", b"\x00")
    shop.deliver("~$orders.xlsx", b"\x00")
    shop.deliver(".hidden/b.csv", f"{HEADER}\n{LINE_B}\n")
    assert [outcome.file_name for outcome in shop.load().files] == ["a.csv"]


def test_a_link_that_points_nowhere_is_rejected(shop: Shop) -> None:
    (shop.landing / "a.csv").symlink_to(shop.landing / "gone.csv")
    assert "a link that points nowhere" in rejected_problem(shop)


def test_a_link_to_itself_is_rejected(shop: Shop) -> None:
    (shop.landing / "a.csv").symlink_to(shop.landing / "a.csv")
    assert "it can't be read (Too many levels of symbolic links)" in rejected_problem(shop)


def test_a_socket_is_rejected_and_not_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.landing)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("a.csv")
        assert "it is not a regular file" in rejected_problem(shop)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_rejected(shop: Shop) -> None:
    shop.deliver_lines("a.csv", LINE_A).chmod(0)
    assert "permission to read it is denied" in rejected_problem(shop)


@pytest.mark.parametrize("name", ["it's; drop table raw.csv", "a[1]*?.csv", "ü/ß {a,b}.csv", "-x.csv", "a\nb.csv"])
def test_odd_file_names_are_only_names(shop: Shop, name: str) -> None:
    shop.deliver_lines(name, LINE_A)
    outcome = load_beside_a_good_file(shop)
    assert (outcome.file_name, outcome.status) == (name, "loaded")
    assert shop.value("select _file_name from raw.transactions where invoice = '536365'") == name


def test_a_name_that_is_no_utf_8_is_shown_as_far_as_it_can_be(shop: Shop) -> None:
    path = os.fsencode(shop.landing) + b"/caf\xe9.csv"
    Path(os.fsdecode(path)).write_text(f"{HEADER}\n{LINE_A}\n")
    outcome = load_beside_a_good_file(shop)
    assert (outcome.file_name, outcome.status) == ("caf\ufffd.csv", "loaded")


@pytest.mark.parametrize("broken", ["536366,22423", LINE_A, LINE_A + ",7,8", LINE_A + ',"7'])
def test_ragged_rows_are_found_beside_columns_that_are_not_used(shop: Shop, broken: str) -> None:
    shop.deliver("a.csv", "\n".join([f"{HEADER},Till", f"{LINE_A},7", broken, f"{LINE_B},8"]))
    outcome = load_beside_a_good_file(shop)
    assert (outcome.lines, outcome.unreadable_lines) == (3, 1)
    ((number, _, text),) = problems(shop)
    assert (number, text) == (3, broken)
