"""Headers that look like they matter: states, currencies, kinds of lines, refunds, discounts, amounts of lines.

Belongs here: by which words such a header is told, in the languages of the shop systems
that are known, and whether a column's values bear it out. Does not belong here: headers
that a layout or a mapping uses, and what follows from a value.

An order that was cancelled keeps its lines and its money in most exports, amounts in two currencies
add up to nonsense, a credit note may be told by its kind alone, and a refund or a discount by a figure
beside the sale, or by nothing but what the line came to; so these are looked at even where nothing uses them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from warehouse.readers.rough_numbers import rough_number

Role = Literal["status", "currency", "kind", "refund", "discount", "order_discount", "amount"]

MAX_VALUES = 200
"""Distinct values kept of a column; a status has a dozen, a currency a few."""


@dataclass(frozen=True)
class UnusedHeader:
    """A header that nothing uses, with the role that its name suggests.

    ``is_doubtful``: the name alone does not tell (a *state* may be a part of a country). ``beside``: positions whose
    values are looked at together with the column's own, in this order: quantity and price beside the amount of a line,
    the order's number beside a discount, whatever of a line may have a minus beside a refund.
    """

    position: int
    header: str
    role: Role
    is_doubtful: bool = False
    beside: tuple[int, ...] = ()

    @property
    def positions(self) -> tuple[int, ...]:
        """The column's own position and those beside it."""
        return (self.position, *self.beside)


@dataclass(frozen=True)
class UnusedColumn:
    """A column of that kind, with its distinct values and how many lines have each; None is blank."""

    header: str
    role: Role
    values: tuple[tuple[str | None, int], ...]


_CURRENCY = re.compile("currency|waehrung|wahrung|devise|moneda|valuta|moeda|waluta|divisa")
_STATUS = re.compile("status|statut|situacao|durum|fulfill?ment|cancel|storno|storniert|voided|annul")
_FLAG = re.compile("(is|was)?(void|deleted(at|on)?)")
"""What a line is called that a till or a database keeps although it no longer holds."""
_PAID = re.compile(
    "(is|was)?(un)?(paid|bezahlt|paye|payee|impayee?|(im)?pagad[oa]|pagat[oa]|pag[oa]|(on)?betaald|betalt|zapłacon[eoya])"
)
"""What a column is called that says whether it was paid."""
# figures that only name what they are of, and who or what was behind a state
_FIGURE = re.compile("rate|kurs|fees?|gebuehr|gebuhr|amount|total|sum|price|betrag|summe|by|reason|reference|policy")
_NOT_OF_A_SALE = re.compile(
    "marital|customers?|members?|membership|subscribers?|subscription|consent|marketing|tax|stock|inventory|loyalty|"
    "employment|address"
)
_PLACE = re.compile("shipping|billing|ship|bill|customers?|address|country|city|region|province|delivery|recipient")
_STATE = re.compile("state|estado|stato|etat|zustand|stan|tilstand|stav")
_OF_A_SALE = re.compile("order|payment|line|item|transaction|invoice|pedido|orden|ordine|commande")

_OF = "(de|du|del|des|di|da|do|der)?(la)?"
KIND_PATTERNS = (
    "(transaction|line|document|dokument|dokumenten|sale|sales|belegs?|vorgangs?|receipt|invoice|entry|movement|bewegungs?|"
    "record|billing)?(type|typ|art|kind)",
    f"(tipo|type|typ|rodzaj){_OF}(dokumentu|documento|document|receipt|ticket|transaction|recibo|recu|transaccion|venta|vente|factura|facture)",
    "(islem|belge|fis)turu|取引(区分|種別)",
)
"""What a column is called that says of each line what it is, without blanks, marks and accents."""
EVENT_PATTERN = "event(type|name)?"
"""The same where lines are what people did: looked at a product, put it into the cart, paid, brought it back."""

_OF_A_DISCOUNT = (
    "(discount|rabatt|nachlass|remise|descuento|sconto|korting|desconto|iskonto|indirim|rabat|markdown|rebate)s?"
)
_MONEY_OFF = "(amount|amt|value|betrag|discount|off|savings?)s?"
_PART = "(percent|percentage|pct|prozent|rate)"
DISCOUNT_PATTERNS = (
    rf"(lineitem|line|item|row|position|product|total|seller|store|shop|member|customer|promo(tion)?(al)?|coupon|voucher)?"
    rf"{_OF_A_DISCOUNT}(amount|amt|value|betrag|applied|tutar[iı]|total|given)?",
    # without a word for money these name a code
    rf"(item|line)?(promo|promotion|promotional|coupon|voucher|gutschein)s?{_MONEY_OFF}",
    r"値引き?|割引|折扣|优惠(金额)?|dto|disc(amount|amt|value|pct|percent)",
    rf"(lineitem|line|item)?{_OF_A_DISCOUNT}{_PART}",
)
"""What a column is called that says what came off a line, without blanks, marks and accents."""
_DISCOUNT_OF_AN_ORDER = re.compile(
    rf"(order|cart|basket|invoice|receipt|bestell|auftrags|rechnungs|beleg)(coupon|promo)?{_OF_A_DISCOUNT}"
    rf"(amount|amt|value|betrag|total)?"
)
"""The same of a whole order, which no column of the line has."""

