-- Grain: one row per delivered line, each with exactly one disposition: the first
-- that fits. The one place where lines leave. Amounts add up over all rows.
{%- set touched -%}
    with

    -- orders as a whole, and so equal lines too: those bear one number
    numbers as (
        select invoice_no from increments.stg_transactions
        union all
        select delivered_invoice_no as invoice_no from increments.int_orders
        union all
        select orders.delivered_invoice_no as invoice_no
        from intermediate.int_orders as orders
        inner join increments.int_order_versions as versions on orders.invoice_no = versions.invoice_no
        union all
        select lines.invoice_no
        from staging.stg_transactions as lines
        inner join increments.int_stock_codes as codes
            on lines.source = codes.source and lines.stock_code = codes.stock_code
        union all
        select lines.invoice_no
        from staging.stg_transactions as lines
        inner join increments.int_customer_spellings as spellings on lines.customer_id = spellings.customer_key
        union all
        select lines.invoice_no
        from staging.stg_transactions as lines
        where exists (select 1 from increments.int_source_profiles)
    )

    select delivered_line_id from increments.stg_transactions
    union all
    select lines.delivered_line_id
    from staging.stg_transactions as lines
    where lines.invoice_no in (select numbers.invoice_no from numbers)
    union all
    select lines.delivered_line_id
    from staging.stg_transactions as lines
    where lines.invoice_no is null and exists (select 1 from increments.int_source_profiles)
{%- endset -%}
{{ config(meta={'increment': {
    'by': 'delivered_line_id',
    'touched': touched,
    'reads': {'staging.stg_transactions': 'delivered_line_id'},
}}) }}
{%- set as_of = as_of_date() %}
with

