{#
    What is no product in any shop, whatever its code, by what it is called: gift cards, postage, tips, fees, taxes. The
    whole description, in capitals, has to fit one of the patterns, so that a gift box stays a product.

    Patterns stand here and not in a seed, because DuckDB prepares a pattern once that stands in the SQL, and one that comes from a
    table anew for each description.
#}
{% macro non_product_patterns() -%}
    {{ return({
        'fees': [
            '(BANK CHARGES?|AMAZON ?FEES?|PAYMENT FEES?|CARD FEES?|TRANSACTION FEES?)',
        ],
        'gift_voucher': [
            '(E-? ?)?GIFT[ -]?(CARDS?|VOUCHERS?|CERTIFICATES?)( .*)?',
            '(E-? ?|STORE |SHOP |DIGITAL |ONLINE )(GIFT ?)?(CARDS?|VOUCHERS?)( (OF |FOR )?[£$€]? ?[0-9]+([.,][0-9]+)?( ?[£$€]| ?[A-Z]{3})?)?',
            '(GESCHENK|WERT|KAUF)[ -]?(GUTSCHEINE?|KARTEN?)( .*)?',
            'GUTSCHEIN( (UEBER |ÜBER |IM WERT VON )?[0-9]+([.,][0-9]+)?( ?(€|EUR|EURO|CHF))?)?',
            '(CARTES?|CHEQUES?|CHÈQUES?|BONS?)[ -]CADEAUX?( .*)?',
            '(TARJETAS?|VALES?|CHEQUES?)[ -](DE )?REGALO( .*)?',
            '(BUON[OI]|CART[AE]) REGALO( .*)?',
            '(CARTÃO|CARTAO|VALE)[ -](DE )?(PRESENTE|OFERTA)( .*)?',
            '(CADEAU|GESCHENK)(BON|KAART)(NEN|EN)?( .*)?',
            '(PRESENTKORT|GAVEKORT|LAHJAKORTTI)( .*)?',
            '(KARTA|BON) (PODARUNKOW[AY])( .*)?',
        ],
        'postage': [
            '(POSTAGE|P ?& ?P|POSTAGE AND PACKING|POSTAGE & PACKING|SHIPPING|DELIVERY)( (COSTS?|FEES?|CHARGES?))?',
            '(SHIPPING|DELIVERY|CARRIAGE|FREIGHT) (COSTS?|FEES?|CHARGES?)',
            '(VERSAND|VERSANDKOSTEN|PORTO|LIEFERKOSTEN|VERSANDKOSTENPAUSCHALE)',
            '(FRAIS DE (PORT|LIVRAISON)|LIVRAISON)',
            '(GASTOS DE ENVÍO|GASTOS DE ENVIO|ENVÍO)',
            '(SPESE DI SPEDIZIONE|SPEDIZIONE)',
            '(VERZENDKOSTEN|VERZENDING|BEZORGKOSTEN)',
            '(FRAKT|FRAGT|PORTOKOSTNAD)',
        ],
        'tax': [
            '(VAT|GST|SALES TAX|MWST|MEHRWERTSTEUER|UMSATZSTEUER|TVA|BTW|MOMS)',
            '(VAT|GST|(SALES )?TAX|MWST|MEHRWERTSTEUER|UMSATZSTEUER|UST|TVA|IVA|BTW|MOMS|PPN)[.:]?( @| AT)? ?[(]?[0-9]+([.,][0-9]+)? ?%[)]?',
            '[0-9]+([.,][0-9]+)? ?% ?(VAT|GST|(SALES )?TAX|MWST|MEHRWERTSTEUER|UMSATZSTEUER|UST|TVA|IVA|BTW|MOMS|PPN)[.]?',
        ],
        'tips': [
            '(TIPS?|GRATUITY|TRINKGELD|POURBOIRE|PROPINA|MANCIA|FOOI|DRICKS|DRIKKEPENGE)',
        ],
    }) }}
{%- endmacro %}

{# Which of them a description is; null for a product. Where several fit, the first by name. #}
{% macro non_product_named(description) -%}
    case
        {%- for category, patterns in non_product_patterns() | dictsort %}
        when {{ fits_pattern(trimmed(description), "'" ~ patterns | join('|') ~ "'") }} then '{{ category }}'
        {%- endfor %}
    end
{%- endmacro %}
