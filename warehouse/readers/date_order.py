"""Whether the day or the month comes first in a file whose dates can be read both ways.

Belongs here: the kinds of evidence, in the order in which they count, and the sentence
that tells each. Does not belong here: reading texts, and dates that read one way only.

Nothing here depends on the order of files or lines. Evidence that others give to a file
(:func:`settle_by_neighbours`, :func:`settle_by_pool`) comes from files whose own values
decided, or from all undecided files of a source at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from warehouse.readers.file_name_dates import periods_in_name
from warehouse.readers.file_styles import FileHints

CLOSE_DAYS = 7
"""A file that is sent every week or more often ends within this many days before it comes."""
FAR_DAYS = 28
"""The other reading must be further from the delivery than any monthly file is late."""
_NAME_LAG_DAYS = 3
"""A file is often named by the day of its export, which comes after a weekend."""
CLEAR_RATIO = 2
"""One reading is taken for its span only if the other spreads the dates over this many times as many days."""

_PROVED = re.compile(
    r"^(?P<style>(?:day|month)\S+) reads [\d,]+ of [\d,]+ dates(?:, (?:day|month)\S+ [\d,]+)?(?:$|; \d)"
)

_WEAKER_THAN_NEIGHBOURS = re.compile(r"^assumed:|^both orders fit; .* close to the day|^both orders read .* keeps them")


@dataclass(frozen=True)
class Reading:
    """How one order fares in one file, in lines."""

    style: str
    """``month/day/year`` and the like."""
    order: str
    """``month_first`` or ``day_first``."""
    lines: int
    """Dates that it reads."""
    alone_lines: int
    """Dates that it reads and the other order does not."""
    first_at: datetime
    last_at: datetime
    after_load_lines: int = 0
    """Dates that only this order puts after the file was loaded."""
    after_writing_lines: int = 0
    """Dates that this order puts after the file was last written, whatever the other does."""

    @property
    def span_days(self) -> int:
        """Calendar days from the first to the last date, both counted."""
        return (self.last_at.date() - self.first_at.date()).days + 1


@dataclass(frozen=True)
class Question:
    """Two orders that a file leaves to choose from.

    ``first`` is the one that a guess takes: months first with slashes, as spreadsheets write
    them, days first with dashes.
    """

    first: Reading
    second: Reading
    total: int
    """Dates of the file, of every shape."""
    differing_lines: int
    """Dates that the two orders read differently; each then lies in another month."""

    def other(self, reading: Reading) -> Reading:
        """The reading that is not this one."""
        return self.second if reading is self.first else self.first


@dataclass(frozen=True)
class Verdict:
    """Which order holds, and why."""

    reading: Reading
    evidence: str
    is_proved: bool = False
    """Whether the file's own values decided, so that its neighbours may go by it."""
    assumed_lines: int = 0
    notes: tuple[str, ...] = ()


def is_proved_evidence(date_style: str | None, evidence: str | None) -> bool:
    """Whether an evidence of the ledger says that the values of that file decided between the orders.

    Files of which it does may be counted in ``FileHints.known_styles``.
    """
    found = _PROVED.match(evidence or "")
    return found is not None and found["style"] == date_style


def may_change_with_neighbours(evidence: str | None) -> bool:
    """Whether a file with this evidence would be judged anew if the order of its source were known.

    A guess, and what rests on the day a file came or on the span of its dates, counts for less
    than files whose values decide. Reading such a file again when the first of those comes
    makes files that come one by one equal to files that come together.
    """
    return evidence is not None and _WEAKER_THAN_NEIGHBOURS.search(evidence) is not None


def known_styles(entries: Iterable[tuple[str, str | None, str | None]]) -> dict[str, dict[str, int]]:
    """Count the files whose own values decided, for ``FileHints.known_styles``.

    Parameters
    ----------
    entries
        Source, date style and evidence of each file, as in the ledger.
    """
    found: dict[str, Counter[str]] = {}
    for source, date_style, evidence in entries:
        if date_style is not None and is_proved_evidence(date_style, evidence):
            found.setdefault(source, Counter())[date_style] += 1
    return {source: dict(counts) for source, counts in found.items()}


