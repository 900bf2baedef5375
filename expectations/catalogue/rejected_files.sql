{# A problem may end in lines to type. #}
select
    file_name,
    load_id,
    split_part(problem, chr(10), 1) as problem,
    case when starts_with(problem, file_name) then '' else file_name || ': ' end
    || rtrim(split_part(problem, chr(10), 1), ':. ') as told,
    nullif(substr(problem, length(split_part(problem, chr(10), 1)) + 2), '') as advice
from ({{ missing_files }}) as missing
where status = 'rejected'
