"""dbt, in this process: the manifest, and one way to build a selection of models.

Belongs here: calling dbt-core and turning its events into Dagster's. A subprocess
per call costs 4–6 s of start-up each; in process with a parsed manifest it is well
under one. Does not belong here: which models exist and what they do.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.manifest_columns import complete_columns
from warehouse.errors import RegularsError
from warehouse.formats import DECLARATIONS, export_formats
from warehouse.home import Home
from warehouse.publishing.snapshots import checksum
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.versions import files_fingerprint
from warehouse.wording import currency_decimals, currency_symbol

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SPARK_TARGET = "spark"
WAREHOUSE_VARIABLE = "REGULARS_PRIVATE_FILE"
_RESULT_EVENTS = {"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"}


class DbtError(RegularsError):
    """dbt could not parse the project, or a model or data test failed."""


def project_vars(
    settings: Settings, as_of_date: str | None, exports: Collection[str] = (), *, increments: bool = False
) -> dict[str, Any]:
    """The settings that SQL depends on, as dbt vars.

    Parameters
    ----------
    exports
        Formats of shop systems' exports that there are files of.
    increments
        Whether tables take in what is new instead of being made anew; see :mod:`warehouse.increments`.
    """
    return {
        "as_of_date": as_of_date,
        "exact_duplicates": settings.cleaning.exact_duplicates,
        "exclude_non_product": settings.cleaning.exclude_non_product,
        "product_codes": list(settings.cleaning.product_codes),
        "nobody": list(settings.cleaning.nobody),
        "require_positive_price": settings.cleaning.require_positive_price,
        "rfm_monetary": settings.rfm.monetary,
        "rfm_frequency": settings.rfm.frequency,
        "rfm_snapshot": settings.rfm.snapshot,
        "rfm_recency": settings.rfm.recency,
        "min_support_pct": settings.baskets.min_support_pct,
        "home_country": settings.shop.home_country,
        "currency": settings.shop.currency,
        "is_currency_said": settings.shop.is_currency_said,
        "has_order_discounts": any(source.discount_is == "whole_order" for source in settings.landing.all_sources),
        "currency_symbol": currency_symbol(settings.shop.currency),
        "currency_decimals": currency_decimals(settings.shop.currency),
        "customer_ids": settings.shop.customer_ids,
        "export_formats": sorted(exports),
        # the tests have done so for the same SQL
        "check_contracts": False,
        "increments": increments,
    }


def load_manifest(home: Home) -> Mapping[str, Any]:
    """The parsed project as plain data, parsed anew whenever it changed.

    A fresh clone has no manifest and an old one goes stale unnoticed, so what is kept under the home
    carries the fingerprint of all that it was made from, and of itself: after a power cut a file may be there and
    empty. No database is opened.

    Raises
    ------
    DbtError
        If the project does not parse.
    """
    if not _is_kept(home):
        _keep(home, _parse(home))
    manifest = dict(json.loads((home.dbt / _MANIFEST_JSON).read_text()))
    complete_columns(manifest)
    return manifest


_MANIFEST_JSON, _MANIFEST_PACKED, _MANIFEST_STAMP = "manifest.json", "manifest.msgpack", "manifest.fingerprint"
_COMPILED_JSON = "compiled.json"

# dbt's own parsed project, by the fingerprint of what it was parsed from: one serves every
# home, all vars and every call of this process, and saves each call the parsing
_parsed: dict[str, Any] = {}


def _parse(home: Home) -> Any:
    """The parsed project as dbt's own object: unpacked, which takes a tenth of a second, or else parsed, five."""
    fingerprint = project_fingerprint()
    if fingerprint not in _parsed:
        _parsed[fingerprint] = _unpack(home) if _is_kept(home) else _parse_anew(home)
    return _parsed[fingerprint]


def _parse_for_spark(home: Home) -> Any:
    """The same project with the macros of Spark's adapter: parsed once a process, which Spark's start outlasts."""
    fingerprint = f"{SPARK_TARGET} {project_fingerprint()}"
    if fingerprint not in _parsed:
        _spare_spark()
        _parsed[fingerprint] = _parse_anew(home, "--target", SPARK_TARGET)
    return _parsed[fingerprint]


def _parse_anew(home: Home, *how: str) -> Any:
    # writing the manifest takes half a second and only Dagster reads it
    result = _invoke(home, ["parse", "--no-write-json", *how])
    if not result.success:
        raise DbtError(f"The dbt project does not parse: {result.exception}")
    return result.result


@cache
def _dbt_versions() -> str:
    """Versions of dbt and its adapter, whose macros are part of the parsed project."""
    return " ".join(f"{package} {version(package)}" for package in ("dbt-core", "dbt-adapters", "dbt-duckdb"))


def project_fingerprint() -> str:
    """Hash of all that parsing depends on: project with profile and packages' versions. Vars come later."""
    return hashlib.sha256(f"{files_fingerprint([DBT_PROJECT])} {_dbt_versions()}".encode()).hexdigest()


