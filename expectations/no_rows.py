"""Our one custom expectation: a query finds nothing.

Belongs here: the Great Expectations class behind a check's :attr:`~expectations.checks.Check.rows`.
Does not belong here: queries. Importing this module imports Great Expectations.
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.core import UnexpectedRowsExpectation
from great_expectations.render import RenderedTableContent
from great_expectations.render.components import LegacyDiagnosticRendererType
from great_expectations.render.renderer.renderer import renderer

EXAMPLE_LIMIT = 5
TOTAL_COLUMN = "_offending_rows"


class ExpectNoRows(UnexpectedRowsExpectation):
    """A query returns no rows; if it does, their number and the first few are known.

    The built-in expectation runs the query twice, once to count and once to fetch,
    and fetches without limit. Here one query returns a few rows (:func:`bounded`), each
    with the total beside it.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: Any = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        # a missing metric must raise (and so count as an error), never read as nothing found
        found: list[dict[str, Any]] = metrics["unexpected_rows_query.table"]
        total = int(found[0][TOTAL_COLUMN]) if found else 0
        examples = [{name: value for name, value in row.items() if name != TOTAL_COLUMN} for row in found]
        return {
            "success": total == 0,
            "result": {"observed_value": total, "details": {"unexpected_rows": examples}},
        }

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.UNEXPECTED_TABLE)
    def _examples_table(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[RenderedTableContent] | None:
        # Data Docs show no rows for queries otherwise
        rows = result.result.get("details", {}).get("unexpected_rows") if result is not None else None
        if not rows:
            return None
        return [
            RenderedTableContent(
                content_block_type="table",
                header_row=list(rows[0]),
                table=[[str(value) for value in row.values()] for row in rows],
            )
        ]


def bounded(rows: str, limit: int = EXAMPLE_LIMIT) -> str:
    """Wrap a query that finds offending rows so that it counts them and returns the first ``limit``.

    ``{batch}`` becomes the suite's table; braces of the query's own are doubled,
    because Great Expectations passes it through ``str.format``.
    """
    literal = rows.strip().rstrip(";").replace("{", "{{").replace("}", "}}")
    return (
        # DuckDB copies a common table expression unless told not to, and a check must not
        # copy a table of millions of lines
        "with this_table as not materialized (select * from {batch}), "
        f"offending as not materialized ({literal}) "
        f"select *, count(*) over () as {TOTAL_COLUMN} from offending order by all limit {limit}"
    )
