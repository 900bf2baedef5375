-- Grain: one method and segment that has customers. Customers and money add up within a
-- method; methods overlap, so nothing must be summed over them.
{%- set methods = segment_methods() %}
{%- set labels = methods.values() | unique | list %}
{%- set texts = ['who', 'signals', 'goal', 'strategy', 'channel', 'offer', 'measure', 'measure_how'] %}
with

customers as (

    select * from {{ ref('customer_360') }} where recency_days is not null

),

-- net: one cancelled order of paper craft birds would else be what 500 customers like best
category_spend as (

    select
        customer_id,
        category,
        net_revenue
    from {{ ref('customer_category_shares') }}

),

templates as (

    select * from {{ ref('segment_playbook_texts') }}

),

model_notes as (

    select * from {{ ref('model_notes') }}

),

-- A million customers are few combinations of segments, so the rest is about some hundred
-- rows. Sums are of whole numbers and decimals: sums of doubles depend on who adds first.
combinations as (

    select
        {{ labels | join(',\n        ') }},
        count(*) as customers,
        sum(recency_days) as recency_days_sum,
        sum(frequency) as frequency_sum,
        sum(invoice_count) as invoice_count,
        sum(monetary) as monetary_sum,
        sum(monetary_net) as net_sum,
        count(clv) as valued_customers,
        sum(cast(clv as {{ money_sum_type() }})) as clv_sum,
        count(case when customer_type = 'one_time' then 1 end) as one_time_customers,
        max(clv_horizon_days) as horizon_days
    from customers
    group by
        {{ labels | join(',\n        ') }}

),

combination_categories as (

    select
        {% for label in labels -%}
        customers.{{ label }},
        {% endfor -%}
        category_spend.category,
        sum(category_spend.net_revenue) as net_revenue
    from customers
    inner join category_spend on customers.customer_id = category_spend.customer_id
    group by
        {% for label in labels -%}
        customers.{{ label }},
        {% endfor -%}
        category_spend.category

),

figures_by_method as (

    {% for method, label in methods.items() -%}
    select
        '{{ method }}' as method,
        {{ label }} as segment_name,
        sum(customers) as customers,
        sum(recency_days_sum) as recency_days_sum,
        sum(frequency_sum) as frequency_sum,
        sum(invoice_count) as invoice_count,
        sum(monetary_sum) as monetary_sum,
        sum(net_sum) as net_sum,
        sum(valued_customers) as valued_customers,
        sum(clv_sum) as clv_sum,
        sum(one_time_customers) as one_time_customers,
        max(horizon_days) as horizon_days
    from combinations
    where {{ label }} is not null
    group by {{ label }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

categories_by_method as (

    {% for method, label in methods.items() -%}
    select
        '{{ method }}' as method,
        {{ label }} as segment_name,
        category,
        sum(net_revenue) as net_revenue
    from combination_categories
    where {{ label }} is not null
    group by {{ label }}, category
    {{ "union all" if not loop.last }}
    {% endfor %}
),

ranked_categories as (

    select
        method,
        segment_name,
        category,
        100 * cast(net_revenue as double)
        / nullif(cast(sum(net_revenue) over (partition by method, segment_name) as double), 0) as share_pct,
        -- what belongs to no category is nothing to write to customers about
        row_number() over (
            partition by method, segment_name
            order by case when category = {{ uncategorised() }} then 1 else 0 end, net_revenue desc, category
        ) as preference
    from categories_by_method
    where net_revenue > 0

),

top_categories as (

    select * from ranked_categories
    where preference = 1 and category <> {{ uncategorised() }}

),

clv_notes as (

    select {{ dbt.listagg('warnings', "' '", 'order by algorithm') }} as clv_note
    from model_notes
    where is_about_customer_value

),

totals as (

    select
        *,
        sum(customers) over (partition by method) as all_customers,
        sum(monetary_sum) over (partition by method) as all_money,
        {{ without_number('segment_name') }} as name_without_number
    from figures_by_method

),

measured as (

    select
        totals.method,
        totals.segment_name,
        coalesce(known.segment_kind, totals.name_without_number) as segment_kind,
        known.segment_kind is not null as has_own_playbook,
        cast(totals.customers as bigint) as customers,
        100 * cast(totals.customers as double) / cast(totals.all_customers as double) as customers_pct,
        cast(totals.monetary_sum as {{ money_sum_type() }}) as monetary_sum,
        case
            when totals.all_money > 0
                then 100 * cast(totals.monetary_sum as double) / cast(totals.all_money as double)
        end as monetary_pct,
        cast(totals.recency_days_sum as double) / cast(totals.customers as double) as recency_days_mean,
        cast(totals.frequency_sum as double) / cast(totals.customers as double) as frequency_mean,
        cast(totals.monetary_sum as double) / cast(totals.customers as double) as monetary_mean,
        cast(totals.net_sum as double) / nullif(cast(totals.invoice_count as double), 0) as order_value_mean,
        100 * cast(totals.one_time_customers as double) / cast(totals.customers as double) as one_time_pct,
        cast(totals.clv_sum as double) / nullif(cast(totals.valued_customers as double), 0) as clv_mean,
        cast(totals.clv_sum as {{ money_sum_type() }}) as clv_sum,
        cast(totals.horizon_days as integer) as horizon_days,
        clv_notes.clv_note,
        top_categories.category as top_category,
        top_categories.share_pct as top_category_pct,
        {{ template_columns(texts) }}
    from totals
    left join templates as known on lower(totals.name_without_number) = lower(known.segment_kind)
    left join templates as general on general.segment_kind = '{{ any_other_kind() }}'
    left join top_categories
        on totals.method = top_categories.method and totals.segment_name = top_categories.segment_name
    cross join clv_notes

),

worded as (

    select
        *,
        {{ placeholder_columns('your best sellers') }}
    from measured

),

final as (

    select
        method,
        segment_name,
        segment_kind,
        has_own_playbook,
        customers,
        customers_pct,
        monetary_sum,
        monetary_pct,
        recency_days_mean,
        frequency_mean,
        monetary_mean,
        order_value_mean,
        one_time_pct,
        clv_mean,
        clv_sum,
        horizon_days,
        clv_note,
        top_category,
        top_category_pct,
        _customers || ' (' || _share_of_customers || '), who brought ' || _money
        || case when monetary_pct is not null then ', ' || _share_of_revenue || ' of the money' else '' end
        || '; last seen ' || _recency_days || ' ago on average, after ' || _orders || ' and ' || _money_per_customer
        || ' each'
        || case
            when clv_mean is not null
                then '. Expected to bring ' || _expected_value || ' each in the next ' || _horizon_days || '.'
            else '.'
        end as summary,
        {{ filled_in_columns(texts) }}
    from worded

)

select * from final