def _is_kept(home: Home) -> bool:
    kept = all((home.dbt / name).exists() for name in (_MANIFEST_JSON, _MANIFEST_PACKED, _MANIFEST_STAMP))
    return kept and (home.dbt / _MANIFEST_STAMP).read_bytes() == _stamp(home)


def _stamp(home: Home) -> bytes:
    files = [checksum(home.dbt / name) for name in (_MANIFEST_JSON, _MANIFEST_PACKED)]
    return " ".join([project_fingerprint(), *files]).encode()


def _keep(home: Home, manifest: Any) -> None:
    from dbt.parser.manifest import extended_mashumaro_encoder

    home.dbt.mkdir(parents=True, exist_ok=True)
    (home.dbt / _MANIFEST_STAMP).unlink(missing_ok=True)
    manifest.write(str(partial := _partial(home.dbt / _MANIFEST_JSON)))
    partial.replace(home.dbt / _MANIFEST_JSON)
    _replace(home.dbt / _MANIFEST_PACKED, manifest.to_msgpack(extended_mashumaro_encoder))
    _replace(home.dbt / _MANIFEST_STAMP, _stamp(home))


def _replace(path: Path, content: bytes) -> None:
    partial = _partial(path)
    partial.write_bytes(content)
    partial.replace(path)


def _partial(path: Path) -> Path:
    # another process may be loading the same home: it finds the old file or the new one
    return path.with_name(f"{path.name}.{os.getpid()}.partial")


