"""The one runner: a layer's suites, evaluated by Great Expectations inside DuckDB.

Belongs here: importing and configuring Great Expectations, evaluating suites, and
turning its two shapes of trouble and its many shapes of result into ours. Does not
belong here: what must hold (`catalogue/`), and where results are kept and
shown (`expectations.results`, `expectations.data_docs`).
"""

from __future__ import annotations

import gc
import html
import importlib
import logging
import math
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from expectations import dialect
from expectations.checks import ADVICE, TOLD, Check, Suite, suites_of
from expectations.results import CheckResult, LayerReport, Status
from warehouse.contacts import without_contacts, without_contacts_anywhere
from warehouse.database import open_warehouse
from warehouse.settings import Settings

EXAMPLE_LIMIT = 5
"""Offending rows kept per check: enough to see a pattern, few enough for a message and a database row."""

FILE_LIMIT = 20
"""Offending files kept per check: each has to be mended, so an example of one does not do."""

_EXCEPTION_CLASS = re.compile(r"^\(_?duckdb\.\w+\) ")
_SEVERITIES = {"error": "critical", "warning": "warning"}
_FILE_NAMES = ("file_name", "_file_name")
_ROW_NUMBERS = ("row_number", "_row_number")


def run_layer(
    layer: str,
    warehouse: Path,
    *,
    run_id: str,
    recorded_at: datetime,
    data_docs: Path | None = None,
    settings: Settings | None = None,
    tables: Collection[str] | None = None,
) -> LayerReport:
    """Evaluate a layer's suites.

    The file is opened for reading only and closed afterwards. No table is read into
    Python: counts and at most five examples per check come back.

    Parameters
    ----------
    layer
        One of :data:`expectations.checks.LAYERS`.
    warehouse
        The DuckDB file.
    run_id
        Name of the run, shown with the results.
    recorded_at
        When the run happens, with its time zone; no sale may lie a day after it.
    data_docs
        Where Data Docs are, or None for none.
    settings
        The shop's settings; by default the defaults.
    tables
        The only tables to look at, as ``schema.table``; by default all of the layer.

    Returns
    -------
    LayerReport
        One result per check, in the order of the suites.

    Raises
    ------
    ValueError
        If there is no such layer or ``recorded_at`` has no time zone.
    RegularsError
        If the file can't be opened; if another process holds it, that one is named.
    """
    if recorded_at.tzinfo is None:
        raise ValueError(f"recorded_at {recorded_at} has no time zone")
    suites = [
        suite
        for suite in suites_of(layer, settings=settings, recorded_at=recorded_at)
        if tables is None or suite.table in tables
    ]
    return run_suites(layer, suites, warehouse, run_id=run_id, recorded_at=recorded_at, data_docs=data_docs)


def run_suites(
    layer: str,
    suites: Sequence[Suite],
    warehouse: Path,
    *,
    run_id: str,
    recorded_at: datetime,
    data_docs: Path | None = None,
) -> LayerReport:
    """Evaluate given suites; :func:`run_layer` with a layer's own. Parameters as there."""
    import_great_expectations()
    started = time.perf_counter()
    results: list[CheckResult] = []
    validations: list[tuple[Suite, Any]] = []
    with _datasource(warehouse, suites) as datasource:
        for suite in suites:
            validation = _validate(datasource, suite)
            results.extend(_read(suite, validation))
            validations.append((suite, validation))
    report = LayerReport(layer, run_id, recorded_at, tuple(results), seconds=time.perf_counter() - started)
    if data_docs is not None:
        # needs Great Expectations' renderers, so it is imported as late as they are
        from expectations.data_docs import add_pages

        add_pages(data_docs, report, validations)
    return report


def import_great_expectations() -> None:
    """Import Great Expectations, once, without its telemetry.

    It takes 2.5 to 3 seconds of processor time beyond pandas and scipy: its own 900 modules,
    SQLAlchemy (0.5 s) and altair (0.3 s, for one expectation nobody here uses). None of it can be
    left out without replacing modules behind its back. What can be saved is saved: the
    garbage collector walks every object made so far again and again during an import that makes
    a million, half a second of it for nothing.
    """
    # read when it is imported; nothing about a shop's tables leaves the machine
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    if _IMPORTED.is_set():
        return
    with _IMPORTING:
        if _IMPORTED.is_set():
            return
        showwarning = warnings.showwarning
        collecting = gc.isenabled()
        gc.disable()
        try:
            # it would import all of pyspark where that is installed, and under `python -c` pyspark ends the process
            with _unseen("pyspark"):
                importlib.import_module("great_expectations")
            # what it logs about a check that fails to run is in the result, with its cause
            logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
            importlib.import_module("expectations.no_rows")
        finally:
            if collecting:
                gc.enable()
        if warnings.showwarning is not showwarning:
            # it redirects the whole process's warnings to logging when imported
            logging.captureWarnings(False)
        dialect.register()
        _IMPORTED.set()


