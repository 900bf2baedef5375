{# Unread columns that tell of orders that came to nothing, of returns, refunds, discounts and smaller amounts, or of
   another currency. #}
{% set shop_currency = literal(settings.shop.currency) %}
{% set folded = folded_word("value") %}
{% set no = "'false', 'no', 'n', 'nein', 'non', 'nao', 'nee', 'nej', 'nie'" %}
{% set yes = "'true', 'yes', 'y', '1', 'ja', 'j', 'oui', 'o', 'si', 's', 'sim', 'tak', 'x', 'kyllä'" %}
with delivered as (
    -- a yes to whether it came back tells what a state does
    select * replace (
        case when role = 'refund' and bool_or(value <> '1' and {{ folded }} in ({{ yes }})) over (
            partition by _load_id, header
        ) then 'status' else role end as role
    ), role = 'refund' as is_of_refunds
    from raw.unused_columns
    where value is not null
),
unread as (
    select
        _load_id as load_id,
        _file_name as file_name,
        header,
        role,
        value,
        lines,
        case trim(value)
            when '£' then 'GBP' when '€' then 'EUR' when '$' then 'USD' when '¥' then 'JPY'
            else upper(trim(value))
        end as currency,
        (is_of_refunds or regexp_matches(strip_accents(lower(header)), '{{ flag_header }}'))
            and role = 'status' and {{ folded }} in ({{ yes }})
        or regexp_matches(strip_accents(lower(header)), '{{ paid_header }}') and role = 'status' and (
            {{ folded }} in ({{ no }})
            -- a column of what was paid has other numbers
            or {{ folded }} = '0' and bool_and({{ folded }} in ('0', '1')) over (partition by _load_id, header)
        ) as is_flagged,
        is_of_refunds,
        role in ('status', 'kind') and {{ folded }} in (
            select strip_accents(word) from seeds.source_words where meaning in ('not_a_sale', 'unpaid')
        ) as is_word,
        role = 'kind' and {{ folded }} in (
            select strip_accents(word) from seeds.source_words where meaning = 'beside_sale'
        ) as is_beside_sale,
        role = 'kind' and {{ folded }} in (
            select strip_accents(word) from seeds.source_words where meaning in ('sale', 'invoice', 'payment')
        ) as is_sale,
        role = 'kind' and {{ folded }} in (
            select strip_accents(word) from seeds.source_words where meaning = 'return'
        ) as is_return,
        -- an amount or units, whatever sign and currency stand around them
        role in ('refund', 'discount', 'order_discount')
        and regexp_matches(value, '[1-9]')
        and regexp_full_match(trim(value), '\W*([A-Za-z]{1,3}\W*)?[0-9][0-9.,'' ]*\W*([A-Za-z]{1,3})?\W*')
        -- of these are kept only those that are less than quantity times price
        or role = 'amount' as is_figure
    from delivered
),
judged as (
    select * replace (
        -- a delivery note, a transfer: no sale where sales are named beside them
        is_word or is_beside_sale and bool_or(is_sale) over (partition by load_id, header) as is_word
    )
    from unread
),
-- returns that their minus has told already
negative_lines as (
    select load_id, count(*) as lines
    from this_table
    where signed_amount < 0 and load_id in (select load_id from judged where is_return or is_of_refunds)
    group by load_id
),
-- codes and signs; a column of names of currencies speaks only if it has two
columns as (
    select
        judged.load_id,
        judged.header,
        judged.role,
        case judged.role
            when 'status' then
                bool_or(is_word or is_flagged and not is_of_refunds)
                or sum(judged.lines) filter (is_flagged) > coalesce(any_value(negative_lines.lines), 0)
            when 'refund' then bool_or(is_figure)
            when 'discount' then bool_or(is_figure)
            when 'order_discount' then bool_or(is_figure)
            when 'amount' then bool_or(is_figure)
            when 'kind' then
                bool_or(is_word)
                or sum(judged.lines) filter (is_return) > coalesce(any_value(negative_lines.lines), 0)
            else bool_or(currency <> {{ shop_currency }} and regexp_full_match(currency, '[A-Z]{3}'))
                or count(distinct currency) filter (not regexp_matches(currency, '[0-9]')) > 1
        end as is_telling
    from judged
    left join negative_lines on judged.load_id = negative_lines.load_id
    group by judged.load_id, judged.header, judged.role
),
loads as (
    select
        load_id,
        list(header order by role desc, header) as headers,
        list(header order by header) filter (role = 'status') as statuses,
        list(header order by header) filter (role = 'currency') as currencies,
        list(header order by header) filter (role = 'kind') as kinds,
        list(header order by header) filter (role = 'refund') as refunds,
        -- what the line came to tells more than what came off
        list(header order by header) filter (role = 'discount' and not has_amounts) as discounts,
        list(header order by header) filter (role = 'order_discount') as order_discounts,
        list(header order by header) filter (role = 'amount') as amounts
    from (
        select *, bool_or(role = 'amount' and is_telling) over (partition by load_id) as has_amounts
        from columns
    ) as columns
    where is_telling
    group by load_id
),
groups as (
    select
        ledger.source_mapping as mapping,
        deliveries._layout as layout,
        loads.headers,
        loads.statuses,
        loads.currencies,
        loads.kinds,
        loads.refunds,
        loads.discounts,
        loads.order_discounts,
        loads.amounts,
        min(deliveries._file_name) as file_name,
        count(*) as file_count,
        sum(ledger.delivered_lines) as file_lines,
        list(loads.load_id) as load_ids
    from loads
    inner join raw.deliveries as deliveries on loads.load_id = deliveries._load_id
    inner join quality.load_ledger as ledger on loads.load_id = ledger.load_id
    group by
        ledger.source_mapping, deliveries._layout, loads.headers, loads.statuses, loads.currencies, loads.kinds,
        loads.refunds, loads.discounts, loads.order_discounts, loads.amounts
),
value_counts as (
    select
        groups.file_name,
        groups.headers,
        judged.header,
        judged.role,
        judged.value,
        bool_or(judged.is_flagged) as is_flagged,
        any_value(judged.currency) as currency,
        sum(judged.lines) as lines,
        row_number() over (
            partition by groups.file_name, groups.headers, judged.header
            order by sum(judged.lines) desc, judged.value
        ) as place
    from groups
    inner join judged
        on list_contains(groups.load_ids, judged.load_id) and list_contains(groups.headers, judged.header)
        and (
            judged.role = 'currency' or judged.is_word or judged.is_flagged or judged.is_return or judged.is_figure
        )
    group by groups.file_name, groups.headers, judged.header, judged.role, judged.value
),
told_columns as (
    select
        groups.file_name,
        groups.headers,
        values_told.role,
        values_told.header,
        groups.file_lines,
        string_agg(
            {{ shown("values_told.value") }} || ' on ' || {{ counted("values_told.lines", "line") }}, ', '
            order by place
        ) filter (place <= {{ most_values }})
        || case when max(place) > {{ most_values }} then ' and other values' else '' end as told_values,
        list(lower(trim(values_told.value)) order by place) filter (
            values_told.role = 'status' and values_told.header = groups.statuses[1]
        ) as words,
        list(lower(trim(values_told.value)) order by place) filter (
            values_told.is_flagged and values_told.header = groups.statuses[1]
        ) as flag_words,
        case
            when values_told.role = 'currency' and count(distinct values_told.currency) = 1
                then any_value(values_told.currency)
        end as only_currency,
        bool_and(coalesce(try_cast(replace(values_told.value, ',', '.') as double) < 1, false))
            filter (values_told.role = 'discount') as is_share,
        -- a whole number may be a rate
        bool_or(regexp_matches(values_told.value, '[.,][0-9]*[1-9]'))
            filter (values_told.role = 'order_discount') as is_in_cents
    from groups
    inner join value_counts as values_told
        on groups.file_name = values_told.file_name and groups.headers = values_told.headers
    group by
        groups.file_name, groups.headers, values_told.role, values_told.header, groups.file_lines,
        groups.statuses
),
told_groups as (
    select
        file_name,
        headers,
        string_agg(
            'column ' || {{ shown("header") }} || ' has ' || told_values || ' of ' || {{ number("file_lines") }}
            || case role
                when 'status' then ', and these count as sales'
                when 'kind' then ', and these count as sales'
                when 'refund' then ', and nothing takes that off the sales'
                when 'discount' then ', and nothing takes that off quantity times price'
                when 'order_discount' then ', the same on all lines of an order, and nothing takes that off them'
                when 'amount' then ', and quantity times price, which counts, is more'
                else ', and the amounts were added up as ' || {{ shop_currency }}
            end,
            '; ' order by role desc, header
        ) as sentence,
        any_value(words) as words,
        any_value(flag_words) as flag_words,
        any_value(only_currency) as only_currency,
        bool_or(is_share) as is_share,
        coalesce(bool_or(is_in_cents), false) as is_in_cents
    from told_columns
    group by file_name, headers
),
answered as (
    select
        groups.*,
        told_groups.* exclude (file_name, headers),
        list_concat(
            case when len(statuses) > 0 then ['status = ' || {{ toml_text("statuses[1]") }}] else [] end,
            list_concat(
                case when len(currencies) > 0 then ['currency = ' || {{ toml_text("currencies[1]") }}] else [] end,
                list_concat(
                    case when len(kinds) > 0 then ['kind = ' || {{ toml_text("kinds[1]") }}] else [] end,
                    case
                        when len(amounts) > 0 then ['line_amount = ' || {{ toml_text("amounts[1]") }}]
                        when len(discounts) > 0 then ['discount_amount = ' || {{ toml_text("discounts[1]") }}]
                        when len(order_discounts) > 0 and is_in_cents
                            then ['discount_amount = ' || {{ toml_text("order_discounts[1]") }}]
                        else []
                    end
                )
            )
        ) as mapped
    from groups
    inner join told_groups
        on groups.file_name = told_groups.file_name and groups.headers = told_groups.headers
)
select
    file_name,
    array_to_string(headers, ', ') as header,
    file_count as files,
    file_lines as lines,
    {{ files("file_name", "file_count") }} || ': ' || sentence as told,
    {# one mapping for all columns of a file: of two that fit it, only the first is used #}
    concat_ws(chr(10),
        {{ source_entry("mapping", "layout", "file_name", "file_count") }},
        case
            when len(mapped) = 0 then null
            when mapping is null then 'columns = { ' || array_to_string(mapped, ', ') || ' }'
            else '# into the braces of its columns:' || chr(10) || array_to_string(mapped, ', ') end,
        case when flag_words is not null then 'not_sales = ' || {{ toml_list("flag_words") }} end,
        case when flag_words is null and words is not null then
            '# these words, and others of the kind, are then no sale; to name all that are: not_sales = '
            || {{ toml_list("words") }}
        end,
        case when len(statuses) > 1 then
            '# only one column can be the status; of the others: ignore = ' || {{ toml_list("statuses[2:]") }}
        end,
        case when only_currency is not null then
            '# or, if the shop counts in it: currency = ' || {{ toml_text("only_currency") }} || ' under [shop]'
        end,
        case when len(refunds) > 0 then
            '# refunds are lines of their own, with a minus or a kind that says so; a column beside the sale is not read'
        end,
        case when len(discounts) > 0 then
            if(coalesce(is_share, false), '', '# ')
            || 'discount_is = "share"  # 0.1 is a tenth; without it an amount off the whole line, or per cent where a % says so'
        end,
        case when len(order_discounts) > 0 and len(coalesce(discounts, [])) = 0 and len(coalesce(amounts, [])) = 0 then
            if(is_in_cents, '', '# columns = { discount_amount = ' || {{ toml_text("order_discounts[1]") }} || ' }'
            || chr(10) || '# ')
            || 'discount_is = "whole_order"  # its lines share it; if each of them has it: "amount", or "per_cent"'
        end,
        case when len(mapped) = 0 and order_discounts is null
            then if(len(refunds) > 0, '# to count sales before what was refunded:', '# or, to count sales before it:') || chr(10) || 'ignore = ' || {{ toml_list("headers") }}
            else '# or, if it does not matter: ignore = ' || {{ toml_list("headers") }}
        end
    ) as advice
from answered
