{# Latest deliveries of files that still lie in landing: a bad file that was taken away is nobody's
   worry any more. A problem may end in lines to type. #}
select
    file_name,
    load_id,
    split_part(problem, chr(10), 1) as problem,
    case when starts_with(problem, file_name) then '' else file_name || ': ' end
    || rtrim(split_part(problem, chr(10), 1), ':. ') as told,
    nullif(substr(problem, length(split_part(problem, chr(10), 1)) + 2), '') as advice
from quality.load_ledger as delivery
where status = 'rejected' and superseded_by is null and is_in_landing
    and not exists (
        select 1 from quality.load_ledger as later
        where later.file_name = delivery.file_name and later.load_id > delivery.load_id
    )
