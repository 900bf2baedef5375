{{ config(meta={'dagster': {'ref': {'name': 'segment_emails'}}}) }}
-- A brace that is left is a placeholder that nobody filled: a typo in a seed, which a
-- customer would read.
with

texts as (

    select
        'segment_playbooks' as model,
        method,
        segment_name,
        summary || who || signals || goal || strategy || channel || offer || measure || measure_how as text
    from {{ ref('segment_playbooks') }}
    union all
    select
        'segment_emails' as model,
        method,
        segment_name,
        subject || preheader || body || note_to_marketer as text
    from {{ ref('segment_emails') }}

)

select * from texts
where text is null or text <> replace(replace(text, '{', ''), '}', '')
