"""Settings come from a file and the environment, and a wrong one is named."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from warehouse.errors import SettingsError
from warehouse.settings import PROJECT_ROOT, Alerts, Landing, Settings, Shop, SourceMapping, alerts_alone, load_settings


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "regulars.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("encoding", ["klingon", "base64", "rot13"])
def test_an_encoding_that_is_none_is_refused_with_examples(encoding: str) -> None:
    with pytest.raises(ValueError, match="cp1250, shift_jis and gb18030"):
        SourceMapping(name="till", encoding=encoding)


def test_a_word_on_discounts_needs_their_column() -> None:
    with pytest.raises(ValueError, match="add discount_amount to columns"):
        SourceMapping(name="till", discount_is="share")


def test_the_shipped_file_holds_the_documented_defaults() -> None:
    assert load_settings(PROJECT_ROOT / "regulars.toml") == Settings.model_construct()
    defaults = load_settings()
    assert defaults.shop.currency == "GBP"
    assert defaults.rfm.monetary == "net"
    assert defaults.segmentation.k == "auto"
    assert (defaults.anomalies.window_days, defaults.anomalies.threshold) == (28, 3.0)


def test_how_much_of_the_past_stays_changes_no_figure_and_builds_nothing_anew(tmp_path: Path) -> None:
    less = load_settings(settings_file(tmp_path, "[keep]\nruns = 7\nexports_days = 0\n"))
    assert (less.keep.runs, less.keep.exports_days) == (7, 0)
    assert less.fingerprint() == Settings().fingerprint()


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = settings_file(tmp_path, '[segmentation]\nk = 5\nscaler = "minmax"\n')
    assert load_settings(path).segmentation.k == 5
    monkeypatch.setenv("REGULARS_SEGMENTATION__K", "4")
    assert load_settings(path).segmentation.k == 4
    assert load_settings(path).segmentation.scaler == "minmax"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[shop]\ncurency = "EUR"\n', "shop.curency is not a setting"),
        ("[shopp]\n", "shopp is not a setting"),
        ('[rfm]\nmonetary = "nett"\n', "rfm.monetary = 'nett'"),
        ('[shop]\ntimezone = "London"\n', "IANA time zone"),
        ("[keep]\nruns = 0\n", "keep.runs = 0"),
        ("[segmentation]\nk_min = 9\n", "k_min 9 is above k_max 8"),
        ("[shop\n", "not valid TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("(", r"\(")):
        load_settings(settings_file(tmp_path, text))


CLOSURE = "[[calendar.closures]]\nfrom = 2026-12-24\nto = 2027-01-03\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (CLOSURE, "calendar.closures.0.reason: Field required"),
        (f'{CLOSURE}reason = ""\n', "calendar.closures.0.reason = '': String should have at least 1 character"),
        (f'{CLOSURE}name = "Christmas"\n', "calendar.closures.0.name is not a setting"),
        (
            '[[calendar.promotions]]\nfrom = 2026-11-30\nto = 2026-11-27\nname = "Black Friday"\n',
            "calendar.promotions.0: from 2026-11-30 lies after to 2026-11-27",
        ),
        (
            '[[calendar.promotions]]\nfrom = 0206-11-27\nto = 2026-11-27\nname = "Black Friday"\n',
            "calendar.promotions.0: 0206-11-27 lies outside of 1970 to 2099",
        ),
    ],
)
def test_a_stretch_of_the_calendar_that_is_wrong_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        load_settings(settings_file(tmp_path, text))


def test_the_calendar_makes_another_version_of_the_answers_and_reads_no_file_again(tmp_path: Path) -> None:
    plain = load_settings(settings_file(tmp_path, ""))
    closed = load_settings(settings_file(tmp_path, f'{CLOSURE}reason = "Christmas"\n'))
    assert closed.fingerprint() != plain.fingerprint()
    assert closed.landing_fingerprint() == plain.landing_fingerprint()


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_RFM__MONETARY", "nett")
    with pytest.raises(SettingsError, match="variable REGULARS_RFM__MONETARY"):
        load_settings()
    monkeypatch.delenv("REGULARS_RFM__MONETARY")
    monkeypatch.setenv("REGULARS_RFN__MONETARY", "net")
    with pytest.raises(SettingsError, match="REGULARS_RFN__MONETARY names no section"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('[shop]\nhome_country = "Österreich"\n'.encode("latin-1"), "is not text in UTF-8 (byte 24); save it as such"),
        ('[shop]\ncurrency = "EUR"\n'.encode("utf-16"), "is not text in UTF-8 (byte 1); save it as such"),
        (None, "is a folder"),
    ],
    ids=["latin-1", "utf-16", "folder"],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "regulars.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=re.escape(told)) as refused:
        load_settings(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_closed_to_us_is_named(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    path = settings_file(tmp_path, "")
    path.chmod(0o600)
    code = (
        "import os, sys, pathlib\n"
        "from warehouse.settings import load_settings\n"
        "os.seteuid(65534)\n"
        "load_settings(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=PROJECT_ROOT, capture_output=True, text=True)
    *_, last = done.stderr.splitlines()
    assert last.startswith(f"warehouse.errors.SettingsError: {path} is closed to nobody: ")


def test_a_mark_that_some_editors_begin_utf_8_with_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "regulars.toml"
    path.write_bytes('[shop]\nhome_country = "Österreich"\n'.encode("utf-8-sig"))
    assert load_settings(path).shop.home_country == "Österreich"


@pytest.mark.parametrize(
    ("variable", "value"), [("REGULARS_ALERTS__EVENTS", "failed"), ("REGULARS_SHOP", ""), ("regulars_landing", "x")]
)
def test_a_variable_that_should_be_json_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"Environment variable {variable} can't be read: a list or table is"):
        load_settings()
    # of what can't be read nothing is believed
    assert alerts_alone() == Alerts()


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "absent.toml")


def test_equal_settings_have_equal_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings().fingerprint()
    assert load_settings().fingerprint() == before
    monkeypatch.setenv("REGULARS_CLV__HORIZON_DAYS", "90")
    assert load_settings().fingerprint() != before


def test_who_is_told_of_the_figures_makes_none_of_them_anew(tmp_path: Path) -> None:
    text = (
        "[freshness]\nmax_age_hours = 48\n[alerts]\nwebhook = true\n"
        '[alerts.email]\nhost = "smtp.example.com"\nfrom = "a@example.com"\nto = ["b@example.com"]\n'
    )
    asked = load_settings(settings_file(tmp_path, text))
    assert asked.alerts.email is not None
    assert (asked.alerts.email.port, asked.alerts.email.security) == (587, "starttls")
    assert asked.fingerprint() == load_settings(settings_file(tmp_path, "")).fingerprint()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[alerts]\nevents = ["fire"]\n', "alerts.events.0 = 'fire'"),
        ('[alerts]\nwebhook = "https://hooks.example.com/in"\n', "alerts.webhook"),
        ('[alerts.email]\nhost = "smtp.example.com"\n', "alerts.email.from: Field required"),
        (
            '[alerts.email]\nhost = "h"\nfrom = "a@b.c"\nto = ["b@example.com\\nBcc: all@example.com"]\n',
            "alerts.email.to.0",
        ),
        (
            '[alerts.email]\nhost = "h"\nfrom = "a@b.c"\nto = ["a@b.c"]\nuser = "a"\nsecurity = "none"\n',
            "user would log in with the password unencrypted",
        ),
        ("[freshness]\nmax_age_hours = 0\n", "freshness.max_age_hours = 0"),
    ],
)
def test_an_alert_that_could_not_be_sent_is_refused_with_the_settings(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        load_settings(settings_file(tmp_path, text))


def mapping(**values: object) -> SourceMapping:
    return SourceMapping.model_validate({"name": "till", **values})


def test_what_the_shipped_file_shows_as_an_example_of_a_mapping_is_one(tmp_path: Path) -> None:
    shipped = (PROJECT_ROOT / "regulars.toml").read_text(encoding="utf-8")
    _, _, example = shipped.partition("# [[landing.sources]]")
    text = re.sub(r"^# (?=[a-z])", "", f"# [[landing.sources]]{example}".replace("# [[", "[["), flags=re.MULTILINE)
    (found,) = load_settings(settings_file(tmp_path, text)).landing.sources
    assert found.headers_of("customer_id") == ("Kunde", "E-Mail")
    assert found.headers_of("invoice") == ("Bon",)
    assert found.headers_of("country") == ()
    assert (found.fill_down, found.prices_include_tax) == (("invoice", "customer_id"), True)


def test_product_codes_and_sources_can_be_set_by_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_CLEANING__PRODUCT_CODES", '["S", "GIFT*"]')
    monkeypatch.setenv("REGULARS_LANDING__SOURCES", '[{"name": "a", "columns": {"status": ["State", "Status"]}}]')
    monkeypatch.setenv("REGULARS_LANDING__DATE_ORDER", "day_first")
    settings = load_settings()
    assert settings.cleaning.product_codes == ("S", "GIFT*")
    assert settings.landing.sources[0].headers_of("status") == ("State", "Status")
    assert settings.landing.date_order == "day_first"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"columns": {"colour": "Farbe"}}, "maps colour, which layout invoice_lines does not have; it has invoice"),
        ({"layout": "transactions", "columns": {"quantity": "Qty"}}, "maps quantity, which layout transactions does"),
        ({"constants": {"line_kind": "sale"}}, "sets line_kind, which layout invoice_lines does not have"),
        ({"fill_down": ["name"]}, "fills down name, which"),
        ({"columns": {"invoice": ""}}, "columns names no header for invoice"),
        ({"columns": {"invoice": []}}, "columns names no header for invoice"),
        (
            {"columns": {"country": "Land"}, "constants": {"country": "DE"}},
            "maps a header to country and sets the same",
        ),
        ({"constants": {"time": "12:00"}}, "sets time as a constant"),
        ({"constants": {"country": "DE"}, "fill_down": ["country"]}, "fills down country, which is a constant"),
        ({"not_sales": ["void"]}, "has not_sales, and no header for status"),
        ({"returns": ["refund"], "columns": {"status": "S"}}, "has returns, and no header for kind"),
        ({"date_format": "%d/%m/%Y", "date_order": "day_first"}, "has both date_format and date_order"),
        ({"layout": "customers", "profile": "uci"}, "has profile, which only sales have"),
        ({"profile": "amazon"}, "'uci' or 'plain'"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused_with_the_reason(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(told)):
        mapping(**values)


def test_a_wrong_mapping_is_named_by_its_name(tmp_path: Path) -> None:
    text = '[[landing.sources]]\nname = "till"\nnot_sales = ["void"]\n'
    with pytest.raises(SettingsError, match=r"regulars\.toml: landing\.sources 'till' has not_sales, and no header"):
        load_settings(settings_file(tmp_path, text))


def test_two_mappings_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"two landing\.sources are called till"):
        Landing(sources=(mapping(), mapping(files="b*")))


def test_files_are_read_again_when_the_shops_clock_changes() -> None:
    london, madrid = Settings(), Settings(shop=Shop(timezone="Europe/Madrid"))
    assert london.landing_fingerprint() != madrid.landing_fingerprint()
    assert london.landing_fingerprint() == Settings(shop=Shop(currency="EUR")).landing_fingerprint()
