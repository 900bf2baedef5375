-- Grain: one day as of which customers are seen: the day after each month end, and the snapshot. Nothing adds up.
-- Of each day, only month ends whose 90 days were over by then are known, so a row of the past never changes.
{#- a band of fewer tells nothing: of 30 customers a share is off by 9 points at most, two times in three #}
{%- set least_customers = 30 %}
{#- dormant is of whom that part of the others' share comes back; docs/decisions.md #}
{%- set part_of_the_others = 5 %}
{#- the ratio where too few have been seen that silent: one who came each month has been away for a year #}
{%- set unmeasured_ratio = 12 %}
{#- and never less, so that who begins to slip is spoken to first #}
{%- set least_ratio = 3 %}
with

days as (

    select next_month_start as snapshot_date
    from {{ ref('int_months') }}
    where is_month_over

    union

    select snapshot_date
    from {{ ref('int_snapshot') }}

),

-- who came once has no gap to be late by
tested as (

    select
        cutoff_date,
        case silence_band
            {%- for one in silence_bands() %}
            when '{{ one.band }}' then {{ one.middle }}
            {%- endfor %}
        end as middle_ratio,
        is_slipping,
        customers,
        came_back_customers
    from {{ ref('slipping_backtest') }}
    where has_own_gap

),

known_bands as (

    select
        days.snapshot_date,
        cast(tested.middle_ratio as double) as middle_ratio,
        tested.is_slipping,
        sum(tested.customers) as customers,
        sum(tested.came_back_customers) as came_back_customers
    from days
    inner join tested on {{ days_after('tested.cutoff_date', backtest_days()) }} <= days.snapshot_date
    group by
        days.snapshot_date,
        tested.middle_ratio,
        tested.is_slipping

),

others as (

    select
        snapshot_date,
        100 * cast(sum(came_back_customers) as double) / sum(customers) as came_back_pct
    from known_bands
    where not is_slipping
    group by snapshot_date
    having sum(customers) >= {{ least_customers }}

),

-- each band that was seen often enough, with the next one
measured as (

    select
        *,
        lead(middle_ratio) over bands as next_ratio,
        lead(came_back_pct) over bands as next_pct
    from (
        select
            known_bands.snapshot_date,
            known_bands.middle_ratio,
            100 * cast(known_bands.came_back_customers as double) / known_bands.customers as came_back_pct,
            others.came_back_pct / {{ part_of_the_others }} as limit_pct
        from known_bands
        inner join others on known_bands.snapshot_date = others.snapshot_date
        where known_bands.customers >= {{ least_customers }}
    ) as bands_seen
    window bands as (partition by snapshot_date order by middle_ratio)

),

-- the longest silence from which as many came back as the limit asks for
still as (

    select *
    from (
        select
            *,
            row_number() over (partition by snapshot_date order by middle_ratio desc) as place
        from measured
        where came_back_pct >= limit_pct
    ) as enough
    where place = 1

),

final as (

    select
        days.snapshot_date,
        others.came_back_pct as others_came_back_pct,
        coalesce(
            still.next_ratio is not null or still.middle_ratio = {{ silence_bands()[-1].middle }}, false
        ) as is_measured,
        -- read between two bands, so that a customer more or less who came back moves it by a little
        case
            when still.next_ratio is not null
                then
                    greatest(
                        round(
                            still.middle_ratio
                            + (still.came_back_pct - still.limit_pct) / (still.came_back_pct - still.next_pct)
                            * (still.next_ratio - still.middle_ratio),
                            1
                        ),
                        cast({{ least_ratio }} as double)
                    )
            when still.middle_ratio = {{ silence_bands()[-1].middle }} then null
            else cast({{ unmeasured_ratio }} as double)
        end as dormant_from_ratio
    from days
    left join others on days.snapshot_date = others.snapshot_date
    left join still on days.snapshot_date = still.snapshot_date

)

select * from final
