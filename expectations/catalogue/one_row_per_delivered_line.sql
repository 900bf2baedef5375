{# Sums of hashes compare the two sets of ids in one pass each; a join of a hundred million ids would not fit
   into memory. #}
select staged.lines as lines_in_staging, delivered.lines as lines_in_raw
from (
    select count(*) as lines, sum(hash(delivered_line_id)) as ids
    from this_table
    {# what a row tells beside itself has its number and the 32nd bit #}
    where {{ "delivered_line_id & 2147483648 = 0" if has_refunds else "true" }}
) as staged
cross join (select count(*) as lines, sum(hash(_line_id)) as ids from {{ source }}) as delivered
where staged.lines <> delivered.lines or staged.ids is distinct from delivered.ids
