{#
    Which units a refund is of, where the export tells one amount for the whole order.

    Belongs here: the search, for every system whose refunds are such an amount. Does not belong
    here: whether an order was refunded and how much of it counts (models/staging/exports).
#}

{# Choices that are looked at for one order. #}
{% macro _most_choices() -%} 4096 {%- endmacro %}

{#
    CTEs, the last of which is `returned_units` (line_id, units, amount): the whole units that add up
    to the refund. A choice takes 1 to all units of some lines, each at its line's amount by its
    quantity; of several choices the one with the fewest lines counts, and if there are several of
    those, or none, the order has no row. Lines of one product and price are interchangeable.

    `lines` is a CTE with one row per line of goods in orders that are refunded in part: load_id,
    invoice_text, line_id, product, quantity_units, line_amount, refund_amount (of the order, positive).
    The query begins `with recursive`.
#}
{% macro returned_units(lines) -%}
    -- no line gives more units than the refund pays for
    refunded_goods as (

        select
            load_id,
            invoice_text,
            line_id,
            product,
            quantity_units,
            line_amount,
            refund_amount,
            cast(
                cast(line_amount as double) / cast(quantity_units as double) as decimal(24, 6)
            ) as amount_per_unit,
            cast(
                floor(least(
                    cast(quantity_units as double),
                    cast(refund_amount as double) * cast(quantity_units as double) / cast(line_amount as double) + 0.01
                )) as bigint
            ) as most_units
        from {{ lines }}
        where quantity_units >= 1 and line_amount > 0 and refund_amount > 0

    ),

    -- of equal lines the one with most units comes first, so that one order of choosing covers all others
    numbered_goods as (

        select
            *,
            row_number() over (
                partition by load_id, invoice_text
                order by product, amount_per_unit, quantity_units desc, line_id
            ) as place,
            coalesce(
                row_number() over (
                    partition by load_id, invoice_text, product, amount_per_unit
                    order by quantity_units desc, line_id
                ) > 1, false
            ) as is_like_the_one_before
        from refunded_goods
        where most_units >= 1

    ),

    -- as many lines as can be combined within the bound: n lines of s units in all have
    -- at most s + s²/2 + … + sⁿ/n! choices
    searches as (

        select
            load_id,
            invoice_text,
            refund_amount,
            case
                when log_choices <= ln({{ _most_choices() }}) + 0.000001 then line_count
                when units + power(units, 2) / 2 + power(units, 3) / 6 <= {{ _most_choices() }} then 3
                when units + power(units, 2) / 2 <= {{ _most_choices() }} then 2
                when units <= {{ _most_choices() }} then 1
                else 0
            end as most_lines
        from (
            select
                load_id,
                invoice_text,
                refund_amount,
                count(*) as line_count,
                cast(sum(most_units) as double) as units,
                sum(ln(most_units + 1)) as log_choices
            from numbered_goods
            group by load_id, invoice_text, refund_amount
        ) as sizes

    ),

    counted_goods as (

        select
            goods.*,
            {{ each_number_to('goods.most_units') }} as units
        from numbered_goods as goods
        inner join searches
            on goods.load_id = searches.load_id and goods.invoice_text = searches.invoice_text
        where searches.most_lines > 0

    ),

    options as (

        select
            load_id,
            invoice_text,
            line_id,
            place,
            is_like_the_one_before,
            units,
            case
                when units = quantity_units then line_amount
                else {{ share_in_cents('line_amount', 'units', 'quantity_units') }}
            end as amount
        from counted_goods

    ),

    choices as (

        select
            load_id,
            invoice_text,
            most_lines,
            cast(0 as bigint) as line_count,
            cast(0 as bigint) as place,
            cast(0 as bigint) as units,
            cast(refund_amount as {{ money_type() }}) as rest,
            cast('|' as {{ dbt.type_string() }}) as path
        from searches
        where most_lines > 0

        union all

        select
            choices.load_id,
            choices.invoice_text,
            choices.most_lines,
            choices.line_count + 1 as line_count,
            options.place,
            options.units,
            cast(choices.rest - options.amount as {{ money_type() }}) as rest,
            choices.path || cast(options.place as {{ dbt.type_string() }}) || ':'
            || cast(options.units as {{ dbt.type_string() }}) || '|' as path
        from choices
        inner join options
            on choices.load_id = options.load_id and choices.invoice_text = options.invoice_text
        where
            choices.line_count < choices.most_lines
            and choices.rest > 0
            and options.amount > 0
            and options.place > choices.place
            and options.amount <= choices.rest
            and (
                not options.is_like_the_one_before
                or (choices.place = options.place - 1 and options.units <= choices.units)
            )

    ),

    complete_choices as (

        select
            load_id,
            invoice_text,
            path,
            rank() over (partition by load_id, invoice_text order by line_count) as size_rank
        from choices
        where rest = 0

    ),

    only_choices as (

        select
            load_id,
            invoice_text,
            max(path) as path
        from complete_choices
        where size_rank = 1
        group by load_id, invoice_text
        having count(*) = 1

    ),

    returned_units as (

        select
            options.load_id,
            options.invoice_text,
            options.line_id,
            options.units,
            options.amount
        from options
        -- no join: DuckDB expects it to give hundreds of millions of rows, and would keep whatever is joined to those
        where exists (
            select 1
            from only_choices
            where
                only_choices.load_id = options.load_id
                and only_choices.invoice_text = options.invoice_text
                and contains(
                    only_choices.path,
                    '|' || cast(options.place as {{ dbt.type_string() }}) || ':'
                    || cast(options.units as {{ dbt.type_string() }}) || '|'
                )
        )

    )
{%- endmacro %}

{# Whether money went back, or may have, and `returned_units` finds no units, or more than one way, that it was for. #}
{% macro is_refund_of_unknown_units(orders) -%}
    coalesce({{ orders }}.refund_amount, 1) > 0
    and not exists (
        select 1
        from only_choices
        where {{ orders }}.load_id = only_choices.load_id and {{ orders }}.invoice_text = only_choices.invoice_text
    )
{%- endmacro %}

{#
    Of two amounts that an order's refund may be net of tax, the second where it is just some units of one of its
    lines and the first is of none: whether shipping bears tax stands nowhere. For lines with load_id, invoice_text,
    quantity_units and line_amount.
#}
{% macro settled_refund(amount, other) -%}
    case
        when max({{ _is_of_whole_units(other) }}) over (partition by load_id, invoice_text) = 1
            and max({{ _is_of_whole_units(amount) }}) over (partition by load_id, invoice_text) = 0
            then {{ other }}
        else {{ amount }}
    end
{%- endmacro %}

{% macro _is_of_whole_units(amount) -%}
    {%- set units -%}
        round(cast({{ amount }} as double) * cast(quantity_units as double) / nullif(cast(line_amount as double), 0))
    {%- endset -%}
    case
        when {{ amount }} > 0 and line_amount > 0 and {{ units }} between 1 and quantity_units
            and {{ share_in_cents('line_amount', units, 'quantity_units') }} = {{ amount }}
            then 1
        else 0
    end
{%- endmacro %}

{# One row for each whole number from 1 to a number. #}
{% macro each_number_to(number) -%}
    {{ return(adapter.dispatch('each_number_to')(number)) }}
{%- endmacro %}

{% macro duckdb__each_number_to(number) -%}
    unnest(range(1, {{ number }} + 1))
{%- endmacro %}

{% macro default__each_number_to(number) -%}
    explode(sequence(cast(1 as bigint), {{ number }}))
{%- endmacro %}
