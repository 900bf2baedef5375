{#
    Numbers as shops write them. A value that does not fit becomes null; staging
    keeps the reason.

    The plain cast comes first because almost every value takes it; the patterns are
    tried only on what it refuses. A thousands mark counts only between groups of
    digits: '1,5' in a column with decimal points is a doubtful value, not 15. Neither
    does an underscore group anything, although the cast of some engines takes one.
#}

{% macro money_type() -%} decimal(18, 4) {%- endmacro %}

{# Sums of money: room for a hundred million of the largest line amounts. #}
{% macro money_sum_type() -%} decimal(28, 4) {%- endmacro %}

{# Units of one line: goods sold by weight have three decimals. #}
{% macro units_type() -%} decimal(18, 3) {%- endmacro %}

{% macro units_sum_type() -%} decimal(28, 3) {%- endmacro %}

{#
    An amount to four decimals: a currency before or behind it, a minus before, behind or as
    parentheses, thousands marks, per cent as a share.
#}
{% macro money(column, decimal_mark) -%}
    {{ number(column, decimal_mark, money_type()) }}
{%- endmacro %}

{# Units to three decimals; how many there may be is for its reader to say. #}
{% macro units(column, decimal_mark) -%}
    {{ number(column, decimal_mark, units_type()) }}
{%- endmacro %}

{# A column that a file does not have costs nothing: no pattern is tried on its nulls. #}
{% macro number(column, decimal_mark, type) -%}
    case
        when {{ column }} is not null then {{ adapter.dispatch('number')(column, decimal_mark, type) }}
    end
{%- endmacro %}

{#
    Signs and codes that stand before or behind an amount. Codes are named one by one: SKU123 in
    the wrong column is no amount of a currency SKU.
#}
{% macro _currency_pattern() -%}
    (?:[£$€¥₹₽₺₩₪฿₫₴₦]|(?:A|AU|C|CA|NZ|US|HK|S|R|MX) ?[$]
    {{- '|(?i:GBP|EUR|USD|CHF|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|TRY|UAH|RSD|CAD|AUD|NZD|SGD|HKD|JPY|CNY|KRW|INR|THB|MYR|IDR'
        ~ '|PHP|VND|BRL|MXN|ARS|CLP|COP|PEN|ZAR|NGN|KES|EGP|MAD|AED|SAR|ILS)|(?i:kr|Rs|Fr)[.,]?|Kč|zł|Ft|lei|R)' }}
{%- endmacro %}

{#
    The whole of an amount with a decimal point, its digits and marks being the one group. A
    group of thousands begins with no zero: 0,125 is an eighth, written with the other mark. The
    minus and the parentheses around the digits are looked for in the whole.
#}
{% macro _number_pattern(apostrophe) -%}
    ^[(]? ?[-+]? ?{{ _currency_pattern() }}? ?[(]? ?[-+]? ?
    {{- "((?:[1-9][0-9]{0,2}(?:[, " ~ apostrophe ~ "][0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}|[0-9]+)(?:[.][0-9]*)?|[.][0-9]+)" }}
    {{- ' ?%? ?' }}{{ _currency_pattern() }}{{ '? ?-? ?[)]?$' }}
{%- endmacro %}

{#
    One kind of blank, of apostrophe and of minus, as exports write many; and a decimal point,
    whichever mark the column has, so that one pattern serves both.
#}
{% macro _folded_number(column, decimal_mark) -%}
    trim(translate(
                case
                    when {{ decimal_mark }} = ',' then translate({{ column }}, '.,', ',.')
                    else {{ column }}
                end,
                '{{ "\u00a0\u202f\u2009\u2007\t’‘´−–﹣－" }}',
                '     ''''''----'
            ))
{%- endmacro %}

{#
    A text that no plain cast takes: its digits by the group of the pattern, the one sign or pair of
    parentheses around them, per cent. Null where it does not fit as a whole.
#}
{% macro _unfolded_number(column, signs, digits, type) -%}
    try_cast(
            case {{ signs }} when '' then '' when '+' then '' when '-' then '-' when '()' then '-' end
            || translate({{ digits }}, ', ''', '')
            || case when contains({{ column }}, '%') then 'e-2' else '' end
            as {{ type }}
        )
{%- endmacro %}

{% macro _plain_number(column, decimal_mark, type) -%}
    case
            when contains({{ column }}, '_') then null
            when {{ decimal_mark }} = '.' then try_cast({{ column }} as {{ type }})
            when not contains({{ column }}, '.') then try_cast(replace({{ column }}, ',', '.') as {{ type }})
        end
{%- endmacro %}

{% macro duckdb__number(column, decimal_mark, type) -%}
    {%- set folded = _folded_number(column, decimal_mark) -%}
    {%- set signs = "regexp_replace(" ~ folded ~ ", '[^-+()]', '', 'g')" -%}
    {%- set digits = "regexp_extract(" ~ folded ~ ", '" ~ _number_pattern("''") ~ "', 1)" -%}
    coalesce(
        {{ _plain_number(column, decimal_mark, type) }},
        {{ _unfolded_number(column, signs, digits, type) }}
    )
{%- endmacro %}

{% macro default__number(column, decimal_mark, type) -%}
    {%- set folded = _folded_number(column, decimal_mark) -%}
    {%- set signs = "regexp_replace(" ~ folded ~ ", '[^-+()]', '')" -%}
    {%- set digits = "regexp_extract(" ~ folded ~ ", '" ~ _number_pattern("\\'") ~ "', 1)" -%}
    coalesce(
        -- Spark's cast knows the digits of every script
        case when octet_length({{ column }}) = length({{ column }}) then {{ _plain_number(column, decimal_mark, type) }} end,
        {{ _unfolded_number(column, signs, digits, type) }}
    )
{%- endmacro %}

{# A number as an amount; null beyond 14 digits. #}
{% macro as_money(value) -%}
    try_cast({{ value }} as {{ money_type() }})
{%- endmacro %}

{#
    A quotient as an amount, half a unit of the last decimal away from zero; null beyond 14 digits where it may be.
#}
{% macro quotient_as_money(value, may_be_beyond=false) -%}
    {{ return(adapter.dispatch('quotient_as_money')(value, 'try_cast' if may_be_beyond else 'cast')) }}
{%- endmacro %}

{% macro duckdb__quotient_as_money(value, cast) -%}
    {{ cast }}({{ value }} as {{ money_type() }})
{%- endmacro %}

{# As DuckDB does it: what is half a unit is asked of the number times 10,000, not of its shortest decimal form. #}
{% macro default__quotient_as_money(value, cast) -%}
    {{ cast }}({{ cast }}(round(10000D * ({{ value | replace(' / ', ' * 1D / ') }})) as decimal(38, 0)) * 0.0001 as {{ money_type() }})
{%- endmacro %}

{#
    A product of two decimals, neither negative, as an amount; null beyond 14 digits. Engines multiply in 64 bits
    as long as both factors have 18 digits, and stop where that overflows.
#}
{% macro exact_product(one, other) -%}
    case
                when {{ one }} < 100000 and {{ other }} < 100000
                    then cast({{ one }} * {{ other }} as {{ money_type() }})
                else {{ as_money('cast(' ~ one ~ ' as decimal(24, 4)) * ' ~ other) }}
            end
{%- endmacro %}

{# Whether one of several numbers has a minus, however it is written. #}
{% macro has_minus(columns) -%}
    contains(translate(concat_ws('', {{ columns | join(', ') }}), '{{ "\u2212\u2013(" }}', '---'), '-')
{%- endmacro %}

{# The ISO 4217 code of a currency; a sign that several have is the shop's own where that is one of them. #}
{% macro currency_code(text) -%}
    {%- set own = setting('currency') -%}
    {%- set signs = {
        '£': ['GBP', 'EGP'],
        '€': ['EUR'],
        '$': ['USD', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD', 'MXN', 'ARS', 'CLP', 'COP'],
        '¥': ['JPY', 'CNY'],
        '₹': ['INR'],
        '₺': ['TRY'],
        '₽': ['RUB'],
        '₩': ['KRW'],
        '₪': ['ILS'],
        '฿': ['THB'],
        '₫': ['VND'],
        '₴': ['UAH'],
        '₦': ['NGN'],
        'KR': ['SEK', 'NOK', 'DKK', 'ISK'],
        'KR.': ['DKK', 'SEK', 'NOK', 'ISK'],
        'ZŁ': ['PLN'],
        'KČ': ['CZK'],
        'FT': ['HUF'],
        'R$': ['BRL'],
        'EURO': ['EUR'],
        'EUROS': ['EUR'],
        'POUND': ['GBP'],
        'POUNDS': ['GBP'],
        'POUND STERLING': ['GBP'],
        'DOLLAR': ['USD', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD'],
        'DOLLARS': ['USD', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD'],
    } -%}
    case {{ text }}
        {%- for sign, codes in signs.items() %}
            when {{ quoted(sign) }} then {{ quoted(own if own in codes else codes[0]) }}
        {%- endfor %}
            else {{ text }}
        end
{%- endmacro %}
