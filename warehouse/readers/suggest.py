"""Guesses at what an unknown header means, as a mapping ready to paste.

Belongs here: by which names columns of sales are known, in the languages of the exports
that were seen, and writing the mapping. Does not belong here: reading by a guess. A guess
is for a person to look at; a file is read by what its layout or its mapping says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.readers.layouts import INVOICE_LINES, LAYOUTS, TRANSACTIONS, Layout, normalise
from warehouse.settings import MAPPABLE

NOT_FOUND = "?"

_ORDER = r"(order|orders|bestellung|bestell|auftrag|auftrags|commande|pedido|ordine|bestelling|encomenda|zamowienie)"
_NUMBER = r"(id|no|nr|number|num|nummer|numero|ref|reference|name)"
# The first pattern that a header fits is the strongest; each is for the header without blanks, marks and accents.
_PATTERNS: dict[str, tuple[str, ...]] = {
    "invoice": (
        rf"(invoice|rechnung|rechnungs|factura|facture|fattura|factuur|fatura|faktura){_NUMBER}?",
        rf"(amazon|ebay|etsy|web)?{_ORDER}s?{_NUMBER}",
        rf"{_NUMBER}{_ORDER}",
        r"(receipt|bon|beleg|ticket|ticketno|transaction|sale|sales|payment|docket|document)" + _NUMBER,
        r"(receipt|bon|beleg|belegnr|ticket|kassenbon|dokument|document)",
        rf"{_ORDER}",
    ),
    "stock_code": (
        r"(lineitem|item|product|variant|article|artikel|line)?(sku|skucode|ean|gtin|barcode|upc)",
        r"(stock|item|product|article|artikel|produkt|material|prod|art|articolo|producto|produit)(code|number|no|nr|nummer|num|id|ref)",
        r"(ref|reference|referencia|codigo|codice|code)(article|articulo|producto|produit|prodotto|articolo)?",
        r"(artikel|articulo|articolo)",
    ),
    "description": (
        r"(lineitem|item|product|article|artikel|produkt)(name|title|description|bezeichnung|text|titel)",
        r"(description|bezeichnung|descripcion|descrizione|omschrijving|designation|libelle|descricao|artikelbezeichnung)",
        r"(product|item|produkt|produit|producto|prodotto|articulo|article|text|title)s?",
    ),
    "quantity": (
        r"(lineitem|item|order|product)?(quantity|qty|menge|anzahl|stueck|stuck|quantite|qte|cantidad|quantita|qta|aantal|"
        r"quantidade|ilosc|units|pieces|count)(ordered|purchased|sold)?",
        r"(units|pieces|stk|stck|pcs|pzas)",
    ),
    "invoice_date": (
        r"(invoice|order|sale|sales|purchase|transaction|receipt|rechnungs|bestell|beleg|kauf|auftrags)(date|datetime|datum|time|timestamp)",
        r"(created|purchased|ordered|placed)(at|on|date|time|datetime)?",
        r"(paid|processed|completed)(at|on|date|time|datetime)",
        r"(date|datum|fecha|data|datetime|zeitpunkt|timestamp|dateheure)",
        r"(date|fecha|data|datum)(de|del|der|van)?(la)?" + _ORDER,
    ),
    "time": (r"(time|uhrzeit|zeit|heure|hora|ora|tijd)(of(sale|day))?", r"(order|sale|transaction)time"),
    "unit_price": (
        r"(unit|lineitem|item|single|einzel|stueck|stuck|product)(price|preis|cost)(each|net|netto|gross|brutto)?",
        r"(price|preis|prix|precio|prezzo|prijs|preco|cena)(unit|each|unitaire|unitario|unitaria|perunit|proeinheit|net|netto)?",
        r"(prix|precio|prezzo|preco)(unitaire|unitario)",
        r"(soldfor|salepriceunit|vkpreis|vk)",
    ),
    "line_amount": (
        r"(line|item|row|position|positions|zeilen|product)(total|amount|net|sum|betrag|summe|subtotal)",
        r"(net|gross)(sales|amount|total|revenue)",
        r"(sales|revenue|turnover|umsatz|betrag|montant|importe|importo|bedrag|valor|total|amount|subtotal|gesamt|"
        r"gesamtpreis|gesamtbetrag|sum|summe|totalprice|totalamount|nettobetrag|montantht|totalht)",
    ),
    "discount_amount": (r"(lineitem|line|item)?(discount|rabatt|remise|descuento|sconto|korting)(amount|betrag)?",),
    "tax_amount": (r"(lineitem|line|item)?(tax|vat|mwst|ust|tva|iva|btw)(amount|betrag)?",),
    "currency": (r"(order|payment)?(currency|waehrung|wahrung|devise|moneda|valuta|moeda)(code)?",),
    "status": (
        r"(financial|order|payment|bestell|auftrags|zahlungs)?(status|statut)",
        r"(order|payment)(state|condition)",
        r"(estado|stato)",
    ),
    "kind": (r"(transaction|event|line|document|sale|belegs|receipt)?(type|typ|art|kind)",),
    "store": (
        r"(store|shop|location|filiale|branch|outlet|tienda|magasin|negozio|kasse|till|register|device)(name|id|no|nr)?",
    ),
    "customer_id": (
        r"(customer|client|kunden|cliente|klant|member|user|buyer|account)(id|no|nr|number|num|nummer|code|key|ref|reference)",
        r"(customer|billing|buyer|contact|kunden)?e?mail(address|adresse|billing)?",
        r"(codigo|numero|no)(client|cliente|kunde)",
        r"(customer|client|kunde|cliente|klant|buyer)(name|username|user)?",
        r"(username|userid)",
    ),
    "country": (
        r"(shipping|delivery|ship|ship(to)?|liefer)(country|land)(code|name)?",
        r"(billing|customer|bill)?(country|land|pays|pais|paese|kraj)(code|name|billing)?",
    ),
}
_FILLED = ("customer_id", "country", "status", "currency", "invoice_date", "store")
"""Columns that an export may write on an order's first line only."""
_SUGGESTED = ("status", "currency")
"""Optional columns worth a line of the mapping whenever they are found."""


