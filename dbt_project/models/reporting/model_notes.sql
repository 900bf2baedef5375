-- Grain: one model and algorithm: its warnings, for those who read its figures.
with

runs as (

    select * from {{ source('ml', 'model_runs') }}

),

-- all customers are valued by one model
valued as (

    select
        max(model) as valued_by,
        count(p_alive) > 0 as is_p_alive_known
    from {{ source('ml', 'customer_clv') }}

),

final as (

    select
        runs.model,
        runs.algorithm,
        runs.model = 'customer_value' and case runs.algorithm
            -- p_alive comes from it, whichever model the values come from
            when 'bg_nbd' then valued.is_p_alive_known or coalesce(valued.valued_by = 'bg_nbd_gamma_gamma', false)
            when 'bg_nbd_seasonal_clock' then coalesce(valued.valued_by = 'bg_nbd_seasonal_clock', false)
            when 'gamma_gamma'
                then coalesce(valued.valued_by in ('bg_nbd_gamma_gamma', 'bg_nbd_seasonal_clock'), false)
            -- what was seen on the hold-outs of any other winner stands with the boosting
            else coalesce(valued.valued_by not in ('bg_nbd_gamma_gamma', 'bg_nbd_seasonal_clock'), true)
        end as is_about_customer_value,
        runs.warnings is not null as has_warnings,
        runs.warnings,
        runs.change_notes
    from runs
    cross join valued

)

select * from final
