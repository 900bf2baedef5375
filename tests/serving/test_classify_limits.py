"""What an upload may not do: grow, hang, follow links, reach out, stay behind."""

import asyncio
import gzip
import shutil
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from serving.api.classify import classify_router
from serving.api.forms import receive
from serving.api.problems import install_problem_handlers
from serving.classify import Classifier, UploadLimits
from serving.classify.errors import (
    ClassifierBusyError,
    SlowUploadError,
    TooLongError,
    UnknownKindError,
    UnreadableUploadError,
    UploadTooLargeError,
)
from serving.classify.folders import sweep
from serving.classify.inspection import inspect_upload
from serving.classify.service import Upload
from serving.snapshot import SnapshotReader
from tests.tiny_shop import HEADER
from warehouse.home import Home

LIMITS = UploadLimits(seconds=300)
LINE = "1,20001,MUG,2,2024-05-01 10:00:00,3.00,50001,United Kingdom\n"


@pytest.fixture
def home(published_small: Home, tmp_path: Path) -> Iterator[Home]:
    """A copy of the small shop's snapshot; whatever happens, no upload leaves anything behind."""
    home = Home(tmp_path / "home")
    home.published.parent.mkdir(parents=True)
    shutil.copyfile(published_small.published, home.published)
    yield home
    assert sorted(home.scratch.glob("*")) == []


def workbook(target: Path, parts: dict[str, bytes] | None = None, *, rows: int = 1) -> Path:
    """A workbook of sales with more parts put in."""
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate([HEADER.strip(), *[LINE.strip()] * rows]):
            sheet.write_row(number, 0, line.split(","))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (parts or {}).items():
            archive.writestr(name, content)
    return target


# ---- size, time, number ------------------------------------------------------------


def test_a_file_is_cut_off_as_soon_as_it_is_too_large(home: Home, tmp_path: Path) -> None:
    upload = tmp_path / "large.csv"
    upload.write_text(HEADER + LINE * 100)
    with pytest.raises(UploadTooLargeError, match="larger than 1,000 bytes") as refused:
        Classifier(home, replace(LIMITS, upload_bytes=1_000)).classify_path(upload)
    assert refused.value.status == 413


def test_a_file_of_too_many_lines_is_refused_and_one_of_just_so_many_is_not(home: Home, tmp_path: Path) -> None:
    upload = tmp_path / "lines.csv"
    upload.write_text(HEADER + LINE * 3)
    assert Classifier(home, replace(LIMITS, lines=3)).classify_path(upload).delivered_lines == 3
    with pytest.raises(UnreadableUploadError, match="more than 2 lines"):
        Classifier(home, replace(LIMITS, lines=2)).classify_path(upload)


def test_what_takes_too_long_is_stopped(home: Home, tmp_path: Path) -> None:
    upload = tmp_path / "slow.csv"
    upload.write_text(HEADER + LINE)
    with pytest.raises(TooLongError, match=r"longer than 0\.05 seconds") as refused:
        Classifier(home, replace(LIMITS, seconds=0.05)).classify_path(upload)
    assert refused.value.status == 504


def test_only_so_many_are_at_work_and_places_come_free_again(home: Home) -> None:
    classifier = Classifier(home, LIMITS)
    with classifier.receiving(), classifier.receiving():
        with (
            pytest.raises(ClassifierBusyError, match="2 uploads are being classified") as refused,
            classifier.receiving(),
        ):
            pass
        assert (refused.value.status, refused.value.retry_after_seconds) == (503, 15)
    with pytest.raises(ZeroDivisionError), classifier.receiving():
        raise ZeroDivisionError
    with classifier.receiving() as upload:
        assert upload.folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_a_killed_server_left_is_swept_and_one_in_use_is_not(home: Home) -> None:
    left = home.scratch / "upload-0123"
    left.mkdir(parents=True)
    (left / "upload").write_text("somebody's customers")
    with Classifier(home, LIMITS).receiving() as upload:
        assert not left.exists()
        swept = []
        thread = threading.Thread(target=lambda: swept.append(sweep(home.scratch)))
        thread.start()
        thread.join()
        assert swept == [0]
        assert upload.folder.exists()


