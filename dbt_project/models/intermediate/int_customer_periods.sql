-- Grain: one identified customer and date in the past (cutoff), every 30 days back from the
-- end of what was observed, from the first cutoff after the customer's first purchase on.
-- A row tells what was known when the cutoff's day began, and what the 30 days from it
-- then brought: sums of *_next_30d over a customer's rows tile the time without overlap,
-- those of the other columns must not be summed. Cutoff 0 is now; what comes is null.
-- Everybody has cutoff 0. Of large shops a sample by hash has the others (is_sampled).
{%- set period_days = 30 %}
{%- set max_periods = var('clv_max_periods', 24) | int %}
{%- set sample_customers = var('clv_sample_customers', 100000) | int %}
with

customer_days as (

    select * from {{ ref('int_customer_days') }}

),

-- the first day that was not observed
observation as (

    select
        greatest(snapshot_date, cast({{ days_after('last_line_at', 1) }} as date)) as observed_until_date
    from {{ ref('int_snapshot') }}

),

span as (

    select
        observation.observed_until_date,
        min(customer_days.date) as first_date
    from customer_days
    cross join observation
    group by observation.observed_until_date

),

calendar as (

    {{ every_day('first_date', 'observed_until_date', 'span') }}

),

cutoffs as (

    select
        calendar.date as cutoff_date,
        cast({{ date_diff_days('calendar.date', 'span.observed_until_date') }} / {{ period_days }} as integer)
            as periods_ago
    from calendar
    cross join span
    where
        {{ date_diff_days('calendar.date', 'span.observed_until_date') }} % {{ period_days }} = 0
        and {{ date_diff_days('calendar.date', 'span.observed_until_date') }}
        <= {{ period_days }} * {{ max_periods }}

),

firsts as (

    select
        customer_id,
        min(date) as first_purchase_date
    from customer_days
    where is_purchase_day
    group by customer_id

),

customers as (

    select
        customer_id,
        first_purchase_date,
        -- the hash knows nothing of what a customer did, so the sample looks like everyone
        row_number() over (order by {{ short_hash(['customer_id']) }}, customer_id) <= {{ sample_customers }}
            as is_sampled
    from firsts

),

-- sums of a day that stay true when seen from a later cutoff
days as (

    select
        customer_days.customer_id,
        customer_days.date,
        customer_days.is_purchase_day,
        customer_days.invoice_count,
        customer_days.line_count,
        customer_days.gross_revenue,
        customer_days.booked_return_revenue,
        case
            when customer_days.date = customers.first_purchase_date then customer_days.gross_revenue
            else 0
        end as first_day_revenue
    from customer_days
    inner join customers on customer_days.customer_id = customers.customer_id

),

-- Returns of what was bought on the first day, so that they don't lower the repeat purchases:
-- those matched to it, and all that were booked before a second day with a purchase.
second_days as (

    select
        customer_days.customer_id,
        min(customer_days.date) as second_purchase_date
    from customer_days
    inner join customers on customer_days.customer_id = customers.customer_id
    where customer_days.is_purchase_day and customer_days.date > customers.first_purchase_date
    group by customer_days.customer_id

),

early_returns as (

    select
        customer_days.customer_id,
        customer_days.date,
        customer_days.booked_return_revenue as amount
    from customer_days
    left join second_days on customer_days.customer_id = second_days.customer_id
    where
        customer_days.booked_return_revenue <> 0
        and (second_days.second_purchase_date is null or customer_days.date < second_days.second_purchase_date)

),

later_returns as (

    select
        matches.customer_id,
        cast(matches.returned_at as date) as date,
        sum(matches.matched_amount) as amount
    from {{ ref('int_return_matches') }} as matches
    inner join customers
        on matches.customer_id = customers.customer_id
            and cast(matches.sold_at as date) = customers.first_purchase_date
    inner join second_days
        on matches.customer_id = second_days.customer_id
            and cast(matches.returned_at as date) >= second_days.second_purchase_date
    group by matches.customer_id, cast(matches.returned_at as date)

),

first_day_returns as (

    select
        returned.customer_id,
        returned.date,
        false as is_purchase_day,
        0 as invoice_count,
        0 as line_count,
        0 as gross_revenue,
        0 as booked_return_revenue,
        -returned.amount as first_day_revenue
    from (
        select * from early_returns
        union all
        select * from later_returns
    ) as returned

),

