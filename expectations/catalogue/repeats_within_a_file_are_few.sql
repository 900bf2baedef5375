{# Equal lines of one file are taken for slips; where they are many they are sales. #}
with dropping as (
    select source, line_count from marts.source_profiles where exact_duplicates = 'drop'
),
repeats as (
    select
        staged.source,
        staged.load_id,
        staged.content_key,
        count(*) - 1 as repeats,
        sum(staged.signed_amount) * (count(*) - 1) / count(*) as amount,
        min(staged.file_name) as file_name,
        max(staged.row_number) as row_number
    from staging.stg_transactions as staged
    where staged.content_key in (
        select staged.content_key
        from intermediate.int_line_dispositions as lines
        inner join staging.stg_transactions as staged on lines.delivered_line_id = staged.delivered_line_id
        where lines.rule = 'repeated_line'
    )
    group by staged.source, staged.load_id, staged.content_key
    having count(*) > 1
)
select
    dropping.source,
    sum(repeats.repeats) as lines,
    dropping.source || ': ' || {{ counted("sum(repeats.repeats)", "line") }} || ' ('
    || {{ percent("sum(repeats.repeats) / any_value(dropping.line_count)") }} || ') with '
    || {{ amount("sum(repeats.amount)") }} || ', e.g. ' || min(repeats.file_name) || ' line '
    || arg_min(repeats.row_number, repeats.file_name) as told,
    '[cleaning]' || chr(10) || 'exact_duplicates = "overlap"' as advice
from dropping
inner join repeats on dropping.source = repeats.source
group by dropping.source
having sum(repeats.repeats) > {{ repeats_share }} * any_value(dropping.line_count)
