"""What is wrong with a database is said in words: which one, what, and what to do; never a password."""

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.databases.conftest import COLUMNS, LiveShop
from tests.databases.servers import OWNER, PASSWORD, PASSWORD_VARIABLE
from warehouse.databases import connecting
from warehouse.databases.connecting import url_of
from warehouse.errors import PullError, SettingsError
from warehouse.settings import Database, Settings, load_settings

SECRET = "hunter2-is-no-secret"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"table": "no_such_table"}, "there is no such table: name it as schema.table"),
        ({"watermark": "changed_at"}, "has no column 'changed_at', which watermark names; its columns are 'line_id', "),
        (
            {"columns": {**COLUMNS, "stock_code": "article"}},
            "has no column 'article', which columns.stock_code names; its columns are 'line_id', 'order_no', ",
        ),
        (
            {"columns": {name: header for name, header in COLUMNS.items() if name != "invoice_date"}},
            "landing.databases 'till' does not say which header holds invoice_date",
        ),
        ({"watermark": "sku"}, "holds str values such as 'TEA', of which nothing says that they grow"),
        ({"table": None, "query": "select order_no from order_lines where"}, "the query has an error"),
        ({"table": None, "query": "select nothing_such from order_lines"}, "there is no such column"),
    ],
    ids=["table", "watermark", "mapped column", "unmapped date", "text as watermark", "query", "column in query"],
)
def test_a_wrong_name_is_told_and_nothing_lands(live: LiveShop, said: dict[str, Any], told: str) -> None:
    live.said |= said
    pull = live.pull()
    assert pull.status == "failed"
    assert told in (pull.problem or ""), pull.problem
    assert (pull.problem or "").startswith("Database 'till'")
    assert live.files() == []
    live.said.clear()
    assert live.pull().delivered_lines == 5


def test_without_an_order_number_nothing_is_pulled(live: LiveShop) -> None:
    columns = {"customer_id": "customer", "invoice_date": "ordered_at", "unit_price": "price"}
    query = "select order_no as belongs_to, customer, ordered_at, price, updated_at from order_lines"
    live.said |= {"layout": "transactions", "columns": columns, "table": None, "query": query}
    assert "map it as columns.invoice" in (live.pull().problem or "")


def test_a_wrong_password_points_to_its_variable(live: LiveShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, SECRET)
    problem = live.pull().problem or ""
    assert (
        f"it refuses the user or the password: look at the user in its url and the variable {PASSWORD_VARIABLE}"
        in problem
    )
    assert SECRET not in problem
    monkeypatch.delenv(PASSWORD_VARIABLE)
    assert f"needs the environment variable {PASSWORD_VARIABLE}, which is not set" in (live.pull().problem or "")


def test_a_database_that_is_not_there(live: LiveShop) -> None:
    live.said["url"] = live.server.url.replace("/shop", "/shoes")
    assert "look at the url" in (live.pull().problem or "") or "refuses the user" in (live.pull().problem or "")


def test_the_password_is_in_no_file_and_no_traceback(
    live: LiveShop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    live.pull()
    live.load()
    live.said["table"] = "no_such_table"
    live.pull()
    with pytest.raises(PullError) as raised, connecting.connected(live.settings.landing.databases[0]) as connection:
        connection.execute(sa.text("select * from no_such_table"))
    kept = b"".join(path.read_bytes() for path in live.folder.rglob("*") if path.is_file())
    assert b"no_such_table" in kept
    assert PASSWORD.encode() not in kept
    assert PASSWORD not in caplog.text + "".join(traceback.format_exception(raised.value))


def test_only_reading_is_possible(live: LiveShop) -> None:
    with (
        pytest.raises(PullError, match=r"(?i)read.only"),
        connecting.connected(live.settings.landing.databases[0]) as connection,
    ):
        connection.execute(sa.text("delete from order_lines"))
    assert live.pull().delivered_lines == 5


def test_a_server_that_is_not_there_is_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    for scheme in ("postgresql", "mariadb"):
        database = _database(url=f"{scheme}://{OWNER}:${{{PASSWORD_VARIABLE}}}@127.0.0.1:1/shop")
        with (
            pytest.raises(PullError, match=r"Database 'till' \(127.0.0.1:1/shop\) can't be reached"),
            connecting.connected(database),
        ):
            pass


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "find_spec", lambda name: None)
    with (
        pytest.raises(PullError, match=r"the driver psycopg is not installed.*regulars\[databases\]"),
        connecting.connected(_database(url="postgresql://someone@127.0.0.1:1/shop")),
    ):
        pass


def test_any_character_may_stand_in_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P", "a@b:c/d?e%41&f=g")
    monkeypatch.setenv("H", "db.example.com")
    url = url_of(_database(url="mysql://u:${P}@${H}:3307/shop?charset=utf8mb4"))
    assert (url.drivername, url.password, url.host, url.port) == (
        "mariadb+pymysql",
        "a@b:c/d?e%41&f=g",
        "db.example.com",
        3307,
    )
    monkeypatch.setenv("WHOLE", "postgresql://u:p%40ss@10.0.0.1/shop")
    assert url_of(_database(url="${WHOLE}")).password == "p@ss"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (f'url = "postgresql://u:{SECRET}@db/shop"', "has a password in its url; keep it out of the settings"),
        (f'url = "postgresql://u@db/shop?password={SECRET}"', "has a password in its url"),
        (f'url = "oracle://u:{SECRET}@db/shop"', "has a url of another kind than postgresql://… or mariadb://…"),
        ('url = "mariadb://db/shop"\nquery = "select 1"', "needs either a table or a query"),
        ('url = "mariadb://db/shop"\nfill_down = ["country"]', "has fill_down, but rows of a table have no line above"),
        ('url = "mariadb://db/shop"\nlayout = "customers"', "only sales are pulled"),
        ('url = "mariadb://db/shop"\ncolumns.price = "p"', "maps price, which layout invoice_lines does not have"),
        (f'password = "{SECRET}"', "landing.databases.0.password is not a setting"),
        ('url = "mariadb://db/shop"\nlook_back = -1', "landing.databases.0.look_back = -1: Input should be greater"),
    ],
)
def test_a_bad_description_is_named_and_its_password_is_not_repeated(tmp_path: Path, lines: str, told: str) -> None:
    path = tmp_path / "regulars.toml"
    path.write_text(f'[[landing.databases]]\nname = "till"\ntable = "t"\nwatermark = "w"\n{lines}\n')
    with pytest.raises(SettingsError) as raised:
        load_settings(path)
    assert told in str(raised.value), raised.value
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "regulars.toml"
    path.write_text(
        '[[landing.databases]]\nname = "till"\ntable = "t"\nwatermark = "w"\nurl = "mariadb://db/shop"\n'
        '[[landing.sources]]\nname = "till"\n'
    )
    with pytest.raises(SettingsError, match=r"landing.databases till: another database or source is called the same"):
        load_settings(path)


def test_where_and_how_often_rows_are_pulled_changes_nothing_in_what_was_read() -> None:
    def fingerprints(**said: Any) -> tuple[str, str]:
        settings = Settings.model_validate({"landing": {"databases": [_database(**said).model_dump()]}})
        return settings.landing_fingerprint(), settings.fingerprint()

    assert fingerprints() == fingerprints(url="mariadb://elsewhere/shop", look_back=30, table="other")
    changed = fingerprints(not_sales=("open",), columns={"status": "state"})
    assert all(one != other for one, other in zip(changed, fingerprints(), strict=True))


def _database(**said: Any) -> Database:
    return Database(**{"name": "till", "url": "mariadb://db/shop", "table": "t", "watermark": "w", **said})
