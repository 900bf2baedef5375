{#
    Words of mapped kinds and states of which no list says what they are, and for which the settings name none. What takes
    money back by its minus needs no word, unless the file calls its returns by one; what brought none never does.
#}
with words as (
    {% for column, role in [('line_kind', 'kind'), ('status', 'status')] %}
    select _load_id as load_id, _line_id as delivered_line_id, '{{ role }}' as role, {{ column }} as word
    from raw.transactions
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
),
distinct_words as (
    select distinct load_id, role, word, {{ folded_word("word") }} as folded from words
),
unknown as (
    select distinct_words.*
    from distinct_words
    inner join raw.deliveries as deliveries on distinct_words.load_id = deliveries._load_id
    where
        folded not in (select strip_accents(word) from seeds.source_words where meaning <> 'nobody')
        and deliveries._not_sale_words is null
        and (role = 'status' or deliveries._return_words is null)
),
-- files that say of a return that it is one: what else has a minus there may be a cost
naming_returns as (
    select distinct distinct_words.load_id
    from distinct_words
    inner join seeds.source_words as known
        on distinct_words.folded = strip_accents(known.word) and known.meaning = 'return'
    where distinct_words.role = 'kind'
),
counted as (
    select
        unknown.load_id,
        any_value(lines.file_name) as file_name,
        unknown.role,
        unknown.word,
        count(*) as lines,
        sum(lines.signed_amount) as amount
    from unknown
    inner join words
        on unknown.load_id = words.load_id and unknown.role = words.role and unknown.word = words.word
    inner join this_table as lines on words.delivered_line_id = lines.delivered_line_id
    left join naming_returns on unknown.load_id = naming_returns.load_id and unknown.role = 'kind'
    where
        lines.is_readable
        and lines.row_kind is null
        and (lines.signed_amount > 0 or lines.signed_amount < 0 and naming_returns.load_id is not null)
    group by unknown.load_id, unknown.role, unknown.word
),
placed as (
    select *, row_number() over (partition by load_id, role order by abs(amount) desc, word) as place from counted
)
select
    any_value(file_name) as file_name,
    role as mapped_as,
    sum(lines) as lines,
    any_value(file_name) || ': ' || role || ' '
    || string_agg(
        {{ shown("word") }} || ' on ' || {{ counted("lines", "line") }} || ' with ' || {{ amount("amount") }}, ', '
        order by place
    ) filter (place <= {{ most_values }})
    || case when max(place) > {{ most_values }} then ' and other words' else '' end as told
from placed
group by load_id, role