# ---- bombs --------------------------------------------------------------------------


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    upload = tmp_path / "bomb.csv.gz"
    with gzip.open(upload, "wb") as stream:
        for _ in range(200):
            stream.write(b"0" * 1024 * 1024)
    with pytest.raises(UploadTooLargeError, match="more than 200 times its size"):
        inspect_upload(upload, upload.name, LIMITS)
    with pytest.raises(UploadTooLargeError, match="unpacks to more than 1,000,000 bytes"):
        inspect_upload(upload, upload.name, replace(LIMITS, unpacked_bytes=1_000_000))


def test_a_workbook_bomb_is_refused_whether_its_directory_tells_the_truth_or_not(tmp_path: Path) -> None:
    honest = workbook(tmp_path / "honest.xlsx", {"xl/media/zeros.bin": b"0" * 80 * 1024 * 1024})
    with pytest.raises(UploadTooLargeError, match="more than 200 times its size"):
        inspect_upload(honest, honest.name, LIMITS)
    content = bytearray(honest.read_bytes())
    claimed = struct.pack("<I", 80 * 1024 * 1024)
    assert content.count(claimed) == 2
    # both headers now say 1,000 bytes, with the checksum of the first 1,000
    truth = struct.pack("<I", zlib.crc32(b"0" * 80 * 1024 * 1024))
    content = content.replace(claimed, struct.pack("<I", 1_000)).replace(
        truth, struct.pack("<I", zlib.crc32(b"0" * 1_000))
    )
    lying = tmp_path / "lying.xlsx"
    lying.write_bytes(bytes(content))
    with zipfile.ZipFile(lying) as archive:
        assert len(archive.read("xl/media/zeros.bin")) == 1_000, "Python itself believes the directory"
    with pytest.raises(
        (UnreadableUploadError, UploadTooLargeError), match=r"another size than the directory says|times its"
    ):
        inspect_upload(lying, lying.name, LIMITS)


def test_a_cell_in_the_far_corner_takes_no_more_memory_than_there_is_for_it(home: Home, tmp_path: Path) -> None:
    upload = tmp_path / "corner.xlsx"
    with xlsxwriter.Workbook(upload) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, HEADER.strip().split(","))
        sheet.write_string(1_048_575, 16_383, "here")
    with pytest.raises(UploadTooLargeError, match="takes more memory than an upload may have"):
        Classifier(home, replace(LIMITS, process_bytes=4 * 1024**3)).classify_path(upload)


# ---- what is in a workbook ----------------------------------------------------------

_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r9" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
    'Target="{target}" TargetMode="External"/></Relationships>'
)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"xl/vbaProject.bin": b"x"}, "macros"),
        ({"XL/VBAPROJECT.BIN": b"x"}, "macros"),
        ({"xl/macrosheets/sheet1.xml": b"<a/>"}, "macros"),
        ({"xl/externalLinks/externalLink1.xml": b"<a/>"}, "links to other files"),
        (
            {"xl/worksheets/_rels/s.xml.rels": _RELATIONS.format(kind="image", target="http://127.0.0.1/x").encode()},
            "links to other files",
        ),
        (
            {
                "xl/worksheets/_rels/s.xml.rels": _RELATIONS.replace("1.0", '1.0" encoding="utf-16')
                .format(kind="externalLinkPath", target="file:///etc/passwd")
                .encode("utf-16")
            },
            "links to other files",
        ),
        ({"xl/embeddings/oleObject1.bin": b"x"}, "embedded objects"),
    ],
)
def test_workbooks_that_do_more_than_hold_cells_are_refused(tmp_path: Path, parts: dict[str, bytes], said: str) -> None:
    upload = workbook(tmp_path / "book.xlsx", parts)
    with pytest.raises(UnknownKindError, match=said) as refused:
        inspect_upload(upload, upload.name, LIMITS)
    assert refused.value.status == 415


