"""Small warehouses, written by hand, on which the checks run for real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from expectations.checks import LAYERS, suites_of
from expectations.results import CheckResult
from expectations.runner import run_suites
from warehouse.loading import ensure_raw_schema
from warehouse.settings import Settings

RECORDED_AT = datetime(2011, 12, 10, 6, 0, tzinfo=UTC)

STAGING = """
    create schema seeds;
    create table seeds.source_words as
    select * from (values
        ('not_a_sale', 'cancelled', 'en'), ('not_a_sale', 'pending', 'en'), ('not_a_sale', 'annulée', 'fr'),
        ('nobody', 'guest', 'en'), ('return', 'refund', 'en'),
        ('not_a_sale', 'storno', 'de'), ('return', 'storno', 'de'),
        ('sale', 'invoice', 'en'), ('sale', 'completed', 'en'), ('beside_sale', 'deliverynote', 'en')
    ) as t (meaning, word, language);
    create schema staging;
    create table staging.stg_transactions as
    select
        _line_id as delivered_line_id,
        _load_id as load_id,
        _file_name as file_name,
        _sheet as sheet,
        _row_number as row_number,
        'invoice_lines' as source,
        md5(invoice || stock_code || quantity || unit_price) as content_key,
        invoice as invoice_no,
        stock_code,
        customer_id,
        description,
        cast(quantity as decimal(18, 3)) as quantity_units,
        cast(unit_price as decimal(18, 4)) as unit_price,
        cast(cast(quantity as decimal(18, 3)) * cast(unit_price as decimal(18, 4)) as decimal(18, 4)) as signed_amount,
        invoiced_at,
        true as is_readable,
        false as is_quantity_lost,
        false as is_unit_price_lost,
        false as is_invoice_date_lost,
        false as is_invoice_no_shortened,
        false as is_stock_code_shortened,
        cast(null as varchar) as customer_id_doubt,
        cast(null as varchar) as row_kind,
        cast(null as varchar) as unreadable_reason,
        cast(null as varchar) as line_text
    from raw.transactions;
    create table staging.stg_delivered_text as
    select _line_id as delivered_line_id, unit_price as amount_text from raw.transactions;
    create view staging.stg_deliveries as
    select _load_id as load_id, _source as source, _profile as set_profile from raw.deliveries;
    create table staging.stg_export_lines (
        delivered_line_id bigint, customer_text varchar, invoice_text varchar, stock_code_text varchar
    );
    create table staging.stg_customers as
    select _line_id as delivered_line_id, _file_name as file_name, _row_number as row_number, customer_id
    from raw.customers;
    create table staging.stg_segment_overrides as
    select
        _line_id as delivered_line_id, _file_name as file_name, _row_number as row_number, customer_id,
        segment as segment_name, _problem is null as is_readable, _problem as problem
    from raw.segment_overrides;
