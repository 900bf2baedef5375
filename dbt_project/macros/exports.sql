{#
    What the models of shop systems' exports share: the columns that each of them returns, the spread
    of what stands on an order over its lines, and names of what is no product.

    Belongs here: what means the same in every system. Does not belong here: what one system's
    columns mean (models/staging/exports), which units a refund is of (refunds.sql).
#}

{# The columns of every export's model with their types, in order. #}
{% macro export_line_columns() -%}
    {%- set text = dbt.type_string() -%}
    {{ return({
        'delivered_line_id': 'bigint',
        'is_derived': 'boolean',
        'load_id': 'integer',
        'sheet': text,
        'row_number': 'bigint',
        'problem': text,
        'line_text': text,
        'quantity_text': text,
        'amount_text': text,
        'invoice_date_text': text,
        'invoice_text': text,
        'stock_code_text': text,
        'description': text,
        'quantity_units': units_type(),
        'line_amount': money_type(),
        'tax_amount': money_type(),
        'currency_text': text,
        'status': text,
        'line_kind': text,
        'store': text,
        'country': text,
        'customer_text': text,
        'customer_is_personal': 'boolean',
        'accepts_marketing': 'boolean',
        'invoiced_at': 'timestamp',
        'row_kind': text,
        'counted_amount': money_type(),
        'told_amount': money_type(),
        'told_as': text,
    }) }}
{%- endmacro %}

{# Those columns from a CTE that has them all. #}
{% macro export_lines(lines) -%}
    select
        {%- for column, type in export_line_columns().items() %}
        cast({{ column }} as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ lines }}
{%- endmacro %}

{# Those columns and no row. #}
{% macro no_export_lines() -%}
    select
        {%- for column, type in export_line_columns().items() %}
        cast(null as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (select 1 as nothing) as nothing
    where nothing = 2
{%- endmacro %}

{# The id of a line that another row tells of, such as a refund in a column: above all ids of a file's own rows. #}
{% macro refund_line_id(line_id) -%}
    {{ line_id }} + 2147483648
{%- endmacro %}

{# Whether an id is such a one: a file's own rows count up from its load's number times 2^32. #}
{% macro is_refund_line_id(line_id) -%}
    mod({{ line_id }}, 4294967296) >= 2147483648
{%- endmacro %}

{# A part's share of an amount by its weight in the whole, to the cent, half a cent up. #}
{% macro share_in_cents(amount, weight, whole_weight) -%}
    cast(
        round(
            -- ten decimals, so that half a cent is half a cent: the quotient of engines is a float
            cast(
                cast({{ amount }} as double) * cast({{ weight }} as double) / nullif(cast({{ whole_weight }} as double), 0)
                as decimal(28, 10)
            ),
            2
        ) as {{ money_type() }}
    )
{%- endmacro %}

{#
    A line's share of an amount that stands on its order: by weight, to the cent, the last line by
    `place` takes the rest, so that the shares sum to the amount. Lines without weight have no share.
    `whole_weight` is the order's sum of positive weights, which comes with the order's other sums;
    `order_columns` are those of the window. Ask for it on lines of orders with something to spread alone.
#}
{% macro spread(amount, weight, whole_weight, order_columns, place) -%}
    {%- set share = share_in_cents(amount, weight, whole_weight) -%}
    case
        when {{ weight }} > 0
            then case
                when {{ place }} = max(case when {{ weight }} > 0 then {{ place }} end) over (
                        partition by {{ order_columns }}
                    )
                    then {{ amount }} + {{ share }} - sum(case when {{ weight }} > 0 then {{ share }} end) over (
                        partition by {{ order_columns }}
                    )
                else {{ share }}
            end
        else 0
    end
{%- endmacro %}

{# Text without the apostrophe that exports write before = + - @, so that a spreadsheet takes it for no formula. #}
{% macro without_formula_guard(text) -%}
    case
        when {{ starts_with(text, "''''") }} and substr({{ text }}, 2, 1) in ('=', '+', '-', '@')
            then substr({{ text }}, 2)
        else {{ text }}
    end
{%- endmacro %}

{# yes and no as exports write them. #}
{% macro flag(text) -%}
    case lower({{ trimmed(text) }})
        when 'yes' then true
        when 'true' then true
        when '1' then true
        when 'no' then false
        when 'false' then false
        when '0' then false
    end
{%- endmacro %}

{#
    Whether a line is called a tip; where tips are lines, that is all of their name. By a pattern,
    since an engine looks up a longer list of words for every line, whatever was asked before.
#}
{% macro is_called_tip(name) -%}
    case
        when length({{ name }}) <= 20
            then {{ fits_pattern(
                "lower(" ~ trimmed(name) ~ ")",
                "'tips?|gratuity|trinkgeld|pourboire|propina|mancia|gorjeta|fooi|dricks|drikkepenge'"
            ) }}
        else false
    end
{%- endmacro %}

{# Whether a name says gift card or voucher, among other words. #}
{% macro is_called_gift_card(name) -%}
    {{ fits_pattern('upper(' ~ name ~ ')', "'(.*[^A-Z])?(" ~ [
        'E?-?GIFT[- ]?(CARD|VOUCHER|CERTIFICATE)S?', 'VOUCHERS?', '(GESCHENK|WERT)?GUTSCHEINE?', 'GESCHENKKARTEN?',
        '(CARTE|CH[EÈ]QUE|BON)S?[- ]CADEAUX?', '(TARJETA|VALE|CHEQUE)S?[- ](DE )?REGALO', '(BUON[OI]|CART[AE]) REGALO',
        '(CART[AÃ]O|VALE)[- ](DE )?(PRESENTE|OFERTA)', 'CADEAU(BON|KAART)(NEN|EN)?', 'PRESENTKORT', 'GAVEKORT',
        'LAHJAKORTTI', '(KARTA|BON) PODARUNKOW[AY]',
    ] | join('|') ~ ")([^A-Z].*)?'") }}
{%- endmacro %}
