r"""Every distinct date text of a load, in each way it can be read.

Belongs here: the shapes that dates are written in, and the moment that each reading of a
shape gives. Does not belong here: which reading holds for a file, and what becomes of a
UTC offset (see :mod:`warehouse.readers.utc_offsets`).

Almost every date is three numbers, so one pattern reads those; what it leaves goes
through the dearer patterns. A million distinct times take about as long as the
``regexp_extract`` on them.
"""

from __future__ import annotations

from warehouse.readers.month_names import MONTHS
from warehouse.readers.utc_offsets import NAMED_OFFSETS

# hour, minute, second, fraction, AM or PM, UTC offset; each pattern below ends with these six groups
_NAMES = "|".join((*NAMED_OFFSETS, *map(str.lower, NAMED_OFFSETS)))
_OFFSET = rf"\b(?:{_NAMES})|[Zz]|(?:UTC|GMT|utc|gmt)?[+-]\d{{1,2}}(?::?\d{{2}}(?::\d{{2}})?)?|UTC|GMT|utc|gmt"
_CLOCK = (
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,](\d{1,9}))?)?"
    rf"\s*([AaPp])?\.?(?:[Mm]\.?)?\s*({_OFFSET})?"
)
_WORDY_CLOCK = (
    r"(\d{1,2})[:.h](\d{2})(?:[:.m](\d{2})s?(?:[.,](\d{1,9}))?)?"
    rf"\s*(?:uhr|horas?|hrs?\.?|hs\.?|h)?\s*([ap])?\s?\.?\s*(?:m\.?)?\s*({_OFFSET})?"
)
_BEFORE_CLOCK = r"(?:[\s,]*(?:t|at|um|kl\.?|as?|alle|om|[-@])\s*|[\s,]+)"
# the last group: a time cell without a format is a share of the day
_TAIL = rf"(?:{_BEFORE_CLOCK}{_WORDY_CLOCK}|\s+0?([.,]\d{{2,}}))?\s*$"
_WEEKDAY = r"^(?:[a-z]{2,12}\.?,?\s+)?"
_ORDINAL = "(?:st|nd|rd|th|er|e|º|°|ª)?"
_OF = "(?:del? |of )?"
_NAME = "[a-z]{3,12}"
_YEAR = r"'?(\d{4}|\d{2})"

_GROUPS = "['a', 'mark', 'b', 'mark2', 'c', 'hour', 'minute', 'second', 'fraction', 'half', 'zone', 'portion']"
_NUMBERS = (
    r"^\s*(\d{1,4})([-/. ])(\d{1,2})([-/. ])(\d{1,4})"
    rf"(?:(?:\s+|[Tt]|,\s*){_CLOCK})?()\s*$"
)
# the patterns below see small letters without accents, and one kind of blank
_ODD_PATTERNS = {
    "numbers": rf"{_WEEKDAY}(\d{{1,4}})([-/. ])\s*(\d{{1,2}})([-/. ])\s*(\d{{1,4}})\.?{_TAIL}",
    "day_named": rf"{_WEEKDAY}(\d{{1,2}}){_ORDINAL}()[-/., ]*{_OF}({_NAME})()[-/., ]*{_OF}{_YEAR}{_TAIL}",
    "named_day": rf"{_WEEKDAY}({_NAME})()[-/., ]*(\d{{1,2}}){_ORDINAL}()[-/., ]+{_OF}{_YEAR}{_TAIL}",
    "year_named": rf"{_WEEKDAY}(\d{{4}})()[-/., ]*({_NAME})()[-/., ]*(\d{{1,2}}){_TAIL}",
    "compact": (
        r"^(\d{4})()(\d{2})()(\d{2})(?:[ t]?(\d{2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?()"
        rf"\s*({_OFFSET})?)?()$"
    ),
    "serial": rf"^(\d{{5}})()([.,]\d+)?()(){_TAIL}",
}

# A time-only cell of a workbook carries the first day of its calendar, written as the program likes.
_CALENDAR_START = (
    r"\s(?:1899-12-3[01]|1900-01-0[01]|3[01][/.]12[/.]1899|12/3[01]/1899|0?1[/.]0?1[/.]1900)[ t]+(\d{1,2}[:.]\d{2})"
)
# A date-only cell joined to a time carries midnight.
_MIDNIGHT = r"[ t](?:0{1,2}[:.]00(?:[:.]00(?:\.0+)?)?|12:00(?::00)? ?am)\s+(\d{1,2}[:.]\d{2})"
_ZONE_NAME = r"\s*(?:\([^)]*\)|\[[^\]]*\])$"

SERIAL_DAYS = (20_000, 80_000)
"""First and last day number that is taken for a date: 1954 to 2119, as five digits may mean anything."""


