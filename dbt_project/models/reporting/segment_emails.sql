-- Grain: one method and segment that has customers: a draft email, made by rule. What the
-- customer reads says nothing of the segment's figures; the note to the marketer does.
{%- set texts = ['subject', 'preheader', 'body', 'note_to_marketer'] %}
with

segments as (

    select * from {{ ref('segment_playbooks') }}

),

templates as (

    select * from {{ ref('segment_email_templates') }}

),

drafted as (

    select
        segments.*,
        known.segment_kind is not null as has_own_template,
        {{ template_columns(texts) }}
    from segments
    left join templates as known on lower(segments.segment_kind) = lower(known.segment_kind)
    left join templates as general on general.segment_kind = '{{ any_other_kind() }}'

),

worded as (

    select
        *,
        {{ placeholder_columns('our range') }}
    from drafted

),

filled as (

    select
        method,
        segment_name,
        segment_kind,
        has_own_template,
        customers,
        name_note,
        {{ filled_in_columns(texts) }}
    from worded

),

final as (

    select
        method,
        segment_name,
        segment_kind,
        has_own_template,
        customers,
        subject,
        preheader,
        body,
        coalesce(name_note || ' ', '') || note_to_marketer as note_to_marketer
    from filled

)

select * from final