"""

MARTS = """
    create schema intermediate;
    create table intermediate.int_line_dispositions as
    select
        delivered_line_id, delivered_line_id as line_id, invoice_no, stock_code, description, customer_id,
        signed_amount, stock_code <> 'POST' as is_kept,
        case when stock_code = 'POST' then 'postage' end as rule,
        case when stock_code = 'POST' then 'non_product' when signed_amount < 0 then 'return' else 'sale' end
            as disposition
    from staging.stg_transactions;
    create table intermediate.int_order_versions (
        invoice_no varchar, load_id integer, newest_load_id integer, line_count bigint, amount decimal(28, 4),
        is_as_newest boolean, is_replaced boolean, is_cut_in_newest boolean default false
    );
    create table intermediate.int_order_totals (
        source varchar, load_id integer, file_name varchar, row_number bigint, invoice_no varchar, told_as varchar,
        told_amount decimal(28, 4), counted_amount decimal(28, 4), is_reconciled boolean
    );
    create schema marts;
    create table marts.row_accounting as
    select disposition, is_kept, row_count, cast(gross_amount as decimal(28, 4)) as gross_amount
    from (values
        ('unreadable', false, 0, 0), ('after_as_of', false, 0, 0), ('duplicate', false, 0, 0),
        ('not_a_sale', false, 0, 0), ('adjustment', false, 0, 0), ('non_product', false, 1, 1.00),
        ('return', true, 1, -10.00), ('non_positive_quantity', false, 0, 0), ('non_positive_price', false, 0, 0),
        ('sale', true, 3, 52.00)
    ) as t (disposition, is_kept, row_count, gross_amount);
    create table marts.source_profiles as
    select 'invoice_lines' as source, 'uci' as profile, 'drop' as exact_duplicates, 1 as file_count, 5 as line_count;
    create table marts.set_aside_reasons as
    select
        'non_product' as disposition, 'postage' as rule, 'No product, by code or name: postage' as reason,
        cast(1 as bigint) as line_count, cast(1.00 as decimal(28, 4)) as amount,
        cast(0 as bigint) as lines_without_amount, cast(null as varchar) as example_amount_text,
        cast(1 as bigint) as customer_count, cast(0 as bigint) as lost_customer_count, cast(1 as bigint) as file_count,
        '2011-03-04.csv' as example_file_name, cast(6 as bigint) as example_row_number, 20.0::double as line_pct,
        1.6::double as amount_pct, 0.0::double as lost_customer_pct;
    create table marts.set_aside_lines as select 'non_product' as disposition;
    create table marts.fct_invoice_lines as
    select
        line_id, invoice_no, stock_code, customer_id, line_type, 'United Kingdom' as country,
        cast(invoice_date as date) as invoice_date,
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
    select cast(range as date) as date, dayofweek(range) in (1, 5) as is_trading_day,
        true as is_complete_day, cast(null as varchar) as holiday_name, cast(null as varchar) as closure_reason
    from range(timestamp '2011-03-04', timestamp '2011-03-08', interval 1 day);
    create table marts.dim_customers as select * from (values ('17850'), ('13047')) as t (customer_id);
    create table marts.customer_rfm as
    select
        customer_id, recency_days, frequency, cast(monetary_gross as decimal(28, 4)) as monetary_gross,
        cast(monetary_net as decimal(28, 4)) as monetary_net, cast(monetary_net as decimal(28, 4)) as monetary,
        r_score, f_score, m_score, rfm_segment, frequency as invoice_count,
        cast(last_purchase_at as timestamp) as last_purchase_at, date '2011-03-08' as snapshot_date
    from (values
        ('17850', 4, 1, 22.00, 12.00, 1, 1, 1, 'Lost', '2011-03-04 08:10:00'),
        ('13047', 1, 1, 30.00, 30.00, 5, 1, 5, 'Promising', '2011-03-07 09:00:00')
    ) as t (
        customer_id, recency_days, frequency, monetary_gross, monetary_net, r_score, f_score, m_score, rfm_segment,
        last_purchase_at
    );
    create table marts.customer_rfm_monthly as
    select *, month_end + 1 as snapshot_date, 1 as f_score
    from (values
        (date '2011-01-31', '17850', 9, 1, 1, 'Lost', 5.00::decimal(28, 4), true),
        (date '2011-02-28', '17850', 37, 1, 1, 'Lost', 5.00, false),
        (date '2011-02-28', '13047', 3, 3, 3, 'Promising', 10.00, true)
    ) as t (month_end, customer_id, recency_days, r_score, m_score, rfm_segment, monetary, is_new_customer);
    create table marts.segment_moves as
    select * from (values
        (date '2011-01-31', 'New Customer', 'Lost', 1, 5.00::decimal(28, 4), 0.00::decimal(28, 4)),
        (date '2011-02-28', 'Lost', 'Lost', 1, 5.00, 5.00),
        (date '2011-02-28', 'New Customer', 'Promising', 1, 10.00, 0.00)
    ) as t (month_end, from_segment, to_segment, customers, monetary, monetary_before);
    create table marts.cohort_retention as
    select * from (values
        (date '2011-02-01', 0, 1, 100.0::double, 5.00::decimal(28, 4), 5.00::decimal(28, 4)),
        (date '2011-02-01', 1, 1, 100.0, 17.00, 7.00),
        (date '2011-03-01', 0, 1, 100.0, 30.00, 30.00)
    ) as t (cohort_month, age_months, active_customers, retention_pct, gross_revenue, net_revenue_as_booked);
    create table marts.fct_monthly_customers as
    select
        month_start, 2 as customers, new_customers, 2 - new_customers as existing_customers, 0 as one_time_customers,
        2 as customers_so_far, 0 as one_time_customers_so_far, new_gross_revenue, 1.00 as existing_gross_revenue,
        new_net_revenue_as_booked, -1.00 as existing_net_revenue_as_booked
    from (values
        (date '2011-02-01', 1, 20.00::decimal(28, 4), 20.00::decimal(28, 4)), (date '2011-03-01', 1, 30.00, 24.00)
    ) as t (month_start, new_customers, new_gross_revenue, new_net_revenue_as_booked);
    create table marts.customer_category_shares as
    select * from (values
        ('17850', 'Bags', 20.00::decimal(28, 4), 10.00::decimal(28, 4), 100.0::double * 10 / 12, true),
        ('17850', 'Other', 2.00, 2.00, 100.0::double * 2 / 12, false), ('13047', 'Bags', 30.00, 30.00, 100.0, true)
    ) as t (customer_id, category, gross_revenue, net_revenue, share_pct, is_top_category);
    create table marts.product_pairs as
    select 'A' as stock_code_a, 'B' as stock_code_b, 1 as invoices_together, 2 as invoices_a, 1 as invoices_b,
        2 as invoice_count, 1.0::double as lift;
    create table marts.revenue_concentration as
    select * from (values
        (50, 1, 30.00::decimal(28, 4), 30.00::decimal(28, 4)), (100, 2, 42.00, 12.00)
    ) as t (top_pct, customers, net_revenue, lowest_net_revenue);
