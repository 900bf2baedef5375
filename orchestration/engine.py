"""What makes the tables: DuckDB in its own file, or Spark, whose tables that file takes in.

Belongs here: which tables Spark is handed for a step, and that its tables come back. Does not belong here: Spark
itself (:mod:`warehouse.spark`), how dbt is called (:mod:`orchestration.dbt`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
import duckdb
from pydantic import PrivateAttr

from orchestration.dbt import DbtBuild, build, make_on_spark
from warehouse.errors import EngineError
from warehouse.home import Home
from warehouse.settings import load_settings
from warehouse.spark import clear, hand_over, made_folder, require_spark, spark_session, why_spark_ended


class Engine(dg.ConfigurableResource):
    """The engine that the settings name, for the length of a run."""

    _is_spark: bool = PrivateAttr(default=False)
    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _session: Any = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Engine]:
        """Tell what Spark lacks here before a step has begun; it is started by the first step that needs it."""
        self._is_spark = load_settings().warehouse.engine == "spark"
        if self._is_spark:
            require_spark()
        try:
            yield self
        finally:
            self._session = None
            self._open.close()

    @property
    def takes_in_what_is_new(self) -> bool:
        """Whether tables can take in what is new instead of being made anew."""
        return not self._is_spark

    def build(
        self,
        connection: duckdb.DuckDBPyConnection,
        home: Home,
        manifest: Mapping[str, Any],
        select: Sequence[str],
        variables: Mapping[str, Any],
        *,
        full_refresh: bool,
        only_selected_tests: bool,
    ) -> DbtBuild:
        """Build a selection with its tests; what could not be made on Spark leaves the private file as it was.

        Raises
        ------
        DbtError
            If dbt itself could not run; failed models and tests are returned as problems.
        """
        how = {"full_refresh": full_refresh, "only_selected_tests": only_selected_tests}
        if not self._is_spark:
            return build(home, select, variables, **how)
        try:
            made = self._make(connection, home, manifest, select, variables)
            if made.problems:
                return DbtBuild(problems=[f"on Spark, {problem}" for problem in made.problems])
            return build(home, select, {**variables, "made_by_spark": str(made_folder(home).resolve())}, **how)
        finally:
            clear(home)

    def _make(
        self,
        connection: duckdb.DuckDBPyConnection,
        home: Home,
        manifest: Mapping[str, Any],
        select: Sequence[str],
        variables: Mapping[str, Any],
    ) -> DbtBuild:
        """Make models and seeds of a selection on Spark, from what it is handed of the private file.

        Raises
        ------
        EngineError
            If Spark itself ended meanwhile.
        """
        made = nodes_to_make(manifest, select)
        if not made:
            # tests alone, which are run where the tables are
            return DbtBuild()
        if self._session is None:
            self._session = self._open.enter_context(spark_session(home))
        schemas = {manifest["nodes"][one]["schema"] for one in made}
        names = [manifest["nodes"][one]["name"] for one in made]
        try:
            hand_over(self._session, connection, home, tables_to_hand_over(manifest, made), schemas)
            done = make_on_spark(home, names, variables)
        except Exception as error:
            if ended := why_spark_ended(self._session, home):
                raise EngineError(ended) from error
            raise
        # which each model tells in its own way
        if done.problems and (ended := why_spark_ended(self._session, home)):
            raise EngineError(ended)
        return done


def nodes_to_make(manifest: Mapping[str, Any], select: Sequence[str]) -> list[str]:
    """Models and seeds of a selection, by ``unique_id``, and the views that they read.

    A view has no rows of its own to hand over: Spark makes it once more, from what it reads, where it is read.

    Parameters
    ----------
    select
        As the steps name their nodes: ``resource_type:…``, ``fqn:…`` or a name.
    """
    nodes = manifest["nodes"]
    made = [
        unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed") and any(_is_selected(node, one) for one in select)
    ]
    for unique_id in made:
        for parent in nodes[unique_id]["depends_on"].get("nodes", []):
            if parent in nodes and nodes[parent]["config"]["materialized"] == "view" and parent not in made:
                # grows while it is walked through, so that views of views come as well
                made.append(parent)
    read = {parent for unique_id in made for parent in nodes[unique_id]["depends_on"].get("nodes", [])}
    return [one for one in made if one in read or nodes[one]["config"]["materialized"] != "view"]


def _is_selected(node: Mapping[str, Any], selector: str) -> bool:
    method, _, value = selector.rpartition(":")
    if method == "resource_type":
        return bool(node["resource_type"] == value)
    if method == "fqn":
        return bool(node["resource_type"] == "model") and ".".join(node["fqn"]).startswith(f"{value}.")
    return bool(node["name"] == value)


def tables_to_hand_over(manifest: Mapping[str, Any], made: Collection[str]) -> set[tuple[str, str]]:
    """Schema and name of what nodes read and are not themselves."""
    nodes, sources = manifest["nodes"], manifest["sources"]
    read = set()
    for unique_id in made:
        for parent in nodes[unique_id]["depends_on"].get("nodes", []):
            if parent in sources:
                read.add((sources[parent]["schema"], sources[parent]["identifier"]))
            elif parent not in made:
                read.add((nodes[parent]["schema"], nodes[parent].get("alias") or nodes[parent]["name"]))
    return read
