"""Parts of the sentences that checks tell, as SQL.

Belongs here: SQL expressions that put counts, amounts and names of files into words, that
bring delivered words into the form in which they are compared, and
the lines that a person types into `regulars.toml` as an answer. Does not belong here: which
rows are told of (`catalogue/`), and how sentences become a message
(:mod:`expectations.runner`).

Every argument called ``expression`` is SQL, and so is every result. Text that was
delivered enters answers only through :func:`toml_text`, so that a header with quotes in it
is still a header. Figures are written as :mod:`warehouse.wording` writes them.
"""

from __future__ import annotations


def literal(text: str) -> str:
    """Text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def folded_word(expression: str) -> str:
    """A delivered word as dbt's macro of this name has it, without accents as well: exports drop them."""
    return rf"strip_accents(lower(regexp_replace({expression}, '[^\p{{L}}\p{{N}}]+', '', 'g')))"


def number(expression: str) -> str:
    """A whole number with thousands separators."""
    return f"format('{{:,}}', cast({expression} as bigint))"


def counted(expression: str, noun: str, nouns: str | None = None) -> str:
    """A number and what is counted: ``1 line``, ``2,400 lines``."""
    plural = nouns or f"{noun}s"
    return f"{number(expression)} || case when {expression} = 1 then ' {noun}' else ' {plural}' end"


def amount(expression: str) -> str:
    """Money to two decimals, without a currency: a file is free to be in another than the shop's."""
    written = f"format('{{:,.2f}}', cast({expression} as double))"
    return f"replace(replace({written}, '-0.00', '0.00'), '-', '−')"


def percent(expression: str) -> str:
    """A share of 0 to 1 as per cent with one decimal."""
    return f"format('{{:.1f}}%', 100 * cast({expression} as double))"


def day(expression: str) -> str:
    """A date in words that can't be read two ways: ``5 Apr 2024``."""
    return f"strftime({expression}, '%-d %b %Y')"


def shown(expression: str, length: int = 60) -> str:
    """Delivered text on one line, in quotes, cut where it is long."""
    folded = f"trim(regexp_replace({expression}, '\\s+', ' ', 'g'))"
    cut = f"case when length({folded}) > {length} then left({folded}, {length - 1}) || '…' else {folded} end"
    return f"'\"' || {cut} || '\"'"


def files(first: str, count: str) -> str:
    """The first file by name, and how many more there are."""
    return (
        f"{first} || case when {count} > 2 then ' and ' || {number(f'({count} - 1)')} || ' more files' "
        f"when {count} = 2 then ' and one more file' else '' end"
    )


def lines_of_text(*expressions: str) -> str:
    """Lines below each other; those that are null are left out."""
    return f"concat_ws(chr(10), {', '.join(expressions)})"


def toml_text(expression: str) -> str:
    """Text as a TOML string."""
    escaped = f"replace(replace({expression}, '\\', '\\\\'), '\"', '\\\"')"
    return f"'\"' || {escaped} || '\"'"


def toml_list(expression: str) -> str:
    """A list of texts as a TOML array."""
    return f"'[' || array_to_string(list_transform({expression}, lambda one: {toml_text('one')}), ', ') || ']'"


def source_entry(mapping: str, layout: str, file_name: str, file_count: str) -> str:
    """First lines of the entry in `regulars.toml` that a file's answer belongs to.

    Parameters
    ----------
    mapping
        Name of the entry that the file was read with; null where there is none yet.
    layout, file_name
        Of the file, or of the first of several.
    file_count
        How many files the entry is for: one is named, several are whatever has its headers.
    """
    base_name = f"regexp_extract({file_name}, '[^/]*$')"
    return (
        f"case when {mapping} is not null "
        f"then '# in the entry of [[landing.sources]] with name = ' || {toml_text(mapping)} || ':' "
        f"else {lines_of_text(*_new_entry(base_name, layout, file_name, file_count))} end"
    )


def _new_entry(base_name: str, layout: str, file_name: str, file_count: str) -> tuple[str, ...]:
    # fnmatch takes a bracket for a set of characters
    only_this = f"replace({file_name}, '[', '[[]')"
    return (
        "'[[landing.sources]]'",
        f"'name = ' || {toml_text(f'''regexp_replace({base_name}, '[.].*$', '')''')}",
        f"'files = ' || case when {file_count} = 1 then {toml_text(only_this)} else '\"*\"' end",
        f"case when {layout} in ('transactions', 'customers') then 'layout = ' || {toml_text(layout)} end",
    )
