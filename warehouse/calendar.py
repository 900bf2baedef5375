"""The shop's calendar: public holidays, own closures and promotions, day by day.

Belongs here: what the settings and the package ``holidays`` say of a day, and writing it to
``raw.calendar_days``. Does not belong here: what follows for a figure (SQL and ``ml``),
whether the shop traded (SQL).

Nothing is fetched: the package carries the rules of its countries.
"""

from __future__ import annotations

import csv
import warnings
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Literal

import duckdb

from warehouse.errors import SettingsError
from warehouse.settings import CALENDAR_YEARS, PROJECT_ROOT, Settings

Kind = Literal["holiday", "closure", "promotion"]

_COUNTRIES = PROJECT_ROOT / "dbt_project" / "seeds" / "countries.csv"

# Who says "bank holidays in the United Kingdom" means those of England and Wales; the package's own default are the
# fewer that all four nations share, without Easter Monday and the Summer bank holiday. Every other country's default
# are its national holidays.
_USUAL_REGIONS = {"GB": "ENG"}
_LANGUAGES = ("en_GB", "en_US", "en_IE", "en_IN")


def calendar_days(settings: Settings) -> list[tuple[date, Kind, str]]:
    """Every day of which the calendar says something.

    Parameters
    ----------
    settings
        ``shop.home_country``, ``shop.holiday_region`` and ``calendar``.

    Returns
    -------
    list of (date, kind, name)
        Ascending by date, then kind; one row each. Names in English where the package has
        them. What shares a day and a kind is joined by "and".

    Raises
    ------
    SettingsError
        If ``shop.holiday_region`` is no region of the home country.
    """
    named: dict[tuple[date, Kind], list[str]] = defaultdict(list)
    for day, name in _public_holidays(settings):
        named[day, "holiday"].append(name)
    for closure in settings.calendar.closures:
        for day in closure.days:
            named[day, "closure"].append(closure.reason)
    for promotion in settings.calendar.promotions:
        for day in promotion.days:
            named[day, "promotion"].append(promotion.name)
    return [(day, kind, " and ".join(dict.fromkeys(names))) for (day, kind), names in sorted(named.items())]


def knows_holidays(settings: Settings) -> bool:
    """Whether the package knows the home country; where it does not, no day is a public holiday."""
    return _country_code(settings.shop.home_country) is not None


def write_calendar(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Put the calendar into ``raw.calendar_days``, in place of what was there.

    Raises
    ------
    SettingsError
        As :func:`calendar_days`; the table is as before.
    """
    rows = calendar_days(settings)
    con.execute("begin transaction")
    try:
        con.execute("delete from raw.calendar_days")
        if rows:
            dates, kinds, names = zip(*rows, strict=True)
            con.execute(
                "insert into raw.calendar_days select unnest($1), unnest($2), unnest($3)",
                [list(dates), list(kinds), list(names)],
            )
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise


def _public_holidays(settings: Settings) -> Iterator[tuple[date, str]]:
    import holidays  # a quarter of a second, and only a load needs it

    country, region = settings.shop.home_country, settings.shop.holiday_region
    code = _country_code(country)
    if code is None:
        if region is not None:
            raise SettingsError(
                f"shop.holiday_region = {region!r}: no public holidays are known of shop.home_country {country!r}; "
                "leave the region out."
            )
        return
    kind = getattr(holidays, code)
    if region is not None and region not in kind.subdivisions:
        known = ", ".join(kind.subdivisions) or "none"
        raise SettingsError(f"shop.holiday_region = {region!r} is no region of {country}; its regions are: {known}.")
    # left out, the language would be that of the machine
    language = next((one for one in _LANGUAGES if one in kind.supported_languages), kind.default_language)
    with warnings.catch_warnings():
        # that a country's holidays are known from some year on
        warnings.simplefilter("ignore", UserWarning)
        found = holidays.country_holidays(
            code, subdiv=region or _USUAL_REGIONS.get(code), years=CALENDAR_YEARS, language=language
        )
    for day, name in found.items():
        yield day, name.replace("; ", " and ")


@cache
def _country_code(country: str) -> str | None:
    """ISO 3166-1 alpha-2 code of a country that the package knows, by any name that files give it."""
    import holidays

    with _COUNTRIES.open(encoding="utf-8", newline="") as file:
        codes = {row["source_name"].upper(): row["iso_alpha2"] for row in csv.DictReader(file)}
    code = codes.get(country.upper())
    # not asked for its list of countries, for which it imports them all
    return code if code is not None and hasattr(holidays, code) else None
