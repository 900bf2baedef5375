-- Grain: one line of sales: each delivered row, and each refund that a row of an export tells beside
-- its sale. Nothing is dropped here: a value that will not cast becomes null, and
-- int_line_dispositions decides what that means.
{%- set touched -%}
    select load_id from increments.deliveries
    union all
    select load_id from increments.stg_export_lines
    union all
    -- what an id means may change with what others say of the same customer
    select lines._load_id as load_id
    from raw.transactions as lines
    inner join increments.stg_customer_ids as ids on lines.customer_id = ids.delivered_customer_id
    union all
    select lines.load_id
    from staging.stg_export_lines as lines
    inner join increments.stg_customer_ids as ids on lines.customer_text = ids.delivered_customer_id
{%- endset -%}
{{ config(meta={'increment': {
    'by': 'load_id',
    'touched': touched,
    'reads': {'raw.transactions': '_load_id', 'staging.stg_export_lines': 'load_id'},
}}) }}
with

lines as (

    select * from {{ source('raw', 'transactions') }}

),

exports as (

    select * from {{ ref('stg_export_lines') }}

),

words as (

    select * from {{ ref('source_words') }}

),

-- what reports call the rows in which they sum up
summaries as (

    select word
    from words
    where meaning = 'summary'
    group by word

),

customers as (

    select * from {{ ref('stg_customer_ids') }}

),

-- Words of statuses and kinds are judged once each, not once a line; file by file, because each file's mapping may
-- name its own. This reads the source itself, because an engine keeps a copy of what several steps ask for.
delivered_words as (

    {% for column, meaning in [
        ('status', 'not_a_sale'), ('line_kind', 'not_a_sale'), ('line_kind', 'return'), ('line_kind', 'summary'),
        ('line_kind', 'payment'),
    ] %}
    select
        _load_id as load_id,
        '{{ meaning }}' as meaning,
        {{ column == 'line_kind' }} as is_kind,
        {{ column }} as word,
        lower({{ stripped(column) }}) as word_text,
        min(case when {{ has_minus(['quantity', 'unit_price', 'line_amount']) }} then 1 else 0 end) as takes_back
    from {{ source('raw', 'transactions') }}
    where {{ column }} is not null
    group by _load_id, {{ column }}
    {% if not loop.last %}
    union all
    {% endif %}
    {% endfor %}

),

-- papers and movements that come with a sale: where sales are named, what stands beside them was sold by those
selling_kinds as (

    select distinct delivered.load_id
    from delivered_words as delivered
    inner join words
        on {{ folded_word('delivered.word') }} = words.word and words.meaning in ('sale', 'invoice', 'payment')
    where delivered.is_kind

),

-- an invoice is a sale from the day it was written, paid or not; an order that nobody paid may be none. Invoices are
-- told by what they are called, or by a state that only they have
invoicing as (

    select distinct delivered.load_id
    from delivered_words as delivered
    inner join words on {{ folded_word('delivered.word') }} = words.word and words.meaning = 'invoice'

),

-- where a file has rows of a sale, and rows of a sale's lines, the first sum up the others
kinds_of_lines as (

    select distinct
        load_id,
        {{ folded_word('word') }} as word
    from delivered_words
    where meaning = 'summary'

),

meant_words as (

    select
        delivered.load_id,
        {{ collected("case delivered.meaning when 'not_a_sale' then delivered.word end") }} as not_sale_words,
        {{ collected("case delivered.meaning when 'return' then delivered.word end") }} as return_words,
        {{ collected("case delivered.meaning when 'summary' then delivered.word end") }} as summary_words,
        {{ collected("case delivered.meaning when 'payment' then delivered.word end") }} as payment_words
    from delivered_words as delivered
    inner join {{ source('raw', 'deliveries') }} as deliveries on delivered.load_id = deliveries._load_id
    left join kinds_of_lines
        on
            delivered.load_id = kinds_of_lines.load_id
            and delivered.meaning = 'summary'
            and kinds_of_lines.word in (
                {{ folded_word('delivered.word') }} || 'line', {{ folded_word('delivered.word') }} || 'item'
            )
    left join selling_kinds on delivered.load_id = selling_kinds.load_id and delivered.is_kind
    left join invoicing on delivered.load_id = invoicing.load_id
    left join words
        on
            {{ folded_word('delivered.word') }} = words.word
            and (
                delivered.meaning = words.meaning
                or delivered.meaning = 'not_a_sale'
                and words.meaning = 'beside_sale'
                and selling_kinds.load_id is not null
                or delivered.meaning = 'not_a_sale'
                and words.meaning = 'unpaid'
                and invoicing.load_id is null
            )
    where
        coalesce(
            case delivered.meaning
                when 'not_a_sale' then {{ list_holds('deliveries._not_sale_words', 'delivered.word_text') }}
                when 'return' then {{ list_holds('deliveries._return_words', 'delivered.word_text') }}
                when 'summary' then kinds_of_lines.word is not null
            end,
            -- a word that stands on lines with a minus alone marks no sale that came to nothing: it takes one back
            words.word is not null and (words.meaning not in ('not_a_sale', 'unpaid') or delivered.takes_back = 0)
        )
    group by delivered.load_id

),

