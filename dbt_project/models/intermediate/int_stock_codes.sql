-- Grain: one row per stock code seen on a readable line. Patterns are compared with
-- codes and descriptions, of which there are thousands, not with lines, of which there are
-- millions.
with

lines as (

    select
        stock_code,
        upper(description) as description,
        source
    from {{ ref('stg_transactions') }}
    where is_readable

),

codes as (

    select stock_code
    from lines
    group by stock_code

),

uci_sources as (

    select source from {{ ref('int_source_profiles') }} where profile = 'uci'

),

patterns as (

    select * from {{ ref('non_product_codes') }}

),

descriptions as (

    select * from {{ ref('non_product_descriptions') }}

),

-- codes that one shop uses for what is no product
suspects as (

    select
        codes.stock_code,
        patterns.pattern,
        patterns.kind,
        patterns.category,
        patterns.described_as
    from codes
    inner join patterns
        on (patterns.kind = 'exact' and codes.stock_code = patterns.pattern)
            or (patterns.kind = 'regex' and {{ fits_pattern('codes.stock_code', 'patterns.pattern') }})

),

-- another shop sells socks under S and wooden posts under POST: what the code is called decides
suspects_described as (

    select
        suspects.stock_code,
        suspects.pattern,
        suspects.category,
        suspects.kind,
        count(lines.description) as described_lines,
        count(case when {{ fits_pattern('lines.description', 'suspects.described_as') }} then 1 end) as fitting_lines,
        count(uci_sources.source) as uci_lines
    from suspects
    inner join lines on suspects.stock_code = lines.stock_code
    left join uci_sources on lines.source = uci_sources.source
    group by suspects.stock_code, suspects.pattern, suspects.category, suspects.kind

),

by_code as (

    select
        stock_code,
        category,
        row_number() over (
            partition by stock_code
            order by case kind when 'exact' then 1 else 2 end, length(pattern) desc, pattern
        ) as preference
    from suspects_described
    where
        2 * fitting_lines >= described_lines
        -- where nothing is described, the habits of the source decide
        and (described_lines > 0 or uci_lines > 0)

),

-- what any shop calls by such a name is no product: gift cards, postage, tips
named as (

    select
        described.description,
        min(descriptions.category) as category
    from (select description from lines where description is not null group by description) as described
    inner join descriptions
        on {{ fits_pattern('trim(described.description)', 'descriptions.pattern') }}
    group by described.description

),

codes_named as (

    select
        codes_with_names.stock_code,
        min(named.category) as category,
        count(named.category) as named_lines,
        count(*) as line_count
    from lines as codes_with_names
    left join named on codes_with_names.description = named.description
    where
        codes_with_names.description is not null
        and codes_with_names.stock_code in (
            select lines.stock_code from lines inner join named on lines.description = named.description
        )
    group by codes_with_names.stock_code

),

final as (

    select
        codes.stock_code,
        coalesce(by_code.category, codes_named.category) is null
        or {{ is_product_code('codes.stock_code') }} as is_product,
        case
            when not {{ is_product_code('codes.stock_code') }}
                then coalesce(by_code.category, codes_named.category)
        end as non_product_category
    from codes
    left join by_code on codes.stock_code = by_code.stock_code and by_code.preference = 1
    left join codes_named
        on codes.stock_code = codes_named.stock_code and 2 * codes_named.named_lines >= codes_named.line_count

)

select * from final
