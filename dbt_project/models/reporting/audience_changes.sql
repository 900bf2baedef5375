-- Grain: one customer and method whose segment is not the one that was published before.
-- Who entered a segment: to_segment = it; who left it: from_segment = it.
{%- set methods = segment_methods() %}
{%- set known_methods = [] %}
{%- for method, label in methods.items() %}
{%- do known_methods.append('count(' ~ label ~ ') > 0 as had_' ~ method) %}
{%- endfor %}
with

segments_before as (

    select * from {{ source('previous', 'customer_segments') }}

),

segments_now as (

    select * from {{ ref('customer_360') }}

),

-- A method that nobody had a segment of then is new, and says nothing of who came and went;
-- before the first publication that holds of each.
publication_before as (

    select
        max(previous_publication_id) as previous_publication_id,
        max(previous_snapshot_date) as previous_snapshot_date,
        {{ known_methods | join(',\n        ') }}
    from segments_before

),

side_by_side as (

    select
        coalesce(segments_now.customer_id, segments_before.customer_id) as customer_id,
        {% for method, label in methods.items() -%}
        segments_before.{{ label }} as {{ method }}_before,
        segments_now.{{ label }} as {{ method }}_now,
        {% endfor -%}
        segments_now.monetary,
        segments_now.clv
    from segments_now
    full outer join segments_before on segments_now.customer_id = segments_before.customer_id

),

changes as (

    {% for method in methods -%}
    select
        side_by_side.customer_id,
        '{{ method }}' as method,
        side_by_side.{{ method }}_before as from_segment,
        side_by_side.{{ method }}_now as to_segment,
        side_by_side.monetary,
        side_by_side.clv,
        publication_before.previous_publication_id,
        publication_before.previous_snapshot_date
    from side_by_side
    cross join publication_before
    where
        publication_before.had_{{ method }}
        and side_by_side.{{ method }}_before is distinct from side_by_side.{{ method }}_now
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (

    select
        customer_id,
        method,
        from_segment,
        to_segment,
        case
            when from_segment is null then 'joined'
            when to_segment is null then 'gone'
            else 'moved'
        end as change,
        monetary,
        clv,
        previous_publication_id,
        previous_snapshot_date
    from changes

)

select * from final