signs as (

    select
        _load_id as load_id,
        count(distinct {{ currency_of_amount('coalesce(line_amount, unit_price)') }}) > 1 as has_several_signs
    from {{ source('raw', 'transactions') }}
    where currency is null
    group by _load_id

),

-- one row a file: its layout, its number styles, its words as lists. Most files have neither status nor
-- kind: a list that is looked into only where there is a word costs their lines nothing.
deliveries as (

    select
        deliveries.*,
        meant_words.not_sale_words,
        meant_words.return_words,
        meant_words.summary_words,
        meant_words.payment_words,
        signs.has_several_signs
    from {{ source('raw', 'deliveries') }} as deliveries
    left join meant_words on deliveries._load_id = meant_words.load_id
    left join signs on deliveries._load_id = signs.load_id

),

typed_lines as (

    select
        -- lineage: depends on how the lines were delivered
        lines._line_id as delivered_line_id,
        lines._load_id as load_id,
        lines._file_name as file_name,
        lines._sheet as sheet,
        lines._row_number as row_number,
        deliveries._source as source,
        deliveries._layout as layout,
        deliveries._loaded_at as loaded_at,

        -- as delivered, for the reasons below
        lines.quantity as quantity_text,
        lines.unit_price as unit_price_text,
        lines.line_amount as line_amount_text,
        lines.discount_amount as discount_amount_text,
        lines.invoice_date as invoice_date_text,
        lines._problem as problem,
        lines._line_text as line_text,

        -- what the line says
        {{ capitals(stripped('lines.invoice')) }} as invoice_text,
        {{ capitals(stripped('lines.stock_code')) }} as stock_code_text,
        {{ blank_to_null('lines.description') }} as description,
        {{ units('lines.quantity', 'deliveries._quantity_mark') }} as delivered_quantity_units,
        {{ money('lines.unit_price', 'deliveries._unit_price_mark') }} as delivered_unit_price,
        {{ money('lines.line_amount', 'deliveries._line_amount_mark') }} as delivered_line_amount,
        {{ money('lines.discount_amount', 'deliveries._discount_amount_mark') }} as told_discount,
        case
            when contains(lines.discount_amount, '%') then 1.00
            else deliveries._discount_unit
        end as discount_unit,
        -- what bears no order's number is an order of its own
        deliveries._is_discount_of_order
        and {{ stripped('lines.invoice') }} is not null as is_discount_of_order,
        {{ money('lines.tax_amount', 'deliveries._tax_amount_mark') }} as tax_amount,
        -- where no column names it, what stands beside an amount does; but as long as nobody said in which currency the
        -- shop counts, the one sign that all amounts of a file have is the shop's own
        coalesce(
            {{ capitals(stripped('lines.currency')) }},
            case
                when {{ setting('is_currency_said') }} or deliveries.has_several_signs
                    then {{ currency_of_amount('coalesce(lines.line_amount, lines.unit_price)') }}
            end
        ) as currency_text,
        {{ stripped('lines.status') }} as status,
        {{ stripped('lines.line_kind') }} as line_kind,
        {{ capitals(stripped('lines.store')) }} as store,
        {{ blank_to_null('lines.country') }} as country,
        case
            when summaries.word is not null then 'summary'
            when {{ list_holds('deliveries.summary_words', 'lines.line_kind') }} then 'summary'
            when {{ list_holds('deliveries.not_sale_words', 'lines.status') }} then 'not_a_sale'
            when {{ list_holds('deliveries.return_words', 'lines.line_kind') }} then 'return'
            when {{ list_holds('deliveries.not_sale_words', 'lines.line_kind') }} then 'not_a_sale'
            -- what an account paid to others; a refund of it has a word of its own
            when
                {{ list_holds('deliveries.payment_words', 'lines.line_kind') }}
                and {{ has_minus(['lines.quantity', 'lines.unit_price', 'lines.line_amount']) }}
                then 'not_a_sale'
        end as row_kind,
        customers.customer_id,
        customers.customer_spelling,
        customers.doubt as customer_id_doubt,
        -- no sale is dated after the file that reports it; a day of grace, because
        -- the shop's clock and time zone are not ours
        case
            when lines.invoiced_at >= timestamp '1970-01-01 00:00:00'
                and lines.invoiced_at <= {{ days_after('deliveries._loaded_at', 1) }}
                then lines.invoiced_at
        end as invoiced_at,
        lines.invoiced_at as delivered_invoiced_at
    from lines
    left join deliveries on lines._load_id = deliveries._load_id
    left join customers on lines.customer_id = customers.delivered_customer_id
    -- a sum has no price of one unit, and a blank order or day of it may have been filled from the lines above
    left join summaries
        on
            case
                when {{ blank_to_null('lines.unit_price') }} is null
                    then {{ folded_word('coalesce(lines.stock_code, lines.description)') }}
            end = summaries.word

),

