{#
    Bounds of marts.product_pairs. Pairs grow with the square of a basket and of the
    range, so both have one; they are part of what the table means, not of its speed
    alone, and are told in its description.
#}

{# Products that are paired: those on most invoices. Bounds the table to 124,750 rows. #}
{% macro paired_products() -%} 500 {%- endmacro %}

{# Larger baskets are a shop's stock list, not a choice: a pair in them says nothing, and they hold most pairs. #}
{% macro largest_paired_basket() -%} 100 {%- endmacro %}

{# Pairs on fewer invoices are left out: their lift is chance. #}
{% macro fewest_invoices_together() -%} 10 {%- endmacro %}
