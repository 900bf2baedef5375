{{ config(meta={'dagster': {'ref': {'name': 'row_accounting'}}}) }}
-- Dispositions add up to the delivered lines, to the row and the penny; what was kept
-- is what the facts hold, what was not is in set_aside_lines. Delivered money is compared
-- without its sign: a credit note in positive figures is a return, and so turns its sign.
with

accounting as (

    select
        sum(row_count) as row_count,
        sum(gross_amount) as amount,
        sum(case when is_kept then row_count else 0 end) as kept_rows,
        sum(case when is_kept then gross_amount else 0 end) as kept_amount,
        sum(case when is_kept then 0 else row_count end) as set_aside_rows
    from {{ ref('row_accounting') }}

),

delivered as (

    select
        count(*) as row_count,
        coalesce(sum(abs(signed_amount)), 0) as amount
    from {{ ref('stg_transactions') }}

),

disposed as (

    select coalesce(sum(abs(signed_amount)), 0) as amount
    from {{ ref('int_line_dispositions') }}

),

facts as (

    select
        count(*) as row_count,
        coalesce(sum(gross_revenue + return_amount), 0) as amount,
        coalesce(sum(net_revenue), 0) as net_amount
    from {{ ref('fct_invoice_lines') }}

),

set_aside as (

    select count(*) as row_count from {{ ref('set_aside_lines') }}

)

select
    accounting.row_count as accounted_rows,
    delivered.row_count as delivered_rows,
    disposed.amount as accounted_amount,
    delivered.amount as delivered_amount,
    facts.row_count as fact_rows,
    facts.amount as fact_amount,
    facts.net_amount as fact_net_amount,
    set_aside.row_count as set_aside_rows
from accounting
cross join delivered
cross join disposed
cross join facts
cross join set_aside
where
    accounting.row_count <> delivered.row_count
    or disposed.amount <> delivered.amount
    or accounting.kept_rows <> facts.row_count
    or accounting.kept_amount <> facts.amount
    or accounting.kept_amount <> facts.net_amount
    or accounting.set_aside_rows <> set_aside.row_count