@dataclass(frozen=True)
class Guess:
    """What the headers seem to be.

    ``headers`` maps our column to a header; ``missing`` are columns that the layout needs
    and for which none was found.
    """

    layout: Layout
    headers: dict[str, str]
    missing: tuple[str, ...]
    fill_down: tuple[str, ...] = ()


def guess_columns(headers: Sequence[str]) -> dict[str, str]:
    """Guess which of our columns each header is; stronger matches first, each header once.

    The usual names of a layout count as the strongest.
    """
    named = [header for header in headers if header.strip()]
    keys = {header: _plain(header) for header in named}
    offers: list[tuple[int, int, int, str, str]] = []
    for order, (column, patterns) in enumerate(_PATTERNS.items()):
        usual = {_plain(name) for layout in (INVOICE_LINES, TRANSACTIONS) for name in layout.names.get(column, ())}
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
    found: dict[str, str] = {}
    for _, _, _, column, header in sorted(offers):
        if column not in found and header not in found.values():
            found[column] = header
    return found


def guess_mapping(headers: Sequence[str], lines: Sequence[Sequence[str | None]] = ()) -> Guess:
    """Guess a mapping for a header that no layout knows.

    Parameters
    ----------
    lines
        Some lines below the header, from which it is told whether an order's later lines
        are blank where its first is not.
    """
    found = guess_columns(headers)
    if "unit_price" in found:
        # beside a price, a total is mostly that of the order
        found.pop("line_amount", None)
    layout = INVOICE_LINES
    is_lines = "quantity" in found or "stock_code" in found or "description" in found
    if not is_lines and {"customer_id", "invoice_date"} <= found.keys():
        layout = TRANSACTIONS
        if "unit_price" not in found and "line_amount" in found:
            found["unit_price"] = found.pop("line_amount")
    known = {column: header for column, header in found.items() if column in MAPPABLE[layout.name]}
    missing = tuple(column for column in layout.missing(known))
    return Guess(layout, known, missing, _filled_down(headers, known, lines))