def _unpack(home: Home) -> Any:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    # dbt keeps its own parsed project in the same way
    manifest = Manifest.from_msgpack((home.dbt / _MANIFEST_PACKED).read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    return manifest


@dataclass
class DbtBuild:
    """What one dbt invocation did, in events that Dagster understands."""

    raw_events: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    """SQL that made each table or view, by dbt's ``unique_id``; empty for a seed, which has none."""


def build(
    home: Home,
    select: Sequence[str],
    variables: Mapping[str, Any],
    *,
    full_refresh: bool,
    only_selected_tests: bool = False,
) -> DbtBuild:
    """Run `dbt build` on a selection and close its connection.

    With the tests of what is selected as soon as all that they read is there, or with those alone that are
    selected themselves.

    The models of exports that the variables don't name are left out: an engine takes a fifth
    of a second to plan one, rows or none.

    dbt's unit tests belong to the test run, not to production, and are left out.

    Raises
    ------
    DbtError
        If dbt itself could not run; failed models and tests are returned as problems,
        so that their results can be shown before the step fails.
    """
    arguments = ["build", "--select", *select, "--exclude-resource-type", "unit_test"]
    # eager selection would run tests that span layers before the later layer exists
    arguments += ["--indirect-selection", "empty" if only_selected_tests else "buildable", "--cache-selected-only"]
    if full_refresh:
        arguments.append("--full-refresh")
    return _built(home, select, arguments, variables, manifest=_parse(home))


def make_on_spark(home: Home, select: Sequence[str], variables: Mapping[str, Any]) -> DbtBuild:
    """Run models and seeds in the Spark session of this process; tests are run where the tables are taken in.

    Raises
    ------
    DbtError
        If dbt itself could not run; failed models are returned as problems.
    """
    arguments = ["build", "--target", SPARK_TARGET, "--select", *select, "--resource-type", "model", "seed"]
    arguments += ["--no-populate-cache"]
    return _built(home, select, arguments, variables, manifest=_parse_for_spark(home))


def _built(
    home: Home, select: Sequence[str], arguments: list[str], variables: Mapping[str, Any], *, manifest: Any
) -> DbtBuild:
    from google.protobuf.json_format import MessageToDict

    done = DbtBuild()

    def collect(event: EventMsg) -> None:
        if event.info.name in _RESULT_EVENTS:
            done.raw_events.append(MessageToDict(event, preserving_proto_field_name=True))

    arguments += ["--no-write-json", "--vars", json.dumps(dict(variables))]
    idle = [name for name in export_formats() if name not in variables["export_formats"]]
    if len(idle) == len(export_formats()):
        # dbt looks through the whole project once for each name that it is told
        arguments += ["--exclude", f"path:{DECLARATIONS.relative_to(DBT_PROJECT)}"]
    elif idle:
        arguments += ["--exclude", *(f"stg_{name}" for name in idle)]
    result = _invoke(home, arguments, manifest=manifest, callbacks=[collect])
    if result.exception is not None:
        raise DbtError(f"dbt could not build {' '.join(select)}: {result.exception}")
    for node in getattr(result.result, "results", []):
        if node.status in ("error", "fail", "runtime error"):
            message = " ".join((node.message or "").split())
            done.problems.append(f"{node.node.resource_type} {node.node.name}: {message}")
        elif node.status == "success" and node.node.resource_type in ("model", "seed"):
            done.made[node.node.unique_id] = getattr(node.node, "compiled_code", None) or ""
    if not result.success and not done.problems:
        raise DbtError(f"dbt could not build {' '.join(select)} and gave no reason; see {home.dbt / 'logs'}.")
    return done


def compile_models(home: Home, names: Sequence[str], variables: Mapping[str, Any]) -> dict[str, str]:
    """SQL that models would be made with under other vars, by dbt's ``unique_id``; nothing is built.

    It depends on nothing else, so it is kept under the home until project, models or vars change.

    Raises
    ------
    DbtError
        If a model does not compile.
    """
    made_from = hashlib.sha256(f"{project_fingerprint()} {[*names]} {json.dumps(dict(variables))}".encode()).hexdigest()
    kept = home.dbt / _COMPILED_JSON
    if kept.exists():
        # one that was damaged is made anew
        with suppress(ValueError):
            found: dict[str, dict[str, str]] = json.loads(kept.read_bytes())
            if made_from in found:
                return found[made_from]
    compiled = compile_anew(home, names, variables)
    _replace(kept, json.dumps({made_from: compiled}).encode())
    return compiled


def compile_anew(home: Home, select: Sequence[str], variables: Mapping[str, Any]) -> dict[str, str]:
    """SQL that a selection of models would be made with, by dbt's ``unique_id``; nothing is built or kept.

    Raises
    ------
    DbtError
        If a model does not compile.
    """
    arguments = ["compile", "--select", *select, "--no-write-json", "--no-populate-cache", "--no-introspect"]
    arguments += ["--vars", json.dumps(dict(variables))]
    result = _invoke(home, arguments, manifest=_parse(home))
    if not result.success:
        raise DbtError(f"dbt could not compile {' '.join(select)}: {result.exception or 'see its log'}")
    made = [one.node for one in getattr(result.result, "results", [])]
    # tests of what is selected come along
    return {node.unique_id: node.compiled_code for node in made if node.resource_type == "model"}


def _invoke(
    home: Home, arguments: list[str], *, manifest: Any = None, callbacks: list[Any] | None = None
) -> dbtRunnerResult:
    # the database's name, the file's stem, is part of the parsed project
    os.environ[WAREHOUSE_VARIABLE] = str(home.warehouse)
    os.environ["DO_NOT_TRACK"] = "1"
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    _spare_dbt()
    target = home.dbt / "target"
    target.mkdir(parents=True, exist_ok=True)
    common = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    common += ["--target-path", str(target), "--log-path", str(home.dbt / "logs")]
    # what dbt would print is told by the events that come back; its log file keeps the rest
    common += ["--log-level", "none", "--log-level-file", "info", "--no-use-colors"]
    common += ["--no-version-check", "--no-send-anonymous-usage-stats"]
    command, *rest = arguments
    try:
        return dbtRunner(manifest=manifest, callbacks=callbacks or []).invoke([command, *common, *rest])
    finally:
        # dbt keeps the file open for its next call; everybody else would be locked out
        DuckDBConnectionManager.close_all_connections()


@cache
def _spare_spark() -> None:
    """Keep dbt-spark from turning off what makes an overflow, or a text that is no number, an error.

    It sets ``spark.sql.ansi.enabled`` to false before each statement, whatever profile and session say.
    """
    from dbt.adapters.spark.connections import SparkCredentials

    as_made = SparkCredentials.__post_init__

    def as_in_the_session(self: Any) -> None:
        as_made(self)
        self.server_side_parameters.pop("spark.sql.ansi.enabled", None)

    SparkCredentials.__post_init__ = as_in_the_session


@cache
def _spare_dbt() -> None:
    """Keep dbt from finding out what is known here, and from telling what nobody hears.

    A twentieth of a small refresh; what it makes and reports is the same. dbt has no settings for these.
    """
    import networkx
    from dbt.adapters.duckdb.impl import DuckDBAdapter
    from dbt.compilation import Linker
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    # before each model with a key the database is asked whether a foreign key points at it. No model has any,
    # which a test of the conventions sees to
    DuckDBAdapter._foreign_key_catalog_types = set()
    # each call looks for a cycle by walking every edge, and counts the graph twice for a file that nobody reads
    find_cycles = Linker.find_cycles
    Linker.find_cycles = lambda self: None if networkx.is_directed_acyclic_graph(self.graph) else find_cycles(self)
    Linker.get_graph_summary = lambda self, manifest: {}
    # to name who asks for a flag, each call reads the sources of the whole stack
    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")
    fire = EventManager.fire_event

    def fire_if_heard(
        self: EventManager,
        e: BaseEvent,
        level: EventLevel | None = None,
        node: Any = None,
        force_warn_or_error_handling: bool = False,
    ) -> None:
        # 2,300 of 2,500 events: neither the log file, which begins at "info", nor who listens takes them
        if force_warn_or_error_handling or (level or e.level_tag()) != EventLevel.DEBUG:
            fire(self, e, level, node, force_warn_or_error_handling)

    EventManager.fire_event = fire_if_heard


def dagster_events(build_done: DbtBuild, manifest: Mapping[str, Any], translator: Any, context: Any) -> Iterator[Any]:
    """Dbt's results as Dagster outputs, check results and observations."""
    from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

    for raw_event in build_done.raw_events:
        message = DbtCoreCliEventMessage(raw_event=raw_event, event_history_metadata={})
        yield from message.to_default_asset_events(manifest, translator, context)
