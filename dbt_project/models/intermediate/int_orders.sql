-- Grain: one order: what one customer bought under one number at one time. The one place
-- that decides an order's key, its day and its country; lines find theirs by store, number,
-- time and, where a number is shared, customer.
--
-- Most numbers are used once. Those that come again (each year, each day, at another till)
-- are the few whose lines lie far apart in time or name several customers; only their lines
-- are looked at one by one. A system whose files tell orders whole gives each of its numbers once.
{{ config(meta={'increment': {
    'by': 'delivered_invoice_no',
    'touched': 'select invoice_no from increments.stg_transactions',
    'reads': {'staging.stg_transactions': 'invoice_no'},
}}) }}
{%- set as_of = as_of_date() %}
{%- set apart_hours = 12 %}
with

lines as (

    select * from {{ ref('stg_transactions') }}
    where is_readable{% if as_of is not none %} and invoiced_at < {{ as_of }}{% endif %}

),

country_names as (

    select * from {{ ref('int_country_names') }}

),

-- what stands in the place of a store on the lines of exports
systems as (

    select {{ capitals('source') }} as system
    from {{ ref('stg_deliveries') }}
    where is_export
    group by {{ capitals('source') }}

),

numbers as (

    select
        store,
        invoice_no,
        min(invoiced_at) as first_at,
        max(invoiced_at) as last_at,
        min(customer_id) as first_customer_id,
        max(customer_id) as last_customer_id,
        min(country) as first_country,
        max(country) as last_country,
        min(load_id) as first_load_id,
        max(load_id) as last_load_id
    from lines
    group by store, invoice_no

),

judged_numbers as (

    select
        numbers.*,
        systems.system is not null as is_of_system,
        systems.system is null
        and (
            coalesce(numbers.first_customer_id <> numbers.last_customer_id, false)
            or numbers.last_at > {{ hours_after('numbers.first_at', apart_hours) }}
        ) as is_used_again
    from numbers
    left join systems on numbers.store = systems.system or {{ starts_with('numbers.store', "systems.system || ' '") }}

),

-- two systems may give the same number: the first by name keeps it as it is, and one that no system gave before it
shared_numbers as (

    select
        of_systems.store,
        of_systems.invoice_no,
        row_number() over (partition by of_systems.invoice_no order by of_systems.store)
        + case when others.invoice_no is null then 0 else 1 end as place
    from judged_numbers as of_systems
    left join judged_numbers as others
        on of_systems.invoice_no = others.invoice_no and others.store is null
    where of_systems.is_of_system

),

used_again as (

    select
        store,
        invoice_no
    from judged_numbers
    where is_used_again

),

lines_used_again as (

    select
        lines.store,
        lines.invoice_no,
        lines.invoiced_at,
        lines.customer_id,
        min(lines.country) as first_country,
        max(lines.country) as last_country,
        min(lines.load_id) as first_load_id,
        max(lines.load_id) as last_load_id
    from lines
    inner join used_again
        on lines.invoice_no = used_again.invoice_no and {{ same_or_both_null('lines.store', 'used_again.store') }}
    group by lines.store, lines.invoice_no, lines.invoiced_at, lines.customer_id

),

-- a new use begins where nothing was sold under the number for half a day
begun as (

    select
        *,
        case
            when invoiced_at > {{ hours_after(
                'lag(invoiced_at) over (partition by store, invoice_no order by invoiced_at)', apart_hours
            ) }} then 1
            else 0
        end as is_begin
    from lines_used_again

),

uses as (

    select
        *,
        sum(is_begin) over (
            partition by store, invoice_no order by invoiced_at range between unbounded preceding and current row
        ) as use_number
    from begun

),

spans as (

    select
        *,
        min(invoiced_at) over (partition by store, invoice_no, use_number) as use_first_at,
        max(invoiced_at) over (partition by store, invoice_no, use_number) as use_last_at,
        coalesce(
            min(customer_id) over (partition by store, invoice_no, use_number)
            <> max(customer_id) over (partition by store, invoice_no, use_number), false
        ) as is_shared
    from uses

),

-- Within one use every customer has an order of their own; lines without a customer belong
-- to the one customer there is, or are an order by themselves.
repeated_orders as (

    select
        store,
        invoice_no,
        use_number,
        is_shared,
        case when is_shared then customer_id end as shared_customer_id,
        max(customer_id) as customer_id,
        min(invoiced_at) as first_at,
        min(use_first_at) as use_first_at,
        max(use_last_at) as use_last_at,
        min(first_country) as first_country,
        max(last_country) as last_country,
        min(first_load_id) as first_load_id,
        max(last_load_id) as last_load_id
    from spans
    group by store, invoice_no, use_number, is_shared, case when is_shared then customer_id end

),

-- the first to use a number keeps it as it is
named_repeats as (

    select
        *,
        row_number() over (
            partition by store, invoice_no
            order by first_at, case when customer_id is null then 1 else 0 end, customer_id
        ) as place,
        count(*) over (partition by store, invoice_no, cast(first_at as date)) as orders_that_day
    from repeated_orders

),

orders as (

    select
        judged_numbers.store,
        judged_numbers.invoice_no as delivered_invoice_no,
        judged_numbers.is_of_system,
        case when shared_numbers.place > 1 then '@' || shared_numbers.store else '' end as suffix,
        judged_numbers.first_customer_id as customer_id,
        false as is_shared,
        judged_numbers.first_at,
        judged_numbers.first_at as use_first_at,
        judged_numbers.last_at as use_last_at,
        judged_numbers.first_country,
        judged_numbers.last_country,
        judged_numbers.first_load_id,
        judged_numbers.last_load_id
    from judged_numbers
    left join shared_numbers
        on judged_numbers.invoice_no = shared_numbers.invoice_no and judged_numbers.store = shared_numbers.store
    where not judged_numbers.is_used_again

    union all

    select
        store,
        invoice_no as delivered_invoice_no,
        false as is_of_system,
        case
            when place = 1 then ''
            else '@' || cast(cast(first_at as date) as {{ dbt.type_string() }})
                || case when orders_that_day > 1 then '@' || coalesce(customer_id, 'nobody') else '' end
        end as suffix,
        customer_id,
        is_shared,
        first_at,
        use_first_at,
        use_last_at,
        first_country,
        last_country,
        first_load_id,
        last_load_id
    from named_repeats

),

final as (

    select
        case when orders.is_of_system then '' else coalesce(orders.store || ':', '') end
        || orders.delivered_invoice_no || orders.suffix as invoice_no,
        orders.delivered_invoice_no,
        orders.store,
        orders.customer_id,
        orders.is_shared,
        orders.first_at,
        cast(orders.first_at as date) as invoice_date,
        orders.use_first_at,
        orders.use_last_at,
        -- a country that is known outbids one that is not
        coalesce(
            nullif(coalesce(first_names.country, orders.first_country), 'Unspecified'),
            nullif(coalesce(last_names.country, orders.last_country), 'Unspecified')
        ) as country,
        orders.first_load_id <> orders.last_load_id as is_in_several_deliveries
    from orders
    left join country_names as first_names on {{ capitals('orders.first_country') }} = first_names.name_key
    left join country_names as last_names on {{ capitals('orders.last_country') }} = last_names.name_key

)

select * from final