def write_mapping(guess: Guess, file_name: str) -> str:
    """Write the guess as a block of ``regulars.toml``; what was not found has a ``?``.

    What is found by its usual name anyway is left out.
    """
    name, glob = _names(file_name)
    lines = ["[[landing.sources]]", f"name = {_text(name)}", f"files = {_text(glob)}"]
    if guess.layout is not INVOICE_LINES:
        lines.append(f"layout = {_text(guess.layout.name)}")
    needed = {column for group in guess.layout.required for column in group}
    wanted = [column for column in MAPPABLE[guess.layout.name] if column in guess.headers or column in guess.missing]
    for column in wanted:
        header = guess.headers.get(column)
        if header is not None and _is_usual(guess.layout.name, column, header):
            continue
        if header is None:
            lines.append(f"columns.{column} = {_text(NOT_FOUND)}  # which header holds it?")
        elif column in needed or column in (*_SUGGESTED, "description", "customer_id", "country", "time"):
            lines.append(f"columns.{column} = {_text(header)}")
    if guess.fill_down:
        lines.append(f"fill_down = [{', '.join(_text(column) for column in guess.fill_down)}]")
    return "\n".join(lines)


def _filled_down(
    headers: Sequence[str], found: Mapping[str, str], lines: Sequence[Sequence[str | None]]
) -> tuple[str, ...]:
    position = {column: list(headers).index(header) for column, header in found.items()}

    def value(line: Sequence[str | None], column: str) -> str:
        place = position[column]
        return (line[place] or "").strip() if place < len(line) else ""

    filled = []
    if "invoice" in position:
        blanks = sum(not value(line, "invoice") for line in lines)
        if 0 < blanks < len(lines) and value(lines[0], "invoice"):
            filled.append("invoice")
    for column in _FILLED:
        if column not in position or "invoice" not in position:
            continue
        left = kept = 0
        for above, line in pairwise(lines):
            invoice = value(line, "invoice")
            if invoice == value(above, "invoice") or (not invoice and filled):
                left += not value(line, column)
                kept += bool(value(line, column))
        if left and not kept:
            filled.append(column)
    return tuple(filled)


def _is_usual(layout: str, column: str, header: str) -> bool:
    return normalise(header) in {normalise(name) for name in LAYOUTS[layout].names.get(column, ())}


def _names(file_name: str) -> tuple[str, str]:
    """Name and glob for the files that this one seems to be one of."""
    base = file_name.rsplit("/", 1)[-1]
    # an ending has letters, of which the last two count: .csv.gz, but not .2024.csv
    stem, suffix = re.fullmatch(r"(.*?)((?:\.[^\W\d]\w*){0,2})", base, re.DOTALL).groups()  # type: ignore[union-attr]
    glob = re.sub(r"\d+", "*", stem)
    glob = re.sub(r"[*\W_]*\*[*\W_]*$", "*", glob) if "*" in glob else glob
    name = re.sub(r"[\W\d_]+$", "", stem) or stem or "export"
    # what a name may hold that a glob reads otherwise
    glob = re.sub(r"[\[\]?]", "?", glob)
    return name, (glob if glob.endswith("*") else f"{glob}*") + suffix


def _plain(header: str) -> str:
    """Lower case letters and digits, without accents and signs."""
    spelled = header.casefold().replace("#", " no ").replace("ß", "ss").replace("°", "o").replace("º", "o")
    decomposed = unicodedata.normalize("NFKD", spelled)
    return "".join(character for character in decomposed if character.isalnum())


def _text(value: str) -> str:
    """A TOML string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