@contextmanager
def _unseen(package: str) -> Iterator[None]:
    """Have imports take a package for one that is not installed."""
    seen = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == package}
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
        sys.modules.update(seen)


_IMPORTED = threading.Event()
_IMPORTING = threading.Lock()


@contextmanager
def _datasource(warehouse: Path, suites: Sequence[Suite]) -> Iterator[Any]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    # says in our words who holds the file, which Great Expectations would report once per check; and keeps
    # it open for Great Expectations' own connections, which then take no time to open
    with open_warehouse(warehouse, read_only=True):
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        datasource = context.data_sources.add_sql(
            "warehouse",
            connection_string=dialect.URL,
            create_temp_table=False,
            kwargs={"connect_args": {"database": str(warehouse), "read_only": True}},
            # all at once: for each that is added later the whole configuration is written as YAML, twice
            assets=[_asset(table) for table in dict.fromkeys(suite.table for suite in suites)],
        )
        try:
            yield datasource
        finally:
            datasource.get_execution_engine().close()
            datasource.get_engine().dispose()


def _asset(table: str) -> dict[str, Any]:
    return {
        "name": table,
        # a query asset, because the schema of a table asset is ignored by this dialect
        "type": "query",
        "query": f"select * from {table}",
        "batch_definitions": [{"name": _WHOLE_TABLE}],
    }


_WHOLE_TABLE = "whole table"


def _validate(datasource: Any, suite: Suite) -> Any:
    from great_expectations import ExpectationSuite
    from great_expectations.validator.v1_validator import Validator

    batch = datasource.get_asset(suite.table).get_batch_definition(_WHOLE_TABLE)
    expectations = [_expectation(check) for check in suite.checks]
    validation = Validator(batch).validate_expectation_suite(
        ExpectationSuite(name=suite.table, expectations=expectations)
    )
    for found in validation.results:
        # results are published, and their examples are values as delivered
        found.result = without_contacts_anywhere(found.result)
    return validation


def _expectation(check: Check) -> Any:
    from great_expectations.expectations.registry import get_expectation_impl

    from expectations.no_rows import ExpectNoRows, bounded

    common = {
        "severity": _SEVERITIES[check.severity],
        "meta": {"check": check.name},
        # shown in Data Docs, as markup in which a dollar sign starts a parameter
        "description": html.escape(f"{check.claim}.\n{check.reason}", quote=False).replace("$", "$$"),
        "notes": check.reason,
    }
    if check.rows is not None:
        return ExpectNoRows(unexpected_rows_query=bounded(check.rows, _limit(check)), **common)
    column = {} if check.column is None else {"column": check.column}
    return get_expectation_impl(check.expectation)(**column, **check.arguments, **common)


def _read(suite: Suite, validation: Any) -> Iterator[CheckResult]:
    by_name = {found.expectation_config.meta["check"]: found for found in validation.results}
    missing = [check.name for check in suite.checks if check.name not in by_name]
    if missing:
        raise RuntimeError(f"Great Expectations gave no result for {', '.join(missing)} of {suite.table}")
    row_counts = [
        found.result["observed_value"]
        for found in by_name.values()
        if found.expectation_config.type == "expect_table_row_count_to_be_between" and found.result
    ]
    for check in suite.checks:
        yield _result(suite, check, by_name[check.name], row_counts[0] if row_counts else None)


def _result(suite: Suite, check: Check, found: Any, row_count: int | None) -> CheckResult:
    explained = explain_exception(found.exception_info)
    problem = None if explained is None else without_contacts(explained)
    details: Mapping[str, Any] = found.result or {}
    status: Status = "error" if problem is not None else "passed" if found.success else "failed"
    noun = check.noun or suite.noun
    unexpected: int | None = None if check.rows is None else details.get("observed_value")
    elements = row_count if noun == suite.noun else None
    examples = () if status == "error" else _examples(details)
    message = {
        "passed": lambda: f"{suite.table}: {check.claim}",
        "failed": lambda: _fault(suite, check, details, noun, unexpected, elements, examples),
        "error": lambda: f"{suite.table}: could not check whether {check.claim}: {problem}",
    }[status]()
    return CheckResult(
        layer=suite.layer,
        suite=suite.table,
        table_name=suite.table,
        check_name=check.name,
        expectation=check.expectation,
        column_name=check.column,
        severity=check.severity,
        status=status,
        observed=None if status == "error" else _observed(details, unexpected),
        unexpected_count=None if status == "error" else unexpected,
        element_count=None if status == "error" else elements,
        examples=examples,
        reason=check.reason,
        message=message,
    )


