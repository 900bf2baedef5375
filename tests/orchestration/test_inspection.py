"""`regulars inspect FILE`: how one file would be read, and what a refresh would say to it."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.inspection import inspect_file
from tests.tiny_shop import HEADER, deliver
from warehouse.errors import RegularsError

SAMPLES = Path(__file__).parents[1] / "formats" / "samples"


def inspected(path: Path) -> tuple[bool, str]:
    console = Console(file=io.StringIO(), width=400)
    passes = inspect_file(console, path)
    assert isinstance(console.file, io.StringIO)
    return passes, console.file.getvalue()


def test_a_file_is_shown_with_its_columns_styles_totals_and_what_is_set_aside(tmp_path: Path) -> None:
    lines = [
        "1001,A1,BLUE MUG,2,13/01/2024 10:00,4.50,17850,France",
        "1001,A2,RED MUG,1,13/01/2024 10:00,6.00,17850,France",
        "1002,A1,BLUE MUG,-1,14/01/2024 11:00,4.50,17850,France",
        "1003,A1,BLUE MUG,six,15/01/2024 12:00,4.50,17851,France",
        "1004,A1,BLUE MUG,1,16/01/2024 12:00,4.50,guest,France",
    ]
    deliver(tmp_path, {"week.csv": HEADER + "\n".join(lines) + "\n"})
    passes, told = inspected(tmp_path / "week.csv")
    assert passes
    assert "sales (layout invoice_lines)" in told
    assert "day/month/year" in told
    assert "'UnitPrice'" in told
    # sold 2 × 4.50 + 6.00 + 4.50, and one mug came back
    assert "2 orders of 1 customer, 1 sale line without one; £19.50 sold, £4.50 went back, £15.00 net" in told
    assert 'quantity "…" is not a number that fits' in told
    assert list(tmp_path.iterdir()) == [tmp_path / "week.csv"]


def test_an_unknown_header_gets_a_mapping_to_paste(tmp_path: Path) -> None:
    deliver(
        tmp_path,
        {"bons.csv": "Bon,Artikel,Menge,Datum,Preis,Kunde\n1,MUG,2,2024-01-13,4.50,K1\n2,CUP,1,2024-01-14,6.00,K2\n"},
    )
    passes, told = inspected(tmp_path / "bons.csv")
    assert not passes
    block = told[told.index("[[landing.sources]]") :]
    for line in ('invoice = "Bon"', 'quantity = "Menge"', 'invoice_date = "Datum"', 'unit_price = "Preis"'):
        assert line in block


def test_what_would_stop_a_refresh_is_told_as_that(tmp_path: Path) -> None:
    header = HEADER.strip() + ",Order Status\n"
    lines = [f"{1000 + n},A1,MUG,1,2024-01-{n:02} 10:00,5.00,{17850 + n},France,completed" for n in range(1, 11)]
    lines.append("1011,A1,MUG,100,2024-01-11 10:00,5.00,17850,France,cancelled")
    deliver(tmp_path, {"orders.csv": header + "\n".join(lines) + "\n"})
    passes, told = inspected(tmp_path / "orders.csv")
    assert not passes
    assert "stops a refresh" in told
    assert 'columns = { status = "Order Status" }' in told


def of_shopify(tmp_path: Path, **changes: str) -> Path:
    text = (SAMPLES / "shopify_orders" / "export.csv").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "orders_export_1.csv"
    path.write_text(text)
    return path


def test_an_export_is_told_by_its_name_with_what_was_checked_and_what_it_cannot_tell(tmp_path: Path) -> None:
    passes, told = inspected(of_shopify(tmp_path))
    assert passes
    assert "sales (Shopify orders, layout shopify_orders)" in told
    assert "3 of 3 orders add up to their Subtotal" in told
    assert "Limits     The export does not say when a refund was made; it counts on the day of the order" in told
    # 18 + 27 + 45 + 12, of which 12 went back
    assert "3 orders of 3 customers, 0 sale lines without one; £102.00 sold, £12.00 went back, £90.00 net" in told
    assert "1 of these lines is not a row of a file" in told
    # nothing was in doubt before it was known what the file is
    assert "Doubts" not in told and "profile" not in told and told.count("UTC offset, as written") == 1


def test_an_export_that_does_not_add_up_would_stop_a_refresh(tmp_path: Path) -> None:
    # #2003 sold a bowl for 12.00 and now says that it comes to 13.00
    passes, told = inspected(of_shopify(tmp_path, **{"GBP,12.00,3.00": "GBP,13.00,3.00"}))
    assert not passes
    assert "2 of 3 orders add up to their Subtotal" in told
    assert "stops a refresh" in told
    assert "order #2003 (orders_export_1.csv line 2): Subtotal 13.00, read 12.00" in told


def test_an_export_that_names_no_customers_raises_no_doubt_about_them(tmp_path: Path) -> None:
    path = tmp_path / "orders.txt"
    path.write_bytes((SAMPLES / "amazon_orders" / "export.txt").read_bytes())
    passes, told = inspected(path)
    assert passes
    assert "Checked    nothing in the file says what its orders come to" in told
    assert (
        "The export does not name customers: its sales count for revenue and products, but for no customer's history."
        in told
    )
    # 40 − 4 + 15
    assert "1 order of 0 customers, 2 sale lines without one; £51.00 sold, £0.00 went back, £51.00 net" in told
    assert "Doubts" not in told


def test_there_has_to_be_a_file(tmp_path: Path) -> None:
    with pytest.raises(RegularsError, match="is not a file"):
        inspected(tmp_path / "none.csv")
