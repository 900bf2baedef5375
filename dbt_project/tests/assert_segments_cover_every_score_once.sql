{{ config(meta={'dagster': {'ref': {'name': 'rfm_segments'}}}) }}
-- 5 × 5 × 5 score triples, each with one segment, and the 11 segments by their names.
with

scores as (

    {% for score in range(1, 6) -%}
    select {{ score }} as score
    {{ "union all" if not loop.last }}
    {% endfor %}

),

triples as (

    select
        r.score as r_score,
        f.score as f_score,
        m.score as m_score
    from scores as r
    cross join scores as f
    cross join scores as m

),

segments as (

    select
        r_score,
        f_score,
        m_score,
        count(*) as segment_count,
        count(
            case
                when rfm_segment in (
                        'Champions', 'Loyal', 'Potential Loyalist', 'New', 'Promising', 'Need Attention',
                        'About To Sleep', 'At Risk', 'Can''t Lose', 'Hibernating', 'Lost'
                    ) then 1
            end
        ) as known_count
    from {{ ref('rfm_segments') }}
    group by r_score, f_score, m_score

)

select
    coalesce(triples.r_score, segments.r_score) as r_score,
    coalesce(triples.f_score, segments.f_score) as f_score,
    coalesce(triples.m_score, segments.m_score) as m_score,
    segments.segment_count
from triples
full outer join segments
    on triples.r_score = segments.r_score
        and triples.f_score = segments.f_score
        and triples.m_score = segments.m_score
where
    triples.r_score is null
    or segments.segment_count is distinct from 1
    or segments.known_count is distinct from 1
