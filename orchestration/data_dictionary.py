"""The data dictionary, written from the dbt documentation.

Belongs here: turning what is documented into `docs/data_dictionary.md`. Does not belong here: any description (those
stand beside the models and sources they describe), and reading them (:mod:`warehouse.documentation`).

    make docs        # writes it; a test fails when the file in the repository is stale
"""

from __future__ import annotations

from pathlib import Path

from warehouse.documentation import documentation_blocks, documented_tables
from warehouse.measures import TABLES, measures
from warehouse.publishing import PUBLISHED_SCHEMAS
from warehouse.settings import PROJECT_ROOT

PATH = PROJECT_ROOT / "docs" / "data_dictionary.md"
_HEAD = """\
# Data dictionary

Every table in the published snapshot, column by column. Written by `make docs` from the
documentation in `dbt_project/`; edit it there.
"""


_MEASURES_HEAD = """\
## Measures

What pages, HTTP interface, report and summary aggregate from these tables. Of `reporting.customer_360`, customers with
`has_purchases`.
"""


def render() -> str:
    """The dictionary as Markdown: tables and columns in the order of the flow, measures, and which names are new."""
    parts = [_HEAD]
    for schema in PUBLISHED_SCHEMAS:
        for name, table in sorted(documented_tables().items()):
            if name.startswith(f"{schema}."):
                parts.append(f"## {name}\n\n{_cell(table.text)}\n")
                rows = ["| column | type | meaning |", "| --- | --- | --- |"]
                rows += [
                    f"| `{column.name}` | {_cell(column.data_type)} | {_cell(column.text)} |"
                    for column in table.columns.values()
                ]
                parts.append("\n".join(rows) + "\n")
    parts.append(_measures())
    parts.append(f"## Renamed\n\n{documentation_blocks()['renamed']}\n")
    return "\n".join(parts)


def _measures() -> str:
    rows = ["| measure | name | meaning | computed | adds up over |", "| --- | --- | --- | --- | --- |"]
    for one in measures().values():
        computed = "; ".join(f"`{sql}` over `{TABLES[over]}`" for over, sql in one.expressions.items())
        share = f"100 times `{one.share_of}`, divided by its sum over all parts"
        cells = (f"`{one.key}`", one.label, one.sentence, computed or share, ", ".join(one.adds_up) or "nothing")
        rows.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join([_MEASURES_HEAD, *rows]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write(path: Path = PATH) -> None:
    """Write the dictionary of the project as it is now."""
    path.write_text(render())


if __name__ == "__main__":
    write()