lines as (

    select
        *,
        {% if as_of is none %}false{% else %}is_readable and invoiced_at >= {{ as_of }}{% endif %} as is_after_as_of
    from {{ ref('stg_transactions') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

replaced as (

    select * from {{ ref('int_order_versions') }} where is_replaced

),

-- an order that came again and is replaced is told by the newest file alone: what the older
-- one says is no copy of anything, and nothing is a copy of it
replaced_lines as (

    select
        lines.delivered_line_id,
        replaced.newest_load_id
    from lines
    inner join orders on {{ is_order_of_line('orders', 'lines') }}
    inner join replaced on orders.invoice_no = replaced.invoice_no and lines.load_id = replaced.load_id
    where orders.is_in_several_deliveries

),

repeated_keys as (

    select content_key
    from lines
    where
        is_readable
        and not is_after_as_of
        and delivered_line_id not in (select replaced_lines.delivered_line_id from replaced_lines)
    group by content_key
    having count(*) > 1

),

-- Which of equal lines is kept decides lineage alone: nothing in the marts depends
-- on it. Only repeated lines are sorted, about one in a hundred.
occurrences as (

    select
        lines.delivered_line_id,
        lines.content_key,
        lines.load_id,
        lines.file_name,
        row_number() over (
            partition by lines.content_key
            order by lines.file_name, coalesce(lines.sheet, ''), lines.row_number, lines.delivered_line_id
        ) as occurrence,
        coalesce(lines.sheet, '') as sheet,
        row_number() over (
            partition by lines.content_key, lines.load_id, coalesce(lines.sheet, '')
            order by lines.row_number, lines.delivered_line_id
        ) as occurrence_in_sheet
    from lines
    inner join repeated_keys on lines.content_key = repeated_keys.content_key
    where lines.delivered_line_id not in (select replaced_lines.delivered_line_id from replaced_lines)

),

-- the second of two equal lines in one file is a second sale; the second of another file is
-- the second of this one over again, and so it is on another sheet: workbooks have a sheet of all
-- their lines beside one for each month
copies as (

    select
        *,
        row_number() over (
            partition by content_key, occurrence_in_sheet
            order by file_name, load_id, sheet
        ) as copy_number
    from occurrences

),

deliveries as (

    select * from {{ ref('stg_deliveries') }}

),

profiles as (

    select * from {{ ref('int_source_profiles') }}

),

stock_codes as (

    select * from {{ ref('int_stock_codes') }}

),

country_names as (

    select * from {{ ref('int_country_names') }}

),

spellings as (

    select * from {{ ref('int_customer_spellings') }}

),

described as (

    select
        lines.*,
        deliveries.layout,
        copies.occurrence,
        copies.occurrence_in_sheet,
        case profiles.exact_duplicates
            when 'drop' then copies.occurrence > 1
            when 'overlap' then copies.copy_number > 1
            else false
        end as is_repeat,
        profiles.exact_duplicates as profile_duplicates,
        replaced_lines.newest_load_id is not null as is_replaced,
        orders.invoice_no as order_no,
        orders.invoice_date as order_date,
        orders.first_at as order_first_at,
        profiles.profile,
        coalesce(
            profiles.is_cancellation_prefix and {{ begins_with_letter('lines.invoice_no', 'C') }}, false
        ) as is_credit_note,
        coalesce(
            profiles.is_adjustment_prefix and {{ begins_with_letter('lines.invoice_no', 'A') }}, false
        ) as is_adjustment,
        stock_codes.is_product,
        case
            when lines.row_kind = 'non_product' then coalesce(stock_codes.non_product_category, 'told_by_system')
            else stock_codes.non_product_category
        end as non_product_category,
        coalesce(spellings.customer_id, lines.customer_id) as spelt_customer_id,
        -- what an order says somewhere holds where a line leaves it open
        coalesce(
            nullif(coalesce(country_names.country, lines.country), 'Unspecified'),
            orders.country,
            'Unspecified'
        ) as normalised_country
    from lines
    left join deliveries on lines.load_id = deliveries.load_id
    left join copies on lines.delivered_line_id = copies.delivered_line_id
    left join orders on {{ is_order_of_line('orders', 'lines') }}
    left join replaced_lines on lines.delivered_line_id = replaced_lines.delivered_line_id
    left join profiles on lines.source = profiles.source
    left join stock_codes on lines.source = stock_codes.source and lines.stock_code = stock_codes.stock_code
    left join spellings on lines.customer_id = spellings.customer_key
    left join country_names on {{ capitals('lines.country') }} = country_names.name_key

),

-- a discount on a line of its own is money that the order did not bring, except where the
-- shop's own accounts leave such lines out
judged as (

    select
        *,
        not is_product and not (profile = 'plain' and non_product_category = 'discount')
        or coalesce(row_kind = 'non_product', false) as is_non_product,
        is_credit_note or coalesce(row_kind = 'return', false) or signed_amount < 0 as is_return
    from described

),

decided as (

    select
        *,
        case
            when not is_readable then 'unreadable'
            when is_after_as_of then 'after_as_of'
            when row_kind = 'summary' then 'summary'
            when is_replaced or is_repeat then 'duplicate'
            when row_kind = 'not_a_sale' then 'not_a_sale'
            when is_adjustment then 'adjustment'
            {%- if setting('exclude_non_product') %}
            when is_non_product then 'non_product'
            {%- endif %}
            when is_return then 'return'
            -- a line that tells its amount needs no units: a till's coupon or deposit has none
            when quantity_units <= 0 and signed_amount <= 0 then 'non_positive_quantity'
            {%- if setting('require_positive_price') %}
            when signed_amount <= 0 then 'non_positive_price'
            {%- endif %}
            else 'sale'
        end as disposition,
        -- the habit or list behind the disposition, for telling what a wrong habit would cost
        case
            when not is_readable or is_after_as_of or row_kind = 'summary' then null
            when is_replaced then 'newer_version'
            when is_repeat then 'repeated_line'
            when row_kind = 'not_a_sale' then 'status'
            when is_adjustment then 'prefix_a'
            when is_non_product and {{ setting('exclude_non_product') | string | lower }} then non_product_category
        end as rule
    from judged

),

final as (

    select
        -- keys
        delivered_line_id,
        case
            when repeat_number > 1 then {{ surrogate_key(['content_key', 'repeat_number']) }}
            else content_key
        end as line_id,
        disposition,
        rule,
        disposition in ('sale', 'return') as is_kept,

        -- what the line says
        case
            -- two equal plain transactions are two purchases
            when layout = 'transactions' and repeat_number > 1 and {{ starts_with('order_no', "'T-'") }}
                then order_no || '-' || cast(repeat_number as {{ dbt.type_string() }})
            else coalesce(order_no, invoice_no)
        end as invoice_no,
        stock_code,
        non_product_category,
        description,
        spelt_customer_id as customer_id,
        normalised_country as country,
        -- an order that runs past midnight is one of the day on which it began
        case when cast(invoiced_at as date) > order_date then order_first_at else invoiced_at end as invoiced_at,
        coalesce(order_date, cast(invoiced_at as date)) as invoice_date,

        -- measures: of a return, whatever of it carried the minus, the units do
        cast(case when disposition = 'return' then -abs(quantity_units) else quantity_units end as {{ units_type() }})
            as quantity_units,
        case when disposition = 'return' then abs(unit_price) else unit_price end as unit_price,
        case
            when disposition = 'return' then -abs(signed_amount)
            else signed_amount
        end as signed_amount,
        cast(case when disposition in ('sale', 'return') then tax_amount end as {{ money_type() }}) as tax_amount
    from (
        select
            *,
            case profile_duplicates when 'overlap' then occurrence_in_sheet else occurrence end as repeat_number
        from decided
    ) as numbered

)

select * from final