def readings_sql(table: str, dates: str) -> str:
    """Write the statement that creates a table of each distinct date text of each file.

    The table has ``file_id, text, lines, shape, zone`` and the moments, as written, in which
    a text can be read: ``only_at`` for the shapes with one reading (``year_first``,
    ``compact``, ``day_named``, ``named_day``, ``year_named``, ``serial``), ``month_first_at``
    and ``day_first_at`` for the others (``slash``, ``dash``, ``dot``, which has no month first).
    Texts that are no date have no shape.

    Parameters
    ----------
    dates
        A query for ``file_id, text``, one row for each line.
    """
    odd = ",\n".join(
        f"regexp_extract(tidy, '{_literal(pattern)}', {_GROUPS}) as {name}" for name, pattern in _ODD_PATTERNS.items()
    )
    whole = " ".join(f"when {name}.a != '' then {name}" for name in _ODD_PATTERNS)
    kinds = " ".join(f"when {name}.a != '' then '{name}'" for name in _ODD_PATTERNS)
    months = ", ".join(f"('{name}', {month})" for name, month in MONTHS.items())
    return rf"""
        create temp table {table} as
        with

        texts as (
            select file_id, text, count(*) as lines from ({dates}) group by file_id, text
        ),

        split as materialized (
            select *, regexp_extract(text, '{_NUMBERS}', {_GROUPS}) as p from texts
        ),

        folded as (
            select
                file_id,
                text,
                lines,
                regexp_replace(
                    trim(translate(lower(strip_accents(text)), chr(160) || chr(8239) || chr(8201) || chr(9), '    ')),
                    '{_ZONE_NAME}', ''
                ) as folded
            from split
            where p.a = ''
        ),

        tidied as (
            select
                file_id,
                text,
                lines,
                regexp_replace(regexp_replace(folded, '{_CALENDAR_START}', ' \1'), '{_MIDNIGHT}', ' \1') as tidy
            from folded
        ),

        odd as (
            select file_id, text, lines, {odd} from tidied
        ),

        parts as (
            select file_id, text, lines, 'numbers' as kind, p from split where p.a != ''
            union all
            select file_id, text, lines, case {kinds} end, case {whole} end from odd
        ),

        months as (
            select * from (values {months}) as named (name, month)
        ),

        shaped as (
            select
                file_id,
                text,
                lines,
                p,
                month,
                case
                    when kind in ('day_named', 'named_day', 'year_named') then if(month is null, null, kind)
                    when kind != 'numbers' then kind
                    when p.mark != p.mark2 then null
                    when length(p.a) = 4 and length(p.c) <= 2 then 'year_first'
                    when length(p.a) > 2 or length(p.c) not in (2, 4) then null
                    when p.mark = '/' then 'slash'
                    when p.mark = '.' then 'dot'
                    when p.mark = '-' then 'dash'
                end as shape,
                case when kind = 'serial' and p.a::integer between {SERIAL_DAYS[0]} and {SERIAL_DAYS[1]}
                    then date '1899-12-30' + p.a::integer end as serial_on,
                -- 2-digit years as strptime has it: 69 to 99 are the last century
                case
                    when length(p.c) = 4 then p.c
                    when try_cast(p.c as integer) >= 69 then '19' || p.c
                    else '20' || p.c
                end as year,
                case
                    when p.portion != ''
                        then (time '00:00:00' + to_seconds(
                            round(replace('0' || p.portion, ',', '.')::double * 86400)::bigint % 86400))::varchar
                    when p.hour = '' then '00:00:00'
                    when p.half = '' then p.hour || ':' || p.minute || ':' || if(p.second = '', '00', p.second)
                    when try_cast(p.hour as integer) not between 1 and 12 then null
                    else (try_cast(p.hour as integer) % 12 + if(lower(p.half) = 'p', 12, 0)) || ':' || p.minute || ':'
                        || if(p.second = '', '00', p.second)
                end || if(p.fraction = '', '', '.' || left(p.fraction, 6)) as clock
            from parts
            left join months on months.name = if(kind = 'named_day', p.a, p.b)
        )

        select
            file_id,
            text,
            lines,
            shape,
            nullif(p.zone, '') as zone,
            case shape
                when 'year_first' then try_cast(p.a || '-' || p.b || '-' || p.c || ' ' || clock as timestamp)
                when 'compact' then try_cast(p.a || '-' || p.b || '-' || p.c || ' ' || clock as timestamp)
                when 'day_named' then try_cast(year || '-' || month || '-' || p.a || ' ' || clock as timestamp)
                when 'named_day' then try_cast(year || '-' || month || '-' || p.b || ' ' || clock as timestamp)
                when 'year_named' then try_cast(p.a || '-' || month || '-' || p.c || ' ' || clock as timestamp)
                when 'serial' then case
                    when serial_on is null then null
                    when p.b = '' then try_cast(serial_on::varchar || ' ' || clock as timestamp)
                    -- 15 digits leave a time some microseconds off
                    else serial_on + to_seconds(round(replace('0' || p.b, ',', '.')::double * 86400)::bigint)
                end
            end as only_at,
            case when shape in ('slash', 'dash')
                then try_cast(year || '-' || p.a || '-' || p.b || ' ' || clock as timestamp) end as month_first_at,
            case when shape in ('slash', 'dash', 'dot')
                then try_cast(year || '-' || p.b || '-' || p.a || ' ' || clock as timestamp) end as day_first_at
        from shaped
    """


def _literal(pattern: str) -> str:
    return pattern.replace("'", "''")
