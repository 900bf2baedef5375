"""Which mark is the decimal one in each column of numbers of a file.

Belongs here: what a written number shows of its marks, and the decision from all
numbers of a column. Does not belong here: turning text into numbers, which staging does
with the mark decided here.

``1,234`` alone means nothing; beside ``1,5`` it means 1.234, beside ``1.5`` it means
1234. The columns of a file are decided one by one, since a workbook may hold weights as
numbers beside prices as text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from warehouse.formats import export_formats
from warehouse.readers.file_styles import NUMBER_COLUMNS, FileHints, ValueStyles
from warehouse.readers.staging import Staging

# Blanks, apostrophes and an exponent can't be decimal marks. Points of an abbreviation belong to the
# currency ('Rs. 500', 'kr. 5'), what stands around the digits says nothing.
_BARE = r"""
    regexp_replace(
        regexp_extract(
            regexp_replace(regexp_replace(text, '\p{L}+\s?\.\s*', ''), '([0-9])[eE][+-]?[0-9]{1,3}\s*$', '\10000'),
            '[.,]?[0-9](?:[0-9.,\s\x{00A0}\x{202F}\x{2007}\x{2009}''’‘`´]*[0-9])?[.,]?'
        ),
        '[^0-9.,]', '', 'g'
    )
"""


@dataclass(frozen=True)
class MarkEvidence:
    """What the numbers of one column show, in lines.

    ``open`` numbers read both ways: one mark before exactly three digits. Their examples are None
    where there are none.
    """

    comma_lines: int = 0
    point_lines: int = 0
    open_comma: str | None = None
    open_point: str | None = None

    @property
    def mark(self) -> str | None:
        """The decimal mark of the column's own numbers; None if they leave it open."""
        if self.comma_lines == self.point_lines:
            return "." if self.comma_lines else None
        return "," if self.comma_lines > self.point_lines else "."


def decide_marks(staging: Staging, files: Mapping[int, FileHints], styles: Mapping[int, ValueStyles]) -> None:
    """Set the decimal mark of each column in each file's styles, and note what is doubtful."""
    for file_id, columns in _read_evidence(staging, {hints.raw_table for hints in files.values()}).items():
        hints, style = files[file_id], styles[file_id]
        marks, notes = choose_marks(columns, hints)
        style.marks |= marks
        style.notes.extend(notes)
    for file_id, hints in files.items():
        if hints.decimal_mark is not None:
            styles[file_id].marks = dict.fromkeys(NUMBER_COLUMNS, hints.decimal_mark)


def choose_marks(columns: Mapping[str, MarkEvidence], hints: FileHints) -> tuple[dict[str, str], list[str]]:
    """Choose the mark of every column of one file.

    The settings come first, then a column's own numbers, then what the other columns decided,
    then the field separator: a file with ``;`` between fields keeps the comma for decimals.

    Returns
    -------
    dict, list
        The mark of each of ``NUMBER_COLUMNS``, and notes for people.
    """
    if hints.decimal_mark is not None:
        return dict.fromkeys(NUMBER_COLUMNS, hints.decimal_mark), []
    notes = []
    # exports have columns of other names, and their models read all of them with one mark
    own = {} if hints.raw_table in export_formats() else {column: found.mark for column, found in columns.items()}
    shared = _mark_of_file(columns)
    fallback = shared or ("," if hints.delimiter == ";" else ".")
    marks = {column: own.get(column) or fallback for column in NUMBER_COLUMNS}
    for column, evidence in columns.items():
        mark = marks.get(column, fallback)
        if evidence.comma_lines and evidence.point_lines:
            notes.append(
                f"decimal marks are mixed in {column}: {evidence.comma_lines:,} numbers have a comma, "
                f"{evidence.point_lines:,} a point; '{mark}' was taken for the whole column"
            )
        elif shared is None and (example := evidence.open_comma or evidence.open_point) is not None:
            notes.append(_guess_note(column, example, mark, hints.delimiter))
    return marks, notes


def _numbers_of(raw_table: str) -> tuple[str, ...]:
    export = export_formats().get(raw_table)
    if export is not None:
        return export.numbers
    return NUMBER_COLUMNS if raw_table == "transactions" else ()