-- the lines of exports have been typed by their systems' models; a system numbers its own orders
typed as (

    select * from typed_lines

    union all

    select
        exports.delivered_line_id,
        exports.load_id,
        deliveries._file_name as file_name,
        exports.sheet,
        exports.row_number,
        deliveries._source as source,
        deliveries._layout as layout,
        deliveries._loaded_at as loaded_at,
        exports.quantity_text,
        null as unit_price_text,
        exports.amount_text as line_amount_text,
        null as discount_amount_text,
        exports.invoice_date_text,
        exports.problem,
        exports.line_text,
        exports.invoice_text,
        exports.stock_code_text,
        exports.description,
        case when exports.row_kind = 'summary' then 0 else exports.quantity_units end as delivered_quantity_units,
        null as delivered_unit_price,
        case when exports.row_kind = 'summary' then 0 else exports.line_amount end as delivered_line_amount,
        null as told_discount,
        null as discount_unit,
        false as is_discount_of_order,
        exports.tax_amount,
        exports.currency_text,
        exports.status,
        exports.line_kind,
        {{ capitals("concat_ws(' ', deliveries._source, exports.store)") }} as store,
        exports.country,
        exports.row_kind,
        customers.customer_id,
        customers.customer_spelling,
        customers.doubt as customer_id_doubt,
        case
            when exports.invoiced_at >= timestamp '1970-01-01 00:00:00'
                and exports.invoiced_at <= {{ days_after('deliveries._loaded_at', 1) }}
                then exports.invoiced_at
        end as invoiced_at,
        exports.invoiced_at as delivered_invoiced_at
    from exports
    left join deliveries on exports.load_id = deliveries._load_id
    left join customers on exports.customer_text = customers.delivered_customer_id

),

-- the code of a product is what it is called where it has no other
named as (

    select
        *,
        {{ is_shortened_number('invoice_text') }} as is_invoice_no_shortened,
        {{ is_shortened_number('stock_code_text') }} as is_stock_code_shortened,
        case
            when stock_code_text is null or {{ is_shortened_number('stock_code_text') }}
                then {{ capitals('description') }}
            else {{ code('stock_code_text') }}
        end as product_code,
        {{ currency_code('currency_text') }} as currency,
        -- as a share of the amount, where it is told as a part of it: no more than all of it
        case
            when discount_unit is null then told_discount
            when abs(told_discount) * discount_unit <= 1 then {{ as_money('told_discount * discount_unit') }}
        end as delivered_discount,
        -- a sale by amount alone is one unit
        case
            when layout = 'transactions' and quantity_text is null then 1
            when delivered_line_amount is not null and {{ blank_to_null('quantity_text') }} is null then 1
            -- beyond 32 bits it is no quantity but a barcode in the wrong column
            when abs(delivered_quantity_units) <= 2147483647 then delivered_quantity_units
        end as quantity_units
    from typed

),

-- Whatever of it is negative makes an amount negative: refunds are written with a minus before
-- the quantity, before the price, before the amount, or before several of them.
counted as (

    select
        *,
        coalesce(quantity_units < 0, false)
        or coalesce(delivered_unit_price < 0, false)
        or coalesce(delivered_line_amount < 0, false) as is_negative,
        case
            when delivered_line_amount is not null then abs(delivered_line_amount)
            when {{ blank_to_null('line_amount_text') }} is not null then null
            else {{ exact_product('abs(quantity_units)', 'abs(delivered_unit_price)') }}
        end as amount_before_discount
    from named

),

