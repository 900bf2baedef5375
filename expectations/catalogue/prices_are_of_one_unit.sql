{#
    Sources whose prices are the amounts of their lines. A price of one unit stays the same whatever the quantity; the
    amount of a line grows with it, so that one unit's share of it stays. Products show the one or the other.
#}
with priced as (
    select source, stock_code, quantity_units, unit_price
    from this_table
    where is_readable and quantity_units > 0 and unit_price > 0
),
as_unit as (
    select source, stock_code
    from (select source, stock_code, min(quantity_units) < max(quantity_units) as is_shown
        from priced group by source, stock_code, unit_price)
    where is_shown
    group by source, stock_code
),
as_line as (
    select source, stock_code
    from (select source, stock_code, min(quantity_units) < max(quantity_units) as is_shown
        from priced group by source, stock_code, round(unit_price / quantity_units, 4))
    where is_shown
    group by source, stock_code
),
counted as (
    select
        source,
        count(as_line.stock_code) as grow,
        count(as_unit.stock_code) as stay
    from as_line
    full join as_unit using (source, stock_code)
    group by source
)
select
    source,
    grow as products,
    source || ': of ' || {{ counted("grow", "product") }} || ' the price grows with the quantity, of '
    || {{ number("stay") }} || ' it stays' as told
from counted
where grow >= {{ telling_products }} and grow > 3 * stay