def test_entities_in_a_workbook_are_not_looked_up(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    upload = workbook(tmp_path / "book.xlsx", {"xl/worksheets/_rels/s.xml.rels": bomb})
    with pytest.raises(UnreadableUploadError, match="declares a document type"):
        inspect_upload(upload, upload.name, LIMITS)


def test_an_address_to_click_on_is_no_reason_to_refuse(tmp_path: Path) -> None:
    relations = _RELATIONS.format(kind="hyperlink", target="https://example.org/").encode()
    upload = workbook(tmp_path / "book.xlsx", {"xl/worksheets/_rels/s.xml.rels": relations})
    assert inspect_upload(upload, upload.name, LIMITS) == "xlsx"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "locked with a password"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"%PDF-1.7", "a PDF document"),
        (b"MZ\x90", "a program"),
    ],
)
def test_other_kinds_are_refused_by_their_bytes_whatever_their_name(tmp_path: Path, head: bytes, said: str) -> None:
    upload = tmp_path / "sales.csv"
    upload.write_bytes(head + b"\x00" * 600)
    with pytest.raises(UnknownKindError, match=said) as refused:
        inspect_upload(upload, upload.name, LIMITS)
    assert refused.value.status == 415


# ---- names -----------------------------------------------------------------------------


def test_columns_and_sheets_with_hostile_names_are_names_and_nothing_else(home: Home, tmp_path: Path) -> None:
    columns = {name: [value] for name, value in zip(HEADER.strip().split(","), LINE.strip().split(","), strict=True)}
    columns['x"; drop table raw.transactions; --'] = ["1"]
    columns["'; attach '/etc/passwd' as p; --"] = ["2"]
    pq.write_table(pa.table(columns), tmp_path / "hostile.parquet")
    with xlsxwriter.Workbook(tmp_path / "hostile.xlsx") as book:
        sheet = book.add_worksheet("x'; drop table raw.t --")
        sheet.write_row(0, 0, list(columns))
        sheet.write_row(1, 0, [values[0] for values in columns.values()])
    classifier = Classifier(home, LIMITS)
    for name in ("hostile.parquet", "hostile.xlsx"):
        done = classifier.classify_path(tmp_path / name)
        assert done.customers["customer_id"].tolist() == ["50001"], name


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\sales.csv", "sales.csv"),
        ("a\x00b\n.csv", "a\ufffdb\ufffd.csv"),
        ("", "upload"),
        ("x" * 500, "x" * 120),
    ],
)
def test_a_name_is_shown_and_never_a_path(home: Home, given: str, shown: str) -> None:
    with Classifier(home, LIMITS).receiving() as upload:
        upload.call(given)
        upload.write(b"content")
        assert upload.name == shown
        assert [path.name for path in upload.folder.iterdir()] == ["upload"]


# ---- over HTTP ---------------------------------------------------------------------------


@pytest.fixture
def client(home: Home) -> Iterator[TestClient]:
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(classify_router(SnapshotReader(home), replace(LIMITS, upload_bytes=2 * 1024 * 1024)))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_http_answers_with_labels_lines_and_accounting_that_add_up(client: TestClient, home: Home) -> None:
    content = HEADER + LINE + LINE + "2,POST,POSTAGE,1,2024-05-01 10:00:00,4.00,50001,United Kingdom\n"
    sent = client.post("/classify_customers", files={"file": ("may.csv", content)}, params={"method": "mixture"})
    assert sent.status_code == 200, sent.text
    told = sent.json()
    (customer,) = told["customers"]
    assert customer["rfm_values"] == {"recency_days": 1, "frequency": 1, "monetary": 6.0}
    with duckdb.connect(str(home.published), read_only=True) as connection:
        names = connection.execute(
            "select distinct cluster_id, segment_name from ml.segment_centroids where algorithm = 'mixture'"
        ).fetchall()
    assert (customer["predicted_cluster_id"], customer["cluster_name"]) in names
    assert [(line["row_number"], line["disposition"]) for line in told["set_aside"]] == [
        (3, "duplicate"),
        (4, "non_product"),
    ]
    account = told["accounting"]
    assert account["delivered_lines"] == account["kept_lines"] + account["set_aside_lines"] == 3
    assert sum(row["row_count"] for row in account["dispositions"]) == 3
    assert sent.headers["cache-control"] == "no-store"


