{# Orders that two files tell differently so that both versions count. #}
with doubtful as (
    select older.invoice_no, older.load_id, older.newest_load_id, older.amount, newest.amount as newest_amount
    from intermediate.int_order_versions as older
    inner join intermediate.int_order_versions as newest
        on older.invoice_no = newest.invoice_no and older.newest_load_id = newest.load_id
    where not older.is_as_newest and not older.is_replaced and not older.is_cut_in_newest
),
versions as (
    select
        lines.invoice_no,
        staged.load_id,
        min(staged.file_name) as file_name,
        min(staged.invoiced_at) as first_at,
        max(staged.invoiced_at) as last_at,
        coalesce(sum(staged.signed_amount) filter (where lines.disposition <> 'duplicate'), 0) as counted
    from intermediate.int_line_dispositions as lines
    inner join staging.stg_transactions as staged on lines.delivered_line_id = staged.delivered_line_id
    where lines.invoice_no in (select invoice_no from doubtful)
    group by lines.invoice_no, staged.load_id
),
compared as (
    select
        doubtful.*,
        older.file_name,
        newest.file_name as newest_file_name,
        (select sum(counted) from versions where versions.invoice_no = doubtful.invoice_no) as counted
    from doubtful
    inner join versions as older on doubtful.invoice_no = older.invoice_no and doubtful.load_id = older.load_id
    inner join versions as newest
        on doubtful.invoice_no = newest.invoice_no
        and doubtful.newest_load_id = newest.load_id
        -- an order that was cut in two between its files is told once, by both
        and older.first_at <= newest.last_at
        and newest.first_at <= older.last_at
)
select
    invoice_no,
    file_name,
    newest_file_name,
    'order ' || invoice_no || ' is ' || {{ amount("amount") }} || ' in ' || file_name || ' and '
    || {{ amount("newest_amount") }} || ' in ' || newest_file_name || ', and ' || {{ amount("counted") }} || ' counts'
        as told
from compared
-- equal lines count once, so that an order that only grew comes out right
where counted <> newest_amount
