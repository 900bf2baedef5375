"""How each file of a load writes its dates and numbers: where the readers ask.

Belongs here: the one question and its parts. Does not belong here: the evidence for
numbers (:mod:`warehouse.readers.number_styles`) and for dates
(:mod:`warehouse.readers.date_styles`), and typing the columns, which staging does.
"""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.readers.date_formats import check_date_format
from warehouse.readers.date_order import known_styles, may_change_with_neighbours
from warehouse.readers.date_styles import decide_dates
from warehouse.readers.file_styles import FileHints, ValueStyles
from warehouse.readers.number_styles import decide_marks
from warehouse.readers.staging import Staging

__all__ = [
    "FileHints",
    "ValueStyles",
    "check_date_format",
    "decide_styles",
    "known_styles",
    "may_change_with_neighbours",
]


def decide_styles(staging: Staging, files: Mapping[int, FileHints], dates_table: str) -> dict[int, ValueStyles]:
    """Decide date style and decimal marks of each file, and read its dates.

    Creates the temporary table ``dates_table`` (``file_id, text, read_at``): one row for
    each distinct date text of a file, to be joined on file and text.

    Parameters
    ----------
    files
        Hints by ``file_id``, for files of a kind that has dates; only transactions have prices.
    """
    styles = {file_id: ValueStyles() for file_id in files}
    decide_marks(staging, files, styles)
    decide_dates(staging, files, styles, dates_table)
    return styles
