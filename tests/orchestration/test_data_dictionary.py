"""The dictionary in the repository is the documentation in the dbt project."""

from pathlib import Path

from orchestration.data_dictionary import PATH, PUBLISHED_SCHEMAS, render
from orchestration.dbt import load_manifest
from warehouse.home import Home


def test_the_dictionary_is_not_stale_and_describes_every_column(tmp_path: Path) -> None:
    manifest = load_manifest(Home(tmp_path))
    assert PATH.read_text() == render(manifest), "run `make docs` and commit docs/data_dictionary.md"
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["schema"] in PUBLISHED_SCHEMAS and node["resource_type"] in ("model", "source"):
            assert node["description"].strip(), node["unique_id"]
            assert node["columns"], node["unique_id"]
            for column in node["columns"].values():
                assert column["description"].strip(), f"{node['unique_id']}.{column['name']}"
                assert column["data_type"], f"{node['unique_id']}.{column['name']}"
