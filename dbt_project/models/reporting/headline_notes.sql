-- Grain: one caveat about the headline figures, for people to read beside them. None in most
-- shops: a history of some months with more customers than fit into a room, none of whom
-- brings most of the money, from files that tell refunds and customers.
{%- set short_days = 56 %}
{%- set few_customers = 100 %}
{%- set large_share = 0.25 %}
{%- set times_the_next = 5 %}
with

days as (

    select
        min(invoice_date) as first_date,
        max(invoice_date) as last_date,
        count(distinct invoice_date) as trading_days
    from {{ ref('fct_invoice_lines') }}
    where line_type = 'sale'

),

customers as (

    select
        customer_id,
        monetary_net,
        row_number() over (order by monetary_net desc, customer_id asc) as place,
        count(*) over () as customer_count,
        sum(greatest(monetary_net, 0)) over () as money
    from {{ ref('customer_rfm') }}

),

visits as (

    select max(purchase_days) as most_purchase_days from {{ ref('customer_rfm') }}

),

-- the middle customer, the lower one of two
middle as (

    select monetary_net as middle_money
    from customers
    where place = ceil((customer_count + 1) / 2.0)

),

first as (

    select
        customers.customer_id,
        customers.monetary_net,
        customers.money,
        customers.customer_count,
        following.monetary_net as next_money
    from customers
    left join customers as following on following.place = 2
    where customers.place = 1

),

limits as (

    select
        subject,
        {{ dbt.listagg('title', "', '", 'order by title') }} as titles
    from {{ source('quality', 'source_limits') }}
    where subject in ('refunds', 'customers')
    group by subject

),

notes as (

    select
        'short_history' as note_key,
        1 as place,
        'warning' as severity,
        'The history is '
        || case
            when first_date = last_date then 'a single day'
            else {{ grouped_number(date_diff_days('first_date', 'last_date') ~ ' + 1') }} || ' days long, '
                || {{ grouped_number('trading_days') }} || ' of them with sales'
        end
        || ': too short to tell who comes back, what a season is or who has left. Read segments, '
        || 'expected revenue and unusual days as a first impression.' as sentence
    from days
    where {{ date_diff_days('first_date', 'last_date') }} + 1 < {{ short_days }}

    union all

    select
        'few_customers' as note_key,
        2 as place,
        'warning' as severity,
        case
            when customer_count = 1 then 'Only one customer is named'
            else 'Only ' || {{ grouped_number('customer_count') }} || ' customers are named'
        end
        || ': a segment may be a handful of people, and one more order of one of them moves its figures.' as sentence
    from first
    where customer_count < {{ few_customers }}

    union all

    select
        'one_large_customer' as note_key,
        3 as place,
        'warning' as severity,
        'Customer ' || first.customer_id || ' alone brought ' || {{ amount_in_words('first.monetary_net') }} || ', '
        || {{ share_in_words('100 * cast(first.monetary_net as double) / cast(first.money as double)') }}
        || ' of what customers spent'
        || case
            when first.next_money > 0 then ' and ' || {{ grouped_number(
                'cast(first.monetary_net as double) / cast(first.next_money as double)'
            ) }} || ' times as much as the next'
            else ''
        end
        || ': averages tell of that one. The middle customer spent '
        || {{ amount_in_words('middle.middle_money') }} || '.' as sentence
    from first
    cross join middle
    where
        first.customer_count > 1
        and first.monetary_net >= {{ large_share }} * first.money
        and first.monetary_net >= {{ times_the_next }} * greatest(first.next_money, 0)
        and first.monetary_net > 0

    union all

    select
        'no_refunds' as note_key,
        4 as place,
        'warning' as severity,
        'Files without refunds: ' || titles || '. The net of their sales is too high by what was given back.'
            as sentence
    from limits
    where subject = 'refunds'

    union all

    select
        'no_customers' as note_key,
        5 as place,
        'warning' as severity,
        'Files without customers: ' || titles || '. Their sales count for revenue and products, and in no '
        || 'figure of customers.' as sentence
    from limits
    where subject = 'customers'

    union all

    -- a short history has said so
    select
        'nobody_came_back' as note_key,
        6 as place,
        'warning' as severity,
        'No customer has come on a second day yet, so nobody knows after how long one comes back. The longest time '
        || 'that one is known stands in for the usual gap: segments tell how recent and how large orders are, not who '
        || 'is late.' as sentence
    from visits
    cross join days
    where
        visits.most_purchase_days = 1
        and {{ date_diff_days('days.first_date', 'days.last_date') }} + 1 >= {{ short_days }}

),

final as (

    select
        note_key,
        cast(place as integer) as place,
        severity,
        sentence
    from notes

)

select * from final