"""

ML = """
    create schema ml;
    create table ml.customer_segments as
    select * from (values
        (
            '17850', 9, 'Lapsed customers', 100, 'All Customers', 9, 'Lapsed customers', 0.75::double, 0.5::double,
            1.0::double, true, false
        ),
        ('13047', 4, 'One-time buyers', 100, 'All Customers', 4, 'One-time buyers', 0.5, 0.25, 0.9, true, false)
    ) as t (
        customer_id, kmeans_label, kmeans_segment, hierarchical_label, hierarchical_segment, mixture_label,
        mixture_segment, mixture_probability, distance, stability, has_positive_monetary, is_outlier_excluded
    );
    create table ml.cluster_selection as
    select
        algorithm, k, silhouette, silhouette as resample_silhouette, inertia, 0.5::double as davies_bouldin,
        10.0::double as calinski_harabasz, if(k = 1, 100.0, 33.0)::double as smallest_share_pct,
        1.0::double as seed_stability, 1.0::double as bootstrap_stability, is_chosen, reason
    from (values
        ('kmeans', 2, 0.5, 1.5, true, 'best'), ('kmeans', 3, 0.25, 1.0, false, 'worse'),
        ('hierarchical', 1, null, 2.0, true, 'alone'), ('mixture', 2, 0.5, 1.5, true, 'best')
    ) as t (algorithm, k, silhouette, inertia, is_chosen, reason);
    create table ml.segment_profiles as
    select * from (values
        ('kmeans', 9, 'Lapsed customers', 1, 50.0::double, 28.6::double),
        ('kmeans', 4, 'One-time buyers', 1, 50.0, 71.4),
        ('hierarchical', 100, 'All Customers', 2, 100.0, 100.0),
        ('mixture', 9, 'Lapsed customers', 1, 50.0, 28.6), ('mixture', 4, 'One-time buyers', 1, 50.0, 71.4)
    ) as t (algorithm, cluster_id, segment_name, customers, customers_pct, monetary_pct);
    create table ml.segment_scaler as
    select 'recency_days' as feature, 0 as position, 'standard' as method, 2.0::double as center, 1.0::double as scale;
    create table ml.segment_centroids as
    select
        algorithm, cluster_id, segment_name, 'recency_days' as feature, 0 as position, 0.5::double as scaled_value,
        customers_pct / 100 as weight
    from ml.segment_profiles;
    create table ml.mixture_covariances as
    select cluster_id, feature, feature as other_feature, 1.0::double as covariance
    from ml.segment_centroids where algorithm = 'mixture';
    create table ml.revenue_anomalies as
    select 'total' as series, 'day' as grain, date '2011-03-07' as date, cast(null as varchar) as country,
        20.0::double as actual, 5.0::double as expected, 15.0::double as difference, 4.0::double as spread,
        3.5::double as score, 'spike' as direction, 'median_mad' as method, 28 as window_periods,
        3.0::double as threshold, 'Revenue was above.' as cause, '2' as top_invoice_no;
    create table ml.revenue_expectations as
    select series, grain, date, actual, expected, -5.0::double as lower, 15.0::double as upper, score
    from ml.revenue_anomalies;
    create table ml.anomaly_drivers as
    select 'total' as series, 'day' as grain, date '2011-03-07' as date, 'invoice' as dimension, 1 as rank,
        '2' as member, 'invoice 2' as label, 30.0::double as actual, 0.0::double as expected,
        30.0::double as difference, 200.0::double as share_pct;
    create table ml.model_runs as
    select 'customer_segments' as model, 'kmeans' as algorithm, cast(null as varchar) as warnings;
    create table ml.customer_clv as
    select *, 'bg_nbd_gamma_gamma' as model, null::double as p_alive, 0 as repeat_purchase_days,
        0 as days_to_last_purchase, 5 as observed_days, 2.0::double as expected_purchases,
        1.0::double as expected_purchases_low, 4.0::double as expected_purchases_high,
        9.0::double as expected_purchase_value
    from (values ('17850', 10.0::double, 0.0::double, 20.0::double), ('13047', 30.0, 5.0, 90.0))
        as t (customer_id, clv, clv_low, clv_high);
    create table ml.clv_holdout as
    select date '2011-02-01' as cutoff_date, model, kind, 200 as customers, 7.0::double as actual_value,
        0.5::double as spearman, 60.0::double as top_decile_capture_pct,
        case when kind = 'model' then 80.0::double end as interval_coverage_pct,
        model = 'bg_nbd_gamma_gamma' as is_winner
    from (values
        ('bg_nbd_gamma_gamma', 'model'), ('past_spend', 'baseline'), ('same_rate', 'baseline'), ('zero', 'baseline')
    ) as t (model, kind);
    create table ml.clv_coverage as
    select date '2011-02-01' as cutoff_date, 'bg_nbd_gamma_gamma' as model, fifth, 100 as customers,
        50.0::double as bought_nothing_pct, 80.0::double as interval_coverage_pct
    from (values (1), (2)) as t (fifth);
    create schema reporting;
    create table reporting.customer_360 as
    select
        dim.customer_id, rfm.recency_days, rfm.monetary_gross, rfm.monetary_net, rfm.monetary_net as monetary,
        labels.kmeans_segment, labels.hierarchical_segment, labels.mixture_segment, rfm.rfm_segment,
        rfm.rfm_segment as audience_segment, 'Not slipping' as slipping_segment,
        rfm.customer_id is not null as has_purchases, false as is_overridden,
        valued.clv, valued.clv_low, valued.clv_high
    from marts.dim_customers as dim
    left join marts.customer_rfm as rfm on dim.customer_id = rfm.customer_id
    left join ml.customer_segments as labels on dim.customer_id = labels.customer_id
    left join ml.customer_clv as valued on dim.customer_id = valued.customer_id;
    create table reporting.segment_overrides as
    select
        customer_id, segment_name, case when is_readable then 'active' else 'unreadable' end as status, problem,
        file_name, row_number
    from staging.stg_segment_overrides;
    create table reporting.segment_claims as
    select
        method, segment_name, count(*) as customers, sum(monetary) as monetary_sum, 'They are few.' as claim,
        100.0::double as true_pct, true as is_true
    from (
        unpivot (
            select
                monetary, kmeans_segment as kmeans, hierarchical_segment as hierarchical, mixture_segment as mixture,
                rfm_segment as rfm, audience_segment as audience, slipping_segment as slipping
            from reporting.customer_360
        )
        on kmeans, hierarchical, mixture, rfm, audience, slipping into name method value segment_name
    )
    group by method, segment_name;
    create table reporting.segment_playbooks as
    select method, segment_name, customers, monetary_sum
    from reporting.segment_claims where method in ('rfm', 'audience', 'slipping');
    create table reporting.segment_emails as
    select
        method, segment_name, 'News' as subject, 'p' as preheader, 'Hello [first name]' as body, 'n' as note_to_marketer
    from reporting.segment_playbooks;
    create schema previous;
    create table previous.customer_segments as
    select
        1 as previous_publication_id, '17850' as customer_id, 'Big spenders' as kmeans_segment,
        'All Customers' as hierarchical_segment, cast(null as varchar) as mixture_segment, 'Lost' as rfm_segment,
        'Champions' as audience_segment, cast(null as varchar) as slipping_segment;
    create table reporting.audience_changes as
    select * from (values
        ('17850', 'kmeans', 'Big spenders', 'Lapsed customers'), ('17850', 'audience', 'Champions', 'Lost'),
        ('13047', 'kmeans', null, 'One-time buyers'), ('13047', 'audience', null, 'Promising'),
        ('13047', 'hierarchical', null, 'All Customers'), ('13047', 'rfm', null, 'Promising')
    ) as t (customer_id, method, from_segment, to_segment);
    create table reporting.model_notes as select model, algorithm, warnings from ml.model_runs;
