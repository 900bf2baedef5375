{{ config(meta={'dagster': {'ref': {'name': 'segment_playbooks'}}}) }}
-- Whoever has a segment, under whatever method, has a playbook and a draft for it.
with

members as (

    {% for method, label in segment_methods().items() -%}
    select distinct
        '{{ method }}' as method,
        {{ label }} as segment_name
    from {{ ref('customer_360') }}
    where {{ label }} is not null and recency_days is not null
    {{ "union all" if not loop.last }}
    {% endfor %}
)

select
    members.method,
    members.segment_name
from members
left join {{ ref('segment_playbooks') }} as playbooks
    on members.method = playbooks.method and members.segment_name = playbooks.segment_name
left join {{ ref('segment_emails') }} as emails
    on members.method = emails.method and members.segment_name = emails.segment_name
where playbooks.segment_name is null or emails.segment_name is null
