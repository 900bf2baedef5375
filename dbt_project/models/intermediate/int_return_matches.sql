-- Grain: one row per return line and sale line that it reverses, wholly or in part.
--
-- Returns are taken in the order of time within a customer, product and price. Each
-- takes units of earlier sales: first from one whose remaining units equal its own,
-- then from the newest. A match depends on nothing later, so history stays as it was.
-- Step k of the recursion settles the k-th return of every group at once: there are as
-- many steps as the group with most returns has (9 in 541,909 lines).
with recursive

kept as (

    select * from {{ ref('int_line_dispositions') }}
    where is_kept and customer_id is not null and quantity_units <> 0

),

returns as (

    select
        customer_id,
        stock_code,
        unit_price,
        line_id as return_line_id,
        invoiced_at as returned_at,
        -quantity_units as return_units,
        -signed_amount as return_amount,
        row_number() over (
            partition by customer_id, stock_code, unit_price
            order by invoiced_at, invoice_no, line_id
        ) as step
    from kept
    where disposition = 'return' and quantity_units < 0

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
        returns.return_amount
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
        kept.line_id as sale_line_id,
        kept.invoiced_at as sold_at,
        kept.quantity_units as remaining_units,
        row_number() over (
            partition by groups.group_number
            order by kept.invoiced_at, kept.invoice_no, kept.line_id
        ) as age_rank
    from kept
    inner join groups
        on kept.customer_id = groups.customer_id
            and kept.stock_code = groups.stock_code
            and kept.unit_price = groups.unit_price
    where
        kept.disposition = 'sale'
        and kept.quantity_units > 0
        and kept.invoiced_at <= groups.last_returned_at

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
                    when offers.is_earlier
                        then least(
                                offers.remaining_units,
                                greatest(
                                    offers.return_units - coalesce(sum(
                                        case when offers.is_earlier then offers.remaining_units else 0 end
                                    ) over (
                                        partition by offers.group_number
                                        order by
                                            offers.is_earlier desc,
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
                settled.sold_at <= numbered_returns.returned_at as is_earlier,
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
        cast(
            case
                when settled.matched_units = numbered_returns.return_units then numbered_returns.return_amount
                else cast(numbered_returns.return_amount as double)
                    * cast(settled.matched_units as double) / cast(numbered_returns.return_units as double)
            end as {{ money_type() }}
        ) as matched_amount,
        settled.sold_at,
        numbered_returns.returned_at,
        settled.is_exact as is_exact_quantity
    from settled
    inner join numbered_returns
        on settled.group_number = numbered_returns.group_number and settled.step = numbered_returns.step
    inner join groups on settled.group_number = groups.group_number
    where settled.matched_units > 0

)

select * from final
