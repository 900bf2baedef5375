"""Whom to write to: addresses for a tool's file, from the private warehouse or from a book.

Belongs here: reading contacts and consent into memory, by the customer's published key. Does
not belong here: files (:mod:`serving.export.audiences`), tools' columns (:mod:`serving.export.tools`).

The one place of ``serving`` that looks into the private warehouse, on the command line alone and
only when asked to: no page and no route hands out a contact. A book is read, used and forgotten.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse.database import open_warehouse
from warehouse.errors import RegularsError, WarehouseBusyError
from warehouse.home import Home
from warehouse.pseudonyms import copied_key, key_check, pseudonym, published_key_check, read_key

_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
_PHONE = re.compile(r"'?(\+|00)?[0-9() ./-]+")
_SPELT_OUT = re.compile(r"\d{1,3}(,\d{3})+")
_FLOAT = re.compile(r"(\d+)[.,]0+")
_HEADERS = {
    "email": ("email", "emailaddress", "mail", "emailadresse", "adresseemail", "correo", "correoelectronico"),
    "customer_id": ("customerid", "customernumber", "customerno", "customer", "externalid", "extid", "id"),
    "phone": ("phone", "phonenumber", "mobile", "telephone", "telefon", "sms"),
    "consent": (
        *("acceptsmarketing", "acceptsemailmarketing", "emailmarketingconsent", "marketingconsent", "consent"),
        *("optin", "newsletter", "subscribed", "emailsubscribe"),
    ),
}
_YES = {"yes", "true", "1", "y", "ja", "oui", "si", "sí", "subscribed", "optedin", "opted_in", "opted-in"}
_NO = {"no", "false", "0", "n", "nein", "non", "unsubscribed", "neversubscribed", "never subscribed", "suppressed"}


class ContactsError(RegularsError):
    """Contacts can't be had from where they were asked for."""


@dataclass(frozen=True)
class Contact:
    """How to reach a customer; ``accepts_marketing`` is None where nobody said."""

    email: str | None = None
    phone: str | None = None
    accepts_marketing: bool | None = None

    def completed_by(self, other: Contact) -> Contact:
        """Take what it lacks from another contact; a no in either is a no."""
        answers = {self.accepts_marketing, other.accepts_marketing}
        return Contact(
            self.email or other.email,
            self.phone or other.phone,
            False if False in answers else True if True in answers else None,
        )


@dataclass(frozen=True)
class Contacts:
    """Contacts by the customer's key in lower case, and where they are from, for people."""

    by_customer: Mapping[str, Contact]
    source: str

    def of(self, customer_id: str) -> Contact:
        """A customer's contact; an empty one where none is known."""
        return self.by_customer.get(customer_id.lower(), Contact())

    def completed_by(self, other: Contacts) -> Contacts:
        """Take from another source whom and what these contacts lack."""
        both = {
            customer: self.of(customer).completed_by(other.of(customer))
            for customer in {*self.by_customer, *other.by_customer}
        }
        return Contacts(both, f"{self.source}, then {other.source}")


def contacts_from_warehouse(home: Home) -> Contacts:
    """Contacts that are the customers' own keys in the delivered files, with consent where a file has it.

    Raises
    ------
    ContactsError
        If a refresh holds the private warehouse, it knows no contacts yet, or was loaded with another key
        than the published snapshot.
    """
    if not home.warehouse.exists():
        raise ContactsError(
            f"{home.warehouse} is not there, and contacts stand nowhere else. Export on the machine that refreshes, or "
            "give an address book with --contacts."
        )
    try:
        with open_warehouse(home.warehouse, read_only=True) as con:
            there = con.execute(
                "select count(*) from duckdb_tables() where database_name = current_database() "
                "and schema_name = 'staging' and table_name = 'stg_customer_ids'"
            ).fetchone()
            if there == (0,):
                raise ContactsError(
                    f"{home.warehouse} was last refreshed by a version that kept no contacts. Run `regulars refresh`."
                )
            _check_key(home, copied_key(con))
            rows = con.execute(
                "select customer_id, contact, accepts_marketing from staging.stg_customer_ids "
                "where customer_id is not null and (contact is not null or accepts_marketing is not null) "
                "order by customer_id, contact"
            ).fetchall()
    except WarehouseBusyError as error:
        raise ContactsError(f"Contacts stand in the private warehouse, and {error}") from error
    found: dict[str, Contact] = {}
    for customer, contact, accepts in rows:
        told = Contact(_email(contact), _phone(contact), accepts)
        found[customer.lower()] = found.get(customer.lower(), Contact()).completed_by(told)
    return Contacts(found, "the private warehouse")


