"""A home that an older version made: its lines stay, and its files are read again."""

from datetime import datetime

import duckdb
import pytest

from tests.warehouse.conftest import HEADER, LINE_A, LINE_B, Shop
from warehouse.formats import export_formats
from warehouse.ledger import read_ledger
from warehouse.loading import _table_shapes, _wanted_shapes, ensure_raw_schema, scan_landing

# the tables as version 2 of the reader made them
FORMER = """
create schema raw;
create schema quality;
create table quality.load_ledger (
    load_id integer primary key, file_name varchar not null, content_hash varchar, size_bytes bigint,
    delivered_at timestamp, recorded_at timestamp not null,
    status varchar not null check (status in ('loaded', 'already_loaded', 'superseded', 'rejected', 'in_transit')),
    kind varchar check (kind in ('transactions', 'customers', 'segment_overrides')),
    file_format varchar check (file_format in ('csv', 'csv.gz', 'xlsx', 'parquet')),
    layout varchar, source_mapping varchar, sheets varchar, encoding varchar, delimiter varchar, decimal_mark varchar,
    date_style varchar, date_style_evidence varchar, delivered_lines bigint, loaded_lines bigint,
    unreadable_lines bigint, first_invoiced_at timestamp, last_invoiced_at timestamp, problem varchar, notes varchar,
    superseded_by integer, superseded_at timestamp, reader_fingerprint varchar
);
create table raw.transactions (
    _line_id bigint not null, _load_id integer not null, _file_name varchar not null, _sheet varchar,
    _row_number bigint not null, _layout varchar not null, _decimal_mark varchar not null,
    _loaded_at timestamp not null, invoice varchar, stock_code varchar, description varchar,
    quantity varchar, invoice_date varchar,
    unit_price varchar, customer_id varchar, country varchar, invoiced_at timestamp, _problem varchar,
    _line_text varchar
);
create table raw.customers (
    _line_id bigint not null, _load_id integer not null, _file_name varchar not null, _sheet varchar,
    _row_number bigint not null, _loaded_at timestamp not null, customer_id varchar, age varchar, gender varchar,
    location varchar, _problem varchar, _line_text varchar
);
insert into quality.load_ledger by name
    select 1 as load_id, 'gone.csv' as file_name, 'h1' as content_hash, timestamp '2011-12-10' as delivered_at,
        timestamp '2011-12-10 06:00:00' as recorded_at, 'loaded' as status, 'transactions' as kind,
        'csv' as file_format, 'invoice_lines' as layout, ',' as decimal_mark, 2 as delivered_lines,
        2 as loaded_lines, 0 as unreadable_lines, timestamp '2011-12-01' as first_invoiced_at,
        timestamp '2011-12-02' as last_invoiced_at, 'before' as reader_fingerprint
    union all by name
    select 2 as load_id, 'till.csv' as file_name, 'h2' as content_hash, timestamp '2011-12-10 06:00:00' as recorded_at,
        'loaded' as status, 'transactions' as kind, 'csv' as file_format, 'invoice_lines' as layout,
        'till' as source_mapping, 1 as delivered_lines, 'before' as reader_fingerprint
    union all by name
    select 3 as load_id, 'bad.csv' as file_name, timestamp '2011-12-10 06:00:00' as recorded_at, 'rejected' as status,
        'bad.csv: no' as problem;
insert into raw.transactions by name
    select 4294967297 as _line_id, 1 as _load_id, 'gone.csv' as _file_name, 2 as _row_number,
        'invoice_lines' as _layout, ',' as _decimal_mark, timestamp '2011-12-10 06:00:00' as _loaded_at,
        '1' as invoice, 'A' as stock_code, '2' as quantity, '2011-12-01' as invoice_date, '2,50' as unit_price,
        '7' as customer_id, timestamp '2011-12-01' as invoiced_at
    union all by name
    select 4294967298 as _line_id, 1 as _load_id, 'gone.csv' as _file_name, 3 as _row_number,
        'invoice_lines' as _layout, ',' as _decimal_mark, timestamp '2011-12-10 06:00:00' as _loaded_at,
        'line 3 has 1 field, the header has 8' as _problem, 'x' as _line_text
    union all by name
    select 8589934593 as _line_id, 2 as _load_id, 'till.csv' as _file_name, 2 as _row_number,
        'invoice_lines' as _layout, '.' as _decimal_mark, timestamp '2011-12-10 06:00:00' as _loaded_at,
        '9' as invoice, 'B' as stock_code;
insert into raw.customers by name
    select 1 as _line_id, 3 as _load_id, 'c.csv' as _file_name, 2 as _row_number,
        timestamp '2011-12-10' as _loaded_at, '7' as customer_id;
"""