_AFTER_TAX_SHARES = 2
"""So many shares of quantity by price, one a rate of tax, say that what a line came to is without the tax."""

_REFUND = re.compile("refund(?!able)|erstatt|rembours|reembols|rimbors|terugbetaal")
_RETURNED = re.compile(
    "(is|was)?(item|order)?return(s|ed|flag)?|return(ed)?(qty|quantity|units|items|amount|value)|"
    "(qty|quantity|units|items|sales)return(s|ed)|"
    # and in the languages of the words for a return
    "retouren?|retourniert|rucksendung(en)?|ruckgaben?|gutschrift(en)?|retours?|retournee?s?|devuelt[oa]s?|"
    "devolucion(es)?|devolvid[oa]s?|devoluc(ao|oes)|res[oi]|retur|zwrot|zwrocon[eoya]"
)
# when, why and how it was given back is no figure of it
_NO_REFUND_FIGURE = re.compile(
    "dates?|datum|fecha|day|days|time|at|on|utc|reasons?|grund|by|policy|method|id|ids|number|no|nr|reference|notes?|"
    "status|state|fees?|rate|type|currency|window|period"
)

_KNOWN_STATES = re.compile(
    "open|closed|complete|completed|done|cancell?ed|cancellation|refund|(partially)?(refunded|paid|fulfilled|shipped)|"
    "un(paid|shipped|fulfilled)|pending|failed|void|voided|processing|onhold|draft|trash|returned|delivered|authori[sz]ed|"
    "new|active|inactive|invoiced|restocked|checkoutdraft|success|successful|declined|rejected|expired|sale|"
    "(un)?bezahlt|offen|storniert|abgeschlossen|versendet|versandt|geliefert|erstattet|retourniert|inbearbeitung|neu|"
    "annulee?|payee?|expediee?|livree?|remboursee?|terminee?|encours|"
    "pagad[oa]|cancelad[oa]|enviad[oa]|entregad[oa]|reembolsad[oa]|pendiente|completad[oa]|"
    "pagat[oa]|annullat[oa]|spedit[oa]|consegnat[oa]|rimborsat[oa]|completat[oa]|"
    "betaald|geannuleerd|verzonden|geleverd|true|false|yes|no|ja|nein|y|n|0|1"
)


def headers_with_a_role(
    headers: Sequence[tuple[int, str]],
    *,
    by_price: bool = False,
    order: tuple[int, ...] = (),
    signed: tuple[int, ...] = (),
) -> tuple[UnusedHeader, ...]:
    """Those of the headers (position and name) that look like one of the roles.

    ``by_price``: lines count at quantity times price, so that a discount may come off; an amount is after it. Amounts
    of lines are no matter of their names alone, and not among these. ``order``: where the order's number stands.
    ``signed``: where what a line sold stands, a minus before which takes it back.
    """
    beside = {"discount": order[:1], "refund": signed}
    found = []
    for position, header in headers:
        told = _role_of(header)
        if told is not None and (by_price or told[0] not in ("discount", "order_discount")):
            found.append(UnusedHeader(position, header, *told, beside=beside.get(told[0], ())))
    return tuple(found)


def counted_fields(header: UnusedHeader, fields: Sequence[str]) -> list[str]:
    """SQL for the values to count: those of an amount that is no less than quantity by price are all alike.

    A file has as many of them as it has prices, quantities and amounts, and only the others are told. Of what stands
    beside a refund no more than a minus matters.
    """
    if header.role == "refund":
        minus = "case when regexp_matches({0}, '[-\u2212(]') then '-' else '' end"
        return [fields[0], *(minus.format(field) for field in fields[1:])]
    if header.role != "amount":
        return list(fields)
    amount, units, price = (f"abs(try_cast({field} as double))" for field in fields)
    return [f"case when {amount} >= {units} * {price} - 0.005 and {price} > 0 then '1' else {f} end" for f in fields]


Values = str | tuple[str | None, ...] | None
"""A value as delivered; with those of the columns beside it where the header names some."""


