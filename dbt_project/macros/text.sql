{#
    Text helpers whose spelling differs between engines. `duckdb__` is what runs
    today; `default__` is ANSI or Spark SQL.
#}

{# Trimmed text; blank becomes null. #}
{% macro blank_to_null(column) -%}
    nullif({{ trimmed(column) }}, '')
{%- endmacro %}

{# Text without spaces around it, those of other widths included; tabs and line ends stay. #}
{% macro trimmed(text) -%}
    {{ return(adapter.dispatch('trimmed')(text)) }}
{%- endmacro %}

{% macro duckdb__trimmed(text) -%}
    trim({{ text }})
{%- endmacro %}

{% macro default__trimmed(text) -%}
    trim(both ' \u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u202F\u205F\u3000' from {{ text }})
{%- endmacro %}

{# Text without blanks of any kind around it: spaces, tabs, line ends, no-break and zero-width blanks. #}
{% macro stripped(column) -%}
    {{ return(adapter.dispatch('stripped')(column)) }}
{%- endmacro %}

{% macro duckdb__stripped(column) -%}
    nullif(trim({{ column }}, '{{ " \t\n\r\u00a0\u200b\u202f\ufeff" }}'), '')
{%- endmacro %}

{% macro default__stripped(column) -%}
    nullif(trim(both concat(' ', chr(9), chr(10), chr(13), chr(160), '\u200B\u202F\uFEFF') from {{ column }}), '')
{%- endmacro %}

{# In capitals, one letter for one letter: some engines make SS of ß, which would be another code. #}
{% macro capitals(text) -%}
    {{ return(adapter.dispatch('capitals')(text)) }}
{%- endmacro %}

{% macro duckdb__capitals(text) -%}
    upper({{ text }})
{%- endmacro %}

{% macro default__capitals(text) -%}
    upper(translate({{ text }}, 'ß', 'ẞ'))
{%- endmacro %}

{# What is left of a word when case, blanks and punctuation don't count. #}
{% macro folded_word(column) -%}
    {{ return(adapter.dispatch('folded_word')(column)) }}
{%- endmacro %}

{% macro duckdb__folded_word(column) -%}
    lower(regexp_replace({{ column }}, '[^\p{L}\p{N}]+', '', 'g'))
{%- endmacro %}

{% macro default__folded_word(column) -%}
    lower(regexp_replace({{ column }}, '[^\\p{L}\\p{N}]+', ''))
{%- endmacro %}

{#
    Whether a spreadsheet has shortened a number: 7.12346E+12 stands for ten thousands of
    numbers, and nothing tells which. In cases, here and below, because engines evaluate both
    sides of an `and` for every row, and a pattern costs ten times a search for one character.
#}
{% macro is_shortened_number(column) -%}
    case
        when contains({{ column }}, '+')
            then {{ fits_pattern('upper(' ~ column ~ ')', "'[0-9]([.,][0-9]+)?E[+][0-9]{1,3}'") }}
        else false
    end
{%- endmacro %}

{# A code as text, without the .0 of spreadsheets that made a column of floats of it. #}
{% macro code(column) -%}
    case
        when right({{ column }}, 1) = '0'
            then case
                when contains({{ column }}, '.') or contains({{ column }}, ',')
                    then {{ without_float_zeros(column) }}
                else {{ column }}
            end
        else {{ column }}
    end
{%- endmacro %}

{% macro without_float_zeros(column) -%}
    {{ return(adapter.dispatch('without_float_zeros')(column)) }}
{%- endmacro %}

{% macro duckdb__without_float_zeros(column) -%}
    regexp_replace({{ column }}, '^([0-9]+)[.,]0+$', '\1')
{%- endmacro %}

{% macro default__without_float_zeros(column) -%}
    regexp_replace({{ column }}, '^([0-9]+)[.,]0+$', '$1')
{%- endmacro %}

{# Trimmed text; blank and the words that data frames write for "nothing" become null. #}
{% macro missing_to_null(column) -%}
    case
        when lower({{ stripped(column) }}) in ('nan', 'null', 'none') then null
        else {{ stripped(column) }}
    end
{%- endmacro %}

{#
    A customer's key: ids are equal whatever their case, the blanks around them, a .0 that a
    spreadsheet added or the commas with which it grouped them. Letters and leading zeros stay.
#}
{% macro identifier(column) -%}
    {{ return(adapter.dispatch('identifier')(column)) }}
{%- endmacro %}

{% macro duckdb__identifier(column) -%}
    case
        when regexp_full_match({{ column }}, '[0-9]{1,3}(,[0-9]{3})+') then replace({{ column }}, ',', '')
        else lower({{ without_float_zeros(column) }})
    end
{%- endmacro %}

{% macro default__identifier(column) -%}
    case
        when {{ column }} rlike '^[0-9]{1,3}(,[0-9]{3})+$' then replace({{ column }}, ',', '')
        else lower({{ without_float_zeros(column) }})
    end
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
    ({{ text }} rlike concat('^(', {{ pattern }}, ')\\z'))
{%- endmacro %}

{#
    A 128-bit key of some values, equal wherever and whenever it is computed. Nulls
    differ from empty text, and ('ab', 'c') differs from ('a', 'bc').
#}
{% macro surrogate_key(columns) -%}
    {{ return(adapter.dispatch('surrogate_key')(columns)) }}
{%- endmacro %}

{# One call, not a chain of ||, which copies the text once for each column. #}
{% macro _joined(columns) -%}
    concat(
        {%- for column in columns -%}
        coalesce(cast({{ column }} as {{ dbt.type_string() }}), chr(30)){{ ", chr(31), " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# As a number: to write the digest out as text and read that again takes half as long as to make it. #}
{% macro duckdb__surrogate_key(columns) -%}
    cast(md5_number({{ _joined(columns) }}) as uuid)
{%- endmacro %}

{# The same as text: that number has the digest's bytes from the last to the first. #}
{% macro default__surrogate_key(columns) -%}
    regexp_replace(
        md5({{ _joined(columns) }}),
        '^{{ '(..)' * 16 }}$',
        '$16$15$14$13-$12$11-$10$9-$8$7-$6$5$4$3$2$1'
    )
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
    trim(regexp_replace({{ capitals(text) }}, '[^\\p{L}\\p{N}]+', ' '))
{%- endmacro %}

{# One of the words that `words_of` made, counted from 1; empty beyond the last. #}
{% macro nth_word(words, place) -%}
    split_part({{ words }}, ' ', {{ place }})
{%- endmacro %}

{# The product of a line that names none. #}
{% macro no_product() -%} '(NONE)' {%- endmacro %}

{# All values of a column as one list. #}
{% macro collected(column) -%}
    {{ return(adapter.dispatch('collected')(column)) }}
{%- endmacro %}

{% macro duckdb__collected(column) -%}
    list({{ column }})
{%- endmacro %}

{% macro default__collected(column) -%}
    collect_list({{ column }})
{%- endmacro %}

{% macro list_holds(list, value) -%}
    {{ return(adapter.dispatch('list_holds')(list, value)) }}
{%- endmacro %}

{% macro duckdb__list_holds(list, value) -%}
    list_contains({{ list }}, {{ value }})
{%- endmacro %}

{% macro default__list_holds(list, value) -%}
    array_contains({{ list }}, {{ value }})
{%- endmacro %}

{#
    Whether text is one of several words, of which no character but $ means anything in a pattern. DuckDB answers a long IN, and
    list_contains, by a join with every row, those included that a branch of CASE never asks about.
#}
{% macro is_one_of(text, words) -%}
    {{ fits_pattern(text, "'" ~ words | join('|') | replace('$', '[$]') ~ "'") }}
{%- endmacro %}

{# Equal, or both null. #}
{% macro same_or_both_null(one, other) -%}
    {{ return(adapter.dispatch('same_or_both_null')(one, other)) }}
{%- endmacro %}

{% macro duckdb__same_or_both_null(one, other) -%}
    {{ one }} is not distinct from {{ other }}
{%- endmacro %}

{% macro default__same_or_both_null(one, other) -%}
    {{ one }} <=> {{ other }}
{%- endmacro %}

{# Whether a number is one letter and digits behind it, as in C536379. #}
{% macro begins_with_letter(number, letter) -%}
    case
        when {{ starts_with(number, "'" ~ letter ~ "'") }}
            then {{ fits_pattern('substr(' ~ number ~ ', 2)', "'[0-9]+[A-Z]?'") }}
        else false
    end
{%- endmacro %}

{# A reason without the values it quotes, so that lines of one kind share it. #}
{% macro without_values(reason) -%}
    {{ return(adapter.dispatch('without_values')(reason)) }}
{%- endmacro %}

{% macro duckdb__without_values(reason) -%}
    regexp_replace(
        regexp_replace({{ reason }}, '"[^"]*"', '"…"', 'g'),
        '(line|date) [0-9][-0-9]*', '\1 …', 'g'
    )
{%- endmacro %}

{% macro default__without_values(reason) -%}
    regexp_replace(
        regexp_replace({{ reason }}, '"[^"]*"', '"…"'),
        '(line|date) [0-9][-0-9]*', '$1 …'
    )
{%- endmacro %}

{# The value beside the smallest of two keys, the first key first. #}
{% macro value_at_least(value, first_key, second_key) -%}
    {{ return(adapter.dispatch('value_at_least')(value, first_key, second_key)) }}
{%- endmacro %}

{% macro duckdb__value_at_least(value, first_key, second_key) -%}
    arg_min({{ value }}, struct_pack(first_key := {{ first_key }}, second_key := {{ second_key }}))
{%- endmacro %}

{% macro default__value_at_least(value, first_key, second_key) -%}
    min_by({{ value }}, struct({{ first_key }}, {{ second_key }}))
{%- endmacro %}
