"""Currencies that only the formats of a workbook's cells tell: 10 that is shown as 10,00 €.

Belongs here: which sign of a currency each cell is shown with. Does not belong here: reading cells
(:mod:`warehouse.readers.workbook`), and what a sign beside an amount means (dbt's macro ``currency_code``).

A cell names its format by a number, which the library that reads cells doesn't tell, so that the sheet's XML is
looked at. That costs time, and only where formats of the workbook show a currency that says something: another than
the shop's, or several.
"""

from __future__ import annotations

import html
import re
import unicodedata
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')
_CELL_STYLES = re.compile(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_CODED = re.compile(r"\[\$([^\-\]]+)(?:-[0-9A-Fa-f]+)?\]")
"""A sign as spreadsheet programs write it since 2000: ``[$€-407]``."""
_QUOTED = re.compile(r'"([^"]+)"|\\(.)')
_WORD = re.compile(r"[A-Z]{3}|[A-Z]{0,3}\$|kr\.?|zł|Kč|Ft|lei|TL")
"""A sign of letters; what else stands in quotes is a unit, such as pcs."""
_CHUNK_BYTES = 4 * 1024 * 1024
_CELL_BYTES = 1024
"""No tag of a cell is longer."""


class CellCurrencies:
    """Signs of currencies in the formats of a workbook (.xlsx)."""

    def __init__(self, path: Path, own: Collection[str]) -> None:
        """Look at the formats; ``own`` are the signs of the shop's currency, which say nothing where they are alone.

        Raises
        ------
        zipfile.BadZipFile, KeyError
            If the workbook is damaged.
        """
        self._path = path
        self._parts: dict[str, str] = {}
        self._styles: dict[int, str] = {}
        with zipfile.ZipFile(path) as archive:
            if "xl/styles.xml" not in archive.namelist():
                return
            styles = _signs_of_styles(_text(archive, "xl/styles.xml"))
            if set(styles.values()) <= set(own):
                return
            self._styles = styles
            relations = _tags_of("Relationship", _text(archive, "xl/_rels/workbook.xml.rels"))
            targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
            for sheet in _tags_of("sheet", _text(archive, "xl/workbook.xml")):
                relation_id = next((value for name, value in sheet.items() if name.endswith(":id")), None)
                target = targets.get(relation_id, "")
                self._parts[sheet.get("name", "")] = target[1:] if target.startswith("/") else f"xl/{target}"

    def of_sheet(self, name: str) -> dict[tuple[int, int], str]:
        """Signs by row of the sheet and column of its table, both from 0."""
        part = self._parts.get(name)
        if part is None:
            return {}
        styles = b"|".join(str(style).encode() for style in self._styles)
        cell = re.compile(rb'<(?:\w+:)?c(?=\s[^>]*\bs="(' + styles + rb')")[^>]*\br="([A-Z]{1,3})(\d+)"')
        found = {
            (int(row) - 1, _number_of(column)): self._styles[int(style)]
            for tags in self._tags(part)
            for style, column, row in cell.findall(tags)
        }
        first = self._first_column(part) if found else 0
        return {(row, column - first): sign for (row, column), sign in found.items()}

    def _tags(self, part: str) -> Iterator[bytes]:
        """The sheet's XML in pieces; a tag that was cut in two is whole in the second."""
        with zipfile.ZipFile(self._path) as archive, archive.open(part) as stream:
            rest = b""
            while piece := stream.read(_CHUNK_BYTES):
                yield rest + piece
                start = piece.rfind(b"<", -_CELL_BYTES)
                rest = piece[start:] if start >= 0 else b""

    def _first_column(self, part: str) -> int:
        """The first column that has a value: the table of the reader begins there."""
        filled = re.compile(rb'<(?:\w+:)?c(?=\s[^>]*[^/]>)[^>]*\br="([A-Z]{1,3})\d+"')
        return min((_number_of(column) for tags in self._tags(part) for column in {*filled.findall(tags)}), default=0)


def _signs_of_styles(styles: str) -> dict[int, str]:
    formats = {
        number.get("numFmtId"): sign
        for number in _tags_of("numFmt", styles)
        if (sign := sign_of_format(number.get("formatCode", ""))) is not None
    }
    cells = _CELL_STYLES.search(styles)
    return {
        place: formats[style.get("numFmtId")]
        for place, style in enumerate(_tags_of("xf", cells.group() if cells else ""))
        if style.get("numFmtId") in formats
    }


def _text(archive: zipfile.ZipFile, part: str) -> str:
    return archive.read(part).decode("utf-8", "replace")


def _tags_of(name: str, text: str) -> Iterator[dict[str, str]]:
    """Attributes of each tag of a name; none of them nests, so that no parser of XML is needed."""
    for tag in re.findall(rf"<(?:\w+:)?{name}\s[^>]*>", text):
        yield {attribute: html.unescape(value) for attribute, value in _ATTRIBUTE.findall(tag)}


def sign_of_format(code: str) -> str | None:
    """The sign of a currency in the format of a number; None where there is none.

    Formats without a text of their own, such as 44 of Excel, show the sign of whoever looks at them.
    """
    amounts = code.split(";", 1)[0]
    texts = [*_CODED.findall(amounts), *("".join(found) for found in _QUOTED.findall(amounts))]
    # what else stands in brackets is a colour, a language, a condition
    texts += [one for one in re.sub(r"\[[^\]]*\]", "", amounts) if unicodedata.category(one) == "Sc"]
    for text in map(str.strip, texts):
        if _WORD.fullmatch(text) or (len(text) <= 3 and any(unicodedata.category(one) == "Sc" for one in text)):
            return text
    return None


def _number_of(column: bytes) -> int:
    """A, B, … AA as numbers from 0."""
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number - 1