def explain_exception(exception_info: Mapping[str, Any] | None) -> str | None:
    """Say in one line why an expectation could not be evaluated; None if it could.

    Great Expectations has two shapes for it: flat, ``{"raised_exception": …,
    "exception_message": …}``, when the expectation itself is at fault, and keyed by
    metric, ``{"('column_values…', …)": {"raised_exception": …}}``, when a query is.
    """
    if not exception_info:
        return None
    shapes = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    messages = [str(shape["exception_message"]) for shape in shapes if shape["raised_exception"]]
    if not messages:
        return None
    lines = [line.strip() for line in messages[0].splitlines() if line.strip()]
    # SQLAlchemy puts the exception's class before the database's own words
    return _EXCEPTION_CLASS.sub("", lines[0]).removesuffix(" None")[:500] if lines else "no message was given"


def _observed(details: Mapping[str, Any], unexpected: int | None) -> str | None:
    value = unexpected if unexpected is not None else details.get("observed_value")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return None if value is None else str(value)


def _examples(details: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {name: as_json_value(value) for name, value in row.items() if name not in (TOLD, ADVICE)}
        for row in _found_rows(details)
    )


def _limit(check: Check) -> int:
    return FILE_LIMIT if check.noun == "files" else EXAMPLE_LIMIT


def _found_rows(details: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return details.get("details", {}).get("unexpected_rows", [])


def as_json_value(value: Any) -> Any:
    """Turn a database value into plain JSON: dates as ISO text, amounts exact, no NaN."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            return str(value)
        if value == value.to_integral_value():
            return int(value)
        # exact as text where a float would round it
        return float(value) if Decimal(repr(float(value))) == value else format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _fault(
    suite: Suite,
    check: Check,
    details: Mapping[str, Any],
    noun: str,
    unexpected: int | None,
    elements: int | None,
    examples: Sequence[Mapping[str, Any]],
) -> str:
    rows = _found_rows(details)
    told = list(dict.fromkeys(row[TOLD] for row in rows if row.get(TOLD)))
    message = f"{suite.table}: {check.fault}"
    if told and unexpected == 1:
        pass  # a sentence about the only one needs no count
    elif unexpected is not None and noun != "tables":
        message += f": {unexpected:,} of {elements:,} {noun}" if elements else f": {unexpected:,} {noun}"
    elif unexpected is None and "mismatched" in details.get("details", {}):
        message += f": {', '.join(details['details']['mismatched'].get('missing', []))}"
    lines = told or ([describe_example(one) for one in examples] if noun == "files" else [])
    if len(lines) > 1:
        # each has to be mended, so each is told, one on a line
        rest = (unexpected or 0) - len(rows)
        more = [f"and {rest:,} more"] if rest > 0 else []
        message += ":" + "".join(f"\n  {line}" for line in (*lines, *more))
    elif told:
        message += f": {told[0].removesuffix('.')}"
    elif examples:
        message += f"{': ' if noun == 'tables' else ', e.g. '}{describe_example(examples[0])}"
    # nothing else on their lines, to be copied as they are
    answers = list(dict.fromkeys(row[ADVICE] for row in rows if row.get(ADVICE)))
    if check.remedy:
        message += f"\n{check.remedy}" if len(lines) > 1 else f". {check.remedy}"
        if not answers and not message.endswith("."):
            # pages put the reason behind it
            message += "."
    return "\n".join([message, *answers[:EXAMPLE_LIMIT]])


def describe_example(example: Mapping[str, Any]) -> str:
    """Say where a row is and what it holds: ``2011-03-04.csv line 17: quantity_units 5,000,000``.

    Lineage columns lead if the row has them. Whole numbers get thousands separators,
    except where they are names of something (dates and ids are text already).
    """
    rest = dict(example)
    file_name = next((rest.pop(name) for name in _FILE_NAMES if name in rest), None)
    row_number = next((rest.pop(name) for name in _ROW_NUMBERS if name in rest), None)
    sheet = next((rest.pop(name) for name in ("sheet", "_sheet") if name in rest), None)
    values = ", ".join(f"{name} {_spell(value)}" for name, value in rest.items())
    if file_name is None:
        return values
    place = str(file_name)
    if sheet is not None:
        place += f" sheet {sheet}"
    if row_number is not None:
        place += f" line {row_number}"
    return f"{place}: {values}" if values else place


def _spell(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float):
        return f"{value:,}"
    text = " ".join(str(value).split())
    return text if len(text) <= 120 else f"{text[:117]}..."
