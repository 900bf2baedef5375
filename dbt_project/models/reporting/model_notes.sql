-- Grain: one model and algorithm: what to be wary of when reading its figures.
with

runs as (

    select * from {{ source('ml', 'model_runs') }}

),

final as (

    select
        model,
        algorithm,
        -- each of them: p_alive comes from BG/NBD whichever model clv comes from
        model = 'customer_value' as is_about_customer_value,
        warnings is not null as has_warnings,
        warnings,
        change_notes
    from runs

)

select * from final
