-- Grain: one stock code seen on a readable line of a source: a code means what its source
-- means by it. Patterns are compared with codes and descriptions, of which there are
-- thousands, not with lines, of which there are millions.
{{ config(meta={'increment': {'compared': '*'}}) }}
with

called as (

    select * from {{ ref('int_code_descriptions') }}

),

codes as (

    select
        source,
        stock_code
    from called
    group by source, stock_code

),

uci_sources as (

    select source from {{ ref('int_source_profiles') }} where profile = 'uci'

),

patterns as (

    select * from {{ ref('non_product_codes') }}

),

named as (

    select * from {{ ref('int_named_descriptions') }}

),

-- codes that one shop uses for what is no product
suspects as (

    select
        codes.source,
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
        suspects.source,
        suspects.stock_code,
        suspects.pattern,
        suspects.category,
        suspects.kind,
        sum(case when called.description is not null then called.line_count else 0 end) as described_lines,
        sum(
            case
                when {{ fits_pattern('called.description', 'suspects.described_as') }} then called.line_count
                else 0
            end
        ) as fitting_lines
    from suspects
    inner join called on suspects.source = called.source and suspects.stock_code = called.stock_code
    group by suspects.source, suspects.stock_code, suspects.pattern, suspects.category, suspects.kind

),

by_code as (

    select
        suspects_described.source,
        suspects_described.stock_code,
        suspects_described.category,
        row_number() over (
            partition by suspects_described.source, suspects_described.stock_code
            order by
                case suspects_described.kind when 'exact' then 1 else 2 end,
                length(suspects_described.pattern) desc,
                suspects_described.pattern
        ) as preference
    from suspects_described
    left join uci_sources on suspects_described.source = uci_sources.source
    where
        2 * suspects_described.fitting_lines >= suspects_described.described_lines
        -- where nothing is described, the habits of the source decide
        and (suspects_described.described_lines > 0 or uci_sources.source is not null)

),

codes_named as (

    select
        called.source,
        called.stock_code,
        min(named.category) as category,
        sum(case when named.category is not null then called.line_count else 0 end) as named_lines,
        sum(called.line_count) as line_count
    from called
    left join named on called.description = named.description
    where called.description is not null
    group by called.source, called.stock_code

),

final as (

    select
        codes.source,
        codes.stock_code,
        coalesce(by_code.category, codes_named.category) is null
        or {{ is_product_code('codes.stock_code') }} as is_product,
        case
            when not {{ is_product_code('codes.stock_code') }}
                then coalesce(by_code.category, codes_named.category)
        end as non_product_category
    from codes
    left join by_code
        on codes.source = by_code.source and codes.stock_code = by_code.stock_code and by_code.preference = 1
    left join codes_named
        on codes.source = codes_named.source
            and codes.stock_code = codes_named.stock_code
            and 2 * codes_named.named_lines >= codes_named.line_count

)

select * from final
