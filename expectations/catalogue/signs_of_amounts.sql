{#
    Files whose amounts all have one sign or code of a currency beside them, in no column of its own, while nobody said
    in which currency the shop counts: they count as its currency's. `is_own`: whether that is what it says.
#}
with amounts as (
    select
        _load_id as load_id,
        _file_name as file_name,
        upper(regexp_replace(coalesce(line_amount, unit_price), '[\d\s.,+()''’´−–﹣－%-]', '', 'g')) as sign
    from raw.transactions
    where
        currency is null and not {{ settings.shop.is_currency_said | lower }}
        -- most amounts are bare
        and not (left(coalesce(line_amount, unit_price), 1) between '0' and '9'
            and right(coalesce(line_amount, unit_price), 1) between '0' and '9')
),
files as (
    select
        load_id,
        any_value(file_name) as file_name,
        min(sign) as sign,
        count(*) as lines,
        min(sign) = {{ literal(settings.shop.currency) }}
        or contains({{ literal(currency_symbol(settings.shop.currency)) }}, min(sign)) as is_own
    from amounts
    where regexp_full_match(sign, '[A-Z]{3}|[A-Z]{0,2}\p{Sc}')
    group by load_id
    having count(distinct sign) = 1
)