def describe_unused(header: UnusedHeader, counts: Mapping[Values, int]) -> UnusedColumn | None:
    """Values of a column with a role, most frequent first; None if they speak against the role.

    Parameters
    ----------
    counts
        Lines by value as delivered.
    """
    role = header.role
    if header.beside and role == "amount":
        counts = _less_than_by_price(counts)
    elif header.beside and role == "refund":
        counts = _first_of_each({values: lines for values, lines in counts.items() if not _takes_back(values)})
    elif header.beside:
        role = "order_discount" if _is_one_for_each_order(counts) else role
        counts = _first_of_each(counts)
    trimmed: Counter[str | None] = Counter()
    for value, lines in counts.items():
        trimmed[(value if isinstance(value, str) else "").strip() or None] += lines
    said = {value: lines for value, lines in trimmed.items() if value is not None}
    if not said:
        return None
    known = sum(lines for value, lines in said.items() if _KNOWN_STATES.fullmatch(_folded(value)))
    if header.is_doubtful and known * 2 < sum(said.values()):
        return None
    # ties by value, so that equal files give equal rows
    ranked = sorted(trimmed.items(), key=lambda item: (-item[1], item[0] or ""))
    return UnusedColumn(header.header, role, tuple(ranked[:MAX_VALUES]))


def _is_one_for_each_order(counts: Mapping[Values, int]) -> bool:
    """Whether orders of several lines have one discount on all of them: that of the order, or a rate.

    A sign for per cent says which; a discount on one line of an order is that line's.
    """
    values_of: dict[str, set[str]] = defaultdict(set)
    lines_of: Counter[str] = Counter()
    for values, lines in counts.items():
        if isinstance(values, tuple) and (order := (values[1] or "").strip()):
            values_of[order].add((values[0] or "").strip())
            lines_of[order] += lines
    several = [
        values
        for order, values in values_of.items()
        if lines_of[order] > 1 and any(rough_number([value], 0) for value in values)
    ]
    return bool(several) and all(len(values) == 1 and "%" not in "".join(values) for values in several)


def _takes_back(values: Values) -> bool:
    """Whether a line is the refund itself, by a minus before what it sold."""
    return isinstance(values, tuple) and any(set(value or "") & set("-\u2212(") for value in values[1:])


def _first_of_each(counts: Mapping[Values, int]) -> dict[Values, int]:
    """Lines by the column's own value alone."""
    own: Counter[Values] = Counter()
    for values, lines in counts.items():
        own[values[0] if isinstance(values, tuple) else values] += lines
    return dict(own)


def _less_than_by_price(counts: Mapping[Values, int]) -> dict[Values, int]:
    """Of amounts with their quantities and prices those that are less than one times the other, in words.

    None of them where the amounts are those of all lines without tax. More is no matter: the amount of a whole order,
    on each of its lines, or tax on top.
    """
    less: Counter[Values] = Counter()
    shares = set()
    is_all = True
    for values, lines in counts.items():
        if not isinstance(values, tuple):
            continue
        amount, units, price = (abs(rough_number(values, place)) for place in range(3))
        by_price = units * price
        if not by_price or not (values[0] or "").strip():
            continue
        # cents are cut from prices, and sometimes all of them from an amount
        cut = max((1 + units) / 200, Decimal(0) if amount % 1 else Decimal("0.99"))
        if amount < by_price - cut:
            less[f"{(values[0] or '').strip()} for {(values[1] or '').strip()} × {(values[2] or '').strip()}"] += lines
            shares.add(round(amount / by_price, 2))
        else:
            is_all = False
    is_without_tax = is_all and sum(less.values()) > len(shares) <= _AFTER_TAX_SHARES and min(shares) > 0
    return {} if is_without_tax else dict(less)


def _role_of(header: str) -> tuple[Role, bool] | None:
    words = _words(header)
    key = "".join(words)
    is_given_back = _REFUND.search(key) or _RETURNED.fullmatch(key)
    if is_given_back and not any(_NO_REFUND_FIGURE.fullmatch(word) for word in words):
        return "refund", False
    if _DISCOUNT_OF_AN_ORDER.fullmatch(key):
        return "order_discount", False
    if any(re.fullmatch(pattern, key) for pattern in DISCOUNT_PATTERNS):
        return "discount", False
    if any(_FIGURE.fullmatch(word) for word in words):
        # "Currency conversion rate" holds numbers, "Cancellation reason" prose
        return None
    if _CURRENCY.search(key):
        return "currency", False
    if any(_NOT_OF_A_SALE.fullmatch(word) for word in words):
        return None
    if _STATUS.search(key) or _FLAG.fullmatch(key) or _PAID.fullmatch(key):
        return "status", False
    if any(_STATE.fullmatch(word) for word in words) and not any(_PLACE.fullmatch(word) for word in words):
        return "status", not any(_OF_A_SALE.fullmatch(word) for word in words)
    if any(re.fullmatch(pattern, key) for pattern in (*KIND_PATTERNS, EVENT_PATTERN)):
        return "kind", False
    return None


def _words(header: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", header)
    return [_folded(word) for word in re.split(r"[^\w]+|_", spaced) if word]


def _folded(text: str) -> str:
    """Lower case letters and digits without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if character.isalnum())
