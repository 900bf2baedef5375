{#
    What tills, marketplaces and spreadsheets write beside the value in one cell. Numbers
    themselves are read in numbers.sql.
#}

{#
    The currency that stands beside an amount, as its sign or as a code; null where the cell has
    none, or one that says too little. Signs that several currencies have stay as they are: which
    one is meant, currency_code decides.
#}
{% macro currency_of_amount(column) -%}
    {%- set sign -%}
        upper(translate({{ column }}, '0123456789.,-+()'' ' || chr(9) || chr(160) || chr(8201) || chr(8239) || chr(8722), ''))
    {%- endset -%}
    case
            -- most amounts are bare: nothing is beside what begins and ends with a digit
            when left({{ column }}, 1) between '0' and '9' and right({{ column }}, 1) between '0' and '9' then null
            when {{ is_one_of(sign, ['£', '$', '€', '¥', '₹', '₺', '₽', '₩', '₪', '฿', '₫', '₴', '₦']) }} then {{ sign }}
            when {{ is_one_of(sign, ['KR', 'KČ', 'ZŁ', 'FT', 'R$']) }} then {{ sign }}
            when {{ sign }} in ('AU$', 'A$') then 'AUD'
            when {{ sign }} in ('CA$', 'C$') then 'CAD'
            when {{ sign }} = 'US$' then 'USD'
            when {{ sign }} = 'NZ$' then 'NZD'
            when {{ sign }} = 'HK$' then 'HKD'
            when {{ sign }} = 'S$' then 'SGD'
            when {{ sign }} = 'MX$' then 'MXN'
            -- but a word of three letters is no amount
            when length({{ sign }}) = 3 and {{ sign }} <> upper({{ column }}) and {{ fits_pattern(sign, "'[A-Z]{3}'") }}
                then {{ sign }}
        end
{%- endmacro %}

{#
    An amount without the sign of a currency in front of it, or between it and its minus: what is
    left mostly takes the plain cast, which a million lines are through with in a second. The
    pattern that knows every way to write an amount needs ten, for each column.
#}
{% macro without_sign(column) -%}
    case
            when left({{ column }}, 1) in ('£', '$', '€', '¥') then substr({{ column }}, 2)
            when left({{ column }}, 2) in ('-£', '-$', '-€', '-¥') then '-' || substr({{ column }}, 3)
            else {{ column }}
        end
{%- endmacro %}

{# What stands in the parentheses at the end of a text: 'Ann A (annaxy12)' has annaxy12; null without any. #}
{% macro in_last_parentheses(text) -%}
    case
            when right({{ text }}, 1) = ')' and contains({{ text }}, '(')
                then {{ stripped("reverse(split_part(reverse(substr(" ~ text ~ ", 1, length(" ~ text ~ ") - 1)), '(', 1))") }}
        end
{%- endmacro %}

{# The name of a product with its variant in parentheses, of which either may be missing. #}
{% macro name_with_variant(name, variant) -%}
    coalesce({{ name }} || ' (' || {{ variant }} || ')', {{ name }}, {{ variant }})
{%- endmacro %}
