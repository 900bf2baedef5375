{#
    How customers are measured and scored, for every table that tells it: customer_rfm
    as of the snapshot and customer_rfm_monthly as of every month end. The settings are
    read here and nowhere else.
#}

{# Days since the last purchase: calendar days to a date, or whole 24-hour days to a time. #}
{% macro rfm_recency_days(last_purchase_at, snapshot_date, snapshot_at) -%}
    {%- if setting('rfm_recency') == 'calendar' -%}
    cast({{ date_diff_days(last_purchase_at, snapshot_date) }} as integer)
    {%- else -%}
    cast({{ elapsed_days(last_purchase_at, snapshot_at) }} as integer)
    {%- endif -%}
{%- endmacro %}

{% macro rfm_frequency(invoice_count, line_count) -%}
    cast({{ invoice_count if setting('rfm_frequency') == 'invoices' else line_count }} as integer)
{%- endmacro %}

{% macro rfm_monetary(monetary_gross, monetary_net) -%}
    {{ monetary_net if setting('rfm_monetary') == 'net' else monetary_gross }}
{%- endmacro %}

{#
    The score of each value of a measure: 1 plus the whole fifths of customers who are
    strictly worse, so that equal values have equal scores whatever the row order; and their
    share of all, 0 to 100 (`worse_pct`).
    `worst_first` orders the values; `among` names the column whose equal values make one
    population, such as the month end.

    A value that more than two fifths of all customers have fills a fifth or more by itself. It is what is usual in the
    shop, and not the worst of what it fills: it is scored `usual`, between `lowest` and `highest`, the scores of the
    first and the last fifth that it fills. `shop` is the CTE with the shop's gap and for how long it is known, if
    `usual` asks for it.

    Values are counted and joined back, because ranking every customer sorts whole rows: for a
    million customers and 24 month ends 13 s against 34 for the three measures.
#}
{% macro rfm_value_scores(measured, measure, worst_first, usual, among=none, shop=none) -%}
    {%- set population = among ~ ', ' if among else '' -%}
    {%- set partition = 'partition by ' ~ among if among else '' -%}
    select
        {{ 'filled.' ~ population if among }}filled.{{ measure }},
        case when 5 * filled.equal_customers > 2 * filled.all_customers then {{ usual }} else filled.lowest end as score,
        cast(100 * filled.worse_customers as double) / filled.all_customers as worse_pct,
        filled.equal_customers
        {{- ', ' ~ shop ~ '.shop_gap_days, ' ~ shop ~ '.shop_known_days' if shop }}
    from (
        select
            *,
            {{ rfm_fifths('worse_customers') }} as lowest,
            least({{ rfm_fifths('worse_customers + equal_customers') }}, 5) as highest,
            {{ rfm_fifths('worse_customers + equal_customers / 2.0') }} as middle
        from (
            select
                {{ population }}{{ measure }},
                count(*) as equal_customers,
                sum(count(*)) over ({{ partition }} order by {{ worst_first }}) - count(*) as worse_customers,
                sum(count(*)) over ({{ partition }}) as all_customers
            from {{ measured }}
            group by {{ population }}{{ measure }}
        ) as counted
    ) as filled
    {%- if shop %}
    {{ 'inner join ' ~ shop ~ ' on filled.' ~ among ~ ' = ' ~ shop ~ '.' ~ among if among else 'cross join ' ~ shop }}
    {%- endif %}
{%- endmacro %}

{% macro rfm_fifths(worse) -%} 1 + cast(floor(cast(5 * ({{ worse }}) as double) / all_customers) as integer) {%- endmacro %}

{#
    The scores of recency, frequency and money. Who ordered once is no frequent customer, however many have ordered once;
    of all else, what is usual has the mean rank of those who have it.

    Ranks by recency don't tell how long ago a purchase was, but the shop's gap does. Days are whole, so who was away for
    31 is within a gap of 30.4: who pays on each first of the month is not late where the month before has 31 days. Where
    most came last on the same day, it says which of the fifths that they fill is theirs. Where more than half of the lower two fifths bought
    within the gap, as subscribers do, nobody who did scores less than 3; where more than half of the upper two were
    silent for twice the gap, as in a shop that has closed, or one of many years, most of whose customers have long
    left, nobody who was scores more than 2, from 60 days of history on: before, no gap could be long. A shop may stand
    at such a border, where a customer more or less would change the score of a third, so it is reached step by step:
    between a quarter and a half that part of those who bought within the gap is raised, the most recent first, and that
    part of those who were silent is lowered, the least recent first. Of the public shop 8 % at most are the one and
    nobody the other.
#}
{% macro rfm_recency_scores(measured, shop, among=none) -%}
    {%- set usual -%}
        case
                when filled.recency_days < {{ shop }}.shop_gap_days + 1 then filled.highest
                when filled.recency_days < 2 * {{ shop }}.shop_gap_days then filled.middle
                else filled.lowest
            end
    {%- endset -%}
    {%- set partition = 'partition by ' ~ among if among else '' -%}
    {%- set customers = 'sum(case when %s then equal_customers else 0 end) over (' ~ partition ~ ')' -%}
    {%- set so_far = 'sum(case when %s then equal_customers else 0 end) over (' ~ partition ~ ' order by recency_days %s)' -%}
    {%- set within, late = 'score < 3 and recency_days < shop_gap_days + 1', 'recency_days >= 2 * shop_gap_days' -%}
    select
        {{ among ~ ', ' if among }}recency_days,
        case
            when
                {{ within }}
                and within_so_far <= within_all * (4.0 * within_all / nullif(lower_all, 0) - 1)
                then 3
            when
                {{ late }} and score > 2 and shop_known_days >= 60
                and late_so_far <= late_all * (4.0 * late_upper / nullif(upper_all, 0) - 1)
                then 2
            else score
        end as score,
        worse_pct
    from (
        select
            *,
            {{ customers % within }} as within_all,
            {{ customers % 'score < 3' }} as lower_all,
            {{ customers % ('score > 2 and ' ~ late) }} as late_all,
            {{ customers % ('score > 3 and ' ~ late) }} as late_upper,
            {{ customers % 'score > 3' }} as upper_all,
            {{ so_far % (within, 'asc') }} as within_so_far,
            {{ so_far % ('score > 2 and ' ~ late, 'desc') }} as late_so_far
        from (
            {{ rfm_value_scores(measured, 'recency_days', 'recency_days desc', usual, among, shop) | indent(8) }}
        ) as ranked
    ) as placed
{%- endmacro %}

{% macro rfm_frequency_scores(measured, among=none) -%}
    {%- set usual = 'case when filled.frequency = 1 then filled.lowest else filled.middle end' -%}
    {{ rfm_value_scores(measured, 'frequency', 'frequency asc', usual, among) }}
{%- endmacro %}

{% macro rfm_monetary_scores(measured, among=none) -%}
    {{ rfm_value_scores(measured, 'monetary', 'monetary asc', 'filled.middle', among) }}
{%- endmacro %}

{#
    What must be beaten for a score of 2, 3, 4 and 5: the best value that scores less, of each measure and population.
    Between two values that somebody has, as many are strictly worse as at the better one, so that these four borders
    score any value as `rfm_value_scores` would among the same customers; whoever is better than everybody gets 5. Where
    nobody scores 1, because what is worst is usual, that score and that value stand beside them.
#}
{% macro rfm_borders(scored, among) -%}
    select
        {{ among }},
        {%- for score in range(2, 6) %}
        min(case when r_score < {{ score }} then recency_days end) as r_border_{{ score }},
        max(case when f_score < {{ score }} then frequency end) as f_border_{{ score }},
        max(case when m_score < {{ score }} then monetary end) as m_border_{{ score }},
        {%- endfor %}
        max(recency_days) as r_border_worst,
        min(frequency) as f_border_worst,
        min(monetary) as m_border_worst,
        min(r_score) as r_border_lowest,
        min(f_score) as f_border_lowest,
        min(m_score) as m_border_lowest
    from {{ scored }}
    group by {{ among }}
{%- endmacro %}

{# The score of a value by such borders. `better` compares a value with a worse one. #}
{% macro rfm_score_by_borders(value, better, border) -%}
    case
        {%- for score in (5, 4, 3, 2) %}
            when {{ value }} {{ better }} {{ border }}_{{ score }} then {{ score }}
        {%- endfor %}
            when {{ value }} = {{ border }}_worst or {{ value }} {{ better }} {{ border }}_worst then {{ border }}_lowest
            when {{ border }}_worst is not null then 1
        end
{%- endmacro %}

{#
    How long a customer's silence usually lasts. A visit is a day with a purchase, so that orders of one day are one;
    a customer's own gap is the mean of those between visits. Few gaps say little, so the shop's usual gap is added
    as if the customer had kept it for two visits more: the posterior mean of exponential gaps whose means have an
    inverse gamma distribution of shape 3 around the shop's (Gelman et al., Bayesian Data Analysis, 3rd edition, 2.6).
    With it, twice the gap tells who comes back better than a customer's own gaps alone (docs/models.md).
#}
{% macro expected_gap_days(purchase_days, days_between_visits, shop_gap_days) -%}
    (2 * {{ shop_gap_days }} + {{ days_between_visits }}) / (2 + {{ purchase_days }} - 1)
{%- endmacro %}

{#
    The shop's usual gap, over customers: the mean of the own gaps of those who came twice, each counted once, however
    often they come. Where nobody has, no gap was seen to end, and the longest time that a customer is known stands
    in. Rounded before it is added up, so that the sum is exact and no row order shows.
#}
{% macro shop_gap_days(purchase_days, days_between_visits, days_known) -%}
    coalesce(
            cast(
                sum(
                    case
                        when {{ purchase_days }} > 1
                            then cast(
                                cast({{ days_between_visits }} as double) / ({{ purchase_days }} - 1) as decimal(18, 6)
                            )
                    end
                ) as double
            ) / count(case when {{ purchase_days }} > 1 then 1 end),
            greatest(max({{ days_known }}), 1)
        )
{%- endmacro %}

{#
    Whether a customer is slipping: silent for twice the expected gap or more, after two visits at least. Who came
    once has shown no gap; docs/models.md tells how many came back at which ratio, with an own gap and without.
#}
{% macro is_slipping(purchase_days, silence_ratio) -%}
    ({{ purchase_days }} >= 2 and {{ silence_ratio }} >= 2)
{%- endmacro %}

{#
    Silence in customers' gaps, in bands; each with the ratio in its midst, by which one reads between bands, and the one
    at which it ends. The last has no end, and stands for a little more than its beginning.
#}
{% macro silence_bands() -%}
    {{ return([
        {'band': '0 to 1', 'middle': 0.5, 'end': 1},
        {'band': '1 to 2', 'middle': 1.5, 'end': 2},
        {'band': '2 to 3', 'middle': 2.5, 'end': 3},
        {'band': '3 to 4', 'middle': 3.5, 'end': 4},
        {'band': '4 to 5', 'middle': 4.5, 'end': 5},
        {'band': '5 to 6', 'middle': 5.5, 'end': 6},
        {'band': '6 to 8', 'middle': 7, 'end': 8},
        {'band': '8 and more', 'middle': 10, 'end': none},
    ]) }}
{%- endmacro %}

{# For how many days the back-test watches who comes back. #}
{% macro backtest_days() -%} {{ return(90) }} {%- endmacro %}

{#
    Whether a slipping customer is dormant: silent for so long that few such customers came back, by the ratio of
    slipping_limits. Null is no limit: where even the longest silences end, nobody is.
#}
{% macro is_dormant(is_slipping, silence_ratio, dormant_from_ratio) -%}
    case when {{ is_slipping }} then coalesce({{ silence_ratio }} >= {{ dormant_from_ratio }}, false) else {{ is_slipping }} end
{%- endmacro %}

{#
    One-time or returning, by the orders of a customer who bought. Two orders on one day are two, as shops count;
    days with a purchase stand beside them (`purchase_days`).
#}
{% macro customer_type(invoice_count) -%}
    case when {{ invoice_count }} = 1 then 'one_time' else 'returning' end
{%- endmacro %}

{#
    The segment of a customer whose scores are those of a cell of the grid. Where everybody orders often the least frequent
    fifth have ordered several times, and who orders seldom and for little, but of late, is not new: that is Promising, as
    in the cells beside it.
#}
{% macro rfm_segment(of_cell, invoice_count) -%}
    case when {{ of_cell }} = 'New' and {{ invoice_count }} > 1 then 'Promising' else {{ of_cell }} end
{%- endmacro %}

{# Three scores side by side. #}
{% macro rfm_score(r_score, f_score, m_score) -%}
    cast({{ r_score }} as {{ dbt.type_string() }})
        || cast({{ f_score }} as {{ dbt.type_string() }})
        || cast({{ m_score }} as {{ dbt.type_string() }})
{%- endmacro %}

{# Where a customer comes from who was in no segment the month before. The seed's segment `New` is another thing. #}
{% macro new_customer_segment() -%} 'New Customer' {%- endmacro %}
