"""What the calendar says of a day, and how it gets into the warehouse.

Public holidays are checked against what governments publish: gov.uk (bank holidays of 2011 in England and Wales, and in
Scotland), the U.S. Office of Personnel Management and the Bavarian Ministry of the Interior.
"""

import re
from datetime import date

import duckdb
import pytest

from warehouse.calendar import calendar_days, knows_holidays, write_calendar
from warehouse.errors import SettingsError
from warehouse.loading import ensure_raw_schema
from warehouse.settings import Calendar, Closure, Promotion, Settings, Shop


def holidays_of(year: int, **shop: str) -> dict[str, str]:
    told = calendar_days(Settings(shop=Shop(**shop)))  # type: ignore[arg-type]
    return {f"{day:%m-%d}": name for day, kind, name in told if day.year == year and kind == "holiday"}


def test_public_holidays_are_those_of_the_home_country() -> None:
    # the substitute days of New Year and Christmas beside the days themselves
    england = ["01-01", "01-03", "04-22", "04-25", "04-29", "05-02", "05-30", "08-29", "12-25", "12-26", "12-27"]
    assert list(holidays_of(2011)) == england
    assert holidays_of(2011)["04-25"] == "Easter Monday"
    # any name that a file gives the country
    assert holidays_of(2011, home_country="united kingdom") == holidays_of(2011)
    scotland = holidays_of(2011, holiday_region="SCT")
    assert "08-01" in scotland
    assert not {"04-25", "08-29"} & set(scotland)
    assert "07-04" in holidays_of(2011, home_country="USA")


def test_names_are_english_whatever_the_machine_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("de_DE.UTF-8", "en_US.UTF-8", "C"):
        monkeypatch.setenv("LANGUAGE", language)
        monkeypatch.setenv("LANG", language)
        assert holidays_of(2011, home_country="Germany")["10-03"] == "German Unity Day"
    # Epiphany is a holiday in Bavaria, and not in the whole of Germany
    assert "01-06" in holidays_of(2011, home_country="Germany", holiday_region="BY")
    assert "01-06" not in holidays_of(2011, home_country="Germany")


def test_a_country_that_nobody_knows_has_no_holidays() -> None:
    nowhere = Settings(shop=Shop(home_country="Atlantis"))
    assert calendar_days(nowhere) == []
    assert not knows_holidays(nowhere)
    assert knows_holidays(Settings())


@pytest.mark.parametrize(
    ("shop", "told"),
    [
        ({"holiday_region": "XYZ"}, "'XYZ' is no region of United Kingdom; its regions are: ENG, NIR, SCT, WLS"),
        ({"home_country": "Atlantis", "holiday_region": "ENG"}, "no public holidays are known of shop.home_country"),
    ],
)
def test_a_region_that_is_none_is_refused(shop: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        calendar_days(Settings(shop=Shop(**shop)))  # type: ignore[arg-type]


def test_closures_and_promotions_are_told_day_by_day_and_replace_what_was_there() -> None:
    def stretch(first: int, last: int) -> dict[str, date]:
        return {"from": date(2026, 11, first), "to": date(2026, 11, last)}

    told = Calendar(
        closures=(Closure(**stretch(2, 3), reason="Stocktaking"),),  # type: ignore[arg-type]
        promotions=(
            Promotion(**stretch(27, 28), name="Black Friday"),  # type: ignore[arg-type]
            Promotion(**stretch(28, 28), name="Free delivery"),  # type: ignore[arg-type]
        ),
    )
    with duckdb.connect() as con:
        ensure_raw_schema(con)
        write_calendar(con, Settings(calendar=told))
        november = "select day(date), kind, name from raw.calendar_days where date between $1 and $2 order by all"
        wanted = [
            (2, "closure", "Stocktaking"),
            (3, "closure", "Stocktaking"),
            (27, "promotion", "Black Friday"),
            (28, "promotion", "Black Friday and Free delivery"),
        ]
        assert con.execute(november, [date(2026, 11, 1), date(2026, 11, 30)]).fetchall() == wanted
        write_calendar(con, Settings())
        assert con.execute(november, [date(2026, 11, 1), date(2026, 11, 30)]).fetchall() == []
        assert con.execute("select count(*) > 1000 from raw.calendar_days").fetchall() == [(True,)]
