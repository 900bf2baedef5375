"""Settings come from a file and the environment, and a wrong one is named."""

from pathlib import Path

import pytest

from warehouse.errors import SettingsError
from warehouse.settings import PROJECT_ROOT, Settings, load_settings


def settings_file(folder: Path, text: str) -> Path:
    path = folder / "regulars.toml"
    path.write_text(text)
    return path


def test_the_shipped_file_holds_the_documented_defaults() -> None:
    assert load_settings(PROJECT_ROOT / "regulars.toml") == Settings.model_construct()
    defaults = load_settings()
    assert defaults.shop.currency == "GBP"
    assert defaults.rfm.monetary == "net"
    assert defaults.segmentation.k == "auto"
    assert (defaults.anomalies.window_days, defaults.anomalies.threshold) == (28, 3.0)


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
        ("[segmentation]\nk_min = 9\n", "k_min 9 is above k_max 8"),
        ("[shop\n", "not valid TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("(", r"\(")):
        load_settings(settings_file(tmp_path, text))


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_RFM__MONETARY", "nett")
    with pytest.raises(SettingsError, match="variable REGULARS_RFM__MONETARY"):
        load_settings()
    monkeypatch.delenv("REGULARS_RFM__MONETARY")
    monkeypatch.setenv("REGULARS_RFN__MONETARY", "net")
    with pytest.raises(SettingsError, match="REGULARS_RFN__MONETARY names no section"):
        load_settings()


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "absent.toml")


def test_equal_settings_have_equal_fingerprints(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_settings().fingerprint()
    assert load_settings().fingerprint() == before
    monkeypatch.setenv("REGULARS_CLV__HORIZON_DAYS", "90")
    assert load_settings().fingerprint() != before