{% if setting('has_order_discounts') -%}
{%- set orders = 'load_id, store, invoice_text' -%}
{%- set counts = "is_discount_of_order and coalesce(row_kind, 'return') = 'return'" -%}
-- lines of orders whose discount is the whole order's, and what that is
weighed as (

    select
        *,
        case when {{ counts }} and not is_negative then amount_before_discount end as sold_amount,
        case when {{ counts }} and is_negative then amount_before_discount end as returned_amount,
        case
            when is_discount_of_order then max(abs(told_discount)) over (partition by {{ orders }})
        end as order_discount,
        case
            when is_discount_of_order then min(nullif(abs(told_discount), 0)) over (partition by {{ orders }})
        end as least_discount
    from counted

),

summed as (

    select
        *,
        sum(sold_amount) over (partition by {{ orders }}) as sold_in_order,
        sum(returned_amount) over (partition by {{ orders }}) as returned_in_order
    from weighed

),

-- by what they cost, to the cent; what goes back of an order takes its share of the discount along
shared as (

    select
        *,
        case
            when not is_discount_of_order or order_discount is null then delivered_discount
            when sold_in_order > 0 and is_negative
                then {{ share_in_cents('order_discount', 'coalesce(returned_amount, 0)', 'sold_in_order') }}
            when sold_in_order > 0
                then {{ spread('order_discount', 'sold_amount', 'sold_in_order', orders, 'delivered_line_id') }}
            else {{ spread('order_discount', 'returned_amount', 'returned_in_order', orders, 'delivered_line_id') }}
        end as line_discount,
        case
            when least_discount <> order_discount
                then 'its order has unlike discounts on its lines, so that none is of the whole order'
            when order_discount > coalesce(nullif(sold_in_order, 0), returned_in_order)
                then 'the discount of its order is more than its lines come to'
        end as discount_doubt
    from summed

),
{%- else -%}
shared as (

    select
        *,
        delivered_discount as line_discount,
        cast(null as {{ dbt.type_string() }}) as discount_doubt
    from counted

),
{%- endif %}

discounted as (

    select
        *,
        case
            when line_discount is null then amount_before_discount
            when discount_unit is not null
                then {{ exact_product('amount_before_discount', '(1 - abs(line_discount))') }}
            else {{ as_money('amount_before_discount - abs(line_discount)') }}
        end as amount_after_discount
    from shared

),

valued as (

    select
        *,
        case when is_negative then -amount_after_discount else amount_after_discount end as signed_amount
    from discounted

),

filled as (

    select
        *,
        case
            when invoice_text is not null and not is_invoice_no_shortened then {{ code('invoice_text') }}
            -- starts with no letter that a profile knows; equal for equal transactions
            when layout = 'transactions' and invoice_text is null
                then 'T-' || {{ capitals(short_hash(['customer_id', 'invoiced_at', 'signed_amount'])) }}
            -- a number that a spreadsheet shortened is no number: what one customer bought at one time is one order
            when is_invoice_no_shortened then 'T-' || {{ capitals(short_hash(['customer_id', 'invoiced_at'])) }}
        end as invoice_no,
        case
            when product_code is not null then product_code
            -- money given back may name no product, and what was not sold need not
            when layout = 'transactions' or signed_amount < 0 or row_kind in ('summary', 'not_a_sale')
                then {{ no_product() }}
        end as stock_code,
        case
            when delivered_line_amount is null and line_discount is null then delivered_unit_price
            when quantity_units <> 0 then {{ quotient_as_money('signed_amount / quantity_units', may_be_beyond=true) }}
            else coalesce(delivered_unit_price, 0)
        end as unit_price
    from valued

),

judged as (

    select
        *,
        quantity_units is null and {{ blank_to_null('quantity_text') }} is not null as is_quantity_lost,
        signed_amount is null
        and coalesce(
            delivered_line_amount is null and {{ blank_to_null('line_amount_text') }} is not null
            or {{ blank_to_null('line_amount_text') }} is null
            and delivered_unit_price is null
            and {{ blank_to_null('unit_price_text') }} is not null, false
        ) as is_unit_price_lost,
        delivered_discount is null and {{ blank_to_null('discount_amount_text') }} is not null as is_discount_lost,
        invoiced_at is null and {{ blank_to_null('invoice_date_text') }} is not null as is_invoice_date_lost,
        currency is not null
        and currency <> {{ quoted(setting('currency')) }}
        and coalesce(row_kind not in ('not_a_sale', 'summary'), true) as is_foreign
    from filled

),

