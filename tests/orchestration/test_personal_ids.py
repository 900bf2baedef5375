"""A shop whose customers are known by e-mail address: who sees an address, and who is who."""

from __future__ import annotations

import csv
import hashlib
import io
import random
import re
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from serving.classify import Classifier, UploadLimits
from tests.homes import build_once, regulars_refresh, shared_folder
from tests.orchestration.conftest import copy_of, refresh
from tests.tiny_shop import HEADER, deliver
from warehouse.home import Home

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)
DOMAIN = "shopper.example"
"""Of every address that the shop's files hold; stands in no source file but this."""
CUSTOMERS = 30
PHONE = "+44 7700 900123"
SHOPIFY = (
    "Name,Email,Financial Status,Accepts Marketing,Currency,Subtotal,Shipping,Discount Amount,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Shipping Country,Phone\n"
)


def address(number: int) -> str:
    return f"buyer{number}@{DOMAIN}"


def till_lines() -> str:
    """Sales under addresses, spelt now so, now so; buyer 0 is on most of them."""
    rng = random.Random(5)
    lines = []
    for number in range(240):
        day = datetime(2024, 1, 1) + timedelta(days=number // 4, hours=9 + number % 8)
        customer = int(CUSTOMERS * rng.random() ** 2)
        spelt = address(customer).upper() if number % 3 else f" {address(customer)} "
        for code in rng.sample(range(20_000, 20_020), 2):
            lines.append(
                f"{600_000 + number},{code},ITEM {code},{rng.randint(1, 9)},{day},{1 + code % 7}.50,{spelt},UK\n"
            )
    lines += [
        # its quantity can't be read, its fields can't be told apart, its product is a note
        f"700001,20001,ITEM 20001,many,2024-02-01 10:00:00,2.00,{address(1)},UK\n",
        f"700002,20001,{address(2)}\n",
        f"700003,RES1,RESERVED FOR {address(3)},1,2024-02-01 11:00:00,4.00,{address(3)},UK\n",
        "700004,20003,ITEM 20003,1,2024-02-01 12:00:00,4.00,00447700900123,UK\n",
    ]
    return HEADER + "".join(lines)


def shopify_rows() -> str:
    """Orders of buyers 0 to 5, one known by phone alone, rows that can't be read; 1 said no last, 2 yes, 3 nothing."""
    consent = {0: "yes", 1: "no", 2: "yes", 4: "no", 5: "yes"}
    rows = [
        f"#{100 + number},{address(number)},paid,{consent.get(number, '')},GBP,8.00,0,0,"
        f"2024-02-{10 + number} 10:00:00 +0000,2,Blue mug,4.00,MUG,GB,\n"
        for number in range(6)
    ]
    # what was said before does not count
    rows.append(f"#90,{address(1)},paid,yes,GBP,4.00,0,0,2024-01-10 10:00:00 +0000,1,Blue mug,4.00,MUG,GB,\n")
    rows.append(f"#91,{address(2)},paid,no,GBP,4.00,0,0,2024-01-10 11:00:00 +0000,1,Blue mug,4.00,MUG,GB,\n")
    rows.append(f"#120,,paid,yes,GBP,4.00,0,0,2024-02-11 12:00:00 +0000,1,Blue mug,4.00,MUG,GB,{PHONE}\n")
    rows.append(f"#121,{address(6)},paid,yes,GBP,4.00,0,0,2024-02-31 13:00:00 +0000,1,Blue mug,4.00,MUG,GB,\n")
    rows.append(f"#122,{address(7)},paid\n")
    return SHOPIFY + "".join(rows)


FILES = {
    "till.csv": till_lines(),
    "orders_export.csv": shopify_rows(),
    "customers.csv": "Customer_ID,Age,Gender,Location\n"
    f"{address(0).upper()},40,f,Leeds\n"
    f"{address(5)},30,m,by {address(5)}\n",
    "overrides.csv": "Customer ID;Segment;Reason;Author;Expires On\n"
    f"{address(2)};Champions;asked for by {address(2)};owner@{DOMAIN};31.12.2030\n"
    f"nobody.of.ours@{DOMAIN};Champions;a slip;Ben;31.12.2030\n",
    # a list without a header: nobody can tell what it is, and its first line holds an address
    "rejected.csv": f"{address(8)},Mug,3\n{address(9)},Bowl,1\n",
    "unknown.csv": f"Shopper,Thing,Moment\n{address(8)},Mug,yesterday\n",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Refreshed once with the settings as they are. Read-only."""

    def build(home: Home) -> None:
        deliver(home.landing, FILES)
        regulars_refresh(home)

    return build_once(shared_folder(tmp_path_factory), "personal", build)


def expected(home: Home, customer_key: str) -> str:
    """The pseudonym by its definition, apart from the product's code."""
    key = home.pseudonym_key.read_text().strip()
    inner = hashlib.sha256(f"{key}{customer_key}".encode()).hexdigest()
    return "p-" + hashlib.sha256(f"{key}{inner}".encode()).hexdigest()[:16]


def addresses_in(path: Path) -> list[str]:
    """Every column of text in a DuckDB file that holds an e-mail address, with one of them."""
    found = []
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal "
            "and (data_type like '%VARCHAR%' or data_type like '%STRUCT%' or data_type = 'JSON')"
        ).fetchall()
        assert len(columns) > 200
        for schema, table, column in columns:
            for (text,) in connection.execute(
                f'select distinct cast("{column}" as varchar) from "{schema}"."{table}" '
                f"where contains(cast(\"{column}\" as varchar), '@')"
            ).fetchall():
                found += [f"{schema}.{table}.{column}: {one}" for one in EMAIL.findall(text)]
    return found


def test_nothing_published_holds_an_address_or_a_telephone_number(shop: Home) -> None:
    assert addresses_in(shop.published) == []
    seen = [shop.published, *shop.snapshots.glob("*.duckdb"), *shop.data_docs.rglob("*.html")]
    assert len(seen) > 3
    for path in seen:
        content = path.read_bytes().lower()
        assert DOMAIN.encode() not in content, path
        assert b"7700 900123" not in content, path
        assert b"447700900123" not in content, path


def test_the_key_is_its_owners_alone_and_stands_nowhere_else(shop: Home) -> None:
    assert stat.S_IMODE(shop.pseudonym_key.stat().st_mode) == 0o600
    key = shop.pseudonym_key.read_bytes().strip()
    holders = [
        path.relative_to(shop.root).as_posix()
        for path in shop.root.rglob("*")
        if path.is_file() and key in path.read_bytes()
    ]
    assert sorted(holders) == ["pseudonym.key", "warehouse.duckdb"]


def test_a_customer_has_one_pseudonym_in_every_layout_and_file(shop: Home, ask: Callable[..., list[tuple]]) -> None:
    told = dict(ask(shop.published, "select customer_id, location from marts.dim_customers"))
    assert {expected(shop, address(number)) for number in range(6)} <= told.keys()
    assert all(re.fullmatch("p-[0-9a-f]{16}", customer) for customer in told)
    assert told[expected(shop, address(0))] == "Leeds"
    assert told[expected(shop, address(5))] == "by (e-mail address)"
    # the till has 240 orders of two lines, the shop system's are beside them under the same customer
    orders = ask(
        shop.published,
        "select count(distinct invoice_no) from marts.fct_invoice_lines where customer_id = ? and stock_code = 'MUG'",
        expected(shop, address(2)),
    )
    assert orders == [(2,)]
    # one number, written in two ways in two files
    assert ask(
        shop.published,
        "select count(*) from marts.fct_invoice_lines where customer_id = ?",
        expected(shop, "+447700900123"),
    ) == [(2,)]
    assert ask(
        shop.published,
        "select customer_id, status, author, reason from reporting.segment_overrides order by row_number",
    ) == [
        (expected(shop, address(2)), "active", "(e-mail address)", "asked for by (e-mail address)"),
        (expected(shop, f"nobody.of.ours@{DOMAIN}"), "unknown_customer", "Ben", "a slip"),
    ]


def test_a_line_set_aside_is_shown_under_its_pseudonym(shop: Home, ask: Callable[..., list[tuple]]) -> None:
    shown = dict(
        ask(
            shop.published,
            "select file_name || ' ' || row_number, line_text from marts.set_aside_lines "
            "where disposition = 'unreadable'",
        )
    )
    assert shown["till.csv 482"] == (
        f"700001 | 20001 | ITEM 20001 | many | 2024-02-01 10:00:00 | 2.00 | {expected(shop, address(1))} | UK"
    )
    assert shown["till.csv 483"] == "700002,20001,(e-mail address)"
    assert shown["orders_export.csv 12"] == "(not shown, since it may name the customer)"
    assert ask(
        shop.published,
        "select description from marts.dim_products where stock_code = 'RES1'",
    ) == [("RESERVED FOR (e-mail address)",)]
    told = dict(ask(shop.published, "select file_name, problem from quality.load_ledger where status = 'rejected'"))
    assert "(e-mail address)" in told["unknown.csv"]


def test_the_private_file_keeps_the_join(shop: Home, ask: Callable[..., list[tuple]]) -> None:
    assert ask(
        shop.warehouse,
        "select delivered_customer_id, accepts_marketing from staging.stg_customer_ids where customer_id = ? "
        "order by delivered_customer_id",
        expected(shop, address(1)),
    ) == [(f" {address(1)} ", False), (address(1).upper(), False), (address(1), False)]


def test_pseudonyms_outlast_a_rebuild_and_a_lost_key_file(shop: Home, tmp_path: Path, ask: Callable) -> None:
    home = copy_of(shop, tmp_path / "home")
    every = "select customer_id from marts.dim_customers order by 1"
    before = ask(home.published, every)
    key = home.pseudonym_key.read_text()
    home.pseudonym_key.unlink()
    home.published.rename(home.published.with_name("before.duckdb"))
    outcome = refresh(home, full=True)
    assert outcome.succeeded, outcome.problems
    assert home.pseudonym_key.read_text() == key
    assert ask(home.published, every) == before
    assert refresh(home).nothing_new

    # another key is news, though no file is
    home.pseudonym_key.write_text("0" * 64 + "\n")
    outcome = refresh(home)
    assert outcome.succeeded, outcome.problems
    assert not outcome.nothing_new
    assert (expected(home, address(0)),) in ask(home.published, every)


def test_plain_keeps_the_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable) -> None:
    monkeypatch.setenv("REGULARS_SHOP__CUSTOMER_IDS", "plain")
    home = Home(tmp_path / "home")
    deliver(home.landing, FILES)
    outcome = refresh(home)
    assert outcome.succeeded, outcome.problems
    told = {customer for (customer,) in ask(home.published, "select customer_id from marts.dim_customers")}
    assert {address(number) for number in range(6)} | {PHONE.lower()} <= told
    assert not home.pseudonym_key.exists()


