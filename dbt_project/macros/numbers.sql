{#
    Numbers as shops write them. A value that does not fit becomes null; staging
    keeps the reason.

    The plain cast comes first because almost every value takes it; the patterns are
    tried only on what it refuses. A thousands mark counts only between groups of
    three digits: '1,5' in a file with decimal points is a doubtful value, not 15.
#}

{% macro money_type() -%} decimal(18, 4) {%- endmacro %}

{# Sums of money: room for a hundred million of the largest line amounts. #}
{% macro money_sum_type() -%} decimal(28, 4) {%- endmacro %}

{# An amount with at most one currency symbol, to four decimals. #}
{% macro money(column, decimal_mark) -%}
    {{ return(adapter.dispatch('money')(column, decimal_mark)) }}
{%- endmacro %}

{% macro duckdb__money(column, decimal_mark) -%}
    {{ duckdb__number(column, decimal_mark, money_type()) }}
{%- endmacro %}

{% macro default__money(column, decimal_mark) -%}
    {{ default__number(column, decimal_mark, money_type()) }}
{%- endmacro %}

{# A whole number that fits 32 bits; '6.0' is whole, '6.5' is not. #}
{% macro whole_number(column, decimal_mark) -%}
    {{ return(adapter.dispatch('whole_number')(column, decimal_mark)) }}
{%- endmacro %}

{% macro duckdb__whole_number(column, decimal_mark) -%}
    {%- set value = duckdb__number(column, decimal_mark, 'double') -%}
    case
        when abs({{ value }}) <= 2147483647 and {{ value }} = floor({{ value }})
            then cast({{ value }} as integer)
    end
{%- endmacro %}

{% macro default__whole_number(column, decimal_mark) -%}
    {%- set value = default__number(column, decimal_mark, 'double') -%}
    case
        when abs({{ value }}) <= 2147483647 and {{ value }} = floor({{ value }})
            then cast({{ value }} as integer)
    end
{%- endmacro %}

{% macro _number_pattern(group_marks, decimal_mark) -%}
    [-+]?[£$€¥₹]? ?[-+]?([0-9]{1,3}([{{ group_marks }}][0-9]{3})+|[0-9]+)([{{ decimal_mark }}][0-9]*)?( ?[£$€¥₹])?
{%- endmacro %}

{% macro duckdb__number(column, decimal_mark, type) -%}
    coalesce(
        case
            when {{ decimal_mark }} = '.' then try_cast({{ column }} as {{ type }})
            when not contains({{ column }}, '.') then try_cast(replace({{ column }}, ',', '.') as {{ type }})
        end,
        case
            when {{ decimal_mark }} = '.'
                and regexp_full_match(trim({{ column }}), '{{ _number_pattern(", '' ", ".") }}')
                then try_cast(regexp_replace({{ column }}, '[^-+0-9.]', '', 'g') as {{ type }})
            when {{ decimal_mark }} = ','
                and regexp_full_match(trim({{ column }}), '{{ _number_pattern(". '' ", ",") }}')
                then try_cast(replace(regexp_replace({{ column }}, '[^-+0-9,]', '', 'g'), ',', '.') as {{ type }})
        end
    )
{%- endmacro %}

{% macro default__number(column, decimal_mark, type) -%}
    coalesce(
        case
            when {{ decimal_mark }} = '.' then try_cast({{ column }} as {{ type }})
            when not contains({{ column }}, '.') then try_cast(replace({{ column }}, ',', '.') as {{ type }})
        end,
        case
            when {{ decimal_mark }} = '.'
                and trim({{ column }}) rlike '^{{ _number_pattern(", \\' ", ".") }}$'
                then try_cast(regexp_replace({{ column }}, '[^-+0-9.]', '') as {{ type }})
            when {{ decimal_mark }} = ','
                and trim({{ column }}) rlike '^{{ _number_pattern(". \\' ", ",") }}$'
                then try_cast(replace(regexp_replace({{ column }}, '[^-+0-9,]', ''), ',', '.') as {{ type }})
        end
    )
{%- endmacro %}
