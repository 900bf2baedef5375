"""The dictionary in the repository is the documentation in the dbt project."""

from orchestration.data_dictionary import PATH, PUBLISHED_SCHEMAS, render
from warehouse.documentation import documented_tables


def test_the_dictionary_is_not_stale_and_describes_every_column() -> None:
    assert PATH.read_text() == render(), "run `make docs` and commit docs/data_dictionary.md"
    for name, table in documented_tables().items():
        if name.startswith(PUBLISHED_SCHEMAS):
            assert table.text, name
            assert table.columns, name
            for column in table.columns.values():
                assert column.text, f"{name}.{column.name}"
                assert column.data_type, f"{name}.{column.name}"
