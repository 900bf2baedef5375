-- Grain: one row per delivered line. Nothing is dropped here: a value that will
-- not cast becomes null, and int_line_dispositions decides what that means.
with

source as (

    select * from {{ source('raw', 'transactions') }}

),

typed as (

    select
        -- lineage: depends on how the lines were delivered
        _line_id as delivered_line_id,
        _load_id as load_id,
        _file_name as file_name,
        _sheet as sheet,
        _row_number as row_number,
        _layout as layout,
        _loaded_at as loaded_at,

        -- as delivered, for the reasons below
        quantity as quantity_text,
        unit_price as unit_price_text,
        invoice_date as invoice_date_text,
        _problem as problem,
        _line_text as line_text,

        -- what the line says
        upper({{ blank_to_null('invoice') }}) as delivered_invoice_no,
        upper({{ blank_to_null('stock_code') }}) as delivered_stock_code,
        {{ blank_to_null('description') }} as description,
        {{ whole_number('quantity', '_decimal_mark') }} as delivered_quantity_units,
        {{ money('unit_price', '_decimal_mark') }} as unit_price,
        {{ identifier('customer_id') }} as customer_id,
        {{ blank_to_null('country') }} as country,
        -- no sale is dated after the file that reports it; a day of grace, because
        -- the shop's clock and time zone are not ours
        case
            when invoiced_at >= timestamp '1970-01-01 00:00:00'
                and invoiced_at <= {{ days_after('_loaded_at', 1) }}
                then invoiced_at
        end as invoiced_at,
        invoiced_at as delivered_invoiced_at

    from source

),

-- a plain transaction is one unit of nothing in particular
filled as (

    select
        *,
        case
            when layout = 'transactions'
                -- starts with no letter that invoice_types knows; equal for equal transactions
                then 'T-' || upper({{ short_hash(['customer_id', 'invoiced_at', 'unit_price']) }})
            else delivered_invoice_no
        end as invoice_no,
        case when layout = 'transactions' then '(NONE)' else delivered_stock_code end as stock_code,
        case when layout = 'transactions' then 1 else delivered_quantity_units end as quantity_units
    from typed

),

judged as (

    select
        *,
        layout <> 'transactions' and quantity_units is null and {{ blank_to_null('quantity_text') }} is not null
            as is_quantity_lost,
        unit_price is null and {{ blank_to_null('unit_price_text') }} is not null as is_unit_price_lost,
        invoiced_at is null and {{ blank_to_null('invoice_date_text') }} is not null as is_invoice_date_lost,
        problem is null
        and invoice_no is not null
        and stock_code is not null
        and quantity_units is not null
        and unit_price is not null
        and invoiced_at is not null
        -- the amount has to fit too; 14 digits before the decimal mark
        and abs(cast(quantity_units as double) * cast(unit_price as double)) < 1e14 as is_readable
    from filled

),

explained as (

    select
        *,
        case
            when is_readable then null
            when problem is not null then problem
            else concat_ws(
                    '; ',
                    case when invoice_no is null then 'invoice number is missing' end,
                    case when stock_code is null then 'stock code is missing' end,
                    case
                        when is_quantity_lost
                            then 'quantity "' || {{ shortened('trim(quantity_text)', 60) }}
                                || '" is not a whole number that fits'
                        when quantity_units is null then 'quantity is missing'
                    end,
                    case
                        when is_unit_price_lost
                            then 'unit price "' || {{ shortened('trim(unit_price_text)', 60) }}
                                || '" is not an amount that fits'
                        when unit_price is null then 'unit price is missing'
                    end,
                    case
                        when invoiced_at is not null then null
                        when delivered_invoiced_at > loaded_at
                            then 'date ' || cast(cast(delivered_invoiced_at as date) as {{ dbt.type_string() }})
                                || ' lies after the delivery'
                        when delivered_invoiced_at is not null
                            then 'date ' || cast(cast(delivered_invoiced_at as date) as {{ dbt.type_string() }})
                                || ' lies before 1970'
                        when is_invoice_date_lost
                            then 'invoice date "' || {{ shortened('trim(invoice_date_text)', 60) }}
                                || '" cannot be read'
                        else 'invoice date is missing'
                    end,
                    case
                        when abs(cast(quantity_units as double) * cast(unit_price as double)) >= 1e14
                            then 'quantity times unit price is too large'
                    end
                )
        end as unreadable_reason
    from judged

),

final as (

    select
        -- lineage
        delivered_line_id,
        load_id,
        file_name,
        sheet,
        row_number,
        layout,
        loaded_at,

        -- keys
        case
            when is_readable
                then {{ surrogate_key([
                    'invoice_no', 'stock_code', 'description', 'quantity_units',
                    'invoiced_at', 'unit_price', 'customer_id', 'country',
                ]) }}
        end as content_key,
        invoice_no,
        stock_code,
        customer_id,

        -- attributes
        description,
        country,

        -- measures
        quantity_units,
        unit_price,

        -- times
        invoiced_at,

        -- flags and reasons
        is_readable,
        is_quantity_lost,
        is_unit_price_lost,
        is_invoice_date_lost,
        unreadable_reason,
        line_text
    from explained

)

select * from final
