-- How many there are and what they bring is for the shop, not for the customer: besides the
-- category, a placeholder in the part of a template that customers read is a mistake.
with

texts as (

    select
        segment_kind,
        replace(
            coalesce(subject, '') || coalesce(preheader, '') || coalesce(body, ''), '{top_category}', ''
        ) as text
    from {{ ref('segment_email_templates') }}

)

select * from texts
where text <> replace(text, '{', '')
