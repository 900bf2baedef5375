-- Grain: one row per return line and sale line that it reverses, wholly or in part.
--
-- Returns are taken in the order of time within a customer, product and price. Each
-- takes units of earlier sales: first from one whose remaining units equal its own,
-- then from the newest. A match depends on nothing later, so history stays as it was.
-- A credit note whose code the customer had never bought at that price is read as the code
-- that is one character off, if all else points to one product: an order that the note takes
-- back anyway (or stands on itself), the price, the quantity and the time.
-- Step k of the recursion settles the k-th return of every group at once: there are as
-- many steps as the group with most returns has (9 in 541,909 lines).
{{ config(meta={'increment': {
    'by': 'customer_id',
    'touched': 'select customer_id from increments.int_line_dispositions where is_kept',
    'reads': {'intermediate.int_line_dispositions': 'customer_id'},
}}) }}
with recursive

kept as (

    select * from {{ ref('int_line_dispositions') }}
    where is_kept and customer_id is not null and quantity_units <> 0

),

sales as (

    select
        customer_id,
        stock_code,
        unit_price,
        line_id,
        invoice_no,
        invoiced_at,
        quantity_units
    from kept
    where disposition = 'sale' and quantity_units > 0

),

booked_returns as (

    select
        customer_id,
        stock_code,
        unit_price,
        line_id as return_line_id,
        invoice_no,
        invoiced_at as returned_at,
        -quantity_units as return_units,
        -signed_amount as return_amount
    from kept
    where disposition = 'return' and quantity_units < 0

),

-- orders in which a return's product had been bought at its price
orders_of_returns as (

    select distinct
        booked_returns.return_line_id,
        booked_returns.invoice_no as credit_note_no,
        booked_returns.customer_id,
        sales.invoice_no
    from booked_returns
    inner join sales
        on booked_returns.customer_id = sales.customer_id
            and booked_returns.stock_code = sales.stock_code
            and booked_returns.unit_price = sales.unit_price
            and booked_returns.returned_at >= sales.invoiced_at

),

never_bought as (

    select booked_returns.*
    from booked_returns
    left join orders_of_returns on booked_returns.return_line_id = orders_of_returns.return_line_id
    where orders_of_returns.return_line_id is null

),

orders_of_credit_notes as (

    select
        credit_note_no,
        customer_id,
        invoice_no
    from orders_of_returns
    union distinct
    select
        invoice_no as credit_note_no,
        customer_id,
        invoice_no
    from never_bought

),

-- the one product that a mistyped code can mean; where there are several, none
mistyped as (

    select
        never_bought.return_line_id,
        min(sales.stock_code) as sold_stock_code
    from never_bought
    inner join orders_of_credit_notes
        on never_bought.invoice_no = orders_of_credit_notes.credit_note_no
            and never_bought.customer_id = orders_of_credit_notes.customer_id
    inner join sales
        on orders_of_credit_notes.invoice_no = sales.invoice_no
            and never_bought.customer_id = sales.customer_id
            and never_bought.unit_price = sales.unit_price
            and never_bought.return_units = sales.quantity_units
            and never_bought.returned_at >= sales.invoiced_at
    where
        -- of a shorter code, one character is too much of it
        length(never_bought.stock_code) >= 4
        and levenshtein(never_bought.stock_code, sales.stock_code) = 1
    group by never_bought.return_line_id
    having count(distinct sales.stock_code) = 1

),

coded_returns as (

    select
        booked_returns.customer_id,
        coalesce(mistyped.sold_stock_code, booked_returns.stock_code) as stock_code,
        booked_returns.unit_price,
        booked_returns.return_line_id,
        booked_returns.invoice_no,
        booked_returns.returned_at,
        booked_returns.return_units,
        booked_returns.return_amount,
        mistyped.return_line_id is not null as is_mistyped
    from booked_returns
    left join mistyped on booked_returns.return_line_id = mistyped.return_line_id

),

returns as (

    select
        *,
        row_number() over (
            partition by customer_id, stock_code, unit_price
            order by returned_at, invoice_no, return_line_id
        ) as step
    from coded_returns

),

