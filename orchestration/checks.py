"""Great Expectations as gates: one step after each layer.

Belongs here: turning a layer's results into Dagster asset checks that block. Does not
belong here: expectations and how they are evaluated (``expectations/``).
"""

from collections.abc import Iterator

import dagster as dg

from expectations.checks import LAYERS, tables_of
from expectations.results import CheckResult, save_results
from expectations.runner import run_layer
from orchestration.causes import NOT_PASSED, Finding, files_in
from orchestration.resources import WarehouseResource
from warehouse.quality import next_moment

CHECK_NAME = "great_expectations"


def layer_gate(layer: str) -> dg.AssetChecksDefinition:
    """One blocking check per table of a layer, evaluated together in one step."""
    tables = tables_of(layer)
    specs = [
        dg.AssetCheckSpec(
            CHECK_NAME,
            asset=table.split("."),
            blocking=True,
            description=f"The expectations of {table}, evaluated inside DuckDB.",
        )
        for table in tables
    ]

    @dg.multi_asset_check(name=f"validate_{layer}", specs=specs, can_subset=True)
    def gate(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        asked = {".".join(key.asset_key.path) for key in context.selected_asset_check_keys}
        is_whole = asked == set(tables)
        with warehouse.get_connection(read_only=True) as connection:
            recorded_at = next_moment(connection)
        report = run_layer(
            layer,
            warehouse.home.warehouse,
            run_id=context.run.run_id,
            recorded_at=recorded_at,
            data_docs=warehouse.home.data_docs if is_whole else None,
            settings=warehouse.settings,
            tables=asked,
        )
        warehouse.note_if_damaged(result.message for result in report.results if result.status == "error")
        # the record says how whole layers came out, and publishing goes by it
        if is_whole:
            with warehouse.get_connection() as connection:
                save_results(connection, report)
        for table in tables:
            if table in asked:
                yield _check_result(table, [result for result in report.results if result.table_name == table])

    return gate


def _check_result(table: str, results: list[CheckResult]) -> dg.AssetCheckResult:
    not_passed = [result for result in results if result.status != "passed"]
    blocking = [result for result in not_passed if result.is_blocking]
    lines = [
        "| expectation | column | status | severity | observed | unexpected | why it matters |",
        "|" + " --- |" * 7,
    ]
    for result in sorted(results, key=lambda one: one.status == "passed"):
        cells = (
            result.check_name,
            result.column_name,
            result.status,
            result.severity,
            result.observed,
            result.unexpected_count,
            result.reason,
        )
        lines.append("| " + " | ".join("" if cell is None else str(cell).replace("|", "\\|") for cell in cells) + " |")
    return dg.AssetCheckResult(
        asset_key=table.split("."),
        check_name=CHECK_NAME,
        passed=not not_passed,
        # a warning is shown and does not stop the run; a check that could not be evaluated does
        severity=dg.AssetCheckSeverity.ERROR if blocking or not not_passed else dg.AssetCheckSeverity.WARN,
        description=_told_together([result.message for result in (blocking or not_passed)]),
        metadata={
            "evaluated": len(results),
            "failed": sum(result.status == "failed" for result in results),
            "could_not_be_evaluated": sum(result.status == "error" for result in results),
            "results": dg.MetadataValue.md("\n".join(lines)),
            NOT_PASSED: dg.MetadataValue.json([_finding(one) for one in blocking or not_passed]),
            "failing_examples": dg.MetadataValue.json({one.check_name: list(one.examples) for one in not_passed}),
        },
    )


def _finding(result: CheckResult) -> Finding:
    """What may be told to everybody of a check that did not pass."""
    return {
        "table": result.table_name,
        "check": result.check_name,
        "outcome": "failed" if result.status == "failed" else "could not run",
        "unexpected": result.unexpected_count,
        "elements": result.element_count,
        "reason": result.reason,
        "files": files_in(result.examples),
    }


def _told_together(messages: list[str]) -> str | None:
    """One message after the other; what ends with lines to paste has nothing put behind its last line."""
    return ("\n" if any("\n" in message for message in messages) else "; ").join(messages) or None


ALL_GATES = [layer_gate(layer) for layer in LAYERS]
