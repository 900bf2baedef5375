-- Grain: one method and segment that has customers. Customers add up within a method; methods overlap, so nothing must
-- be summed over them.
{%- set methods = segment_methods() %}
{%- set words = placeholders('') %}
{#- as LEAST_SHARE of ml/segment_names.py, which gives clusters their names #}
{%- set least_pct = 80 %}
with

customers as (

    select * from {{ ref('customer_360') }} where has_purchases

),

claims as (

    {{ claims_as_rows() }}

),

named as (

    {% for method, label in methods.items() -%}
    select
        '{{ method }}' as method,
        {{ label }} as segment_name,
        count(*) as customers,
        count(case when {{ is_as_named(label) }} then 1 end) as true_customers,
        {{ measured('recency_days_mean', 'customers') }} as recency_days_mean,
        {{ measured('frequency_mean', 'customers') }} as frequency_mean,
        {{ measured('monetary_mean', 'customers') }} as monetary_mean
    from customers
    where {{ label }} is not null
    group by {{ label }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (

    select
        named.method,
        named.segment_name,
        claims.claim,
        named.customers,
        case when claims.claim is not null then named.true_customers end as true_customers,
        case
            when claims.claim is not null then 100 * cast(named.true_customers as double) / named.customers
        end as true_pct,
        100 * cast(named.true_customers as double) / named.customers >= {{ least_pct }}
        or claims.claim is null as is_true,
        'last order ' || {{ words.recency_days }} || ' ago, ' || {{ words.orders }} || ', '
        || {{ words.money_per_customer }} || ' each' as description
    from named
    left join claims on named.segment_name = claims.segment_name

)

select * from final
