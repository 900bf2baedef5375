"""By which names the columns of sales are known, in the languages of the exports that were seen.

Belongs here: which of our columns the words of a header speak of. Does not belong here: reading by it. A file is
read by what its layout or its mapping says (:mod:`warehouse.readers.headers`); what its words say finds the line of
headers in a file, keeps sales from being taken for something else, and makes a mapping for a person to look at
(:mod:`warehouse.readers.suggest`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from warehouse.readers.layouts import INVOICE_LINES, TRANSACTIONS
from warehouse.readers.roles import DISCOUNT_PATTERNS, EVENT_PATTERN, KIND_PATTERNS

_ORDER = (
    r"(order|orders|bestellung|bestell|auftrag|auftrags|commande|pedido|ordine|bestelling|encomenda|zamowienie|"
    r"zamowienia|siparis|bestel)"
)
_NUMBER = r"(id|no|nr|number|num|nummer|numero|numer|numarasi|numarası|ref|reference|name|key)"
_RECEIPT = (
    r"(receipt|bon|beleg|ticket|transaction|sale|sales|payment|docket|document|"
    r"recibo|recu|transaccion|venta|vente|facture|factura|fattura|venda|vendita|dokumentu|faktury|paragonu|sprzedazy|"
    r"fis|satis|satıs|fatura|belge|evrak|billingdocument|documento)"
)
_OF = r"(de|du|del|des|di|da|do|der)?(la)?"
_TAXED = (
    r"((excl|excluding|ex|incl|including|without|with)(vat|tax|gst)|(vat|tax|gst)(excl|excluded|incl|included)|"
    r"net|netto|gross|brutto)?"
)
"""Whether tax is in it, as Business Central and German programs add it to the name of an amount."""
# The first pattern that a header fits is the strongest; each is for the header without blanks, marks and accents.
_PATTERNS: dict[str, tuple[str, ...]] = {
    "invoice": (
        rf"(invoice|rechnung|rechnungs|factura|facture|fattura|factuur|fatura|faktura){_NUMBER}?",
        rf"(amazon|ebay|etsy|web|sales|purchase)?{_ORDER}s?{_NUMBER}",
        rf"{_NUMBER}{_OF}({_ORDER}|{_RECEIPT})",
        rf"{_RECEIPT}(no)?{_NUMBER}",
        r"(receipt|bon|beleg|belegnr|ticket|kassenbon|dokument|(billing|sales)?document)",
        rf"(?!orders$){_ORDER}",
        r"(basket|cart|warenkorb|panier|cesta|carrello)" + _NUMBER,
        r"(invoice|sale)(line|item)+(no|number)",
        # what Magento calls the number that customers see, and what stands before the word in a database
        r"(order)?incrementid|idorder",
        r"(伝票|レシート|取引|注文)(番号|no|id)|(订单|交易|销售单|小票|单据|发票)(编号|号码?|id)",
        # what QuickBooks calls it, and what a reseller's order is
        r"num|(transaktions|vorgangs)(code|nummer|nr|id)",
        r"po(no|number)|number",
        # of what people did in a web shop: all that they bought in one visit
        r"(user|visit)session(id)?",
    ),
    "stock_code": (
        r"(lineitem|item|product|variant|article|artikel|line|seller)?(sku|skucode|ean|gtin|barcode|upc)",
        r"skureferenceno",
        r"(stock|item|product|article|artikel|produkt|material|prod|art|articolo|producto|produit)(code|number|no|nr|nummer|num|id|ref|reference|key)",
        r"(ref|reference|referencia|codigo|codice|code)(article|articulo|producto|produit|prodotto|articolo)?",
        r"(artikel|articulo|articolo|material)",
        r"inventoryitemcode|(codigo|cod)(do)?produto|kod(towaru|produktu)|(stok|urun)kodu|商品(コート|番号|id)|barkod|(商品|产品|货品)(编[码号]|代码|货号|条码|id|sku)|货号",
    ),
    "description": (
        r"(lineitem|item|product|article|artikel|produkt)(name|title|description|bezeichnung|text|titel)",
        r"(description|bezeichnung|descripcion|descrizione|omschrijving|designation|libelle|descricao|artikelbezeichnung)",
        r"(product|item|menuitem|produkt|produit|producto|prodotto|articulo|article|produto|text|title)s?",
        r"productservice(fullname|name)?|itempurchased",
        r"(artikel)?beschreibung|memo(description)?",
        r"nazwa(towaru|produktu)|towar|(stok|urun)ad[iı]|urun|商品名?|(商品|产品|宝贝|货品)(名称|标题)|品名|nazwa(oferty|produktu)|benamning|positionsbezeichnung|titel",
    ),
    "quantity": (
        r"(lineitem|item|order|product)?(quantity|qty|menge|anzahl|stueck|stuck|quantite|qte|cantidad|quantita|qta|aantal|"
        r"quantidade|ilosc|units|pieces|count)(ordered|purchased|sold)?",
        r"(units|unidades|unites|unita|pieces|stk|stck|pcs|pzas|qtde?|ilosc|ilość|miktar|adet|数量|個数|uds?|antal|"
        r"(购买|销售|商品|宝贝)?总?数量|件数|liczba(sztuk)?)",
        r"[a-z]+sold",
        # but what came back, what is left, what a whole order has and what one pack does
        r"(?!.*(refund|return|stock|invent|avail|total|per|min|max))[a-z]+(qty|quantity)",
        r"itemcnt(day)?|num(ber)?(of)?(cds|units|pieces)",
    ),
    "invoice_date": (
        r"(invoice|order|sale|sales|purchase|transaction|event|receipt|billing|lineitem|rechnungs|bestell|beleg|kauf|auftrags)"
        r"(date|datetime|datum|time|timestamp|dt)",
        r"order(purchase|purchased|placed|created|creation)(at|on|date|time|datetime|timestamp)",
        r"(created?|purchased|ordered|placed)(at|on|date|time|datetime)?(utc)?",
        r"(date|datetime)(created|purchased|ordered|placed|issued|ofsale|sold|added|add)|creation(date|time)",
        r"(paid|processed|completed)(at|on|date|time|datetime)",
        r"(date|datum|fecha|data|datetime|zeitpunkt|timestamp|dateheure)",
        rf"(date|fecha|data|datum)(van|{_OF})({_ORDER}|{_RECEIPT}|achat|compra|acquisto|vendita|venda|verkaufs?)",
        # of a document in a ledger
        r"(posting|document|buchungs)(date|datum)",
        r"data(sprzedazy|wystawienia|transakcji|dokumentu|davenda)|((satıs|satis|fis|siparis|fatura|belge)(tarihi))|tarih",
        r"(取引|販売|売上|注文|会計)?(日時|日付?)|(下单|订单|订单创建|创建|付款|购买|交易|销售)(时间|日期)|日期",
        r"(order|bestel)datum|data(zakupu|documento|zamowienia|vendita)",
        r"(t|tr|tran|trans|txn|po)(dat|date|dt|datetime)|orderdatedateorders|invoicebilldate",
    ),
    "time": (
        r"(time|uhrzeit|zeit|heure|hora|ora|tijd|saat|godzina|時刻|時間)(of(sale|day))?",
        r"(order|sale|transaction)time",
    ),
    "unit_price": (
        rf"(unit|lineitem|item|single|einzel|stueck|stuck|product|productunit|wholesale|avg|average|mean)(unit)?(price|preis|amount)(each)?{_TAXED}",
        r"(price|preis|prix|precio|prezzo|prijs|preco|cena)(unit|each|unitaire|unitario|unitaria|perunit|proeinheit|net|netto)?",
        r"(prix|precio|prezzo|preco)(unitaire|unitario)",
        r"(soldfor|salepriceunit|vkpreis|vk)",
        r"(valor|vlr|vl|preco)unit(ario)?|cena(jednostkowa)?(netto|brutto)?|birimfiyat[iı]?|(商品)?(単価|单价|售价)|pu(ht|ttc)?|apris|cenazasztuke|prijsperstuk",
        # of one unit or of the line, which the values have to tell
        r"net(to)?(price|preis)",
        r"(gross|brutto)(price|preis)",
        # where there is no price: of two the cost is what the shop paid
        r"(unit|lineitem|item|product)cost",
    ),
    "line_amount": (
        rf"(order)?(line|item|row|position|positions|zeilen|product)(total|amount|net|sum|betrag|summe|subtotal|totalprice)"
        rf"{_TAXED}",
        # what was paid, after discounts, comes first
        r"net(sales|amount|total|revenue)|nettoumsatz|umsatznetto|ventesnettes|ventasnetas|venditenette|vendasliquidas",
        r"gross(sales|amount|total|revenue)?|brutto(umsatz)?|umsatzbrutto|ventesbrutes|ventasbrutas|venditelorde|vendasbrutas",
        r"(sale|sales|extended|revenue)(amount|value|total|price|dollars|euro|euros|pounds|usd|eur|gbp)(actual)?",
        r"(sales|revenue|turnover|umsatz|betrag|montant|importe|importo|bedrag|valor|total|amount|subtotal|"
        r"(gesamt|gesamtpreis|gesamtbetrag)(netto)?|sum|summe|totalprice|totalamount|nettobetrag|montantht|totalht)",
        r"(gesamt|gesamtpreis|gesamtbetrag)brutto",
        rf"(producttotal|total|total(purchase|sale|sales|transaction|order))(price|amount|value){_TAXED}|netvalue|(valor|vlr|vl)total|wartosc(netto|sprzedazy)?",
        r"wartoscbrutto|tutar[iı]?|toplam(tutar[iı]?)?|小計|金額|"
        r"(faturalanacak|satis|satıs)tutar[iı]?|montantttc|totaal(prijs)?|summa|valortotal|(实付|实际支付|成交|销售)?金额|总价|小计",
        r"purchase(amount|value|price)(usd|eur|gbp)?",
        r"total(revenue|sales|spent)|dollarvalue|amountspent|(daily|weekly|monthly)sales",
        r"(t|tr|tran|trans|txn)(amount|amt|value)",
        # what the goods cost the shop, where there is another
        r"totalcost",
    ),
    "discount_amount": DISCOUNT_PATTERNS,
    "tax_amount": (r"(lineitem|line|item)?(tax|vat|mwst|ust|steuer|tva|iva|btw)(amount|betrag|amt)?\d*",),
    "currency": (r"(order|payment|document)?(currency|waehrung|wahrung|devise|moneda|valuta|moeda|waluta)(code)?",),
    "status": (
        r"status|statut",
        r"(financial|order|payment|invoice|bestell|auftrags|zahlungs|rechnungs)(status|statut)",
        r"(order|payment)(state|condition)|orderstatus(id|code|name)",
        r"(estado|stato|situacao|durum|currentstate|siparis(durumu|statusu)|(订单|交易)?状态)",
        # what was only looked at is no sale
        EVENT_PATTERN,
    ),
    "kind": KIND_PATTERNS,
    "store": (
        r"(store|shop|location|filiale|branch|outlet|tienda|magasin|negozio|kasse|till|register|device)(name|id|no|nr)?",
    ),
    "customer_id": (
        # but the code of an account is one of a ledger's
        r"(?!accountcode)(customer|client|kunden|cliente|klant|member|user|buyer|account|household)(ac)?"
        r"(id|no|nr|number|num|nummer|code|key|ref|reference)",
        r"(customer|billing|buyer|contact|kunden|user|client|account)?e?mail(address|adresse|billing)?|eposta(adresi)?",
        r"(codigo|cod|numero|no|id)(client|cliente|kunde)|kundnummer|klantnummer",
        r"(sellto|billto)customer(no|number|name)?",
        r"(customer|client|kunden?|cliente|klant|buyer)(name|fullname|username|user)?",
        rf"(nome?|nombre|name|naam){_OF}(client|cliente|kunden|klant)",
        r"contactname|soldtoparty|kontrahent|nabywca|klient|(musteri|cari)(kodu|no|adi|adı)?|(顧客|会員)(コート|番号|id|名)?",
        r"(客户|顾客|会员|用户|买家)(编号|号|id|名称|姓名|会员名|昵称)?|login(kupujacego)?|alici|alıcı",
        r"(username|userid)(buyer)?|(retailer|(invoice)?partner)(display)?(name|id)?",
    ),
    "country": (
        r"(shipping|delivery|ship|ship(to)?|liefer)(country|land)(code|name)?",
        r"(billing|customer|bill)?(country|land|pays|pais|paese|kraj|ulke)(code|name|billing)?|国家",
    ),
}
_ONE_FOR_ALL = r"(customer|client|user|buyer)unique(id|key)"
_VARIANTS = frozenset({"variant", "variante", "model"})
"""What stands beside the name of a product, and of nothing else."""
_DAY = re.compile("days?|tag|jour|dia|giorno|dag")
_PRODUCT_GROUP = (
    r"(product|item|article|artikel|waren)?(line|category|group|family|kategorie|gruppe|categoria|categorie)(name|no)?|"
    r"(product|item|article)type"
)
"""A group of products: what was bought as far as such a file tells."""
_ORDER_AMOUNT = r"(order|grand|invoice)(total|amount|value)(inctax|incltax|base|purchased|paid)?"
_OF_ONE_UNIT = (
    r"(unit|einzel|stueck|stuck|single|avg|average|mean).*|"
    r".*(each|perunit|peritem|proeinheit|prostuck|prostueck|unitaire|unitario|unitaria)"
)
"""What a price is called that holds for one unit, whatever the quantity is called."""
_PER_CENT = re.compile(r"%|\bper ?cent|percent|pct\b|pro[cz]ent", re.IGNORECASE)
_TABLE_OF_LINES = re.compile(r"^\s*(order|sales? order|invoice) lines?\s*/\s*")


def guess_columns(headers: Sequence[str]) -> dict[str, str]:
    """Guess which of our columns each header is; stronger matches first, each header once.

    The usual names of a layout count as the strongest.
    """
    # of two columns of one name a mapping can mean neither
    named = [header for header, times in Counter(headers).items() if header.strip() and times == 1]
    keys = {header: _plain(header) for header in named}
    offers: list[tuple[int, int, int, str, str]] = []
    for order, (column, patterns) in enumerate(_PATTERNS.items()):
        usual = {_plain(name) for layout in (INVOICE_LINES, TRANSACTIONS) for name in layout.names.get(column, ())}
        # of lines with a quantity, what is called an amount is no price of one unit
        usual -= {"amount"}
        for place, header in enumerate(named):
            if keys[header] in usual:
                offers.append((0, order, place, column, header))
            for strength, pattern in enumerate(patterns, start=1):
                if re.fullmatch(pattern, keys[header]):
                    offers.append((strength, order, place, column, header))
                    break
    if any(key.startswith("lineitem") for key in keys.values()):
        # exports with a "Lineitem …" for each item call the order's number its name
        offers += [(1, 0, place, "invoice", header) for place, header in enumerate(named) if keys[header] == "name"]
    # of two that fit as well, the one of the lines' table is the line's
    offers.sort(key=lambda offer: (*offer[:2], not _TABLE_OF_LINES.match(offer[4].casefold()), *offer))
    found: dict[str, str] = {}
    for *_, column, header in offers:
        if column not in found and header not in found.values():
            found[column] = header
    for header in named:
        # where a table has it, its customer_id is one for each order
        if re.fullmatch(_ONE_FOR_ALL, keys[header]):
            found["customer_id"] = header
    # a bare name is the customer's or the product's, whichever is nowhere else
    name = next((header for header in named if keys[header] == "name" and header not in found.values()), None)
    if name is not None:
        has_product = not found.keys().isdisjoint(("stock_code", "description"))
        is_of_product = not _VARIANTS.isdisjoint(keys.values())
        if "customer_id" not in found and "description" in found:
            found["customer_id"] = name
        elif is_of_product or (not has_product and ("customer_id" in found or "sku" in keys.values())):
            found["description"] = name
        elif "customer_id" not in found and any("mail" in key for key in keys.values()):
            # beside an address it is whoever paid
            found["customer_id"] = name
    return found


def tells_of_sales(headers: Sequence[str], *, least: int = 2) -> bool:
    """Whether a header speaks of so many of these: an order, a product or its quantity, a day, money."""
    guessed = guess_columns(headers)
    found = set(guessed)
    if _plain(guessed.get("description", "")).startswith("item"):
        # a title or a description may be a person's, what was purchased is not
        found.add("stock_code")
    parts = ({"invoice"}, {"stock_code", "quantity"}, {"invoice_date"}, {"unit_price", "line_amount"})
    return sum(not found.isdisjoint(part) for part in parts) >= least


def product_group(headers: Sequence[str]) -> str | None:
    """The header that holds groups of products, such as a category."""
    return next((header for header in headers if re.fullmatch(_PRODUCT_GROUP, _plain(header))), None)


def day_header(headers: Sequence[str]) -> str | None:
    """The header of a column of days, which may as well be numbered as dated."""
    return next((header for header in headers if _DAY.fullmatch(_plain(header))), None)


def payment_state_of_invoices(headers: Sequence[str]) -> str | None:
    """The header that says of invoices with their lines whether they were paid, as Odoo writes it."""
    if not any(header.strip().casefold().startswith("invoice lines/") for header in headers):
        return None
    return next((header for header in headers if _plain(header) in ("paymentstatus", "paymentstate")), None)


def order_amount(headers: Sequence[str]) -> str | None:
    """The header that holds the amount of a whole order."""
    return next((header for header in headers if re.fullmatch(_ORDER_AMOUNT, _plain(header))), None)


def says_amount_of_line(header: str) -> bool:
    """Whether a header may hold what a line came to, by its name alone; what the goods cost is another matter."""
    key = _plain(header)
    return "cost" not in key and any(re.fullmatch(pattern, key) for pattern in _PATTERNS["line_amount"])


def is_of_one_unit(header: str) -> bool:
    """Whether a price is by its name that of one unit."""
    return re.fullmatch(_OF_ONE_UNIT, _plain(header)) is not None


def says_per_cent(header: str) -> bool:
    """Whether the numbers below a header are per cent by its words."""
    return _PER_CENT.search(header) is not None


def _plain(header: str) -> str:
    """Lower case letters and digits, without accents and signs."""
    spelled = header.casefold().replace("#", " no ").replace("ß", "ss").replace("°", "o").replace("º", "o")
    # Odoo names the table in which the lines stand
    decomposed = unicodedata.normalize("NFKD", _TABLE_OF_LINES.sub("", spelled))
    return "".join(character for character in decomposed if character.isalnum())
