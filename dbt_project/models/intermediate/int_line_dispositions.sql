-- Grain: one row per delivered line, each with exactly one disposition: the first
-- that fits. The one place where lines leave. Amounts add up over all rows.
{%- set as_of = as_of_date() %}
with

lines as (

    select
        *,
        {% if as_of is none %}false{% else %}is_readable and invoiced_at >= {{ as_of }}{% endif %} as is_after_as_of
    from {{ ref('stg_transactions') }}

),

repeated_keys as (

    select content_key
    from lines
    where is_readable and not is_after_as_of
    group by content_key
    having count(*) > 1

),

-- Which of equal lines is kept decides lineage alone: nothing in the marts depends
-- on it. Only repeated lines are sorted, about one in a hundred.
occurrences as (

    select
        lines.delivered_line_id,
        row_number() over (
            partition by lines.content_key
            order by lines.file_name, coalesce(lines.sheet, ''), lines.row_number, lines.delivered_line_id
        ) as occurrence
    from lines
    inner join repeated_keys on lines.content_key = repeated_keys.content_key

),

invoice_types as (

    select * from {{ ref('int_invoice_types') }}

),

stock_codes as (

    select * from {{ ref('int_stock_codes') }}

),

country_names as (

    select
        upper(source_name) as name_key,
        country
    from {{ ref('countries') }}

),

described as (

    select
        lines.*,
        occurrences.occurrence,
        invoice_types.invoice_type,
        stock_codes.is_product,
        stock_codes.non_product_category,
        coalesce(country_names.country, lines.country, 'Unspecified') as normalised_country
    from lines
    left join occurrences on lines.delivered_line_id = occurrences.delivered_line_id
    left join invoice_types on lines.invoice_no = invoice_types.invoice_no
    left join stock_codes on lines.stock_code = stock_codes.stock_code
    left join country_names on upper(lines.country) = country_names.name_key

),

decided as (

    select
        *,
        case
            when not is_readable then 'unreadable'
            when is_after_as_of then 'after_as_of'
            {%- if setting('exact_duplicates') == 'drop' %}
            when occurrence > 1 then 'duplicate'
            {%- endif %}
            when invoice_type = 'adjustment' then 'adjustment'
            {%- if setting('exclude_non_product') %}
            when not is_product then 'non_product'
            {%- endif %}
            when invoice_type = 'return' then 'return'
            when quantity_units <= 0 then 'non_positive_quantity'
            {%- if setting('require_positive_price') %}
            when unit_price <= 0 then 'non_positive_price'
            {%- endif %}
            else 'sale'
        end as disposition
    from described

),

final as (

    select
        -- keys
        delivered_line_id,
        case
            when occurrence > 1 then {{ surrogate_key(['content_key', 'occurrence']) }}
            else content_key
        end as line_id,
        disposition,
        disposition in ('sale', 'return') as is_kept,

        -- what the line says
        case
            -- two equal plain transactions are two purchases
            when layout = 'transactions' and occurrence > 1
                then invoice_no || '-' || cast(occurrence as {{ dbt.type_string() }})
            else invoice_no
        end as invoice_no,
        stock_code,
        non_product_category,
        description,
        customer_id,
        normalised_country as country,
        invoiced_at,
        cast(invoiced_at as date) as invoice_date,

        -- measures
        quantity_units,
        unit_price,
        case
            when abs(cast(quantity_units as double) * cast(unit_price as double)) < 1e14
                then cast(quantity_units * unit_price as {{ money_type() }})
        end as signed_amount
    from decided

)

select * from final
