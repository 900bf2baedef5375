{# Date arithmetic whose spelling differs between engines. Timestamps are UTC without zone. #}

{# Calendar days from one date to a later one. #}
{% macro date_diff_days(earlier, later) -%}
    {{ return(adapter.dispatch('date_diff_days')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__date_diff_days(earlier, later) -%}
    date_diff('day', cast({{ earlier }} as date), cast({{ later }} as date))
{%- endmacro %}

{% macro default__date_diff_days(earlier, later) -%}
    datediff(cast({{ later }} as date), cast({{ earlier }} as date))
{%- endmacro %}

{# Whole periods of 24 hours from one time to a later one. #}
{% macro elapsed_days(earlier, later) -%}
    {{ return(adapter.dispatch('elapsed_days')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__elapsed_days(earlier, later) -%}
    date_sub('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro default__elapsed_days(earlier, later) -%}
    timestampdiff(day, {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro days_after(value, days) -%}
    {{ return(adapter.dispatch('days_after')(value, days)) }}
{%- endmacro %}

{% macro duckdb__days_after(value, days) -%}
    ({{ value }} + interval ({{ days }}) day)
{%- endmacro %}

{% macro default__days_after(value, days) -%}
    ({{ value }} + interval {{ days }} day)
{%- endmacro %}

{# The first day of a date's month. #}
{% macro month_start(value) -%}
    cast(date_trunc('month', {{ value }}) as date)
{%- endmacro %}

{# The Monday of a date's ISO week. #}
{% macro week_start(value) -%}
    cast(date_trunc('week', {{ value }}) as date)
{%- endmacro %}

{# 1 = Monday … 7 = Sunday. #}
{% macro iso_weekday(value) -%}
    {{ return(adapter.dispatch('iso_weekday')(value)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(value) -%}
    cast(isodow({{ value }}) as integer)
{%- endmacro %}

{% macro default__iso_weekday(value) -%}
    weekday({{ value }}) + 1
{%- endmacro %}

{# ISO 8601 week and the year it belongs to, as 2011-W05. #}
{% macro iso_week(value) -%}
    {{ return(adapter.dispatch('iso_week')(value)) }}
{%- endmacro %}

{% macro duckdb__iso_week(value) -%}
    strftime({{ value }}, '%G-W%V')
{%- endmacro %}

{% macro default__iso_week(value) -%}
    concat(extract(yearofweek from {{ value }}), '-W', lpad(cast(weekofyear({{ value }}) as string), 2, '0'))
{%- endmacro %}

{# One row a day, first to last inclusive; no row when they are null. #}
{% macro every_day(first_date, last_date, source) -%}
    {{ return(adapter.dispatch('every_day')(first_date, last_date, source)) }}
{%- endmacro %}

{% macro duckdb__every_day(first_date, last_date, source) -%}
    select cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date) as date
    from {{ source }}
{%- endmacro %}

{% macro default__every_day(first_date, last_date, source) -%}
    select explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day)) as date
    from {{ source }}
{%- endmacro %}

{# The first day of the month that lies some months after a month's first day. #}
{% macro months_after(month_start, months) -%}
    {{ return(adapter.dispatch('months_after')(month_start, months)) }}
{%- endmacro %}

{% macro duckdb__months_after(month_start, months) -%}
    cast({{ month_start }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{% macro default__months_after(month_start, months) -%}
    cast(add_months({{ month_start }}, {{ months }}) as date)
{%- endmacro %}

{# Months from one month's first day to a later one's. #}
{% macro date_diff_months(earlier, later) -%}
    {{ return(adapter.dispatch('date_diff_months')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__date_diff_months(earlier, later) -%}
    cast(date_diff('month', {{ earlier }}, {{ later }}) as integer)
{%- endmacro %}

{% macro default__date_diff_months(earlier, later) -%}
    cast(months_between({{ later }}, {{ earlier }}) as integer)
{%- endmacro %}

{# The first day of every month, from one to another inclusive; no row when they are null. #}
{% macro every_month(first_month, last_month, source) -%}
    {{ return(adapter.dispatch('every_month')(first_month, last_month, source)) }}
{%- endmacro %}

{% macro duckdb__every_month(first_month, last_month, source) -%}
    select cast(unnest(generate_series({{ first_month }}, {{ last_month }}, interval 1 month)) as date) as month_start
    from {{ source }}
{%- endmacro %}

{% macro default__every_month(first_month, last_month, source) -%}
    select explode(sequence({{ first_month }}, {{ last_month }}, interval 1 month)) as month_start
    from {{ source }}
{%- endmacro %}

{#
    Whether the history covers the whole of a period: it began no later than the period, and the period ended before
    the snapshot, and before a last day that is not over. `history` is int_snapshot. The one home of `is_complete_day`, `is_complete_week`, `is_complete_month`.
#}
{% macro is_complete_period(period_start, next_period_start, history='snapshot') -%}
    ({{ period_start }} >= {{ history }}.first_date and {{ next_period_start }} <= coalesce({{ history }}.unfinished_date, {{ history }}.snapshot_date))
{%- endmacro %}

{# Minutes since midnight. #}
{% macro minute_of_day(value) -%}
    (extract(hour from {{ value }}) * 60 + extract(minute from {{ value }}))
{%- endmacro %}

{# Days with lines that a last day is compared with to tell whether it is over. #}
{% macro days_to_compare_the_last_with() -%} 28 {%- endmacro %}

{% macro hours_after(value, hours) -%}
    ({{ value }} + interval {{ hours }} hour)
{%- endmacro %}