def settle_by_values(question: Question) -> Verdict | None:
    """One order reads dates that the other can't, and not the other way round."""
    best, rival = sorted((question.first, question.second), key=lambda reading: -reading.lines)
    if best.lines == rival.lines:
        return None
    said = f"{best.style} reads {best.lines:,} of {question.total:,} dates, {rival.style} {rival.lines:,}"
    if rival.alone_lines:
        return Verdict(best, f"{said}, of which {rival.alone_lines:,} only so: the orders are mixed")
    return Verdict(best, said, is_proved=True)


def settle_single(reading: Reading, total: int, hints: FileHints) -> Verdict:
    """Take the one order that reads any date of a file."""
    said = f"{reading.style} reads {reading.lines:,} of {total:,} dates"
    return _noting_other_setting(Verdict(reading, said, is_proved=True), hints)


def settle_alone(question: Question, hints: FileHints) -> Verdict | None:
    """Decide by the file itself and the settings, without other files."""
    if question.differing_lines == question.first.alone_lines == question.second.alone_lines == 0:
        return Verdict(
            question.first,
            f"{question.first.style} reads {question.first.lines:,} of {question.total:,} dates; "
            f"{question.second.style} gives the same date",
        )
    by_values = settle_by_values(question)
    if by_values is not None and by_values.is_proved:
        return _noting_other_setting(by_values, hints)
    by_settings = _settle_by_settings(question, hints)
    if by_settings is not None or by_values is not None:
        return by_settings or by_values
    if hints.kind != "transactions":
        # an expiry lies anywhere, and most of them after the delivery
        return None
    return _settle_by_delivery(question, hints) or _settle_by_name(question, hints)


def settle_by_neighbours(question: Question, hints: FileHints, proved: Mapping[str, int]) -> Verdict | None:
    """Take the order that the values of every decided file of the same source and shape have.

    Parameters
    ----------
    proved
        How many such files had which style.
    """
    readings = {reading.style: reading for reading in (question.first, question.second)}
    known = {style: files for style, files in proved.items() if style in readings and files > 0}
    if len(known) != 1:
        return None
    ((style, files),) = known.items()
    source = f" of {hints.source}" if hints.source else ""
    plural = "s" if files > 1 else ""
    return Verdict(
        readings[style], f"both orders fit; {files:,} other file{plural}{source} can be read as {style} only"
    )


def settle_by_nearness(question: Question, hints: FileHints) -> Verdict | None:
    """Take the order in which a file of sales ends just before it came, if the other lies far off."""
    if hints.kind != "transactions" or hints.delivered_at is None:
        return None
    came = hints.delivered_at.date()
    for reading in (question.first, question.second):
        other = question.other(reading)
        days, far_days = (came - reading.last_at.date()).days, abs((came - other.last_at.date()).days)
        if -1 <= days <= CLOSE_DAYS and far_days > FAR_DAYS:
            return Verdict(
                reading,
                f"both orders fit; {reading.style} ends {reading.last_at:%Y-%m-%d}, close to the day the file came "
                f"({came}), {other.style} {other.last_at:%Y-%m-%d}",
            )
    return None


def settle_by_span(question: Question, hints: FileHints) -> Verdict | None:
    """Take the order that keeps a file's sales together, if the other spreads them far wider."""
    if hints.kind != "transactions":
        return None
    near, wide = sorted((question.first, question.second), key=lambda reading: reading.span_days)
    if near.span_days * CLEAR_RATIO > wide.span_days:
        return None
    return Verdict(
        near,
        f"both orders read {near.lines:,} of {question.total:,} dates; {near.style} keeps them within "
        f"{near.span_days:,} days, {wide.style} spreads them over {wide.span_days:,}",
    )


def settle_by_pool(questions: Sequence[Question], hints: FileHints) -> list[Verdict] | None:
    """Judge the undecided files of one source and shape by the span of all of them together.

    A file of one day has no span; five such files have.

    Returns
    -------
    list or None
        One verdict for each question, or None if the span of all is not clear either.
    """
    if len(questions) < 2:
        return None
    whole = Question(
        _united([question.first for question in questions]),
        _united([question.second for question in questions]),
        sum(question.total for question in questions),
        sum(question.differing_lines for question in questions),
    )
    verdict = settle_by_span(whole, hints)
    if verdict is None:
        return None
    takes_first = verdict.reading is whole.first
    return [
        Verdict(
            question.first if takes_first else question.second,
            f"{verdict.evidence}, with the {len(questions) - 1:,} other undecided files of its source",
        )
        for question in questions
    ]