# ---- exports ----------------------------------------------------------------


def exported(home: Home, to: Path, *arguments: str, succeeds: bool = True) -> tuple[Path | None, str]:
    """The folder that ``regulars export`` wrote, and what it said."""
    done = CliRunner().invoke(
        app, ["export", "--method", "rfm", "--home", str(home.root), "--output", str(to), *arguments],
        env={"COLUMNS": "400"},
    )  # fmt: skip
    said = " ".join(done.output.split())
    assert (done.exit_code == 0) is succeeds, said
    return (next(to.iterdir()) if succeeds else None), said


def rows(folder: Path) -> list[dict[str, str]]:
    return [
        row
        for path in folder.glob("*.csv")
        if path.name != "groups.csv"
        for row in csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig")))
    ]


def test_an_export_without_contacts_has_none(shop: Home, tmp_path: Path) -> None:
    folder, _ = exported(shop, tmp_path / "generic")
    assert folder is not None
    assert rows(folder)
    for path in folder.rglob("*.*"):
        if path.is_file():
            assert DOMAIN.encode() not in path.read_bytes().lower(), path
    folder, _ = exported(shop, tmp_path / "tool", "--for", "mailchimp")
    assert folder is not None
    assert {row["Email Address"] for row in rows(folder)} == {""}


