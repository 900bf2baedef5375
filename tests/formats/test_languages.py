"""The sample of a system as it writes it in another language: just the same lines.

Belongs here: what a system translates, headers, words, dates, marks and the lines around the table. Does not belong
here: what its columns mean (:mod:`tests.formats.test_samples`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.formats.conftest import Delivery, Workbench
from tests.formats.test_samples import EXPORTED_AT, Line, expected, sample_of, told

LOYVERSE_IN_SPANISH = {
    "Date": "Fecha",
    "Receipt number": "Número de recibo",
    "Receipt type": "Tipo de recibo",
    "Category": "Categoria",
    "SKU": "REF",
    "Item": "Artículo",
    "Variant": "Variante",
    "Modifiers applied": "Modificadores aplicados",
    "Quantity": "Cantidad",
    "Gross sales": "Ventas brutas",
    "Discounts": "Descuentos",
    "Net sales": "Ventas netas",
    "Cost of goods": "Costo de los bienes",
    "Gross profit": "Beneficio bruto",
    "Taxes": "Impuestos",
    "POS": "TPV",
    "Store": "Tienda",
    "Cashier name": "Nombre del cajero",
    "Customer name": "Nombre del cliente",
    "Customer contacts": "Contactos del cliente",
    "Comment": "Comentario",
    "Status": "Estado",
    "Sale": "Venta",
    "Refund": "Reembolso",
    "Closed": "Cerrado",
    "Cancelled": "Cancelado",
    "31/03/2026 18:00": "31/3/2026 6:00 p. m.",
    "31/03/2026 17:30": "31/3/2026 5:30 p. m.",
    "30/03/2026 12:10": "30/3/2026 12:10 p. m.",
    "30/03/2026 12:00": "30/3/2026 12:00 p. m.",
}

EBAY_IN_FRENCH = {
    "Sales Record Number": "Numéro de vente",
    "Order Number": "Numéro de commande",
    "Buyer Username": "Pseudo de l’acheteur",
    "Item Number": "Numéro de l'objet",
    "Item Title": "Intitulé de l'objet",
    "Custom Label": "Étiquette personnalisée",
    "Quantity": "Quantité",
    "Sold For": "Vendu pour",
    "Shipping And Handling": "Livraison et manutention",
    "Total Price": "Prix total",
    "Sale Date": "Date de vente",
    "Paid On Date": "Date de paiement",
    "Mar-30-26": "30-mars-26",
    "Mar-29-26": "29-mars-26",
}
EBAY_IN_GERMAN = {
    "Sales Record Number": "Verkaufsprotokollnummer",
    "Order Number": "Bestellnummer",
    "Buyer Username": "Nutzername des Käufers",
    "Ship To Country": "Versand nach - Land",
    "Item Number": "Artikelnummer",
    "Item Title": "Angebotstitel",
    "Custom Label": "Bestandseinheit",
    "Quantity": "Anzahl",
    "Sold For": "Verkauft für",
    "Shipping And Handling": "Verpackung und Versand",
    "Total Price": "Gesamtbetrag",
    "Sale Date": "Verkauft am",
    "Paid On Date": "Zahlungsdatum",
    "Mar-30-26": "30-Mrz-26",
    "Mar-29-26": "29-Mrz-26",
}
EBAY_FRAMES = {
    "fr": '"3";"enregistrements téléchargés";"du 29-mars-26";"au 30-mars-26"\nIdentifiant du vendeur : example_shop\n',
    "de": '"3";"Datensätze heruntergeladen";"von 29-Mrz-26";"bis 30-Mrz-26"\n"Verkäufer-ID : example_shop"\n',
}


def translated(text: str, words: Mapping[str, str], *, delimiter: str = ",") -> str:
    rows = csv.reader(io.StringIO(text))
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerows(
        [words.get(cell, cell) for cell in row] for row in rows
    )
    return out.getvalue()


def lines_of(name: str, text: str, workbench: Workbench, folder: Path) -> dict[Line, int]:
    files = {"export.csv": Delivery(text.encode(), EXPORTED_AT)}
    return told(workbench.counted(folder / "alone", [files], since=EXPORTED_AT))


def test_loyverse_in_spanish_has_the_same_refunds_and_cancelled_receipts(workbench: Workbench, tmp_path: Path) -> None:
    text = translated(sample_of("loyverse_receipts").read_text(), LOYVERSE_IN_SPANISH)
    assert "Refund" not in text
    assert lines_of("loyverse_receipts", text, workbench, tmp_path) == expected("loyverse_receipts")


@pytest.mark.parametrize(("language", "words"), [("fr", EBAY_IN_FRENCH), ("de", EBAY_IN_GERMAN)])
def test_ebay_in_another_language_has_the_same_lines_and_no_frame(
    language: str, words: Mapping[str, str], workbench: Workbench, tmp_path: Path
) -> None:
    table, _, _ = sample_of("ebay_orders").read_text().partition("3,record(s)")
    text = translated(table.replace(".00", "!00"), words, delimiter=";").replace("!00", ",00") + EBAY_FRAMES[language]
    assert lines_of("ebay_orders", text, workbench, tmp_path) == expected("ebay_orders")