def test_csv_over_http_is_safe_to_open_in_a_spreadsheet(client: TestClient) -> None:
    content = HEADER + LINE.replace("50001", "=CMD|'X'!A1") + LINE.replace("MUG", "@SUM(A1)").replace("3.00", "0.00")
    customers = client.post("/classify_customers?format=csv", files={"file": ("may.csv", content)})
    assert customers.headers["content-type"] == "text/csv; charset=utf-8"
    rows = customers.content.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("customer_id,predicted_cluster_id,cluster_name,cluster_interpretation,")
    assert rows[1].startswith("'=CMD")
    aside = client.post("/classify_customers?format=csv&table=set_aside", files={"file": ("may.csv", content)})
    assert ",'@SUM(A1)," in aside.content.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"files": {"other": ("a.csv", b"x")}}, 400, "holds no file"),
        ({"files": [("file", ("a.csv", b"x")), ("file", ("b.csv", b"x"))]}, 400, "more than one file"),
        ({"content": b"x", "headers": {"content-type": "text/csv"}}, 415, "multipart/form-data"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        (
            {"content": b"--b\r\nnonsense", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            400,
            "form",
        ),
        (
            {
                "content": b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nInvoiceNo',
                "headers": {"content-type": "multipart/form-data; boundary=b"},
            },
            400,
            "not the whole of it",
        ),
        ({"files": {"file": ("a.csv", b"x")}, "data": {str(n): "y" for n in range(11)}}, 400, "Too many fields"),
        # headers of a part: a long one, and many
        ({"files": {"file": ("a" * 5_000 + ".csv", b"x")}}, 400, "can't be read"),
        ({"files": {"file": ("a.csv", b"x", "text/csv", {f"X-{n}": "y" for n in range(9)})}}, 400, "can't be read"),
        ({"files": {"file": ("a.csv", b"0" * 3 * 1024 * 1024)}}, 413, "2,097,152 bytes"),
        ({"files": {"file": ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 99)}}, 415, "a.png: the file is a PNG image"),
        ({"files": {"file": ("a.csv", b"Name,Colour\nAda,blue\n")}}, 422, "a.csv: "),
        ({"files": {"file": ("a.csv", b"x")}, "params": {"method": "rfm"}}, 422, "method"),
        ({"files": {"file": ("a.csv", b"x")}, "params": {"as_of": "tomorrow"}}, 422, "as_of"),
    ],
)
def test_refusals_over_http_say_why(client: TestClient, request_: dict[str, object], status: int, said: str) -> None:
    sent = client.post("/classify_customers", **request_)  # type: ignore[arg-type]
    assert sent.status_code == status, sent.text
    assert sent.headers["content-type"] == "application/problem+json"
    assert said in sent.json()["detail"]


def test_a_form_may_come_in_pieces_of_any_size(client: TestClient) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="may.csv"\r\nContent-Type: text/csv\r\n\r\n'
        + (HEADER + LINE).encode()
        + b"\r\n--b--\r\n"
    )
    pieces = (bytes([byte]) for byte in body)
    sent = client.post(
        "/classify_customers", content=pieces, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert sent.status_code == 200, sent.text
    assert sent.json()["file_name"] == "may.csv"


def test_a_form_that_does_not_arrive_in_time_is_refused(tmp_path: Path) -> None:
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"multipart/form-data; boundary=b")]}

    async def stalled() -> dict[str, object]:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    with pytest.raises(SlowUploadError, match=r"still arriving after 0\.05 seconds"):
        asyncio.run(receive(Request(scope, stalled), Upload(tmp_path, LIMITS), replace(LIMITS, receive_seconds=0.05)))


def test_an_encrypted_workbook_is_refused(tmp_path: Path) -> None:
    upload = workbook(tmp_path / "book.xlsx", {"xl/extra.xml": b"<a/>"})
    content = bytearray(upload.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 8] |= 1
    upload.write_bytes(bytes(content))
    with pytest.raises(UnknownKindError, match="locked with a password"):
        inspect_upload(upload, upload.name, LIMITS)
