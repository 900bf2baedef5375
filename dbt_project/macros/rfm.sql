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

    Values are counted and joined back, because ranking every customer sorts whole rows: for a
    million customers and 24 month ends 13 s against 34 for the three measures.
#}
{% macro rfm_value_scores(measured, measure, worst_first, among=none) -%}
    {%- set population = among ~ ', ' if among else '' -%}
    {%- set partition = 'partition by ' ~ among if among else '' -%}
    select
        {{ population }}{{ measure }},
        1 + cast(floor(cast(5 * worse_customers as double) / all_customers) as integer) as score,
        cast(100 * worse_customers as double) / all_customers as worse_pct
    from (
        select
            {{ population }}{{ measure }},
            sum(count(*)) over ({{ partition }} order by {{ worst_first }}) - count(*) as worse_customers,
            sum(count(*)) over ({{ partition }}) as all_customers
        from {{ measured }}
        group by {{ population }}{{ measure }}
    ) as counted
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
    One-time or returning, by the orders of a customer who bought. Two orders on one day are two, as shops count;
    days with a purchase stand beside them (`purchase_days`).
#}
{% macro customer_type(invoice_count) -%}
    case when {{ invoice_count }} = 1 then 'one_time' else 'returning' end
{%- endmacro %}

{# Three scores side by side. #}
{% macro rfm_score(r_score, f_score, m_score) -%}
    cast({{ r_score }} as {{ dbt.type_string() }})
        || cast({{ f_score }} as {{ dbt.type_string() }})
        || cast({{ m_score }} as {{ dbt.type_string() }})
{%- endmacro %}

{# Where a customer comes from who was in no segment the month before. The seed's segment `New` is another thing. #}
{% macro new_customer_segment() -%} 'New Customer' {%- endmacro %}