def test_contacts_fill_a_tools_columns_for_who_did_not_refuse(shop: Home, tmp_path: Path) -> None:
    folder, said = exported(shop, tmp_path, "--for", "klaviyo", "--with-contacts", "--holdout-pct", "0")
    assert folder is not None
    by_id = {row["external_id"]: row for row in rows(folder)}
    assert by_id[expected(shop, address(0))]["Email Address"].lower() == address(0)
    assert by_id[expected(shop, address(0))]["Email Marketing Consent"] == "Subscribed"
    assert by_id[expected(shop, address(2))]["Email Marketing Consent"] == "Subscribed"
    assert by_id[expected(shop, address(3))]["Email Marketing Consent"] == ""
    # 1 took it back, 4 never gave it
    assert expected(shop, address(1)) not in by_id
    assert expected(shop, address(4)) not in by_id
    assert by_id[expected(shop, "+447700900123")]["Email Address"] == ""
    assert "2 customers who said no to marketing" in said
    # Klaviyo's file has no column for the phone number, but a contact is known
    assert f"{len(by_id)} customers of the campaign filled, 0 without one" in said
    groups = (folder / "groups.csv").read_text()
    assert expected(shop, address(0)) in groups
    assert expected(shop, address(1)) not in groups
    for path in [folder, *folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_an_ad_tool_gets_phone_numbers_as_it_reads_them_and_no_number_of_ours(shop: Home, tmp_path: Path) -> None:
    folder, _ = exported(shop, tmp_path, "--for", "google-ads", "--with-contacts", "--holdout-pct", "0")
    assert folder is not None
    found = rows(folder)
    assert list(found[0]) == ["Email", "Phone", "Country"]
    assert [row["Phone"] for row in found if not row["Email"]] == ["+447700900123"]


def times_of_files(home: Home) -> dict[Path, int]:
    """Of all but the audit log, which has a line of each export with contacts and none of them in it."""
    files = (path for path in home.root.rglob("*") if path.is_file() and path.parent != home.audit)
    return {path: path.stat().st_mtime_ns for path in files}


def test_a_book_fills_whom_it_knows_and_is_not_kept(shop: Home, tmp_path: Path) -> None:
    book = tmp_path / "book.csv"
    book.write_text(
        "E-Mail Address;Customer ID;Accepts Marketing\n"
        f"{address(0).upper()};;yes\n"
        f"other@{DOMAIN};{expected(shop, address(2))};\n"
        f"{address(5)};;no\n"
        f"stranger@{DOMAIN};99;yes\n"
    )
    before = times_of_files(shop)
    folder, said = exported(shop, tmp_path / "out", "--for", "mailchimp", "--contacts", str(book), "--holdout-pct", "0")
    assert folder is not None
    found = {row["customer_id"]: row["Email Address"] for row in rows(folder)}
    assert {customer: email for customer, email in found.items() if email} == {
        expected(shop, address(0)): address(0).upper(),
        expected(shop, address(2)): f"other@{DOMAIN}",
    }
    assert expected(shop, address(5)) not in found
    assert f"2 customers of the campaign filled, {len(found) - 2} without one" in said
    assert times_of_files(shop) == before
    assert all(DOMAIN not in path.read_text().lower() for path in shop.audit.iterdir())

    book.write_text("Name,Phone\nAnn,1\n")
    _, said = exported(shop, tmp_path / "no", "--for", "meta", "--contacts", str(book), succeeds=False)
    assert "has no column of e-mail addresses" in said
    _, said = exported(shop, tmp_path / "no", "--with-contacts", succeeds=False)
    assert "name it with --for" in said


def test_contacts_say_so_when_a_refresh_holds_the_private_file(shop: Home, tmp_path: Path) -> None:
    import subprocess
    import sys

    home = copy_of(shop, tmp_path / "home")
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, duckdb; con = duckdb.connect(sys.argv[1]); print('held', flush=1); input()",
         str(home.warehouse)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        _, said = exported(home, tmp_path / "no", "--for", "meta", "--with-contacts", succeeds=False)
    finally:
        holder.communicate("\n")
    assert "Contacts stand in the private warehouse" in said
    assert "is held by" in said


# ---- uploads ----------------------------------------------------------------


def test_an_upload_shows_its_own_ids_and_finds_the_published_ones(shop: Home, tmp_path: Path) -> None:
    home = copy_of(shop, tmp_path / "home")
    upload = tmp_path / "upload.csv"
    upload.write_text(till_lines())
    done = Classifier(home, UploadLimits()).classify_path(upload)
    matched = dict(zip(done.customers["customer_id"], done.customers["published_customer_id"], strict=True))
    assert matched[address(0)] == expected(home, address(0))
    assert not [customer for customer in matched if customer.startswith("p-")]
    assert address(1) in done.set_aside["customer_id"].tolist()
    assert [text for text in done.set_aside["text"] if address(1) in text]
    assert not [note for note in done.notes if "key" in note]

    home.pseudonym_key.unlink()
    unmatched = Classifier(home, UploadLimits()).classify_path(upload)
    assert unmatched.customers["published_customer_id"].isna().all()
    assert unmatched.customers["cluster_name"].tolist() == done.customers["cluster_name"].tolist()
    assert [note for note in unmatched.notes if "can't be matched" in note]