@pytest.fixture
def older(shop: Shop) -> Shop:
    shop.con.execute(FORMER)
    return shop


def test_the_lines_of_an_older_home_move_into_todays_tables(older: Shop) -> None:
    ensure_raw_schema(older.con)
    assert older.rows(
        "select _line_id, _load_id, _row_number, invoice, unit_price, customer_id, invoiced_at, _problem, _line_text, "
        "line_amount, status from raw.transactions order by _line_id"
    ) == [
        (4294967297, 1, 2, "1", "2,50", "7", datetime(2011, 12, 1), None, None, None, None),
        (4294967298, 1, 3, None, None, None, None, "line 3 has 1 field, the header has 8", "x", None, None),
        (8589934593, 2, 2, "9", None, None, None, None, None, None, None),
    ]
    assert older.rows("from raw.deliveries order by _load_id") == [
        (
            *(1, "gone.csv", "invoice_lines", "invoice_lines", None, ",", ",", ",", ",", ",", None, None, None, None),
            *(False, False, False, None, None),
            *(datetime(2011, 12, 10), datetime(2011, 12, 10, 6), datetime(2011, 12, 1), datetime(2011, 12, 2)),
        ),
        (
            *(2, "till.csv", "till", "invoice_lines", None, ".", ".", ".", ".", ".", None, None, None, None),
            *(False, False, False, None, None),
            *(None, datetime(2011, 12, 10, 6), None, None),
        ),
    ]
    assert older.rows("select customer_id from raw.customers") == [("7",)]
    assert older.rows("select load_id, status, source, is_in_landing from quality.load_ledger order by 1") == [
        (1, "loaded", "invoice_lines", True),
        (2, "loaded", "till", True),
        (3, "rejected", None, True),
    ]


def test_moving_twice_is_moving_once(older: Shop) -> None:
    ensure_raw_schema(older.con)
    before = older.raw()
    ensure_raw_schema(older.con)
    assert older.raw() == before
    assert _table_shapes(older.con) == _wanted_shapes()


def test_a_move_that_fails_leaves_the_older_home_as_it_was(older: Shop) -> None:
    before = older.raw()
    # a line without a delivery's name has no place in today's tables
    older.con.execute("alter table raw.transactions alter column _file_name drop not null")
    older.con.execute("update raw.transactions set _file_name = null where _load_id = 2")
    with pytest.raises(duckdb.ConstraintException):
        ensure_raw_schema(older.con)
    assert len(older.raw()) == len(before)
    assert "_layout" in _table_shapes(older.con)["raw.transactions"].names
    assert "raw.deliveries" not in _table_shapes(older.con)


def test_files_in_landing_are_read_again_and_those_that_left_keep_their_lines(older: Shop) -> None:
    older.deliver("till.csv", f"{HEADER}\n{LINE_A}\n{LINE_B}\n")
    assert scan_landing(older.con, older.landing, older.settings).changed == ("till.csv",)
    older.load(datetime(2024, 1, 1))
    assert older.rows("select _file_name, invoice from raw.transactions order by _line_id") == [
        ("gone.csv", "1"),
        ("gone.csv", None),
        ("till.csv", "536365"),
        ("till.csv", "C536379"),
    ]
    assert older.rows("select _file_name from raw.deliveries order by _load_id") == [("gone.csv",), ("till.csv",)]


def test_the_ledger_of_an_older_home_can_be_read_before_it_moved(older: Shop) -> None:
    assert read_ledger(older.con).current["gone.csv"].is_in_landing


def test_a_new_home_gets_every_table(shop: Shop) -> None:
    ensure_raw_schema(shop.con)
    assert set(_table_shapes(shop.con)) == {
        *("quality.load_ledger", "raw.transactions", "raw.customers", "raw.segment_overrides"),
        *("raw.deliveries", "raw.unused_columns", "raw.pseudonym_key", "raw.calendar_days", "quality.source_limits"),
        *(f"raw.{name}" for name in export_formats()),
    }
