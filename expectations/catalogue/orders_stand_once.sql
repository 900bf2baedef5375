{#
    Sources whose orders are repeated as wholes. What is scanned twice is one line among others; what was joined with two
    payments is every line of its order, equally often.
#}
with repeated as (
    select load_id, content_key
    from this_table
    where is_readable
    group by load_id, content_key
    having count(*) > 1
),
orders_with_repeats as (
    select load_id, invoice_no
    from this_table
    where is_readable and (load_id, content_key) in (select (load_id, content_key) from repeated)
),
-- of these orders alone, as most have no line twice, and to look at all of them takes three times as long
lines as (
    select
        source,
        load_id,
        coalesce(sheet, '') as sheet,
        any_value(invoice_no) as invoice_no,
        any_value(file_name) as file_name,
        min(row_number) as row_number,
        count(*) as times,
        any_value(signed_amount) as amount
    from this_table
    where
        is_readable
        and (load_id, invoice_no) in (select (load_id, invoice_no) from orders_with_repeats)
    group by source, load_id, coalesce(sheet, ''), content_key
),
orders as (
    select
        source,
        any_value(file_name) as file_name,
        min(row_number) as row_number,
        min(times) as least,
        max(times) as most,
        sum((times - 1) * amount) as amount
    from lines
    group by source, load_id, sheet, invoice_no
    having count(*) > 1 and max(times) > 1
),
counted as (
    select
        source,
        count(*) filter (least = most) as whole,
        count(*) filter (least < most) as partly,
        sum(amount) filter (least = most) as amount,
        arg_min(file_name, row_number) filter (least = most) as file_name,
        min(row_number) filter (least = most) as row_number
    from orders
    group by source
)
select
    source,
    whole as orders,
    source || ': ' || {{ counted("whole", "order") }} || ' with all lines, ' || {{ number("partly") }}
    || ' with some; counted once they would bring ' || {{ amount("amount") }} || ' less, e.g. ' || file_name || ' line '
    || row_number as told
from counted
where whole >= {{ telling_orders }} and whole > 3 * partly
