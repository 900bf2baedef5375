-- Grain: one source, that is, all files of one layout or mapping: what its habits mean, and
-- on what evidence. A letter before an order number means something only where the lines
-- behind it show it.
{{ config(meta={'increment': {
    'compared': ['source', 'profile', 'is_cancellation_prefix', 'is_adjustment_prefix', 'exact_duplicates'],
}}) }}
{%- set as_of = as_of_date() %}
with

lines as (

    select * from {{ ref('stg_transactions') }}
    where is_readable{% if as_of is not none %} and invoiced_at < {{ as_of }}{% endif %}

),

deliveries as (

    select * from {{ ref('stg_deliveries') }}

),

marked as (

    select
        source,
        load_id,
        signed_amount,
        quantity_units,
        customer_id,
        -- C536379 and A563185, but neither CA-2016-152156 nor the T-… of a plain transaction
        case
            when {{ begins_with_letter('invoice_no', 'C') }} then 'C'
            when {{ begins_with_letter('invoice_no', 'A') }} then 'A'
        end as letter
    from lines

),

evidence as (

    select
        source,
        count(*) as line_count,
        count(distinct load_id) as file_count,
        count(case when letter = 'C' then 1 end) as c_lines,
        count(case when letter = 'C' and (signed_amount < 0 or quantity_units < 0) then 1 end) as negative_c_lines,
        count(case when letter = 'A' then 1 end) as a_lines,
        count(case when letter = 'A' and customer_id is not null then 1 end) as identified_a_lines
    from marked
    group by source

),

set_profiles as (

    select
        source,
        max(set_profile) as set_profile,
        coalesce(max(case when is_export then 1 else 0 end) = 1, false) as is_export
    from deliveries
    group by source

),

judged as (

    select
        evidence.*,
        set_profiles.set_profile,
        set_profiles.is_export,
        coalesce(
            set_profiles.set_profile = 'uci',
            -- one slip of the pen among two hundred credit notes is no counter-evidence
            evidence.c_lines > 0 and evidence.negative_c_lines >= 0.995 * evidence.c_lines
        ) as is_cancellation_prefix
    from evidence
    left join set_profiles on evidence.source = set_profiles.source

),

worded as (

    select
        *,
        case
            when c_lines = 1 then 'the one line on a number that begins with C is negative'
            when negative_c_lines = c_lines
                then 'all ' || {{ grouped_number('c_lines') }} || ' lines on numbers that begin with C are negative'
            else {{ grouped_number('negative_c_lines') }} || ' of ' || {{ grouped_number('c_lines') }}
                || ' lines on numbers that begin with C are negative'
        end as c_evidence,
        case
            when a_lines = 0 then ''
            when identified_a_lines = 0
                then '; the ' || {{ grouped_number('a_lines') }} || ' on numbers that begin with A have no customer'
            else '; numbers that begin with A name customers and are sales'
        end as a_evidence
    from judged

),

final as (

    select
        source,
        case when is_cancellation_prefix then 'uci' else 'plain' end as profile,
        case
            when is_export then 'an export of a shop system, in which no letter means a return'
            when set_profile is not null then 'set under landing.sources'
            when is_cancellation_prefix then c_evidence || a_evidence
            when c_lines > 0
                then {{ grouped_number('c_lines - negative_c_lines') }} || ' of ' || {{ grouped_number('c_lines') }}
                    || ' lines on numbers that begin with C are not negative: no letter means a return'
            else 'no number begins with C: returns are told by their sign or by a word'
        end as evidence,
        is_cancellation_prefix,
        coalesce(set_profile = 'uci', is_cancellation_prefix and a_lines > 0 and identified_a_lines = 0)
            as is_adjustment_prefix,
        {%- if setting('exact_duplicates') == 'by_profile' %}
        case when is_cancellation_prefix then 'drop' else 'overlap' end as exact_duplicates,
        {%- else %}
        {{ quoted(setting('exact_duplicates')) }} as exact_duplicates,
        {%- endif %}
        cast(file_count as integer) as file_count,
        line_count
    from worded

)

select * from final
