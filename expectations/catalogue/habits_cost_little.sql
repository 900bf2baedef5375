{# Habits that nothing bears out, by what they take of a source: they may be another shop's. #}
{% set sentence %}
    source || ': ' || case
        when rule = 'prefix_a' then 'numbers that begin with A are taken for adjustments'
        else 'code ' || {{ shown("stock_code") }} || ', which no line describes, is taken for no product ('
            || replace(rule, '_', ' ') || ')'
    end
    || ', ' || {{ counted("lines", "line") }} || ' with ' || {{ amount("taken") }} || ' of ' || {{ amount("money") }} || ' ('
    || {{ percent("money_share") }} || ')' || case when lost_customers > 0
        then ' and all that ' || {{ counted("lost_customers", "customer") }} || ' of ' || {{ number("customers") }}
            || ' bought'
        else ''
    end || ', e.g. ' || file_name || ' line ' || row_number
{% endset %}
{% set profile = lines_of_text(source_entry("mapping", "layout", "file_name", "file_count"), literal('profile = "plain"')) %}
with set_aside as (
    select delivered_line_id, rule, stock_code, description, signed_amount, customer_id
    from intermediate.int_line_dispositions
    where rule = 'prefix_a' or disposition = 'non_product' and rule <> 'told_by_system'
),
-- a code is judged by all lines that have it: one description bears it out
undescribed as (
    select stock_code
    from set_aside
    where rule <> 'prefix_a'
    group by stock_code
    having count(description) = 0
),
kept_customers as (
    select customer_id from marts.fct_invoice_lines where customer_id is not null group by customer_id
),
sources as (
    select
        source,
        sum(money) as money,
        count(distinct customer_id) as customers
    from (
        select source, customer_id, sum(greatest(signed_amount, 0)) as money
        from staging.stg_transactions
        where is_readable
        group by source, customer_id
    ) as spent
    group by source
),
rules as (
    select
        staged.source,
        set_aside.rule,
        case when set_aside.rule <> 'prefix_a' then set_aside.stock_code end as stock_code,
        count(*) as lines,
        sum(greatest(set_aside.signed_amount, 0)) as taken,
        count(distinct set_aside.customer_id) filter (where kept_customers.customer_id is null)
            as lost_customers,
        arg_min(staged.row_number, staged.delivered_line_id) as row_number,
        arg_min(staged.file_name, staged.delivered_line_id) as file_name,
        arg_min(staged.load_id, staged.delivered_line_id) as load_id
    from set_aside
    inner join staging.stg_transactions as staged on set_aside.delivered_line_id = staged.delivered_line_id
    inner join staging.stg_deliveries as deliveries on staged.load_id = deliveries.load_id
    left join kept_customers on set_aside.customer_id = kept_customers.customer_id
    where (set_aside.rule = 'prefix_a' or set_aside.stock_code in (select stock_code from undescribed))
        -- whoever set the profile said so
        and deliveries.set_profile is distinct from 'uci'
    group by
        staged.source, set_aside.rule,
        case when set_aside.rule <> 'prefix_a' then set_aside.stock_code end
),
shares as (
    select
        rules.*,
        sources.money,
        sources.customers,
        ledger.layout,
        ledger.source_mapping as mapping,
        (select count(*) from raw.deliveries where _source = rules.source) as file_count,
        coalesce(rules.taken / nullif(sources.money, 0), 0) as money_share,
        coalesce(rules.lost_customers / nullif(sources.customers, 0), 0) as customer_share
    from rules
    inner join sources on rules.source = sources.source
    left join quality.load_ledger as ledger on rules.load_id = ledger.load_id
)
select
    source,
    rule,
    stock_code,
    taken as amount,
    {{ sentence }} as told,
    case
        when rule = 'prefix_a' then {{ profile }}
        else '[cleaning]' || chr(10) || 'product_codes = ' || {{ toml_list("[stock_code]") }}
    end as advice
from shares
where money_share > {{ habit_share }} or customer_share > {{ habit_share }}
