{# Bounds by which marts.dim_dates calls a day without a sale closed, rather than one on which nobody came. #}

{# Where five orders a day are usual, chance leaves one day in 150 without any (Poisson: exp(-5) = 0.7 %). #}
{% macro orders_of_a_busy_day() -%} 5 {%- endmacro %}

{# Of a weekday that came three times or less nobody knows whether the shop opens on it. #}
{% macro fewest_days_of_a_weekday() -%} 4 {%- endmacro %}

{# A shop that is closed on Sundays opens on two or three before Christmas, which are fewer than a tenth. #}
{% macro share_of_a_closed_weekday() -%} 0.1 {%- endmacro %}
