{#
    Which order of int_orders a line of stg_transactions belongs to: the one rule, for all who
    join the two. A number that is used once has one order, so that times and customers are
    compared only where a number came again.
#}
{% macro is_order_of_line(orders, lines) -%}
    {{ orders }}.delivered_invoice_no = {{ lines }}.invoice_no
        and {{ same_or_both_null(orders ~ '.store', lines ~ '.store') }}
        and {{ lines }}.invoiced_at between {{ orders }}.use_first_at and {{ orders }}.use_last_at
        and (not {{ orders }}.is_shared or {{ same_or_both_null(orders ~ '.customer_id', lines ~ '.customer_id') }})
{%- endmacro %}

{# A number made of a line's content, so that the sum over some lines is equal for equal lines in any order. #}
{% macro content_number(key) -%}
    {{ return(adapter.dispatch('content_number')(key)) }}
{%- endmacro %}

{% macro duckdb__content_number(key) -%}
    cast(hash({{ key }}) as hugeint)
{%- endmacro %}

{% macro default__content_number(key) -%}
    cast(xxhash64({{ key }}) as decimal(38, 0))
{%- endmacro %}
