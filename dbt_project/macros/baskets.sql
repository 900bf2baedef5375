{#
    Which pairs of products are frequent. Both bounds are part of what marts.product_pairs means, and told in its
    description.
#}

{# Share of all invoices, in percent, that a pair must stand on (setting `baskets.min_support_pct`). #}
{% macro min_support_pct() -%} {{ setting('min_support_pct') }} {%- endmacro %}

{# In a small shop 1 % of the invoices is one or two: what one customer orders again and again makes no pair. #}
{% macro fewest_invoices_together() -%} 5 {%- endmacro %}

{# Whether so many invoices are enough, for a product as for a pair. #}
{% macro is_frequent(invoices, all_invoices) -%}
    ({{ invoices }} >= {{ fewest_invoices_together() }}
    and 100 * {{ invoices }} >= {{ min_support_pct() }} * {{ all_invoices }})
{%- endmacro %}
