-- Grain: one row per invoice number seen on a readable line.
with

invoices as (

    select distinct invoice_no from {{ ref('stg_transactions') }} where is_readable

),

types as (

    select * from {{ ref('invoice_types') }}

),

fits as (

    select
        invoices.invoice_no,
        types.invoice_type,
        row_number() over (partition by invoices.invoice_no order by length(types.prefix) desc) as preference
    from invoices
    inner join types on {{ starts_with('invoices.invoice_no', 'types.prefix') }}

),

final as (

    select
        invoices.invoice_no,
        coalesce(fits.invoice_type, 'sale') as invoice_type
    from invoices
    left join fits on invoices.invoice_no = fits.invoice_no and fits.preference = 1

)

select * from final
