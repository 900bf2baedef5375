"""The data dictionary, written from the dbt documentation.

Belongs here: turning the parsed dbt project into `docs/data_dictionary.md`. Does not
belong here: any description; those stand beside the models and sources they describe.

    make docs        # writes it; a test fails when the file in the repository is stale
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.dbt import load_manifest
from warehouse.home import default_home
from warehouse.publishing import PUBLISHED_SCHEMAS
from warehouse.settings import PROJECT_ROOT

PATH = PROJECT_ROOT / "docs" / "data_dictionary.md"
_HEAD = """\
# Data dictionary

Every table in the published snapshot, column by column. Written by `make docs` from the
documentation in `dbt_project/`; edit it there.
"""
_RENAMED = "doc.regulars.renamed"


def render(manifest: Mapping[str, Any]) -> str:
    """The dictionary as Markdown: schemas in the order of the flow, tables and columns, and which names are new."""
    resources = [*manifest["nodes"].values(), *manifest["sources"].values()]
    parts = [_HEAD]
    for schema in PUBLISHED_SCHEMAS:
        tables = {
            node["name"]: node
            for node in resources
            if node["schema"] == schema and node["resource_type"] in ("model", "source")
        }
        for name in sorted(tables):
            node = tables[name]
            parts.append(f"## {schema}.{name}\n\n{_line(node['description'])}\n")
            rows = ["| column | type | meaning |", "| --- | --- | --- |"]
            for column in node["columns"].values():
                data_type = (column.get("data_type") or "").replace("|", "\\|")
                rows.append(f"| `{column['name']}` | {data_type} | {_line(column['description'])} |")
            parts.append("\n".join(rows) + "\n")
    parts.append(f"## Renamed\n\n{manifest['docs'][_RENAMED]['block_contents'].strip()}\n")
    return "\n".join(parts)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write(path: Path = PATH) -> None:
    """Write the dictionary of the project as it is now."""
    path.write_text(render(load_manifest(default_home())))


if __name__ == "__main__":
    write()
