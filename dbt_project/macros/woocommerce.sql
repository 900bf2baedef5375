{#
    What WooCommerce's plug-ins share: the states of an order.

    Belongs here: what a state means, by its slug or its label. Does not belong here: what the columns of
    one plug-in mean (models/staging/exports).
#}

{# `refunded`, `not_a_sale` for orders that were not paid or not kept, else `sold`: shops add states of their own. #}
{% macro woocommerce_state(status) -%}
    case
        when lower(replace(replace(replace(trim({{ status }}), 'wc-', ''), '-', ' '), '_', ' ')) = 'refunded'
            then 'refunded'
        when lower(replace(replace(replace(trim({{ status }}), 'wc-', ''), '-', ' '), '_', ' ')) in (
                'cancelled', 'canceled', 'failed', 'pending', 'pending payment', 'on hold', 'checkout draft', 'draft', 'trash'
            )
            then 'not_a_sale'
        else 'sold'
    end
{%- endmacro %}
