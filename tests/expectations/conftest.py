"""Small warehouses, written by hand, on which the checks run for real."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from warehouse.settings import PROJECT_ROOT

RECORDED_AT = datetime(2011, 12, 10, 6, 0, tzinfo=UTC)

STAGING = """
    create schema staging;
    create table staging.stg_transactions as
    select
        _line_id as delivered_line_id,
        _load_id as load_id,
        _file_name as file_name,
        _sheet as sheet,
        _row_number as row_number,
        _layout as layout,
        invoice as invoice_no,
        stock_code,
        customer_id,
        try_cast(quantity as integer) as quantity_units,
        try_cast(unit_price as decimal(18, 4)) as unit_price,
        invoiced_at,
        try_cast(quantity as integer) is not null
            and try_cast(unit_price as decimal(18, 4)) is not null and invoiced_at is not null as is_readable,
        try_cast(quantity as integer) is null as is_quantity_lost,
        try_cast(unit_price as decimal(18, 4)) is null as is_unit_price_lost,
        false as is_invoice_date_lost,
        cast(null as varchar) as unreadable_reason
    from raw.transactions;
    create table staging.stg_customers as
    select _line_id as delivered_line_id, _file_name as file_name, _row_number as row_number, customer_id
    from raw.customers;
"""

MARTS = """
    create schema marts;
    create table marts.row_accounting as
    select disposition, is_kept, row_count, cast(gross_amount as decimal(28, 4)) as gross_amount
    from (values
        ('unreadable', false, 0, 0), ('after_as_of', false, 0, 0), ('duplicate', false, 0, 0),
        ('adjustment', false, 0, 0), ('non_product', false, 1, 4.00), ('return', true, 1, -10.00),
        ('non_positive_quantity', false, 0, 0), ('non_positive_price', false, 0, 0), ('sale', true, 3, 52.00)
    ) as t (disposition, is_kept, row_count, gross_amount);
    create table marts.set_aside_lines as select 'non_product' as disposition;
    create table marts.fct_invoice_lines as
    select
        line_id, invoice_no, stock_code, customer_id, line_type, cast(invoice_date as date) as invoice_date,
        quantity_units, cast(gross_revenue as decimal(18, 4)) as gross_revenue, returned_quantity,
        cast(returned_revenue as decimal(18, 4)) as returned_revenue,
        cast(return_amount as decimal(18, 4)) as return_amount, matched_quantity,
        cast(net_revenue as decimal(18, 4)) as net_revenue
    from (values
        ('l1', '1', 'A', '17850', 'sale', '2011-03-04', 4, 20.00, 2, 10.00, 0, 0, 10.00),
        ('l2', '1', 'B', '17850', 'sale', '2011-03-04', 1, 2.00, 0, 0, 0, 0, 2.00),
        ('l3', '2', 'A', '13047', 'sale', '2011-03-07', 6, 30.00, 0, 0, 0, 0, 30.00),
        ('l4', 'C3', 'A', '17850', 'return', '2011-03-07', -2, 0, 0, 0, -10.00, 2, 0)
    ) as t (
        line_id, invoice_no, stock_code, customer_id, line_type, invoice_date, quantity_units, gross_revenue,
        returned_quantity, returned_revenue, return_amount, matched_quantity, net_revenue
    );
    create table marts.fct_invoices as
    select invoice_no, sum(gross_revenue) as gross_revenue, sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as net_revenue
    from marts.fct_invoice_lines group by invoice_no;
    create table marts.fct_daily_revenue as
    select invoice_date as date, sum(gross_revenue) as gross_revenue, sum(returned_revenue) as returned_revenue,
        sum(net_revenue) as net_revenue, sum(gross_revenue) + sum(return_amount) as net_revenue_as_booked
    from marts.fct_invoice_lines group by invoice_date;
    create table marts.fct_monthly_revenue as from marts.fct_daily_revenue;
    create table marts.fct_country_revenue as from marts.fct_daily_revenue;
    create table marts.dim_dates as
    select cast(range as date) as date, dayofweek(range) in (1, 5) as is_trading_day
    from range(timestamp '2011-03-04', timestamp '2011-03-08', interval 1 day);
    create table marts.dim_customers as select * from (values ('17850'), ('13047')) as t (customer_id);
    create table marts.customer_rfm as
    select
        customer_id, recency_days, frequency, cast(monetary_gross as decimal(28, 4)) as monetary_gross,
        cast(monetary_net as decimal(28, 4)) as monetary_net, r_score, f_score, m_score, rfm_segment,
        cast(last_purchase_at as timestamp) as last_purchase_at, date '2011-03-08' as snapshot_date
    from (values
        ('17850', 4, 1, 22.00, 12.00, 1, 1, 1, 'Lost', '2011-03-04 08:10:00'),
        ('13047', 1, 1, 30.00, 30.00, 5, 1, 5, 'Promising', '2011-03-07 09:00:00')
    ) as t (
        customer_id, recency_days, frequency, monetary_gross, monetary_net, r_score, f_score, m_score, rfm_segment,
        last_purchase_at
    );
