"""Names of months as exports write them.

Belongs here: the names in the languages we know, and what counts as short for one. Does
not belong here: where in a date a name stands.

Names are compared in small letters without accents and points, as in ``05-oct.-26``.
"""

from __future__ import annotations

import unicodedata

_NAMES = (
    # English, German (and Austrian), French, Spanish, Italian, Dutch, Portuguese, Danish and
    # Norwegian, Swedish; a name that is spelt alike in two of them stands once
    "january januar jänner janvier enero gennaio januari janeiro",
    "february februar feber février febrero febbraio februari fevereiro",
    "march märz maerz mars marzo maart março marts",
    "april avril abril aprile",
    "may mai mayo maggio mei maio maj",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août agosto augustus augusti",
    "september septembre septiembre setiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre diciembre dicembre dezembro desember",
)
_ABBREVIATIONS = {"mrz": 3, "mrt": 3}
"""Short forms that are no beginning of a name."""
_SHORTEST = 3


def fold_name(text: str) -> str:
    """Reduce a name to small letters without accents."""
    parts = unicodedata.normalize("NFD", text.casefold())
    return "".join(character for character in parts if character.isalpha())


def _known_names() -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for month, line in enumerate(_NAMES, start=1):
        for name in map(fold_name, line.split()):
            for length in range(_SHORTEST, len(name) + 1):
                found.setdefault(name[:length], set()).add(month)
    # 'jui' begins juin and juillet and so says nothing; a whole name says what it says
    return {name: months.pop() for name, months in found.items() if len(months) == 1} | _ABBREVIATIONS


MONTHS: dict[str, int] = _known_names()
"""Number (1 to 12) of each name and of each beginning of three letters or more that no two months share."""
