-- Grain: one order that came in several deliveries, and delivery. Exports of orders overlap
-- and tell an order anew once it was edited; the newest delivery of it counts. Two files that
-- merely share an order, because it was cut in two between them, both count.
{%- set as_of = as_of_date() %}
{%- set shared_orders_to_one_alike = 5 %}
with

lines as (

    select * from {{ ref('stg_transactions') }}
    where is_readable{% if as_of is not none %} and invoiced_at < {{ as_of }}{% endif %}

),

orders as (

    select * from {{ ref('int_orders') }} where is_in_several_deliveries

),

deliveries as (

    select * from {{ ref('stg_deliveries') }}

),

-- How new a file is is told by its last sale: files are copied, and their times with them or not.
files as (

    select
        load_id,
        max(invoiced_at) as last_at,
        count(*) as line_count
    from lines
    where exists (select 1 from orders)
    group by load_id

),

ranked_files as (

    select
        files.load_id,
        row_number() over (
            order by
                files.last_at,
                coalesce(deliveries.delivered_at, timestamp '1970-01-01 00:00:00'),
                files.line_count,
                deliveries.file_name
        ) as recency
    from files
    left join deliveries on files.load_id = deliveries.load_id

),

versions as (

    select
        orders.invoice_no,
        lines.load_id,
        count(*) as line_count,
        sum({{ content_number('lines.content_key') }}) as content_sum,
        -- the same without the status, which changes while the goods stay
        sum({{ content_number(surrogate_key([
            'lines.stock_code', 'lines.description', 'lines.quantity_units', 'lines.invoiced_at', 'lines.signed_amount',
            'lines.is_return_by_word',
        ])) }}) as goods_sum,
        cast(sum(lines.signed_amount) as {{ money_sum_type() }}) as amount,
        min(lines.invoiced_at) as first_at,
        max(lines.invoiced_at) as last_at
    from lines
    inner join orders on {{ is_order_of_line('orders', 'lines') }}
    group by orders.invoice_no, lines.load_id

),

followed as (

    select
        versions.*,
        ranked_files.recency,
        max(ranked_files.recency) over (partition by versions.invoice_no) as newest_recency
    from versions
    inner join ranked_files on versions.load_id = ranked_files.load_id

),

compared as (

    select
        older.invoice_no,
        older.load_id,
        older.recency,
        older.line_count,
        older.amount,
        newest.load_id as newest_load_id,
        older.line_count = newest.line_count and older.content_sum = newest.content_sum as is_same,
        older.line_count = newest.line_count and older.goods_sum = newest.goods_sum as is_same_goods,
        older.first_at <= newest.last_at and newest.first_at <= older.last_at as is_same_time
    from followed as older
    inner join followed as newest
        on older.invoice_no = newest.invoice_no and newest.recency = newest.newest_recency

),

told_twice as (

    select
        load_id,
        is_same_goods
    from compared
    where load_id <> newest_load_id

    union all

    select
        newest_load_id as load_id,
        is_same_goods
    from compared
    where load_id <> newest_load_id

),

-- Exports that overlap tell of most orders alike. Files among which lines were dealt out, by till or
-- department, share orders too, and here and there a part of one looks like another.
exports as (

    select load_id
    from told_twice
    group by load_id
    having {{ shared_orders_to_one_alike }} * count(case when is_same_goods then 1 end) >= count(*)

),

final as (

    select
        compared.invoice_no,
        compared.load_id,
        compared.newest_load_id,
        compared.line_count,
        compared.amount,
        compared.is_same as is_as_newest,
        not compared.is_same
        and compared.is_same_time
        and compared.load_id in (select exports.load_id from exports)
        and compared.newest_load_id in (select exports.load_id from exports) as is_replaced
    from compared

)

select * from final