def _mark_of_file(columns: Mapping[str, MarkEvidence]) -> str | None:
    """The mark that most lines of the deciding columns have; a tie goes to the unit price's."""
    comma = sum(evidence.comma_lines for evidence in columns.values())
    point = sum(evidence.point_lines for evidence in columns.values())
    if comma == point:
        prices = columns.get("unit_price", MarkEvidence()).mark
        return prices or ("." if point else None)
    return "," if comma > point else "."


def _guess_note(column: str, example: str, mark: str, delimiter: str | None) -> str:
    if mark in example:
        read_as = f"a decimal {'comma' if mark == ',' else 'point'}"
    else:
        read_as = f"'{',' if mark == '.' else '.'}' between thousands"
    reason = "as ';' separates fields" if delimiter == ";" else "and nothing in the file shows which mark is decimal"
    return (
        f"numbers such as {example} in {column} were read with {read_as}, {reason}; "
        "set decimal_mark under [[landing.sources]] to be sure"
    )


def _read_evidence(staging: Staging, raw_tables: Collection[str]) -> dict[int, dict[str, MarkEvidence]]:
    """Evidence by file and column, for columns in which some number has a mark."""
    numbers = {raw_table: _numbers_of(raw_table) for raw_table in sorted(raw_tables)}
    # distinct texts first: a million lines have some thousand different prices
    distinct = " union all ".join(
        f"select file_id, '{column}' as column_name, {column} as text, count(*) as lines "
        f"from ({staging.lines(raw_table)}) "
        f"where contains({column}, '.') or contains({column}, ',') group by file_id, {column}"
        for raw_table, columns in numbers.items()
        for column in columns
    )
    if not distinct:
        return {}
    rows = staging.con.execute(
        rf"""
        with

        -- which digits they are says nothing, but for zeros
        shapes as (
            select file_id, column_name, sum(lines) as lines, min(text) as text
            from ({distinct})
            group by file_id, column_name, translate(text, '123456789', '111111111')
        ),

        bare as (select file_id, column_name, lines, {_BARE} as digits from shapes)

        select
            file_id,
            column_name,
            -- the last of two kinds of mark is the decimal one, and so is the other one where a mark
            -- comes twice; a mark groups thousands only before exactly three digits and behind one
            -- to three, the first of which is no zero
            coalesce(sum(lines) filter (where regexp_matches(digits, '^[0-9]*,([0-9]{{0,2}}|[0-9]{{4,}})$')
                or regexp_matches(digits, '^(0[0-9]*|[0-9]{{4,}})?,[0-9]{{3}}$')
                or regexp_matches(digits, '^[0-9.]*\.[0-9.]*,[0-9]*$')
                or regexp_matches(digits, '^[0-9]{{1,3}}(\.[0-9]{{2,3}})+\.[0-9]{{3}}$')), 0) as comma_lines,
            coalesce(sum(lines) filter (where regexp_matches(digits, '^[0-9]*\.([0-9]{{0,2}}|[0-9]{{4,}})$')
                or regexp_matches(digits, '^(0[0-9]*|[0-9]{{4,}})?\.[0-9]{{3}}$')
                or regexp_matches(digits, '^[0-9,]*,[0-9,]*\.[0-9]*$')
                or regexp_matches(digits, '^[0-9]{{1,3}}(,[0-9]{{2,3}})+,[0-9]{{3}}$')), 0) as point_lines,
            min(digits) filter (where regexp_matches(digits, '^[1-9][0-9]{{0,2}},[0-9]{{3}}$')) as open_comma,
            min(digits) filter (where regexp_matches(digits, '^[1-9][0-9]{{0,2}}\.[0-9]{{3}}$')) as open_point
        from bare
        group by file_id, column_name
        order by file_id, column_name
        """
    ).fetchall()
    found: dict[int, dict[str, MarkEvidence]] = {}
    for file_id, column, comma, point, open_comma, open_point in rows:
        found.setdefault(file_id, {})[column] = MarkEvidence(int(comma), int(point), open_comma, open_point)
    return found