movements as (

    select * from days
    union all
    select * from first_day_returns

),

-- one row per customer and period with anything in it; periods_ago is that of its first day
periods as (

    select
        movements.customer_id,
        cast(
            ceil({{ date_diff_days('movements.date', 'span.observed_until_date') }} / {{ period_days }}.0) as integer
        ) as periods_ago,
        max(case when movements.is_purchase_day then movements.date end) as last_purchase_date,
        count(case when movements.is_purchase_day then 1 end) as purchase_days,
        sum(movements.invoice_count) as invoices,
        sum(movements.line_count) as lines,
        sum(movements.gross_revenue) as gross_value,
        sum(movements.booked_return_revenue) as returned_value,
        sum(movements.gross_revenue) - sum(movements.booked_return_revenue) as net_value,
        sum(movements.first_day_revenue) as first_day_net_value
    from movements
    cross join span
    group by
        movements.customer_id,
        cast(
            ceil({{ date_diff_days('movements.date', 'span.observed_until_date') }} / {{ period_days }}.0) as integer
        )

),

known as (

    select
        customers.customer_id,
        customers.first_purchase_date,
        customers.is_sampled,
        cutoffs.cutoff_date,
        cutoffs.periods_ago,
        max(periods.last_purchase_date) as last_purchase_date,
        sum(periods.purchase_days) as purchase_days,
        sum(periods.invoices) as invoices,
        sum(periods.lines) as lines,
        sum(periods.gross_value) as gross_value,
        sum(periods.returned_value) as returned_value,
        sum(periods.net_value) as net_value,
        {%- for length in (1, 3, 6, 12) %}
        sum(
            case when periods.periods_ago <= cutoffs.periods_ago + {{ length }} then periods.purchase_days else 0 end
        ) as purchase_days_{{ length * period_days }}d,
        sum(
            case when periods.periods_ago <= cutoffs.periods_ago + {{ length }} then periods.net_value else 0 end
        ) as net_value_{{ length * period_days }}d,
        {%- endfor %}
        sum(periods.net_value) - sum(periods.first_day_net_value) as repeat_net_value
    from customers
    inner join cutoffs
        on customers.first_purchase_date < cutoffs.cutoff_date
            and (customers.is_sampled or cutoffs.periods_ago = 0)
    inner join periods
        on customers.customer_id = periods.customer_id
            and cutoffs.periods_ago < periods.periods_ago
    group by
        customers.customer_id,
        customers.first_purchase_date,
        customers.is_sampled,
        cutoffs.cutoff_date,
        cutoffs.periods_ago

),

final as (

    select
        -- keys
        known.customer_id,
        cast(known.periods_ago as integer) as periods_ago,
        known.cutoff_date,
        known.is_sampled,

        -- what BG/NBD and Gamma-Gamma read
        cast(known.purchase_days - 1 as integer) as repeat_purchase_days,
        cast({{ date_diff_days('known.first_purchase_date', 'known.last_purchase_date') }} as integer)
            as days_to_last_purchase,
        cast({{ date_diff_days('known.first_purchase_date', 'known.cutoff_date') }} - 1 as integer) as observed_days,
        cast(known.repeat_net_value as {{ money_sum_type() }}) as repeat_net_value,

        -- so far
        cast(known.invoices as integer) as invoice_count,
        cast(known.lines as integer) as line_count,
        cast(known.gross_value as {{ money_sum_type() }}) as gross_value,
        cast(known.returned_value as {{ money_sum_type() }}) as returned_value,
        cast(known.net_value as {{ money_sum_type() }}) as net_value,

        -- of late
        {%- for length in (30, 90, 180, 360) %}
        cast(known.purchase_days_{{ length }}d as integer) as purchase_days_{{ length }}d,
        cast(known.net_value_{{ length }}d as {{ money_sum_type() }}) as net_value_{{ length }}d,
        {%- endfor %}

        -- what came
        cast(case when known.periods_ago > 0 then coalesce(coming.purchase_days, 0) end as integer)
            as purchase_days_next_30d,
        cast(case when known.periods_ago > 0 then coalesce(coming.net_value, 0) end as {{ money_sum_type() }})
            as net_value_next_30d
    from known
    left join periods as coming
        on known.customer_id = coming.customer_id and known.periods_ago = coming.periods_ago

)

select * from final
