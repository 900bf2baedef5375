{# What typing lost of a line of stg_transactions, and in which foreign currency it is (null of others). #}
{% set discount_lost = "contains(coalesce(unreadable_reason, ''), 'discount \"')" %}
{% set amount_lost = "(is_unit_price_lost or " ~ discount_lost ~ ")" %}
{% set lost = "(is_quantity_lost or is_invoice_date_lost or " ~ amount_lost ~ ")" %}
{% set foreign_currency %}
nullif(regexp_extract(unreadable_reason, 'the amount is in (.+), the shop counts in [A-Z]{3}$', 1), '')
{%- endset %}