groups as (

    select
        customer_id,
        stock_code,
        unit_price,
        row_number() over (order by customer_id, stock_code, unit_price) as group_number,
        max(returned_at) as last_returned_at
    from returns
    group by customer_id, stock_code, unit_price

),

numbered_returns as (

    select
        groups.group_number,
        returns.step,
        returns.return_line_id,
        returns.returned_at,
        returns.return_units,
        returns.return_amount,
        returns.is_mistyped
    from returns
    inner join groups
        on returns.customer_id = groups.customer_id
            and returns.stock_code = groups.stock_code
            and returns.unit_price = groups.unit_price

),

-- sales that some return of their group can reverse, numbered from old to new
candidates as (

    select
        groups.group_number,
        sales.line_id as sale_line_id,
        sales.invoiced_at as sold_at,
        sales.quantity_units as remaining_units,
        row_number() over (
            partition by groups.group_number
            order by sales.invoiced_at, sales.invoice_no, sales.line_id
        ) as age_rank
    from sales
    inner join groups
        on sales.customer_id = groups.customer_id
            and sales.stock_code = groups.stock_code
            and sales.unit_price = groups.unit_price
            and sales.invoiced_at <= groups.last_returned_at

),

settled as (

    select
        group_number,
        cast(0 as bigint) as step,
        sale_line_id,
        sold_at,
        age_rank,
        remaining_units,
        cast(0 as {{ units_type() }}) as matched_units,
        false as is_exact
    from candidates

    union all

    select
        group_number,
        step,
        sale_line_id,
        sold_at,
        age_rank,
        cast(remaining_units - matched_units as {{ units_type() }}) as remaining_units,
        matched_units,
        is_exact
    from (
        select
            offers.*,
            -- what is still wanted once the offers before this one have given all they have
            cast(
                case
                    when offers.is_offered
                        then least(
                                offers.remaining_units,
                                greatest(
                                    offers.return_units - coalesce(sum(
                                        case when offers.is_offered then offers.remaining_units else 0 end
                                    ) over (
                                        partition by offers.group_number
                                        order by
                                            offers.is_offered desc,
                                            offers.is_exact desc,
                                            offers.age_rank desc
                                        rows between unbounded preceding and 1 preceding
                                    ), 0),
                                    0
                                )
                            )
                    else 0
                end as {{ units_type() }}
            ) as matched_units
        from (
            select
                settled.group_number,
                numbered_returns.step,
                settled.sale_line_id,
                settled.sold_at,
                settled.age_rank,
                settled.remaining_units,
                numbered_returns.return_units,
                settled.sold_at <= numbered_returns.returned_at
                and (
                    not numbered_returns.is_mistyped or settled.remaining_units = numbered_returns.return_units
                ) as is_offered,
                settled.remaining_units = numbered_returns.return_units as is_exact
            from settled
            inner join numbered_returns
                on settled.group_number = numbered_returns.group_number
                    and settled.step + 1 = numbered_returns.step
            where settled.remaining_units > 0
        ) as offers
    ) as taken

),

final as (

    select
        numbered_returns.return_line_id,
        settled.sale_line_id,
        groups.customer_id,
        groups.stock_code,
        groups.unit_price,
        settled.matched_units,
        -- its share of what went back: a price that was derived from an amount is rounded, the amount is not
        {{ quotient_as_money(
            'case when settled.matched_units = numbered_returns.return_units then numbered_returns.return_amount '
            ~ 'else cast(numbered_returns.return_amount as double) * cast(settled.matched_units as double) '
            ~ '/ cast(numbered_returns.return_units as double) end'
        ) }} as matched_amount,
        settled.sold_at,
        numbered_returns.returned_at,
        settled.is_exact as is_exact_quantity,
        case when numbered_returns.is_mistyped then 'near_stock_code' else 'stock_code' end as matched_by
    from settled
    inner join numbered_returns
        on settled.group_number = numbered_returns.group_number and settled.step = numbered_returns.step
    inner join groups on settled.group_number = groups.group_number
    where settled.matched_units > 0

)

select * from final
