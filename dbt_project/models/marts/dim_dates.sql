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

    select
        invoice_date as date,
        count(distinct invoice_no) as orders
    from lines
    where line_type = 'sale'
    group by invoice_date

),

calendar as (

    select
        date,
        max(case when kind = 'holiday' then name end) as holiday_name,
        max(case when kind = 'closure' then name end) as closure_reason,
        max(case when kind = 'promotion' then name end) as promotion_name
    from {{ ref('stg_calendar_days') }}
    group by date

),

usual_day as (

    select median(orders) as orders from trading_days

),

-- a weekday on which the shop never opens
weekdays as (

    select
        {{ iso_weekday('days.date') }} as iso_weekday,
        count(*) as days,
        count(trading_days.date) as trading_days
    from days
    left join trading_days on days.date = trading_days.date
    group by {{ iso_weekday('days.date') }}

),

final as (

    select
        days.date,
        trading_days.date is not null as is_trading_day,
        trading_days.date is null
        and (
            calendar.holiday_name is not null
            or calendar.closure_reason is not null
            or usual_day.orders >= {{ orders_of_a_busy_day() }}
            or (
                weekdays.days >= {{ fewest_days_of_a_weekday() }}
                and weekdays.trading_days <= {{ share_of_a_closed_weekday() }} * weekdays.days
            )
        ) as is_closed_day,
        calendar.holiday_name,
        calendar.closure_reason,
        calendar.promotion_name,
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
    cross join usual_day
    inner join weekdays on {{ iso_weekday('days.date') }} = weekdays.iso_weekday
    left join trading_days on days.date = trading_days.date
    left join calendar on days.date = calendar.date

)

select * from final
