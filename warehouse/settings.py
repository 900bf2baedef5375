"""Settings: `regulars.toml`, each key overridable as ``REGULARS_<SECTION>__<KEY>``.

Belongs here: every key, its default and its allowed values. Does not belong here:
paths (see :mod:`warehouse.home`), and what a setting does (see its reader).
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as UnreadableVariableError

from warehouse.errors import SettingsError
from warehouse.rights import explain_refusal

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ENV_PREFIX = "REGULARS_"
SETTINGS_FILE_VARIABLE = "REGULARS_SETTINGS"


# no more than what keeps a slip of the pen and a line end out of a mail's head
_MAILBOX = r"^[^@\s<>,;]+@[^@\s<>,;]+$"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shop(_Section):
    """Who the shop is."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "GBP"
    timezone: str = "Europe/London"
    home_country: str = "United Kingdom"
    holiday_region: str | None = None
    """The part of the home country whose public holidays count, as ISO 3166-2 writes it after the hyphen: ``SCT``,
    ``BY``. None: England in the United Kingdom, elsewhere what the whole country has."""
    customer_ids: Literal["pseudonyms", "plain"] = "pseudonyms"
    """What published tables carry where the key is an e-mail address, a telephone number or a user name."""

    @property
    def is_currency_said(self) -> bool:
        """Whether somebody said in which currency the shop counts; the default is what most files here are in."""
        return "currency" in self.model_fields_set

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except Exception as error:
            raise ValueError(f"{name!r} is not an IANA time zone such as Europe/London") from error
        return name


class Warehouse(_Section):
    """What makes the tables."""

    engine: Literal["duckdb", "spark"] = "duckdb"
    """Both make the same tables (docs/scale.md); Spark needs packages and a Java of its own."""


class Cleaning(_Section):
    """Which delivered lines count."""

    exact_duplicates: Literal["by_profile", "drop", "overlap", "keep"] = "by_profile"
    exclude_non_product: bool = True
    require_positive_price: bool = True
    nobody: tuple[str, ...] = ()
    """Ids that stand for nobody beside the usual placeholders, such as the customer a till books by default."""
    product_codes: tuple[str, ...] = ()
    """Stock codes that are products whatever a rule says; ``*`` stands for any characters."""
    unreconciled_orders: dict[str, Annotated[int, Field(ge=0)]] = {}
    """By source: how many orders may differ from what their files say that they come to."""


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


class Baskets(_Section):
    """Which products count as bought together."""

    min_support_pct: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    """A pair must stand on so many percent of all invoices."""


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


class Publish(_Section):
    """What readers get beside the snapshot."""

    parquet: bool = False
    """Copies of all tables in Parquet, for tools that can't open DuckDB."""


class Keep(_Section):
    """How much of the past stays. What is more goes with the next refresh, or the next day."""

    snapshots: Annotated[int, Field(ge=1, le=1000)] = 5
    """Published files that a rollback can put back."""
    runs: Annotated[int, Field(ge=1)] = 60
    """Dagster's records of runs that are over; some 3 MB each."""
    data_docs_runs: Annotated[int, Field(ge=1)] = 10
    """Runs with pages of their checks. Results are kept as rows for longer."""
    exports_days: Annotated[int, Field(ge=0)] = 365
    """Days that an export stays after it was written; 0: for ever."""
    reports_days: Annotated[int, Field(ge=0)] = 365
    """The same of reports."""
    audit_days: Annotated[int, Field(ge=0)] = 730
    """Days that a month of the audit log stays after its last line; 0: for ever."""


Role = Literal["view", "export", "operate"]
"""See pages and answers, which every token may; take customers away as files; see what is for whoever runs the
pipeline."""


