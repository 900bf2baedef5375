"""Raw to staging, marts and reporting: the dbt models, one asset each.

Belongs here: which part of the dbt project runs between which gates. Does not belong
here: SQL (``dbt_project/``), how dbt is called (:mod:`orchestration.dbt`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.column_lineage import Columns, lineage_metadata
from orchestration.dbt import dagster_events, project_vars
from orchestration.engine import Engine
from orchestration.metadata import table_metadata
from orchestration.recipe import keep_recipe
from orchestration.resources import RefreshOptions, WarehouseResource
from warehouse.home import Home
from warehouse.increments import begin_build, changed_rows, end_build, is_increment_of, note_half_made, note_made_alone
from warehouse.ledger import active_content_hashes, exports_in_force, record_profiles
from warehouse.settings import Settings
from warehouse.versions import RefreshVersion

# A Great Expectations gate stands after each of these, so each is a step of its own. By
# fqn, because a path would depend on the folder that the code location is loaded from. Seeds
# come first: staging asks them which words name nobody.
DBT_STEPS = {
    "staging": ["resource_type:seed", "fqn:regulars.staging"],
    "marts": ["fqn:regulars.intermediate", "fqn:regulars.marts"],
    "reporting": ["fqn:regulars.reporting"],
}
_FIRST_OF_INCREMENTS, _LAST_OF_INCREMENTS = "staging", "marts"


class _WithLineage(DagsterDbtTranslator):
    """Each model as dagster-dbt tells it, and beside it where its columns come from."""

    def __init__(self, lineage: Mapping[str, Columns]) -> None:
        super().__init__()
        self._lineage = lineage

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        lineage = lineage_metadata(self._lineage.get(dbt_resource_props["unique_id"]))
        return {**super().get_metadata(dbt_resource_props), **lineage}


def dbt_step(name: str, manifest: Mapping[str, Any], lineage: Mapping[str, Columns]) -> dg.AssetsDefinition:
    """The assets of one layer, built by one dbt invocation."""
    translator = _WithLineage(lineage)

    @dbt_assets(
        manifest=manifest,
        select=" ".join(DBT_STEPS[name]),
        exclude="resource_type:unit_test",
        name=f"dbt_{name}",
        dagster_dbt_translator=translator,
    )
    def models(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, refresh: RefreshOptions, engine: Engine
    ) -> Iterator[Any]:
        settings = warehouse.settings
        select = _selected_nodes(context, manifest) if context.is_subset else DBT_STEPS[name]
        # a held file is better told here, by name, than in the middle of dbt's log; and while this connection is
        # open, those of dbt take no time to open
        with warehouse.get_connection() as connection:
            increments = _takes_in_what_is_new(context, connection, name, warehouse.home, settings, refresh, engine)
            variables = project_vars(settings, refresh.as_of, exports_in_force(connection), increments=increments)
            done = engine.build(
                connection,
                warehouse.home,
                manifest,
                select,
                variables,
                full_refresh=refresh.full,
                only_selected_tests=not context.selected_asset_keys,
            )
            # what dbt sets for itself holds for the whole file
            connection.execute("reset preserve_insertion_order")
            keep_recipe(connection, warehouse.home, manifest, done.made, variables)
            if any(unique_id.endswith(".source_profiles") for unique_id in done.made):
                record_profiles(connection)
            if context.is_subset and done.problems:
                note_half_made(connection)
            elif not context.is_subset and name == _LAST_OF_INCREMENTS and not done.problems:
                end_build(connection, context.run.run_id)
            changed = changed_rows(connection) if increments else {}
            for event in dagster_events(done, manifest, translator, context):
                if isinstance(event, dg.Output):
                    key = context.asset_key_for_output(event.output_name)
                    shown = {**event.metadata, **table_metadata(connection, *key.path)}
                    if key.path[-1] in changed:
                        shown["changed_rows"] = changed[key.path[-1]]
                    yield dg.Output(value=None, output_name=event.output_name, metadata=shown)
                else:
                    yield event
        if done.problems:
            warehouse.note_if_damaged(done.problems)
            raise dg.Failure(description="; ".join(done.problems), allow_retries=False)

    return models


def _takes_in_what_is_new(
    context: dg.AssetExecutionContext,
    connection: duckdb.DuckDBPyConnection,
    name: str,
    home: Home,
    settings: Settings,
    refresh: RefreshOptions,
    engine: Engine,
) -> bool:
    """Whether this step's tables take in what is new: a whole layer in a whole run, staging first."""
    if context.is_subset:
        if context.selected_asset_keys:
            # whatever stops it, no table is taken for what it was
            note_made_alone(connection)
        return False
    if name != _FIRST_OF_INCREMENTS:
        return is_increment_of(connection, context.run.run_id)
    version = RefreshVersion.of(active_content_hashes(connection), settings, refresh.as_of, memo=home.code_memo)
    anew = refresh.full or not engine.takes_in_what_is_new
    plan = begin_build(connection, version, context.run.run_id, full=anew)
    context.log.info(plan.reason if engine.takes_in_what_is_new else "Everything is built, as Spark always does.")
    return plan.is_increment


def _selected_nodes(context: dg.AssetExecutionContext, manifest: Mapping[str, Any]) -> list[str]:
    """Models and seeds that were asked for; where only checks were, the tests of their names.

    A test beside models is left to dbt, which runs it if all that it reads was made: of tables
    that were left as they were, those that agree with a new one can't be expected.
    """
    tables = {tuple(key.path) for key in context.selected_asset_keys}
    nodes = manifest["nodes"].values()
    if tables:
        return [node["name"] for node in nodes if (node["schema"], node["name"]) in tables]
    tests = {key.name for key in context.selected_asset_check_keys}
    return [node["name"] for node in nodes if node["resource_type"] == "test" and node["name"] in tests]
