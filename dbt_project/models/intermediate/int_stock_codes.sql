-- Grain: one row per stock code seen on a readable line. Patterns are compared with
-- codes, of which there are thousands, not with lines, of which there are millions.
with

codes as (

    select distinct stock_code from {{ ref('stg_transactions') }} where is_readable

),

patterns as (

    select * from {{ ref('non_product_codes') }}

),

fits as (

    select
        codes.stock_code,
        patterns.category,
        row_number() over (
            partition by codes.stock_code
            order by
                case patterns.kind when 'exact' then 1 when 'prefix' then 2 else 3 end,
                length(patterns.pattern) desc,
                patterns.pattern
        ) as preference
    from codes
    inner join patterns
        on (patterns.kind = 'exact' and codes.stock_code = patterns.pattern)
            or (patterns.kind = 'prefix' and {{ starts_with('codes.stock_code', 'patterns.pattern') }})
            or (patterns.kind = 'regex' and {{ fits_pattern('codes.stock_code', 'patterns.pattern') }})

),

final as (

    select
        codes.stock_code,
        fits.category is null as is_product,
        fits.category as non_product_category
    from codes
    left join fits on codes.stock_code = fits.stock_code and fits.preference = 1

)

select * from final
