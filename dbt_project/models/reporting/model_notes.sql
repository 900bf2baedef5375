-- Grain: one model and algorithm: its warnings, for those who read its figures.
with

runs as (

    select * from {{ source('ml', 'model_runs') }}

),

-- all customers are valued by one model
valued as (

    select max(model) as valued_by from {{ source('ml', 'customer_clv') }}

),

final as (

    select
        runs.model,
        runs.algorithm,
        runs.model = 'customer_value' and (
            -- p_alive comes from it, whichever model the values come from
            runs.algorithm = 'bg_nbd'
            -- what was seen on the hold-outs of any other winner stands with the boosting
            or runs.algorithm = case
                when valued.valued_by = 'bg_nbd_gamma_gamma' then 'gamma_gamma' else 'gradient_boosting'
            end
        ) as is_about_customer_value,
        runs.warnings is not null as has_warnings,
        runs.warnings,
        runs.change_notes
    from runs
    cross join valued

)

select * from final
