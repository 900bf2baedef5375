{#
    Text helpers whose spelling differs between engines. `duckdb__` is what runs
    today; `default__` is ANSI or Spark SQL.
#}

{# Trimmed text; blank becomes null. #}
{% macro blank_to_null(column) -%}
    nullif(trim({{ column }}), '')
{%- endmacro %}

{# Trimmed text; blank and the words that data frames write for "nothing" become null. #}
{% macro missing_to_null(column) -%}
    case when lower(trim({{ column }})) in ('', 'nan', 'null', 'none') then null else trim({{ column }}) end
{%- endmacro %}

{#
    An identifier as text. Spreadsheets write 17850.0 where a blank made the column
    a float; letters and leading zeros stay.
#}
{% macro identifier(column) -%}
    {{ return(adapter.dispatch('identifier')(column)) }}
{%- endmacro %}

{% macro duckdb__identifier(column) -%}
    regexp_replace({{ missing_to_null(column) }}, '^([0-9]+)[.,]0+$', '\1')
{%- endmacro %}

{% macro default__identifier(column) -%}
    regexp_replace({{ missing_to_null(column) }}, '^([0-9]+)[.,]0+$', '$1')
{%- endmacro %}

{% macro starts_with(text, prefix) -%}
    {{ return(adapter.dispatch('starts_with')(text, prefix)) }}
{%- endmacro %}

{% macro duckdb__starts_with(text, prefix) -%}
    starts_with({{ text }}, {{ prefix }})
{%- endmacro %}

{% macro default__starts_with(text, prefix) -%}
    startswith({{ text }}, {{ prefix }})
{%- endmacro %}

{# True where the whole text fits the regular expression. #}
{% macro fits_pattern(text, pattern) -%}
    {{ return(adapter.dispatch('fits_pattern')(text, pattern)) }}
{%- endmacro %}

{% macro duckdb__fits_pattern(text, pattern) -%}
    regexp_full_match({{ text }}, {{ pattern }})
{%- endmacro %}

{% macro default__fits_pattern(text, pattern) -%}
    ({{ text }} rlike concat('^(', {{ pattern }}, ')$'))
{%- endmacro %}

{#
    A 128-bit key of some values, equal wherever and whenever it is computed. Nulls
    differ from empty text, and ('ab', 'c') differs from ('a', 'bc').
#}
{% macro surrogate_key(columns) -%}
    {{ return(adapter.dispatch('surrogate_key')(columns)) }}
{%- endmacro %}

{% macro _joined(columns) -%}
    {%- for column in columns -%}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), chr(30)){{ " || chr(31) || " if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{% macro duckdb__surrogate_key(columns) -%}
    cast(md5({{ _joined(columns) }}) as uuid)
{%- endmacro %}

{% macro default__surrogate_key(columns) -%}
    md5({{ _joined(columns) }})
{%- endmacro %}

{# 64 bits of the same as text, for synthesised numbers that people see. #}
{% macro short_hash(columns) -%}
    substr(md5({{ _joined(columns) }}), 1, 16)
{%- endmacro %}

{# At most `length` characters, with … where something was cut off. #}
{% macro shortened(text, length) -%}
    case
        when length({{ text }}) > {{ length }} then substr({{ text }}, 1, {{ length - 1 }}) || '…'
        else {{ text }}
    end
{%- endmacro %}

{# The words of a text in capitals, one space between them: letters and digits alone make words. #}
{% macro words_of(text) -%}
    {{ return(adapter.dispatch('words_of')(text)) }}
{%- endmacro %}

{% macro duckdb__words_of(text) -%}
    trim(regexp_replace(upper({{ text }}), '[^\p{L}\p{N}]+', ' ', 'g'))
{%- endmacro %}

{% macro default__words_of(text) -%}
    trim(regexp_replace(upper({{ text }}), '[^\\p{L}\\p{N}]+', ' '))
{%- endmacro %}

{# One of the words that `words_of` made, counted from 1; empty beyond the last. #}
{% macro nth_word(words, place) -%}
    split_part({{ words }}, ' ', {{ place }})
{%- endmacro %}
