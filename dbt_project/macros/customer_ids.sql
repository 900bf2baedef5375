{#
    Who a customer is to the outside: ids that are personal data in themselves (e-mail addresses,
    telephone numbers, user names) get a pseudonym, and texts lose the addresses they quote.

    Belongs here: what counts as personal by its shape, and how a pseudonym is made. Does not belong
    here: which ids a shop's files hold (stg_customer_ids). `warehouse/pseudonyms.py` and
    `warehouse/contacts.py` do the same outside the database.
#}

{# Whether an id is an e-mail address, or holds one: something on both sides of an @. #}
{% macro is_email(text) -%}
    case
        when contains({{ text }}, '@') then {{ fits_pattern(text, "'.*[^@ ]@[^@ ].*'") }}
        else false
    end
{%- endmacro %}

{#
    Whether an id is a telephone number by its shape: + or 00, then digits and what is written between
    them. Behind 00 at least nine digits and no third zero, because customer numbers are filled up with zeros.
#}
{% macro is_phone(text) -%}
    case
        when {{ starts_with(text, "'+'") }} or {{ starts_with(text, "''''") }}
            then {{ fits_pattern(text, "'''?[+][0-9() ./-]+'") }}
                and length({{ digits_of(text) }}) between 7 and 15
        when {{ starts_with(text, "'00'") }}
            then {{ fits_pattern(text, "'00 ?[1-9][0-9() ./-]+'") }}
                and length({{ digits_of(text) }}) between 11 and 17
        else false
    end
{%- endmacro %}

{# Whether an id is personal by its shape alone. #}
{% macro is_contact(text) -%}
    ({{ is_email(text) }} or {{ is_phone(text) }})
{%- endmacro %}

{% macro digits_of(text) -%}
    {{ return(adapter.dispatch('digits_of')(text)) }}
{%- endmacro %}

{% macro duckdb__digits_of(text) -%}
    regexp_replace({{ text }}, '[^0-9]', '', 'g')
{%- endmacro %}

{% macro default__digits_of(text) -%}
    regexp_replace({{ text }}, '[^0-9]', '')
{%- endmacro %}

{#
    What makes two ids one customer. With pseudonyms a telephone number is its digits, + before them, since
    nobody sees how it was written; `is_personal` tells of a number without + that its system calls a telephone's.
#}
{% macro customer_key(text, is_personal='false') -%}
    {%- if setting('customer_ids') == 'plain' -%}
    {{ identifier(text) }}
    {%- else -%}
    case
        when {{ is_phone(text) }}
            then '+' || case
                when {{ starts_with(text, "'00'") }} then substr({{ digits_of(text) }}, 3)
                else {{ digits_of(text) }}
            end
        when {{ is_personal }} and {{ fits_pattern(text, "'[0-9() ./-]+'") }} and length({{ digits_of(text) }}) >= 7
            then {{ digits_of(text) }}
        else {{ identifier(text) }}
    end
    {%- endif -%}
{%- endmacro %}

{#
    The pseudonym of a customer's key: 64 bits of a hash under the shop's own key, so that nobody without that key
    can try out addresses. Hashed twice (as in HMAC), so that no hash of a longer text follows from it.
    Without a key nothing is published at all.
#}
{% macro pseudonym(key, customer_key) -%}
    case
        when {{ key }} is null
            then {{ fail_with(
                'A customer id is an e-mail address, a telephone number or a user name, and there is no key to make a '
                ~ 'pseudonym of it with. Load through `regulars refresh`, which keeps the key in the home '
                ~ '(pseudonym.key), or set shop.customer_ids to "plain".'
            ) }}
        else 'p-' || substr(
                {{ sha256("concat(" ~ key ~ ", " ~ sha256("concat(" ~ key ~ ", " ~ customer_key ~ ")") ~ ")") }}, 1, 16
            )
    end
{%- endmacro %}

{# SHA-256 of a text, as 64 hexadecimal digits. #}
{% macro sha256(text) -%}
    {{ return(adapter.dispatch('sha256')(text)) }}
{%- endmacro %}

{% macro duckdb__sha256(text) -%}
    sha256({{ text }})
{%- endmacro %}

{% macro default__sha256(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}

{# An expression that stops the statement with a message as soon as a row asks for its value. #}
{% macro fail_with(message) -%}
    {{ return(adapter.dispatch('fail_with')(message)) }}
{%- endmacro %}

{% macro duckdb__fail_with(message) -%}
    error({{ quoted(message) }})
{%- endmacro %}

{% macro default__fail_with(message) -%}
    raise_error({{ quoted(message) }})
{%- endmacro %}

{#
    The id that tables carry for an id of a file that is no file of sales: as the sales have it where they
    know it as personal (`known_id`), else by its own shape.
#}
{% macro published_customer_id(text, known_id, key) -%}
    {%- if setting('customer_ids') == 'plain' -%}
    {{ identifier(text) }}
    {%- else -%}
    case
        when {{ known_id }} is not null then {{ known_id }}
        when {{ is_contact(text) }} then {{ pseudonym(key, customer_key(text)) }}
        else {{ identifier(text) }}
    end
    {%- endif -%}
{%- endmacro %}

{#
    A text without the e-mail addresses in it, also one that was cut off (…). Costs next to nothing where there is no @, and nothing in a shop
    that wants its ids plain.
#}
{% macro without_contacts(text) -%}
    {%- if setting('customer_ids') == 'plain' -%}
    {{ text }}
    {%- else -%}
    case
        when contains({{ text }}, '@') then {{ adapter.dispatch('without_emails')(text) }}
        else {{ text }}
    end
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__without_emails(text) -%}
    regexp_replace(
        {{ text }}, '[^\s@|,;:<>()"'']+@[^\s@|,;:<>()"'']*([.]\p{L}{2,}|…)', '(e-mail address)', 'g'
    )
{%- endmacro %}

{% macro default__without_emails(text) -%}
    regexp_replace(
        {{ text }}, '[^\\s@|,;:<>()"\']+@[^\\s@|,;:<>()"\']*([.]\\p{L}{2,}|…)', '(e-mail address)'
    )
{%- endmacro %}

{# Whether a text holds an e-mail address. #}
{% macro holds_contact(text) -%}
    {%- if setting('customer_ids') == 'plain' -%}
    false
    {%- else -%}
    case when contains({{ text }}, '@') then {{ without_contacts(text) }} <> {{ text }} else false end
    {%- endif -%}
{%- endmacro %}

{# A line of a file as it may be shown: without e-mail addresses and international telephone numbers. #}
{% macro without_contacts_in_line(text) -%}
    {%- if setting('customer_ids') == 'plain' -%}
    {{ text }}
    {%- else -%}
    {{ adapter.dispatch('without_phones')(without_contacts(text)) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__without_phones(text) -%}
    regexp_replace({{ text }}, '[+][0-9][0-9() ./-]{5,}[0-9]', '(telephone number)', 'g')
{%- endmacro %}

{% macro default__without_phones(text) -%}
    regexp_replace({{ text }}, '[+][0-9][0-9() ./-]{5,}[0-9]', '(telephone number)')
{%- endmacro %}