class Token(_Section):
    """One who may ask the server, known by a token that stands in the environment."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
    roles: frozenset[Role] = frozenset({"view"})

    @property
    def variable(self) -> str:
        """The environment variable that holds the token."""
        return f"REGULARS_SERVE_TOKEN_{self.name.upper()}"


class Serve(_Section):
    """Who may ask for what; without tokens here the one in ``REGULARS_SERVE_TOKEN`` may all."""

    tokens: tuple[Token, ...] = ()

    @field_validator("tokens")
    @classmethod
    def _one_name_each(cls, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
        names = [token.name for token in tokens]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two tokens are called {', '.join(twice)}; the audit log tells them apart by these names")
        return tokens


CALENDAR_YEARS = range(1970, 2100)
"""The years that a calendar may speak of; lines of other years are set aside."""


class _Stretch(_Section):
    """Some days in a row."""

    model_config = ConfigDict(populate_by_name=True)

    first_date: Annotated[date, Field(alias="from")]
    last_date: Annotated[date, Field(alias="to")]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_date < self.first_date:
            raise ValueError(f"from {self.first_date} lies after to {self.last_date}")
        for day in (self.first_date, self.last_date):
            if day.year not in CALENDAR_YEARS:
                raise ValueError(f"{day} lies outside of {CALENDAR_YEARS[0]} to {CALENDAR_YEARS[-1]}")
        return self

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of it, ascending."""
        return tuple(
            self.first_date + timedelta(days=number) for number in range((self.last_date - self.first_date).days + 1)
        )


class Closure(_Stretch):
    """Days on which the shop was or will be closed."""

    reason: Annotated[str, Field(min_length=1)]


class Promotion(_Stretch):
    """Days on which more is sold than usual, for a reason that the shop knows."""

    name: Annotated[str, Field(min_length=1)]


class Calendar(_Section):
    """What the shop knows of its days beyond public holidays."""

    closures: tuple[Closure, ...] = ()
    promotions: tuple[Promotion, ...] = ()


class Freshness(_Section):
    """How old what readers see may be; without a rule nothing is too old.

    Choose them longer than the shop's longest pause: with nothing delivered nothing is published.
    """

    max_age_hours: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Since the snapshot that readers see was made."""
    max_delivery_age_hours: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Since the newest delivery in it was taken in."""


