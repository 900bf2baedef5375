"""Whatever lies in landing is recorded with its reason, and no half of it is loaded.

More of them: ``python -m benchmarks.reliability files``.
"""

import gzip
import os
from pathlib import Path

import pytest

from tests.formats.hostile import faults, load

FILES = int(os.environ.get("REGULARS_HOSTILE_FILES", "200"))
MANY_LINES = "".join(f"{n},{n * n % 7919},1,2011-03-01,{n * 31 % 977}.00\n" for n in range(40_000)).encode()


def test_files_that_no_system_wrote(tmp_path: Path) -> None:
    assert list(faults(range(FILES), tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        # lines end with a carriage return alone, and what stands below the header is of no encoding
        ("returns.csv", b"Order,Item,Amount\r1,Lantern\xa3,2.50\r2,\xff\xfe,1.00\r"),
        # a header that no layout knows, and an end that is missing
        ("cut.csv.gz", gzip.compress(b"Invoice Nr,Item,Quantity,InvoiceDate,Price\n" + MANY_LINES)[:-40]),
    ],
)
def test_what_an_unknown_header_stands_above_stops_no_other_file(tmp_path: Path, name: str, content: bytes) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / name).write_bytes(content)
    (landing / "good.csv").write_text(
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
        "500,85123A,Lantern,1,2011-03-01 09:00:00,2.55,17850,United Kingdom\n"
    )
    assert list(load(landing, tmp_path)) == []
