-- Grain: one identified customer and month end that is over, from the month of the first
-- purchase on. Each month end is a population of its own: what customer_rfm says in a
-- refresh as of the first day of the next month. Nothing must be summed over month ends.
-- Beside it stands the month before, and what a move to another segment came from.
-- The key is tested, not a primary key: an index on customers times months costs memory
-- in proportion to both.
with

months as (

    select * from {{ ref('int_months') }} where is_month_over

),

-- what was known at the end of a month with a purchase or a return, and until when that held
so_far as (

    select
        customer_id,
        month_start,
        first_month_start,
        lead(month_start) over (partition by customer_id order by month_start) as next_change,
        max(last_purchase_at) over months_so_far as last_purchase_at,
        min(first_purchase_date) over months_so_far as first_purchase_date,
        max(last_purchase_date) over months_so_far as last_purchase_date,
        cast(sum(purchase_days) over months_so_far as integer) as purchase_days,
        cast(sum(invoice_count) over months_so_far as bigint) as invoice_count,
        sum(line_count) over months_so_far as line_count,
        cast(sum(gross_revenue) over months_so_far as {{ money_sum_type() }}) as monetary_gross,
        cast(sum(net_revenue_as_booked) over months_so_far as {{ money_sum_type() }}) as monetary_net
    from {{ ref('int_customer_months') }}
    window months_so_far as (
        partition by customer_id order by month_start rows between unbounded preceding and current row
    )

),

-- a month in which nothing happened has a row too: recency grows
every_month_end as (

    select
        so_far.*,
        months.month_end,
        months.next_month_start as snapshot_date,
        so_far.first_month_start = months.month_start as is_new_customer
    from so_far
    inner join months
        on so_far.month_start <= months.month_start
            and (so_far.next_change is null or so_far.next_change > months.month_start)

),

measured as (

    select
        customer_id,
        month_end,
        snapshot_date,
        {{ rfm_recency_days('last_purchase_at', 'snapshot_date', 'cast(snapshot_date as timestamp)') }}
            as recency_days,
        {{ rfm_frequency('invoice_count', 'line_count') }} as frequency,
        {{ rfm_monetary('monetary_gross', 'monetary_net') }} as monetary,
        monetary_gross,
        monetary_net,
        invoice_count,
        purchase_days,
        {{ date_diff_days('first_purchase_date', 'last_purchase_date') }} as days_between_visits,
        {{ date_diff_days('first_purchase_date', 'snapshot_date') }} as days_known,
        is_new_customer
    from every_month_end

),

shop as (

    select
        month_end,
        {{ shop_gap_days('purchase_days', 'days_between_visits', 'days_known') }} as shop_gap_days,
        max(days_known) as shop_known_days
    from measured
    group by month_end

),

r_scores as (

    {{ rfm_recency_scores('measured', 'shop', among='month_end') }}

),

f_scores as (

    {{ rfm_frequency_scores('measured', among='month_end') }}

),

m_scores as (

    {{ rfm_monetary_scores('measured', among='month_end') }}

),

scored as (

    select
        measured.*,
        r_scores.score as r_score,
        f_scores.score as f_score,
        m_scores.score as m_score,
        {{ rfm_score('r_scores.score', 'f_scores.score', 'm_scores.score') }} as rfm_score,
        {{ expected_gap_days('measured.purchase_days', 'measured.days_between_visits', 'shop.shop_gap_days') }}
            as expected_gap_days
    from measured
    inner join shop on measured.month_end = shop.month_end
    inner join r_scores
        on measured.month_end = r_scores.month_end
            and measured.recency_days = r_scores.recency_days
    inner join f_scores
        on measured.month_end = f_scores.month_end
            and measured.frequency = f_scores.frequency
    inner join m_scores
        on measured.month_end = m_scores.month_end
            and measured.monetary = m_scores.monetary

),

borders as (

    {{ rfm_borders('scored', among='month_end') }}

),

-- each month end, with the borders of the one before
borders_before as (

    select
        *,
        lead(month_end) over (order by month_end) as next_month_end
    from borders

),

labelled as (

    select
        scored.*,
        {{ rfm_segment('segments.rfm_segment', 'scored.invoice_count') }} as rfm_segment,
        lag({{ rfm_segment('segments.rfm_segment', 'scored.invoice_count') }}) over months_before as rfm_segment_before,
        lag(scored.monetary) over months_before as monetary_before,
        lag(scored.invoice_count) over months_before as invoice_count_before
    from scored
    left join {{ ref('rfm_segments') }} as segments
        on scored.r_score = segments.r_score
            and scored.f_score = segments.f_score
            and scored.m_score = segments.m_score
    window months_before as (partition by scored.customer_id order by scored.month_end)

),

by_old_borders as (

    select
        labelled.*,
        {{ rfm_score_by_borders('labelled.recency_days', '<', 'borders_before.r_border') }} as r_score_by_old_borders,
        {{ rfm_score_by_borders('labelled.frequency', '>', 'borders_before.f_border') }} as f_score_by_old_borders,
        {{ rfm_score_by_borders('labelled.monetary', '>', 'borders_before.m_border') }} as m_score_by_old_borders
    from labelled
    left join borders_before on labelled.month_end = borders_before.next_month_end

),

final as (

    select
        scored.month_end,
        scored.customer_id,
        scored.snapshot_date,
        scored.recency_days,
        scored.frequency,
        scored.monetary,
        scored.monetary_gross,
        scored.monetary_net,
        scored.r_score,
        scored.f_score,
        scored.m_score,
        scored.rfm_score,
        scored.rfm_segment,
        scored.rfm_segment_before,
        scored.monetary_before,
        case
            when scored.rfm_segment_before = scored.rfm_segment then null
            when scored.rfm_segment_before = {{ rfm_segment('segments.rfm_segment', 'scored.invoice_count') }}
                then 'yardstick'
            when scored.invoice_count_before < scored.invoice_count then 'purchase'
            when scored.invoice_count_before = scored.invoice_count then 'silence'
        end as moved_by,
        scored.invoice_count,
        scored.purchase_days,
        scored.expected_gap_days,
        scored.recency_days / scored.expected_gap_days as silence_ratio,
        {{ is_slipping('scored.purchase_days', 'scored.recency_days / scored.expected_gap_days') }} as is_slipping,
        {{ customer_type('scored.invoice_count') }} as customer_type,
        scored.is_new_customer
    from by_old_borders as scored
    left join {{ ref('rfm_segments') }} as segments
        on scored.r_score_by_old_borders = segments.r_score
            and scored.f_score_by_old_borders = segments.f_score
            and scored.m_score_by_old_borders = segments.m_score

)

select * from final
