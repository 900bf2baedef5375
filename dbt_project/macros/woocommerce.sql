{#
    What WooCommerce's plug-ins share: the states of an order.

    Belongs here: what a state means, by its slug or its label. Does not belong here: what the columns of
    one plug-in mean (models/staging/exports).
#}

{# `refunded`, `not_a_sale` for orders that were not paid or not kept, else `sold`: shops add states of their own. #}
{% macro woocommerce_state(status) -%}
    {%- set state = "lower(replace(replace(replace(" ~ trimmed(status) ~ ", 'wc-', ''), '-', ' '), '_', ' '))" -%}
    {%- set not_a_sale = [
        'cancelled', 'canceled', 'failed', 'pending', 'pending payment', 'on hold', 'checkout draft', 'draft', 'trash',
    ] -%}
    case
        when {{ state }} = 'refunded' then 'refunded'
        when {{ is_one_of(state, not_a_sale) }} then 'not_a_sale'
        else 'sold'
    end
{%- endmacro %}

{#
    The same of a label: WooCommerce writes it in the language of the site, while the headers of an export
    may well be English. A state that is not known is a sale, so that what is missing here counts as one.
#}
{% macro woocommerce_state_of_label(label) -%}
    {%- set refunded = [
        'erstattet', 'rückerstattet', 'remboursée', 'remboursé', 'reembolsado', 'reembolsada', 'rimborsato',
        'rimborsata', 'terugbetaald', 'refunderet', 'refundert', 'återbetald', 'hyvitetty', 'zwrócone', 'zwrócono',
    ] -%}
    {%- set not_a_sale = [
        'storniert', 'fehlgeschlagen', 'zahlung ausstehend', 'ausstehende zahlung', 'ausstehend', 'wartend',
        'in wartestellung', 'entwurf', 'annulée', 'annulé', 'échouée', 'échoué', 'échec', 'attente paiement',
        'en attente de paiement', 'en attente', 'brouillon', 'cancelado', 'cancelada', 'fallido', 'fallida',
        'pendiente de pago', 'pendiente', 'en espera', 'borrador', 'annullato', 'cancellato', 'fallito',
        'in attesa di pagamento', 'in attesa', 'sospeso', 'in sospeso', 'bozza', 'pagamento pendente', 'pendente',
        'aguardando', 'malsucedido', 'falhado', 'falhou', 'rascunho', 'geannuleerd', 'mislukt', 'wachtend op betaling',
        'in afwachting van betaling', 'in afwachting', 'in de wacht', 'concept', 'annulleret', 'mislykkedes',
        'afventer betaling', 'afventer', 'kansellert', 'mislyktes', 'avventer betaling', 'på vent', 'avbruten',
        'misslyckades', 'väntar på betalning', 'väntande', 'peruutettu', 'peruttu', 'epäonnistui', 'odottaa maksua',
        'anulowane', 'nieudane', 'oczekujące na płatność', 'wstrzymane',
    ] -%}
    case
        when {{ woocommerce_state(label) }} <> 'sold' then {{ woocommerce_state(label) }}
        when {{ is_one_of('lower(' ~ stripped(label) ~ ')', refunded) }} then 'refunded'
        when {{ is_one_of('lower(' ~ stripped(label) ~ ')', not_a_sale) }} then 'not_a_sale'
        else 'sold'
    end
{%- endmacro %}
