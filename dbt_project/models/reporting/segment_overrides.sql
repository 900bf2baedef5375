-- Grain: one row per delivered override; at most one of a customer's is active.
with

delivered as (

    select * from {{ ref('stg_segment_overrides') }}

),

snapshot_day as (

    select snapshot_date from {{ ref('int_snapshot') }}

),

customers as (

    select customer_id from {{ ref('dim_customers') }}

),

-- who is put elsewhere by hand goes where there is a playbook
known_segments as (

    select
        min(rfm_segment) as segment_name,
        {{ words_of('rfm_segment') }} as words
    from {{ ref('rfm_segments') }}
    group by {{ words_of('rfm_segment') }}

),

judged as (

    select
        delivered.*,
        customers.customer_id as known_customer_id,
        known_segments.segment_name as known_segment_name,
        case
            when not delivered.is_readable then 'unreadable'
            when customers.customer_id is null then 'unknown_customer'
            when known_segments.segment_name is null then 'unknown_segment'
            else 'usable'
        end as usability
    from delivered
    left join customers on delivered.customer_id = lower(customers.customer_id)
    left join known_segments on {{ words_of('delivered.segment_name') }} = known_segments.words

),

-- the last word counts, expired or not: the last file by name, in it the last row. What
-- cannot be used replaces nothing.
ranked as (

    select
        *,
        row_number() over last_word_first as preference,
        first_value(file_name) over last_word_first as last_file_name,
        first_value(sheet) over last_word_first as last_sheet,
        first_value(row_number) over last_word_first as last_row_number
    from judged
    window last_word_first as (
        partition by customer_id, usability
        order by file_name desc, coalesce(sheet, '') desc, row_number desc, delivered_line_id desc
    )

),

dated as (

    select
        ranked.*,
        case
            when ranked.usability <> 'usable' then ranked.usability
            when ranked.preference > 1 then 'superseded'
            -- the last day is a day on which it counts; with no snapshot there is nothing to expire against
            when ranked.expires_on < snapshot_day.snapshot_date then 'expired'
            else 'active'
        end as status,
        snapshot_day.snapshot_date
    from ranked
    left join snapshot_day on true

),

final as (

    select
        coalesce(known_customer_id, customer_spelling) as customer_id,
        coalesce(known_segment_name, segment_name) as segment_name,
        reason,
        author,
        expires_on,
        status,
        case status
            when 'unreadable' then problem
            when 'unknown_customer'
                then 'customer ' || {{ shortened('customer_spelling', 60) }} || ' is on no line of sales'
            when 'unknown_segment' then 'no segment is called "' || {{ shortened('segment_name', 60) }} || '"'
            when 'superseded'
                then 'row ' || cast(last_row_number as {{ dbt.type_string() }})
                    || coalesce(' of sheet ' || last_sheet, '') || ' of ' || last_file_name || ' says later'
            when 'expired'
                then 'the last day was ' || cast(expires_on as {{ dbt.type_string() }}) || ', the snapshot is of '
                    || cast(snapshot_date as {{ dbt.type_string() }})
        end as problem,
        file_name,
        sheet,
        row_number
    from dated

)

select * from final