def contacts_from_book(path: Path, home: Home) -> Contacts:
    """Contacts of an address book: a CSV with a column of e-mail addresses and perhaps of customer numbers.

    A row is matched by its customer number, and by what is made of its address or phone number,
    where that is the customer's key itself.

    Raises
    ------
    ContactsError
        If the file can't be read, or has no column of addresses.
    """
    header, rows = _read_book(path)
    places = _columns(path, header)
    key = read_key(home)
    _check_key(home, key)
    found: dict[str, Contact] = {}
    for row in rows:
        told = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        contact = Contact(_email(told.get("email")), _phone(told.get("phone")), _answer(told.get("consent", "")))
        for name in ("customer_id", "email", "phone"):
            for customer in _keys(told.get(name, ""), key):
                found[customer] = found.get(customer, Contact()).completed_by(contact)
    return Contacts(found, path.name)


def _check_key(home: Home, key: str | None) -> None:
    published = published_key_check(home)
    if published is None:
        return
    if key is None or key_check(key) != published:
        reason = "is not there" if key is None else "is another one"
        raise ContactsError(
            f"The key that the published pseudonyms were made with ({home.pseudonym_key}) {reason}, so no customer can "
            "be matched with a contact. Put it back from a backup, or run `regulars refresh` to publish anew."
        )


def _read_book(path: Path) -> tuple[list[str], Iterator[list[str]]]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContactsError(f"{path} can't be read: {error.strerror or error}.") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    rows = (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row))
    return next(rows, []), rows


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    places = {}
    for column, known in _HEADERS.items():
        found = next((names.index(name) for name in known if name in names), None)
        if found is not None:
            places[column] = found
    if "email" not in places:
        raise ContactsError(
            f"{path} has no column of e-mail addresses: the header of one has to be Email or E-Mail Address. Customer "
            "numbers may stand beside it under Customer ID, consent under Accepts Marketing (yes or no)."
        )
    return places


def _keys(text: str, key: str | None) -> set[str]:
    """What published tables may know somebody by: the id itself, or its pseudonym."""
    if not text:
        return set()
    plain = _identifier(text)
    keys = {plain}
    if key is not None:
        keys |= {pseudonym(key, one) for one in {plain, _phone(text) or plain}}
    return keys


def _identifier(text: str) -> str:
    """As the macro ``identifier`` writes a customer's key."""
    if _SPELT_OUT.fullmatch(text):
        return text.replace(",", "")
    whole = _FLOAT.fullmatch(text)
    return whole[1] if whole else text.lower()


def _email(text: str | None) -> str | None:
    return text if text and _EMAIL.fullmatch(text) else None


def _phone(text: str | None) -> str | None:
    """Its digits, with + before those that begin with a country's code."""
    found = _PHONE.fullmatch(text) if text else None
    if not found:
        return None
    digits = re.sub(r"\D", "", text or "")
    if not 7 <= len(digits) <= 17:
        return None
    if found[1] is None:
        return digits
    return "+" + (digits[2:] if found[1] == "00" else digits)


def _answer(text: str) -> bool | None:
    word = text.lower()
    return True if word in _YES else False if word in _NO else None
