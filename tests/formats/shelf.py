"""The invented shop's shelf and the people who buy there.

Belongs here: products, with every trap that a name or a missing SKU is, and customers. Does
not belong here: what was sold.
"""

from __future__ import annotations

from decimal import Decimal

from tests.formats.orders import HOME, Customer, Kind, Product


def _product(number: int, name: str, price: str, sku: str | None = None, variant: str = "", **more: object) -> Product:
    return Product(number, name, Decimal(price), sku, variant, **more)  # type: ignore[arg-type]


MUG = _product(1, "Stoneware mug", "10.00", "MUG-1")
TRAY = _product(2, 'Tray 12" round', "24.50", "TRAY-12")
# in a file without quoting, this opens a field that never ends
PRINT = _product(3, '"Sunny day print', "18.00", "PRINT-7", category="Paper")
TEA_POT = _product(4, "Tea pot", "30.00")
TOWEL = _product(5, "Linen towel, blue", "20.00", "LT-9")
FOX_CARD = _product(6, "Fox card | greeting card, animals", "3.50", category="Paper")
RED_STICKER = _product(7, "Sticker", "4.00", None, "Red", category="Paper")
BLUE_STICKER = _product(8, "Sticker", "4.20", "ST-B", "Blue", category="Paper")
CANDLE = _product(9, "Candle\n(set of 3)", "12.75", "CN-3")
BENCH = _product(10, "Garden bench, oak", "1250.00", "BENCH-1", category="Garden")
CHEESE = _product(11, "Cheese, aged", "20.00", "CH-10", is_weighed=True, category="Food")
LOOSE_TEA = _product(12, "Loose tea", "48.60", is_weighed=True, category="Food")
BLUE_BOWL = _product(13, "Blue bowl", "12.00", "BB-1")
# as dear as the blue one: a refund of 12.00 may be either
GREEN_BOWL = _product(14, "Green bowl", "12.00", "BB-2")
HOOK = _product(15, "Brass hook", "0.33", "HOOK")
BLANKET = _product(16, "Wool blanket", "64.95", "WB-1")
NOTEBOOK = _product(17, "Notebook 'A5'", "7.49", "NB-5", category="Paper")
CAFE_BOWL = _product(18, "Café au lait bowl", "13.20", "CAFÉ-1")
SOAP = _product(19, "Soap; lavender", "5.95", "SOAP-2")
LAMP = _product(20, "Deer lamp", "49.00")
POSTCARDS = _product(21, "Postcard set", "6.00", "PC-6", category="Paper")
# a spreadsheet would take it for a formula, so exporters put an apostrophe before it
CUSHION = _product(22, "+1 cushion cover", "22.00", "CU-1")
RIBBON = _product(23, "Ribbon, free with an order", "0.00", "RB-0")
CUSTOM_AMOUNT = _product(24, "Custom Amount", "5.00", category="")
GIFT_CARD = _product(25, "Gift card", "25.00", None, "£25", kind=Kind.GIFT_CARD, category="")

GOODS = (
    *(MUG, TRAY, PRINT, TEA_POT, TOWEL, FOX_CARD, RED_STICKER, BLUE_STICKER, CANDLE, BENCH, BLUE_BOWL, GREEN_BOWL),
    *(HOOK, BLANKET, NOTEBOOK, CAFE_BOWL, SOAP, LAMP, POSTCARDS, CUSHION),
)
"""What any order may have; the others are for orders made for them."""

_FIRST = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gwen", "Hugo", "Ivy", "Jon", "Kit", "Lou")
_LAST = ("Fox", "O'Heron", "Badger", "Otter-Vole", "Wren")


def invented_customers(count: int) -> tuple[Customer, ...]:
    """Customers in three countries, no two alike in anything that a system knows them by."""
    customers = []
    for number in range(count):
        first, last = _FIRST[number % len(_FIRST)], _LAST[number // len(_FIRST) % len(_LAST)]
        again = number // (len(_FIRST) * len(_LAST))
        name = f"{first} {last}" + (f" {again + 1}" if again else "")
        handle = f"{first}.{last}".lower().replace("'", "").replace("-", "")
        customers.append(
            Customer(
                number=number + 1,
                name=name,
                email=f"{handle}{number + 1}@example.org",
                user_name=f"{handle.replace('.', '_')}{number + 1}",
                # numbers that the regulator keeps for fiction
                phone=f"+447700900{number + 100:03d}",
                country={0: "France", 3: "Germany"}.get(number % 6, HOME),
                leaves_phone_only=number % 10 == 7,
                shows_user_name_only=number % 4 == 1,
                has_contacts=number % 2 == 0,
            )
        )
    return tuple(customers)
