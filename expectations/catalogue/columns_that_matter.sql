{# Unread columns that tell of orders that came to nothing, or of another currency. #}
{% set shop_currency = literal(settings.shop.currency) %}
{# equal to dbt's folded_word; accents don't count, because exports drop them #}
{% set folded = "strip_accents(lower(regexp_replace(value, '[^\\p{L}\\p{N}]+', '', 'g')))" %}
with judged as (
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
        regexp_matches(strip_accents(lower(header)), '{{ flag_header }}')
            and {{ folded }} in (
                'true', 'yes', 'y', '1', 'ja', 'j', 'oui', 'o', 'si', 's', 'sim', 'tak', 'x', 'kyllä'
            ) as is_flagged,
        role = 'status' and {{ folded }} in (
            select strip_accents(word) from seeds.source_words where meaning = 'not_a_sale'
        ) as is_word
    from raw.unused_columns
    where value is not null
),
-- codes and signs; a column of names of currencies speaks only if it has two
columns as (
    select
        load_id,
        header,
        role,
        case role
            when 'status' then bool_or(is_word or is_flagged)
            else bool_or(currency <> {{ shop_currency }} and regexp_full_match(currency, '[A-Z]{3}'))
                or count(distinct currency) filter (not regexp_matches(currency, '[0-9]')) > 1
        end as is_telling
    from judged
    group by load_id, header, role
),
loads as (
    select
        load_id,
        list(header order by role desc, header) as headers,
        list(header order by header) filter (role = 'status') as statuses,
        list(header order by header) filter (role = 'currency') as currencies
    from columns
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
        min(deliveries._file_name) as file_name,
        count(*) as file_count,
        sum(ledger.delivered_lines) as file_lines,
        list(loads.load_id) as load_ids
    from loads
    inner join raw.deliveries as deliveries on loads.load_id = deliveries._load_id
    inner join quality.load_ledger as ledger on loads.load_id = ledger.load_id
    group by ledger.source_mapping, deliveries._layout, loads.headers, loads.statuses, loads.currencies
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
        and (judged.role = 'currency' or judged.is_word or judged.is_flagged)
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
        end as only_currency
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
                else ', and the amounts were added up as ' || {{ shop_currency }}
            end,
            '; ' order by role desc, header
        ) as sentence,
        any_value(words) as words,
        any_value(flag_words) as flag_words,
        any_value(only_currency) as only_currency
    from told_columns
    group by file_name, headers
),
answered as (
    select
        groups.*,
        told_groups.* exclude (file_name, headers),
        list_concat(
            case when len(statuses) > 0 then ['status = ' || {{ toml_text("statuses[1]") }}] else [] end,
            case when len(currencies) > 0 then ['currency = ' || {{ toml_text("currencies[1]") }}] else [] end
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
        case when mapping is null then 'columns = { ' || array_to_string(mapped, ', ') || ' }'
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
        '# or, if it does not matter: ignore = ' || {{ toml_list("headers") }}
    ) as advice
from answered
