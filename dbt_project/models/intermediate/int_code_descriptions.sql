-- Grain: one description, in capitals, of a stock code on the readable lines of a source. Codes and what
-- they are called are judged by the thousand, not line by line.
{{ config(meta={'increment': {
    'sums': ['line_count'],
    'reads': ['staging.stg_transactions'],
}}) }}
with

lines as (

    select
        source,
        stock_code,
        {{ capitals('description') }} as description
    from {{ ref('stg_transactions') }}
    where is_readable

),

final as (

    select
        source,
        stock_code,
        description,
        count(*) as line_count
    from lines
    group by source, stock_code, description

)

select * from final
