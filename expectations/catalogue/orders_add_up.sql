{% set order %}
    'order ' || coalesce(invoice_no, '(without a number)') || ' (' || file_name || ' line ' || row_number || '): '
    || told_as || ' ' || {{ amount("told_amount") }} || ', read ' || {{ amount("counted_amount") }}
{% endset %}
with failing as (
    select *, row_number() over (partition by source order by file_name, row_number, invoice_no) as place
    from this_table
    where not is_reconciled
),
sources as (
    select
        source,
        count(*) as orders,
        string_agg({{ order }}, '; ' order by place) filter (where place <= {{ shown_orders }}) as named
    from failing
    group by source
),
judged as (
    select
        sources.*,
        (select count(*) from this_table as told where told.source = sources.source) as told_orders,
        coalesce(allowed.orders, 0) as allowed_orders
    from sources
    left join (
        values (null, 0)
        {% for source, orders in settings.cleaning.unreconciled_orders | dictsort %}
        , ({{ literal(source) }}, {{ orders }})
        {% endfor %}
    ) as allowed (source, orders) on sources.source = allowed.source
)
select
    source,
    orders,
    source || ', ' || {{ number("orders") }} || ' of ' || {{ counted("told_orders", "order") }} || ': ' || named
        as told,
    '[cleaning.unreconciled_orders]' || chr(10)
    || string_agg({{ toml_text("source") }} || ' = ' || orders, chr(10) order by source) over () as advice
from judged
where orders > allowed_orders
