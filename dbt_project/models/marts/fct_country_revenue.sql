-- Grain: one country and calendar month with a kept line. customer_count must not be
-- summed over months or countries.
with

parts as (

    select * from {{ ref('int_invoice_parts') }}

),

final as (

    select
        country,
        {{ month_start('invoice_date') }} as month_start,
        max(case when country = {{ home_country() }} then 1 else 0 end) = 1 as is_home_country,
        {{ measures('parts', 'tables') }}
    from parts
    group by country, {{ month_start('invoice_date') }}

)

select * from final