"""

LINES = (
    # row, invoice, code, quantity, price, customer, day
    (2, "1", "A", "4", "5.00", "17850", "2011-03-04 08:10:00"),
    (3, "1", "B", "1", "2.00", "17850", "2011-03-04 08:10:00"),
    (4, "2", "A", "6", "5.00", "13047", "2011-03-07 09:00:00"),
    (5, "C3", "A", "-2", "5.00", "17850", "2011-03-07 10:00:00"),
    (6, "2", "POST", "1", "1.00", "13047", "2011-03-07 09:00:00"),
)

DELIVERY = """
    insert into raw.deliveries (
        _load_id, _file_name, _source, _layout, _quantity_mark, _unit_price_mark, _line_amount_mark,
        _discount_amount_mark, _tax_amount_mark, _loaded_at
    ) values (
        {load_id}, '{file_name}', 'invoice_lines', 'invoice_lines', '.', '.', '.', '.', '.', timestamp '2011-12-10'
    )
"""

Build = Callable[..., Path]
Judge = Callable[..., CheckResult]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write a warehouse whose every check passes, then spoil it with the SQL given."""

    def build(*spoil: str) -> Path:
        path = tmp_path / "it's 100% $HOME.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as con:
            ensure_raw_schema(con)
            con.execute(
                "insert into quality.load_ledger "
                "(load_id, file_name, recorded_at, status, kind, layout, delivered_lines) "
                "values (1, '2011-03-04.csv', timestamp '2011-12-10', 'loaded', 'transactions', 'invoice_lines', 5)"
            )
            con.execute(DELIVERY.format(load_id=1, file_name="2011-03-04.csv"))
            con.executemany(
                "insert into raw.transactions by name select (1::bigint << 32) + ?1 as _line_id, 1 as _load_id, "
                "'2011-03-04.csv' as _file_name, ?1 as _row_number, ?2 as invoice, ?3 as stock_code, "
                "'BIRD' as description, ?4 as quantity, ?7 as invoice_date, ?5 as unit_price, ?6 as customer_id, "
                "'United Kingdom' as country, ?7::timestamp as invoiced_at",
                [list(line) for line in LINES],
            )
            for sql in (STAGING, MARTS, ML, *spoil):
                con.execute(sql)
        return path

    return build


@pytest.fixture
def judge(build: Build) -> Judge:
    """Evaluate one check of the catalogue on a warehouse whose every check passes, once the SQL given has spoilt it."""

    def judge(name: str, *spoil: str, settings: Settings | None = None) -> CheckResult:
        path = build(*spoil)
        (suite,) = (
            replace(suite, checks=(check,))
            for layer in LAYERS
            for suite in suites_of(layer, settings=settings, recorded_at=RECORDED_AT)
            for check in suite.checks
            if check.name == name
        )
        (result,) = run_suites(suite.layer, [suite], path, run_id="run 1", recorded_at=RECORDED_AT).results
        assert result.status != "error", result.message
        return result

    return judge