readable as (

    select
        *,
        problem is null
        and invoice_no is not null
        and stock_code is not null
        and quantity_units is not null
        and invoiced_at is not null
        and not is_discount_lost
        and discount_doubt is null
        and not is_foreign
        and case
            -- no money came in, and some systems say of none
            when row_kind = 'not_a_sale' and signed_amount is null then not is_unit_price_lost
            -- the amount has to fit too; 14 digits before the decimal mark
            else unit_price is not null and coalesce(abs(signed_amount) < 100000000000000, false)
        end as is_readable
    from judged

),

explained as (

    select
        *,
        case
            when is_readable then null
            when problem is not null then problem
            else concat_ws(
                    '; ',
                    case when invoice_no is null then 'invoice number is missing' end,
                    case when stock_code is null then 'no product is named, neither code nor description' end,
                    case
                        when is_quantity_lost
                            then 'quantity "' || {{ shortened(trimmed('quantity_text'), 60) }}
                                || '" is not a number that fits'
                        when quantity_units is null then 'quantity is missing'
                    end,
                    case
                        when is_unit_price_lost
                            then case
                                    when {{ blank_to_null('line_amount_text') }} is null then 'unit price'
                                    else 'amount'
                                end
                                || ' "' || {{ shortened(trimmed('coalesce(line_amount_text, unit_price_text)'), 60) }}
                                || '" is not an amount that fits'
                        when amount_before_discount is null
                            and delivered_unit_price is null
                            and delivered_line_amount is null
                            then 'unit price is missing'
                    end,
                    case
                        when is_discount_lost
                            then 'discount "' || {{ shortened(trimmed('discount_amount_text'), 60) }}
                                || '" is not an amount that fits'
                    end,
                    discount_doubt,
                    case
                        when invoiced_at is not null then null
                        when delivered_invoiced_at > loaded_at
                            then 'date ' || cast(cast(delivered_invoiced_at as date) as {{ dbt.type_string() }})
                                || ' lies after the delivery'
                        when delivered_invoiced_at is not null
                            then 'date ' || cast(cast(delivered_invoiced_at as date) as {{ dbt.type_string() }})
                                || ' lies before 1970'
                        when is_invoice_date_lost
                            then 'invoice date "' || {{ shortened(trimmed('invoice_date_text'), 60) }}
                                || '" cannot be read'
                        else 'invoice date is missing'
                    end,
                    case
                        when is_foreign
                            then 'the amount is in ' || {{ shortened('currency', 20) }} || ', the shop counts in '
                                || {{ quoted(setting('currency')) }}
                    end,
                    case
                        when abs(cast(quantity_units as double) * cast(delivered_unit_price as double)) >= 1e14
                            then 'quantity times unit price is too large'
                    end
                )
        end as unreadable_reason
    from readable

),

final as (

    select
        -- lineage
        delivered_line_id,
        load_id,
        file_name,
        sheet,
        row_number,
        source,

        -- keys
        case
            when is_readable
                then {{ surrogate_key([
                    'invoice_no', 'stock_code', 'description', 'quantity_units',
                    'invoiced_at', 'signed_amount', 'customer_id', 'country', 'store', 'status', 'line_kind',
                ]) }}
        end as content_key,
        -- an address is no order number: what one customer bought at one time is one order
        case
            when {{ holds_contact('invoice_no') }}
                then 'T-' || {{ capitals(short_hash(['customer_id', 'invoiced_at'])) }}
            else invoice_no
        end as invoice_no,
        {{ without_contacts('store') }} as store,
        {{ without_contacts('stock_code') }} as stock_code,
        customer_id,

        -- attributes
        customer_spelling,
        {{ without_contacts('description') }} as description,
        {{ without_contacts('country') }} as country,

        -- measures
        cast(quantity_units as {{ units_type() }}) as quantity_units,
        unit_price,
        case when not is_foreign then signed_amount end as signed_amount,
        tax_amount,

        -- times
        invoiced_at,

        -- flags and reasons
        is_readable,
        is_quantity_lost,
        is_unit_price_lost,
        is_invoice_date_lost,
        is_invoice_no_shortened,
        is_stock_code_shortened,
        customer_id_doubt,
        row_kind,
        {{ without_contacts('unreadable_reason') }} as unreadable_reason,
        line_text
    from explained

)

select * from final