class AlertEmail(_Section):
    """A mail server that alerts go through.

    The password is no setting: it comes from the variable ``REGULARS_ALERTS_EMAIL_PASSWORD``.
    """

    model_config = ConfigDict(populate_by_name=True)

    host: Annotated[str, Field(min_length=1)]
    sender: Annotated[str, Field(alias="from", pattern=_MAILBOX)]
    recipients: Annotated[tuple[Annotated[str, Field(pattern=_MAILBOX)], ...], Field(alias="to", min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    """Who logs in; None: nobody does."""

    @model_validator(mode="after")
    def _password_is_safe(self) -> AlertEmail:
        if self.user and self.security == "none":
            raise ValueError("user would log in with the password unencrypted: set security to starttls or tls")
        return self


AlertKind = Literal["failed", "warned", "stale", "unusual"]


class Alerts(_Section):
    """Who is told when something is wrong; nobody but the log unless a channel is named.

    The webhook's address is no setting, as whoever knows it can write there: it comes from the variable
    ``REGULARS_ALERTS_WEBHOOK_URL``.
    """

    events: tuple[AlertKind, ...] = ("failed", "warned", "stale", "unusual")
    webhook: bool = False
    email: AlertEmail | None = None


LayoutName = Literal["invoice_lines", "transactions", "customers", "segment_overrides"]

_SALES = ("discount_amount", "tax_amount", "currency", "status", "kind", "store", "customer_id", "country")
MAPPABLE: dict[str, tuple[str, ...]] = {
    "invoice_lines": (
        *("invoice", "stock_code", "description", "quantity", "invoice_date", "time", "unit_price", "line_amount"),
        *_SALES,
    ),
    "transactions": (
        *("invoice", "description", "invoice_date", "time", "unit_price"),
        *("currency", "status", "kind", "store", "customer_id", "country"),
    ),
    "customers": ("customer_id", "age", "gender", "location"),
    "segment_overrides": ("customer_id", "segment", "reason", "author", "expires_on"),
}
"""The names that a mapping may give a header to, by layout. ``time`` is joined to ``invoice_date``."""

EXCEL_SERIAL = "excel_serial"
"""A ``date_format`` of its own: days since the end of 1899, as a spreadsheet counts them."""


class SourceMapping(_Section):
    """One layout that the built-in ones don't know, or know only in part.

    Only what the layout would not find by itself has to be named: a header with its usual
    name is found, whatever else is mapped.
    """

    section: ClassVar[str] = "landing.sources"

    name: Annotated[str, Field(min_length=1)]
    files: str = "*"
    """Glob on the file's name; the first mapping whose glob and headers fit is used."""
    layout: LayoutName = "invoice_lines"
    columns: dict[str, str | tuple[str, ...]] = {}
    """Our column name (``invoice``, ``stock_code``, …) to the header in the file, or to several headers
    that are tried in turn on each line: the first that is not blank counts."""
    constants: dict[str, str] = {}
    """Our column name to the value of every line, for what the file does not say."""
    fill_down: tuple[str, ...] = ()
    """Columns whose blanks take the value of the line above, within one invoice."""
    not_sales: tuple[str, ...] = ()
    """Words of ``status`` or ``kind`` whose lines are no sale."""
    returns: tuple[str, ...] = ()
    """Words of ``kind`` whose lines are returns."""
    profile: Literal["uci", "plain"] | None = None
    """Whether letters before an invoice number mean something; None: the lines tell."""
    prices_include_tax: bool | None = None
    discount_is: Literal["amount", "per_cent", "share", "whole_order"] | None = None
    """What ``discount_amount`` tells; None goes by its header, and by a % beside the value. ``whole_order``: an amount
    off the order, however many of its lines say so."""
    whole_orders: bool = False
    """Files of this source hold orders with all their lines, so that an order that comes again replaces what an
    earlier file said of it."""
    clock: Literal["as_written", "shop"] | None = None
    """What to do about a UTC offset: keep the clock time beside it, or convert to ``shop.timezone``, as None does."""
    ignore: tuple[str, ...] = ()
    """Headers that are known and not wanted: nothing warns of them."""
    encoding: str | None = None
    """How a text is encoded that is neither UTF-8 nor Windows-1252, such as ``cp1250`` or ``shift_jis``."""
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    decimal_mark: Literal[".", ","] | None = None
    date_order: Literal["day_first", "month_first"] | None = None
    date_format: str | None = None
    """A strptime format, such as ``%d.%m.%Y %H:%M``, when the values alone can't tell; or ``excel_serial``."""

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str | None) -> str | None:
        try:
            # what Python has besides, such as base64, turns no bytes into text
            if encoding is not None and not isinstance(b"a".decode(encoding), str):
                raise LookupError
        except (LookupError, UnicodeError) as error:
            raise ValueError(f"encoding {encoding!r} is not known; cp1250, shift_jis and gb18030 are") from error
        return encoding

    @field_validator("columns")
    @classmethod
    def _some_header(cls, columns: dict[str, str | tuple[str, ...]]) -> dict[str, str | tuple[str, ...]]:
        empty = [
            column for column, named in columns.items() if not named or (not isinstance(named, str) and "" in named)
        ]
        if empty:
            raise ValueError(f"columns names no header for {', '.join(empty)}")
        return columns

    @model_validator(mode="after")
    def _consistent(self) -> SourceMapping:
        contradictions = [*self._unknown_columns(), *self._contradictions()]
        if contradictions:
            raise ValueError(f"{self.section} {self.name!r} {'; it '.join(contradictions)}")
        return self

    def headers_of(self, column: str) -> tuple[str, ...]:
        """The headers that hold a column, in the order they are tried; none if it is not mapped."""
        named = self.columns.get(column, ())
        return (named,) if isinstance(named, str) else named

    def _unknown_columns(self) -> list[str]:
        known = MAPPABLE[self.layout]
        told = []
        for verb, names in (("maps", self.columns), ("sets", self.constants), ("fills down", self.fill_down)):
            unknown = [name for name in names if name not in known]
            if unknown:
                told.append(
                    f"{verb} {', '.join(unknown)}, which layout {self.layout} does not have; it has {', '.join(known)}"
                )
        return told

    def _contradictions(self) -> list[str]:
        told = []
        twice = [column for column in self.constants if column in self.columns]
        if twice:
            told.append(f"maps a header to {', '.join(twice)} and sets the same as a constant; keep one of the two")
        if "time" in self.constants:
            told.append("sets time as a constant; leave it out, and lines without a time count at midnight")
        filled = [column for column in self.fill_down if column in self.constants]
        if filled:
            told.append(f"fills down {', '.join(filled)}, which is a constant and never blank")
        if self.discount_is and "discount_amount" not in {*self.columns, *self.constants}:
            told.append("has discount_is, and no header for discount_amount: add discount_amount to columns")
        named = {*self.columns, *self.constants}
        # a kind may be that of a quote
        for setting, words, of in (
            ("not_sales", self.not_sales, ("status", "kind")),
            ("returns", self.returns, ("kind",)),
        ):
            if words and named.isdisjoint(of):
                told.append(f"has {setting}, and no header for {of[0]}, whose words they are: add {of[0]} to columns")
        if self.date_order and self.date_format:
            told.append("has both date_format and date_order; the format says the order already")
        of_sales = ("whole_orders", "fill_down", "not_sales", "returns", "profile", "prices_include_tax", "clock")
        if self.layout not in ("invoice_lines", "transactions"):
            told += [f"has {name}, which only sales have" for name in of_sales if getattr(self, name)]
        return told


PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Where a value of the environment stands in the URL of a database."""

_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mariadb+pymysql",
}
_SECRETS = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)


class Database(SourceMapping):
    """One live database that sales are pulled from.

    Each pull lands as a file of the folder that is called like the database; what the
    columns of that file are is said here as it is for any other file.
    """

    section: ClassVar[str] = "landing.databases"

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    """Names the folder in landing, too."""
    layout: LayoutName = "invoice_lines"
    url: str
    """As SQLAlchemy writes it; ``${NAME}`` stands for a variable of the environment, and the password
    is always such a one."""
    table: str | None = None
    """``table``, or ``schema.table``; or else a query."""
    query: str | None = None
    watermark: Annotated[str, Field(min_length=1)]
    """The column that grows whenever a row is written: a time, a date or a whole number."""
    look_back: Annotated[float, Field(ge=0)] = 3
    """How far before the highest watermark seen to look again: days, or units of a whole number."""

    @model_validator(mode="after")
    def _reachable(self) -> Database:
        told = [*self._refused_keys(), *self._url_problems()]
        if (self.table is None) == (self.query is None):
            told.append("needs either a table or a query, and one of them only")
        if told:
            # the whole URL is never repeated: what is wrong with it may be that it holds a password
            raise ValueError(f"{self.section} {self.name!r} {'; it '.join(told)}")
        return self

    @property
    def driver(self) -> str:
        """Dialect and driver as SQLAlchemy names them; empty where only the environment tells."""
        return _DRIVERS.get(self.url.partition(":")[0].partition("+")[0].lower(), "")

    @property
    def file_pattern(self) -> str:
        """Glob of the files that its pulls leave in landing."""
        return f"{self.name}-{'?' * 8}T{'?' * 12}Z.parquet"

    def as_source(self) -> SourceMapping:
        """How the files of its pulls are read."""
        said = {key: getattr(self, key) for key in SourceMapping.model_fields}
        # numbers were numbers, and were written with a point
        of_pulls = {"files": self.file_pattern, "decimal_mark": self.decimal_mark or ".", "whole_orders": True}
        return SourceMapping(**{**said, **of_pulls})

    def _refused_keys(self) -> list[str]:
        told = []
        if self.layout not in ("invoice_lines", "transactions"):
            told.append(f"has layout {self.layout}; only sales are pulled: invoice_lines or transactions")
        if "invoice" in self.constants:
            told.append("sets invoice as a constant, which would make one order of all lines")
        for key, why in (
            ("files", "a pull names its files itself"),
            ("delimiter", "there is no text file"),
            ("encoding", "there is no text file"),
            ("fill_down", "rows of a table have no line above"),
            ("whole_orders", "a pull always brings orders whole"),
        ):
            if getattr(self, key) != SourceMapping.model_fields[key].default:
                told.append(f"has {key}, but {why}: leave it out")
        return told

    def _url_problems(self) -> list[str]:
        if PLACEHOLDER.fullmatch(self.url):
            return []
        if not self.driver:
            return ["has a url of another kind than postgresql://… or mariadb://…, which are what can be pulled from"]
        if _holds_password(self.url):
            return [
                "has a password in its url; keep it out of the settings: write ${SHOP_DB_PASSWORD} in its place and "
                "set that variable in the environment"
            ]
        return []


def _holds_password(url: str) -> bool:
    """Whether there is a password in a URL, and not only where the environment has it."""
    _, _, rest = url.partition("://")
    authority, _, options = rest.partition("?")
    # as SQLAlchemy takes it apart: a password may hold anything but @
    user, separator, _ = authority.rpartition("@")
    secrets = [user.partition(":")[2]] if separator and ":" in user else []
    for option in filter(None, options.split("&")):
        key, _, value = option.partition("=")
        if _SECRETS.search(key):
            secrets.append(value)
    return any(secret and not PLACEHOLDER.fullmatch(secret) for secret in secrets)


_POSTGRESQL = re.compile(
    r"postgres(?:ql)?://(?P<user>[^:@/?]+)(?::(?P<password>[^@]*))?@(?P<host>[^:/?@]*)(?::(?P<port>\d{1,5}))?"
    r"/(?P<database>[^/?]+)(?:\?(?P<options>.*))?"
)


@dataclass(frozen=True)
class PostgresServer:
    """A database of PostgreSQL, and who asks there."""

    user: str
    password_variable: str | None
    """Where the environment has the password; None: the server asks for none."""
    host: str
    """Empty: by a socket on this machine."""
    port: int
    database: str
    options: dict[str, str]
    """What else the driver is told, such as ``sslmode``."""


class Dagster(_Section):
    """Where Dagster keeps its records of runs, checks and ticks."""

    records: str | None = None
    """``postgresql://user:${VARIABLE}@host:port/database``; None: in files of the home."""

    @field_validator("records")
    @classmethod
    def _reachable(cls, url: str | None) -> str | None:
        if not url:
            # as a compose file passes on a variable that nobody set
            return None
        # the URL is never repeated: what is wrong with it may be that it holds a password
        if _holds_password(url):
            raise ValueError(
                "dagster.records has a password in it; keep it out of the settings: write ${RECORDS_PASSWORD} in its "
                "place and set that variable in the environment"
            )
        if _POSTGRESQL.fullmatch(url) is None:
            raise ValueError("dagster.records is not of the form postgresql://user:${VARIABLE}@host:port/database")
        return url

    @property
    def server(self) -> PostgresServer | None:
        """The same taken apart; None where records lie in files."""
        told = None if self.records is None else _POSTGRESQL.fullmatch(self.records)
        if told is None:
            return None
        password = PLACEHOLDER.fullmatch(told["password"] or "")
        return PostgresServer(
            user=unquote(told["user"]),
            password_variable=None if password is None else password[1],
            host=told["host"],
            port=int(told["port"] or 5432),
            database=unquote(told["database"]),
            options=dict(parse_qsl(told["options"] or "")),
        )


class Landing(_Section):
    """How delivered files are read."""

    date_order: Literal["day_first", "month_first"] | None = None
    """The order of day and month in files that nothing else settles."""
    sources: tuple[SourceMapping, ...] = ()
    databases: tuple[Database, ...] = ()

    @property
    def all_sources(self) -> tuple[SourceMapping, ...]:
        """Every mapping that a file may fit; those of pulled files first, as their names fit nothing else."""
        return (*(database.as_source() for database in self.databases), *self.sources)

    @model_validator(mode="after")
    def _databases_apart(self) -> Landing:
        names = [database.name for database in self.databases]
        taken = sorted({name for name in names if names.count(name) > 1 or name in {s.name for s in self.sources}})
        if taken:
            raise ValueError(
                f"landing.databases {', '.join(taken)}: another database or source is called the same; "
                "files are told apart by these names"
            )
        return self

    @field_validator("sources")
    @classmethod
    def _one_name_each(cls, sources: tuple[SourceMapping, ...]) -> tuple[SourceMapping, ...]:
        names = [source.name for source in sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two landing.sources are called {', '.join(twice)}; files are told apart by these names")
        return sources


# neither what makes the tables, how much of the past stays nor who is told of the figures or may see them changes one
_NO_MATTER_OF_FIGURES: dict[str, Any] = {
    "warehouse": True,
    "landing": {"databases"},
    "keep": True,
    "freshness": True,
    "alerts": True,
    "serve": True,
    "dagster": True,
}


class Settings(BaseSettings):
    """All settings of one shop."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        # a traceback is no place for a password that stood where it should not
        hide_input_in_errors=True,
    )

    shop: Shop = Shop()
    warehouse: Warehouse = Warehouse()
    cleaning: Cleaning = Cleaning()
    rfm: Rfm = Rfm()
    segmentation: Segmentation = Segmentation()
    anomalies: Anomalies = Anomalies()
    baskets: Baskets = Baskets()
    clv: Clv = Clv()
    drafting: Drafting = Drafting()
    calendar: Calendar = Calendar()
    publish: Publish = Publish()
    keep: Keep = Keep()
    landing: Landing = Landing()
    freshness: Freshness = Freshness()
    alerts: Alerts = Alerts()
    serve: Serve = Serve()
    dagster: Dagster = Dagster()

    def fingerprint(self) -> str:
        """Hash of every value that an answer could depend on, equal for equal settings on any machine."""
        told = self.model_dump_json(exclude=_NO_MATTER_OF_FIGURES) + self._read_from_databases()
        # to say what is the default matters: signs of other currencies are no longer taken for it
        told += "currency is said" if self.shop.is_currency_said else ""
        return hashlib.sha256(told.encode()).hexdigest()

    def landing_fingerprint(self) -> str:
        """Hash of what decides how a file is read; files are read again when it changes."""
        told = self.landing.model_dump_json(exclude={"databases"}) + self._read_from_databases()
        return hashlib.sha256(f"{told}\n{self.shop.timezone}".encode()).hexdigest()

    def _read_from_databases(self) -> str:
        # how pulled files are read; from where and how often they are pulled changes nothing in them
        return "".join(database.as_source().model_dump_json() for database in self.landing.databases)


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
    _refuse_unknown_variables()
    try:
        if not chosen.exists() and (path is not None or SETTINGS_FILE_VARIABLE in os.environ):
            raise SettingsError(f"Settings file {chosen} does not exist.")
        if chosen.is_dir():
            # as a container engine makes one in the place of a file that is not there
            raise SettingsError(f"Settings file {chosen} is a folder.")
        return Settings.model_construct(**_read(Settings, chosen))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen} is not valid TOML: {error}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{chosen} is not text in UTF-8 (byte {error.start + 1}); save it as such in the editor."
        ) from error
    except OSError as error:
        raise SettingsError(explain_refusal(chosen)) from error
    except UnreadableVariableError as error:
        raise SettingsError(_explain_variable(error)) from error
    except ValidationError as error:
        raise SettingsError(_explain(error, chosen)) from error


class _AlertsAlone(BaseSettings):
    model_config = SettingsConfigDict(**{**Settings.model_config, "extra": "ignore"})

    alerts: Alerts = Alerts()


def alerts_alone() -> Alerts:
    """Who is told, where the rest of the settings can't be read; nobody but the log where this can't be, either."""
    try:
        read: Alerts = _read(_AlertsAlone, settings_path())["alerts"]
        return read
    except (tomllib.TOMLDecodeError, ValidationError, OSError, UnicodeDecodeError, UnreadableVariableError):
        # who loads the settings says what is wrong with them
        return Alerts()


class _TomlFile(TomlConfigSettingsSource):
    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        # some editors begin UTF-8 with a mark that TOML 1.0 does not know
        return tomllib.loads(file_path.read_text(encoding="utf-8-sig"))


def _read(model: type[BaseSettings], path: Path) -> dict[str, Any]:
    """The fields of a model from the environment and, what that does not say, a file."""

    class _FromFile(model):  # type: ignore[misc, valid-type]
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (env_settings, _TomlFile(settings_cls, toml_file=path))

    return dict(_FromFile())


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
            # a whole mapping says nothing that its name does not
            shown = "" if isinstance(given, dict | list | tuple) else f" = {given!r}"
            told = problem["msg"].removeprefix("Value error, ")
            parts.append(
                f"{origin}: {told}"
                if told.startswith(("landing.sources ", "landing.databases ", "dagster.records "))
                else f"{origin}: {key}{shown}: {told}"
            )
    return "; ".join(parts) + "."


def _explain_variable(error: UnreadableVariableError) -> str:
    """Of a variable that should hold JSON and does not, pydantic names the section alone."""
    found = re.search(r'field "(\w+)"', str(error))
    section = f"{ENV_PREFIX}{found[1]}".upper() if found else ENV_PREFIX
    named = [name for name in sorted(os.environ) if name.upper() == section or name.upper().startswith(f"{section}__")]
    return (
        f"Environment variable {' or '.join(named)} can't be read: a list or table is written as JSON there, such as "
        '["failed", "stale"].'
    )


def _neighbours(location: tuple[str | int, ...]) -> str:
    fields = Settings.model_fields
    if len(location) == 2 and location[0] in fields:
        section = fields[str(location[0])].annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            return f" (known in [{location[0]}]: {', '.join(section.model_fields)})"
    return f" (known sections: {', '.join(fields)})"
