{# Reasons that set aside more of the whole than reasons do. #}
{% set sentence %}
    reason || ': ' || {{ counted("line_count", "line") }} || ' (' || {{ percent("line_pct / 100") }} || ' of all), '
    || case
        when lines_without_amount = line_count then 'amounts unknown'
        else {{ amount("amount") }} || ' (' || {{ percent("coalesce(amount_pct, 0) / 100") }} || ' of the money)'
            || case when lines_without_amount > 0
                then ' and amounts unknown on ' || {{ number("lines_without_amount") }} else '' end
    end
    || coalesce(' (as text: ' || {{ shown("example_amount_text") }} || ')', '')
    || case when lost_customer_count > 0
        then ', all that ' || {{ counted("lost_customer_count", "customer") }} || ' bought' else '' end
    || ', e.g. ' || example_file_name || ' line ' || example_row_number
{% endset %}
select
    disposition, reason, line_count, amount, example_file_name as file_name,
    example_row_number as row_number, {{ sentence }} as told
from this_table
where disposition not in ('after_as_of', 'duplicate', 'summary')
    {# after_as_of is asked for, duplicates are told elsewhere, sums are no lines #}
    and case
        when disposition = 'not_a_sale'
            then greatest(line_pct, coalesce(amount_pct, 0), coalesce(lost_customer_pct, 0))
                > {{ 100 * status_share }}
        {# postage stands on every third line #}
        else line_pct > {{ 100 * reason_lines_share }} and disposition <> 'non_product' or coalesce(amount_pct, 0) > {{ 100 * reason_money_share }}
            or coalesce(lost_customer_pct, 0) > {{ 100 * reason_customers_share }}
    end
