-- Grain: one method and segment that has customers. Customers and money add up within a
-- method; methods overlap, so nothing must be summed over them.
{%- set methods = methods_with_playbooks() %}
{%- set labels = methods.values() | unique | list %}
{#- a text leads with the first category: of the public shop's segments it has 15 % or more. Where most goods belong to
    none it has a few per cent, and is not where anybody spends most #}
{%- set least_category_pct = 10 %}
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

segment_claims as (

    select * from {{ ref('segment_claims') }}

),

-- A million customers are few combinations of segments, so the rest is about some hundred rows
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

measured as (

    {% for method, label in methods.items() -%}
    select
        '{{ method }}' as method,
        {{ label }} as segment_name,
        {{ measures('customers', 'playbooks') }},
        {{ measured('dormant_customers', 'customers') }} as dormant_customers,
        max(clv_horizon_days) as horizon_days
    from customers
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
    where preference = 1 and category <> {{ uncategorised() }} and share_pct >= {{ least_category_pct }}

),

clv_notes as (

    select {{ dbt.listagg('warnings', "' '", 'order by algorithm') }} as clv_note
    from model_notes
    where is_about_customer_value

),

figures as (

    select
        *,
        {{ measure_shares('playbooks', within='method') }}
    from measured

),

with_texts as (

    select
        figures.*,
        coalesce(known.segment_kind, figures.segment_name) as segment_kind,
        known.segment_kind is not null as has_own_playbook,
        clv_notes.clv_note,
        case
            when not segment_claims.is_true
                then 'The name is true of '
                    || case
                        when segment_claims.true_customers = 0 then 'none'
                        else 'only ' || {{ grouped_number('floor(segment_claims.true_pct)') }} || '%'
                    end
                    || ' of them. It says: ' || segment_claims.claim
        end as name_note,
        top_categories.category as top_category,
        top_categories.share_pct as top_category_pct,
        {{ template_columns(texts) }}
    from figures
    left join templates as known on lower(figures.segment_name) = lower(known.segment_kind)
    left join templates as general on general.segment_kind = '{{ any_other_kind() }}'
    left join segment_claims
        on figures.method = segment_claims.method and figures.segment_name = segment_claims.segment_name
    left join top_categories
        on figures.method = top_categories.method and figures.segment_name = top_categories.segment_name
    cross join clv_notes

),

worded as (

    select
        *,
        {{ placeholder_columns('the range they buy from') }}
    from with_texts

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
        money_per_order,
        one_time_pct,
        clv_mean,
        clv_sum,
        horizon_days,
        clv_note,
        name_note,
        top_category,
        top_category_pct,
        _customers || ' (' || _share_of_customers || '), who brought ' || _money
        || case when monetary_pct is not null then ', ' || _share_of_revenue || ' of the money' else '' end
        || '; last seen ' || _recency_days || ' ago'
        || case
            when customers = 1 then ', after ' || _orders
            else ' on average, after ' || _orders || ' and ' || _money_per_customer || ' each'
        end
        || case
            when clv_mean is not null
                then '. Expected to bring ' || _expected_value || case when customers = 1 then '' else ' each' end
                    || ' in the next ' || _horizon_days || '.'
            else '.'
        end
        || coalesce(' ' || name_note, '')
        -- fifths know no end of silence, and a playbook that asks for calls should
        || case
            when dormant_customers > 0 and method <> 'slipping'
                then ' '
                    || case
                        when customers = 1 then 'They are'
                        when dormant_customers = customers then 'All of them are'
                        when dormant_customers = 1 then '1 of them is'
                        else {{ grouped_number('dormant_customers') }} || ' of them are'
                    end
                    || ' dormant: spare them calls and offers.'
            else ''
        end as summary,
        {{ filled_in_columns(texts) }}
    from worded

)

select * from final
