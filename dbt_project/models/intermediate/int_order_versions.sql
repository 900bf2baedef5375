-- Grain: one order that came in several deliveries, and delivery. Exports of orders overlap
-- and tell an order anew once it was edited; the newest delivery of it counts. Of a source that
-- is known to tell orders whole that holds for every order; of others, which may share an order
-- merely because it was cut in two between them, where the files show it.
{{ config(meta={'increment': {
    'compared': ['invoice_no', 'load_id', 'newest_load_id', 'is_replaced'],
}}) }}
{%- set as_of = as_of_date() %}
{%- set shared_orders_to_one_alike = 5 %}
{%- set apart_hours = 1 %}
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

profiles as (

    select * from {{ ref('int_source_profiles') }}

),

-- How new a file is is told by its last sale: files are copied, and their times with them or not.
files as (

    select
        load_id,
        min(invoiced_at) as first_at,
        max(invoiced_at) as last_at,
        count(*) as line_count
    from lines
    where exists (select 1 from orders)
    group by load_id

),

-- So is how new an export is among those that came together; an export that came at another time
-- may be of some orders only, the refunded ones of last week. A pull's name tells when it was made.
dated_files as (

    select
        files.load_id,
        files.first_at,
        files.last_at,
        files.line_count,
        deliveries.file_name,
        deliveries.source,
        coalesce(deliveries.tells_whole_orders, false) as tells_whole_orders,
        coalesce(deliveries.is_export, false) as is_export,
        coalesce(deliveries.delivered_at, timestamp '1970-01-01 00:00:00') as delivered_at,
        case
            when deliveries.delivered_at > {{ hours_after(
                'lag(deliveries.delivered_at) over (partition by deliveries.source order by deliveries.delivered_at)',
                apart_hours
            ) }} then 1
            else 0
        end as is_begin
    from files
    left join deliveries on files.load_id = deliveries.load_id

),

batched_files as (

    select
        *,
        case
            when is_export
                then sum(is_begin) over (
                        partition by source
                        order by delivered_at range between unbounded preceding and current row
                    )
        end as batch
    from dated_files

),

ranked_files as (

    select
        load_id,
        first_at,
        tells_whole_orders,
        row_number() over (
            order by
                tells_whole_orders,
                batch nulls first,
                case when tells_whole_orders and not is_export then file_name end nulls first,
                last_at,
                delivered_at,
                line_count,
                file_name
        ) as recency
    from batched_files

),

keyed as (

    select
        orders.invoice_no,
        lines.load_id,
        lines.source,
        lines.content_key,
        -- the same without the status, which changes while the goods stay
        {{ surrogate_key([
            'lines.stock_code', 'lines.description', 'lines.quantity_units', 'lines.invoiced_at', 'lines.signed_amount',
            'lines.row_kind',
        ]) }} as goods_key,
        lines.signed_amount,
        lines.invoiced_at
    from lines
    inner join orders on {{ is_order_of_line('orders', 'lines') }}

),

-- what a file says of an order, each line with how often it counts
told as (

    select
        keyed.invoice_no,
        keyed.load_id,
        keyed.content_key,
        keyed.goods_key,
        keyed.signed_amount,
        keyed.invoiced_at,
        case when min(profiles.exact_duplicates) = 'drop' then 1 else count(*) end as copies
    from keyed
    left join profiles on keyed.source = profiles.source
    group by
        keyed.invoice_no,
        keyed.load_id,
        keyed.content_key,
        keyed.goods_key,
        keyed.signed_amount,
        keyed.invoiced_at

),

versions as (

    select
        invoice_no,
        load_id,
        cast(sum(copies) as bigint) as line_count,
        sum(copies * {{ content_number('content_key') }}) as content_sum,
        sum(copies * {{ content_number('goods_key') }}) as goods_sum,
        cast(sum(copies * signed_amount) as {{ money_sum_type() }}) as amount,
        min(invoiced_at) as first_at,
        max(invoiced_at) as last_at
    from told
    group by invoice_no, load_id

),

followed as (

    select
        versions.*,
        ranked_files.recency,
        ranked_files.tells_whole_orders,
        ranked_files.first_at = versions.first_at as is_first_of_file,
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
        newest.tells_whole_orders,
        newest.line_count as newest_line_count,
        newest.is_first_of_file as is_first_of_newest,
        older.line_count = newest.line_count and older.content_sum = newest.content_sum as is_same,
        older.line_count = newest.line_count and older.goods_sum = newest.goods_sum as is_same_goods,
        older.first_at <= newest.last_at and newest.first_at <= older.last_at as is_same_time
    from followed as older
    inner join followed as newest
        on older.invoice_no = newest.invoice_no and newest.recency = newest.newest_recency

),

shared as (

    select
        compared.invoice_no,
        compared.load_id,
        sum(least(older.copies, newest.copies)) as shared_lines
    from compared
    inner join told as older on compared.invoice_no = older.invoice_no and compared.load_id = older.load_id
    inner join told as newest
        on compared.invoice_no = newest.invoice_no
            and compared.newest_load_id = newest.load_id
            and older.content_key = newest.content_key
    where not compared.is_same
    group by compared.invoice_no, compared.load_id

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

judged as (

    select
        compared.*,
        -- a file that begins in the middle of an order has lost the beginning of it, and says nothing new
        not compared.tells_whole_orders
        and compared.is_first_of_newest
        and compared.newest_line_count < compared.line_count
        and coalesce(shared.shared_lines, 0) = compared.newest_line_count as is_cut_in_newest
    from compared
    left join shared on compared.invoice_no = shared.invoice_no and compared.load_id = shared.load_id

),

final as (

    select
        judged.invoice_no,
        judged.load_id,
        judged.newest_load_id,
        judged.line_count,
        judged.amount,
        judged.is_same as is_as_newest,
        judged.is_cut_in_newest,
        judged.tells_whole_orders
        and judged.load_id <> judged.newest_load_id
        or not judged.is_same
        and judged.is_same_time
        and not judged.is_cut_in_newest
        and judged.load_id in (select exports.load_id from exports)
        and judged.newest_load_id in (select exports.load_id from exports) as is_replaced
    from judged

)

select * from final
