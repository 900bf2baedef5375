-- Grain: one calendar day, every day from the first kept line to the last.
with

lines as (

    select * from {{ ref('fct_invoice_lines') }}

),

span as (

    select
        min(invoice_date) as first_date,
        max(invoice_date) as last_date
    from lines

),

days as (

    {{ every_day('first_date', 'last_date', 'span') }}

),

snapshot as (

    select * from {{ ref('int_snapshot') }}

),

trading_days as (

    select distinct invoice_date as date from lines where line_type = 'sale'

),

final as (

    select
        days.date,
        trading_days.date is not null as is_trading_day,
        cast(extract(year from days.date) as integer) as year,
        cast(extract(quarter from days.date) as integer) as quarter,
        cast(extract(month from days.date) as integer) as month,
        {{ month_start('days.date') }} as month_start,
        {{ iso_week('days.date') }} as iso_week,
        {{ week_start('days.date') }} as week_start,
        {{ iso_weekday('days.date') }} as iso_weekday,
        case {{ iso_weekday('days.date') }}
            when 1 then 'Monday'
            when 2 then 'Tuesday'
            when 3 then 'Wednesday'
            when 4 then 'Thursday'
            when 5 then 'Friday'
            when 6 then 'Saturday'
            else 'Sunday'
        end as weekday,
        {{ is_complete_period('days.date', days_after('days.date', 1)) }} as is_complete_day,
        {{ is_complete_period(week_start('days.date'), days_after(week_start('days.date'), 7)) }} as is_complete_week,
        {{ is_complete_period(month_start('days.date'), months_after(month_start('days.date'), 1)) }}
            as is_complete_month
    from days
    cross join snapshot
    left join trading_days on days.date = trading_days.date

)

select * from final
