{{ config(meta={'dagster': {'ref': {'name': 'customer_rfm'}}}) }}
-- A score is a function of its value, and never falls as the value gets better.
{%- set scores = {
    'r_score': '-recency_days',
    'f_score': 'frequency',
    'm_score': 'monetary',
} %}
with

{% for score, measure in scores.items() -%}
by_{{ score }} as (

    select
        '{{ score }}' as score_name,
        cast({{ measure }} as {{ money_sum_type() }}) as measured,
        min({{ score }}) as lowest_score,
        max({{ score }}) as highest_score
    from {{ ref('customer_rfm') }}
    group by {{ measure }}

),

{% endfor -%}
by_value as (

    {% for score in scores -%}
    select * from by_{{ score }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

neighbours as (

    select
        *,
        lag(highest_score) over (partition by score_name order by measured) as score_below
    from by_value

)

select * from neighbours
where lowest_score <> highest_score or lowest_score < score_below
