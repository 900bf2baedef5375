"""Texts without the e-mail addresses that they quote.

Belongs here: the one rule for messages that are made outside the database. Does not belong
here: the same rule in SQL (``dbt_project/macros/customer_ids.sql``), and who a customer is.

Messages are published, or told to people who may see figures and no addresses; where a line
stands they say anyway. So they quote none, whatever the settings say of customers' ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "(e-mail address)"
_WITHIN = r"[^\s@|,;:<>()\"'\[\]{}]"
# also one that was cut off
_EMAIL = re.compile(rf"{_WITHIN}+@{_WITHIN}*(\.[^\W\d_]{{2,}}|…)")


def without_contacts(text: str) -> str:
    """The text with :data:`HIDDEN` in place of each e-mail address."""
    return _EMAIL.sub(HIDDEN, text) if "@" in text else text


def without_contacts_anywhere(value: Any) -> Any:
    """The same for every text in a value of plain JSON; tuples stay tuples."""
    if isinstance(value, str):
        return without_contacts(value)
    if isinstance(value, Mapping):
        return {key: without_contacts_anywhere(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_contacts_anywhere(one) for one in value)
    return value