"""

ML = """
    create schema ml;
    create table ml.customer_segments as
    select * from (values
        ('17850', 0, 0, 'Dormant', 0.5::double, false), ('13047', 1, 1, 'Newcomers', 0.25::double, false)
    ) as t (customer_id, kmeans_label, cluster_id, segment_name, distance, is_outlier_excluded);
    create table ml.cluster_selection as
    select * from (values ('kmeans', 2, 0.5, 1.5, true, 'best'), ('kmeans', 3, 0.25, 1.0, false, 'worse'))
        as t (algorithm, k, silhouette, inertia, is_chosen, reason);
    create table ml.segment_profiles as
    select * from (values ('kmeans', 0, 'Dormant', 1), ('kmeans', 1, 'Newcomers', 1))
        as t (algorithm, cluster_id, segment_name, customers);
    create table ml.revenue_anomalies as
    select 'total' as series, date '2011-03-07' as date, 20.0::double as actual, 5.0::double as expected,
        3.5::double as score, 'spike' as direction, 28 as window_days, 3.0::double as threshold;
    create table ml.model_runs as
    select 'customer_segments' as model, 'kmeans' as algorithm, cast(null as varchar) as warnings;
    create schema reporting;
    create table reporting.customer_360 as
    select dim.customer_id, rfm.monetary_gross, rfm.monetary_net, labels.segment_name
    from marts.dim_customers as dim
    left join marts.customer_rfm as rfm on dim.customer_id = rfm.customer_id
    left join ml.customer_segments as labels on dim.customer_id = labels.customer_id;
"""

LINES = (
    # row, invoice, code, quantity, price, customer, day
    (2, "1", "A", "4", "5.00", "17850", "2011-03-04 08:10:00"),
    (3, "1", "B", "1", "2.00", "17850", "2011-03-04 08:10:00"),
    (4, "2", "A", "6", "5.00", "13047", "2011-03-07 09:00:00"),
    (5, "C3", "A", "-2", "5.00", "17850", "2011-03-07 10:00:00"),
    (6, "2", "POST", "1", "4.00", "13047", "2011-03-07 09:00:00"),
)

Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write a warehouse whose every check passes, then spoil it with the SQL given."""

    def build(*spoil: str) -> Path:
        path = tmp_path / "it's 100% $HOME.duckdb"
        with duckdb.connect(str(path)) as con:
            con.execute((PROJECT_ROOT / "warehouse" / "raw_schema.sql").read_text())
            con.execute(
                "insert into quality.load_ledger (load_id, file_name, recorded_at, status, kind, delivered_lines) "
                "values (1, '2011-03-04.csv', timestamp '2011-12-10', 'loaded', 'transactions', 5)"
            )
            con.executemany(
                "insert into raw.transactions values ((1::bigint << 32) + ?1, 1, '2011-03-04.csv', null, ?1, "
                "'invoice_lines', '.', timestamp '2011-12-10', ?2, ?3, 'BIRD', ?4, ?7, ?5, ?6, 'United Kingdom', ?7, "
                "null, null)",
                [list(line) for line in LINES],
            )
            for sql in (STAGING, MARTS, ML, *spoil):
                con.execute(sql)
        return path

    return build