def guess(question: Question) -> Verdict:
    """Take the usual order, and say that it is a guess and what settles it."""
    taken, other = question.first, question.second
    lines = question.differing_lines
    return Verdict(
        taken,
        f"assumed: {taken.style} and {other.style} both fit",
        assumed_lines=lines,
        notes=(
            f"dates were read as {taken.style}, and {other.style} fits as well ({_apart(taken, other)}): "
            f"{lines:,} lines would fall in another month. Say which holds: "
            f'date_order = "{taken.order}" (or "{other.order}") under [landing] in regulars.toml',
        ),
    )


def _apart(taken: Reading, other: Reading) -> str:
    """A date in which the two differ: the first ones, or the last where those are the same day."""
    if taken.first_at.date() != other.first_at.date():
        return f"{taken.first_at:%Y-%m-%d} or {other.first_at:%Y-%m-%d}"
    return f"{taken.last_at:%Y-%m-%d} or {other.last_at:%Y-%m-%d}"


def _settle_by_settings(question: Question, hints: FileHints) -> Verdict | None:
    for reading in (question.first, question.second):
        if reading.order == hints.date_order:
            return Verdict(reading, f"both orders fit; date_order in the settings says {hints.date_order}")
    return None


def _noting_other_setting(verdict: Verdict, hints: FileHints) -> Verdict:
    if hints.date_order in (None, verdict.reading.order):
        return verdict
    note = (
        f"date_order in the settings says {hints.date_order}, but {verdict.reading.alone_lines:,} dates "
        f"can be read as {verdict.reading.style} only, so that was taken"
    )
    return Verdict(verdict.reading, verdict.evidence, verdict.is_proved, notes=(note,))


def _settle_by_delivery(question: Question, hints: FileHints) -> Verdict | None:
    """A sale does not lie after its file."""
    if hints.loaded_at is not None:
        for reading in (question.first, question.second):
            impossible = question.other(reading)
            if impossible.after_load_lines and not reading.after_load_lines:
                return _refuting(reading, impossible, f"the day the file was loaded ({hints.loaded_at:%Y-%m-%d})")
    if hints.delivered_at is not None:
        for reading in (question.first, question.second):
            impossible = question.other(reading)
            # a file may be older than its time of writing says, and a reset clock makes it newer than all its dates
            if impossible.after_writing_lines and not reading.after_writing_lines:
                return _refuting(reading, impossible, f"the day the file was written ({hints.delivered_at:%Y-%m-%d})")
    return None


def _refuting(reading: Reading, impossible: Reading, day: str) -> Verdict:
    return Verdict(
        reading,
        f"both orders fit; {impossible.style} would end {impossible.last_at:%Y-%m-%d}, after {day}, "
        f"{reading.style} ends {reading.last_at:%Y-%m-%d}",
    )


def _settle_by_name(question: Question, hints: FileHints) -> Verdict | None:
    fits = {
        reading.order: (reading, "month" if period.is_month else "date")
        for period in periods_in_name(hints.name)
        for reading in (question.first, question.second)
        if _fits(reading, period.first, period.last, is_month=period.is_month)
    }
    if len(fits) != 1:
        return None
    ((reading, what),) = fits.values()
    return Verdict(reading, f"both orders fit; the file's name holds a {what} that {reading.style} gives")


def _fits(reading: Reading, first: date, last: date, *, is_month: bool) -> bool:
    begins, ends = reading.first_at.date(), reading.last_at.date()
    if is_month:
        return first <= begins and ends <= last
    return begins <= first <= ends + timedelta(days=_NAME_LAG_DAYS)


def _united(readings: Sequence[Reading]) -> Reading:
    return Reading(
        readings[0].style,
        readings[0].order,
        sum(reading.lines for reading in readings),
        sum(reading.alone_lines for reading in readings),
        min(reading.first_at for reading in readings),
        max(reading.last_at for reading in readings),
    )
