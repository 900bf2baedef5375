-- Grain: one source, that is, all files of one layout or mapping: what its habits mean.
with

profiles as (

    select * from {{ ref('int_source_profiles') }}

),

final as (

    select
        source,
        profile,
        evidence,
        is_cancellation_prefix,
        is_adjustment_prefix,
        exact_duplicates,
        file_count,
        line_count
    from profiles

)

select * from final
