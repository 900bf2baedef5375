"""Settings: `regulars.toml`, each key overridable as ``REGULARS_<SECTION>__<KEY>``.

Belongs here: every key, its default and its allowed values. Does not belong here:
paths (see :mod:`warehouse.home`), and what a setting does (see its reader).
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from warehouse.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ENV_PREFIX = "REGULARS_"
SETTINGS_FILE_VARIABLE = "REGULARS_SETTINGS"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shop(_Section):
    """Who the shop is."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "GBP"
    timezone: str = "Europe/London"
    home_country: str = "United Kingdom"

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except Exception as error:
            raise ValueError(f"{name!r} is not an IANA time zone such as Europe/London") from error
        return name


class Cleaning(_Section):
    """Which delivered lines count."""

    exact_duplicates: Literal["drop", "keep"] = "drop"
    exclude_non_product: bool = True
    require_positive_price: bool = True


class Rfm(_Section):
    """How recency, frequency and money are measured."""

    monetary: Literal["net", "gross"] = "net"
    frequency: Literal["invoices", "lines"] = "invoices"
    snapshot: Literal["day_after_last", "last"] = "day_after_last"
    recency: Literal["calendar", "elapsed"] = "calendar"


class Segmentation(_Section):
    """How customers are clustered."""

    k: Literal["auto"] | Annotated[int, Field(ge=2, le=50)] = "auto"
    k_min: Annotated[int, Field(ge=2, le=50)] = 2
    k_max: Annotated[int, Field(ge=2, le=50)] = 8
    scaler: Literal["log_standard", "standard", "minmax"] = "log_standard"
    outliers: Literal["keep", "iqr_exclude"] = "keep"
    extra_features: tuple[Literal["category_shares", "home_country"], ...] = ()
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 42

    @model_validator(mode="after")
    def _ordered_range(self) -> Segmentation:
        if self.k_min > self.k_max:
            raise ValueError(f"k_min {self.k_min} is above k_max {self.k_max}")
        return self


class Anomalies(_Section):
    """How odd a trading day must be to be flagged."""

    window_days: Annotated[int, Field(ge=5, le=366)] = 28
    threshold: Annotated[float, Field(gt=0, le=100)] = 3.0
    method: Literal["mean_std", "median_mad"] = "median_mad"


class Clv(_Section):
    """How far ahead a customer's value is counted."""

    horizon_days: Annotated[int, Field(ge=1, le=3660)] = 180


class Drafting(_Section):
    """A language model that may redraft emails; none unless an endpoint is named.

    The key is no setting: it comes from the variable ``REGULARS_DRAFTING_API_KEY``.
    """

    endpoint: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Base of an OpenAI-compatible interface, such as ``http://127.0.0.1:1234/v1``."""
    model: str = ""
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0

    @model_validator(mode="after")
    def _model_named(self) -> Drafting:
        if self.endpoint and not self.model:
            raise ValueError("an endpoint is named, but no model: set drafting.model")
        return self


class SourceMapping(_Section):
    """One layout that the built-in ones don't know: which header holds which column."""

    name: str
    files: str = "*"
    """Glob on the file's name; the first mapping whose glob and headers fit is used."""
    layout: Literal["invoice_lines", "transactions", "customers", "segment_overrides"] = "invoice_lines"
    columns: dict[str, str]
    """Our column name (``invoice``, ``stock_code``, …) to the header in the file."""
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal_mark: Literal[".", ","] | None = None
    date_format: str | None = None
    """A strptime format, such as ``%d.%m.%Y %H:%M``, when the values alone can't tell."""


class Landing(_Section):
    """How delivered files are read."""

    sources: tuple[SourceMapping, ...] = ()


class Settings(BaseSettings):
    """All settings of one shop."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    shop: Shop = Shop()
    cleaning: Cleaning = Cleaning()
    rfm: Rfm = Rfm()
    segmentation: Segmentation = Segmentation()
    anomalies: Anomalies = Anomalies()
    clv: Clv = Clv()
    drafting: Drafting = Drafting()
    landing: Landing = Landing()

    def fingerprint(self) -> str:
        """Hash of every value, equal for equal settings on any machine."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def landing_fingerprint(self) -> str:
        """Hash of what decides how a file is read; a rejected file is tried again when it changes."""
        return hashlib.sha256(self.landing.model_dump_json().encode()).hexdigest()


def settings_path() -> Path:
    """The settings file in force: ``$REGULARS_SETTINGS``, else ``regulars.toml`` in the checkout."""
    named = os.environ.get(SETTINGS_FILE_VARIABLE)
    return Path(named) if named else PROJECT_ROOT / "regulars.toml"


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings file and the environment.

    Parameters
    ----------
    path
        A TOML file; by default :func:`settings_path`. The default may be absent,
        a named one may not.

    Raises
    ------
    SettingsError
        Naming the file or variable, the key, what was given and what is allowed.
    """
    chosen = path or settings_path()
    if not chosen.exists() and (path is not None or SETTINGS_FILE_VARIABLE in os.environ):
        raise SettingsError(f"Settings file {chosen} does not exist.")
    _refuse_unknown_variables()

    class _SettingsFromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (env_settings, TomlConfigSettingsSource(settings_cls, toml_file=chosen))

    try:
        return Settings.model_construct(**dict(_SettingsFromFile()))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen} is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise SettingsError(_explain(error, chosen)) from error


def _refuse_unknown_variables() -> None:
    for name in os.environ:
        section, separator, _ = name.removeprefix(ENV_PREFIX).partition("__")
        if name.startswith(ENV_PREFIX) and separator and section.lower() not in Settings.model_fields:
            known = ", ".join(Settings.model_fields)
            raise SettingsError(
                f"Environment variable {name} names no section of the settings; the sections are: {known}."
            )


def _explain(error: ValidationError, path: Path) -> str:
    parts = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        variable = ENV_PREFIX + "__".join(str(part).upper() for part in problem["loc"][:2])
        origin = f"variable {variable}" if variable in os.environ else str(path)
        if problem["type"] == "extra_forbidden":
            parts.append(f"{origin}: {key} is not a setting{_neighbours(problem['loc'])}")
        else:
            given: Any = problem.get("input")
            parts.append(f"{origin}: {key} = {given!r}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(parts) + "."


def _neighbours(location: tuple[str | int, ...]) -> str:
    fields = Settings.model_fields
    if len(location) == 2 and location[0] in fields:
        section = fields[str(location[0])].annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            return f" (known in [{location[0]}]: {', '.join(section.model_fields)})"
    return f" (known sections: {', '.join(fields)})"
