-- Grain: one disposition, also one that no line has, but for sums of orders, which few files hold.
-- Rows add up to the delivered lines and those that a row tells of beside itself, amounts to the
-- signed amount of all of them.
with

dispositions as (

    select * from {{ ref('dispositions') }}
    {%- if as_of_date() is none %}
    where disposition <> 'after_as_of'
    {%- endif %}

),

counted as (

    select
        disposition,
        count(*) as row_count,
        count(case when {{ is_refund_line_id('delivered_line_id') }} then 1 end) as derived_row_count,
        cast(sum(coalesce(signed_amount, 0)) as {{ money_sum_type() }}) as gross_amount
    from {{ ref('int_line_dispositions') }}
    group by disposition

),

final as (

    select
        dispositions.disposition,
        dispositions.precedence,
        dispositions.is_kept,
        coalesce(counted.row_count, 0) as row_count,
        coalesce(counted.derived_row_count, 0) as derived_row_count,
        cast(coalesce(counted.gross_amount, 0) as {{ money_sum_type() }}) as gross_amount,
        dispositions.description
    from dispositions
    left join counted on dispositions.disposition = counted.disposition
    where dispositions.disposition <> 'summary' or counted.row_count > 0

)

select * from final
