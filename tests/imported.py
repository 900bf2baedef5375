"""What a forked command (:mod:`tests.command`) finds imported when it begins.

Belongs here: all that a refresh imports, and the parsed dbt project. Does not belong here: what reads settings, home or
terminal as it is imported (``orchestration.definitions``, ``orchestration.cli``): each command does so itself.
"""

import gc
import multiprocessing
import os
import pkgutil
import tempfile
from importlib import import_module
from pathlib import Path

import expectations
import ml
import orchestration
import warehouse
from expectations.runner import import_great_expectations

LEFT_TO_THE_COMMAND = {"orchestration.cli", "orchestration.definitions"}

# whichever test is the first to ask may have set some
for variable in [name for name in os.environ if name.startswith("REGULARS_")]:
    del os.environ[variable]

gc.disable()
# in its own way, before any module of ours does
import_great_expectations()
for package in (warehouse, expectations, ml, orchestration):
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if found.name not in LEFT_TO_THE_COMMAND:
            import_module(found.name)
# and what they import only where it is needed
for name in (
    "dagster._core.execution.api",
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.workspace.load",
    "dagster_dbt.core.dbt_cli_event",
    "dbt.adapters.duckdb.impl",
    "dbt.cli.main",
    "holidays",
    "matplotlib.backends.backend_agg",
    "pandas",
    "pyarrow.parquet",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "serving.export",
    "sklearn.cluster",
    "sklearn.ensemble",
    "sklearn.metrics",
    "sklearn.mixture",
):
    import_module(name)

from dbt.cli.flags import Flags  # noqa: E402
from dbt.cli.types import Command  # noqa: E402
from dbt.flags import set_flags  # noqa: E402
from dbt_common.clients.jinja import get_template, template_cache  # noqa: E402

from orchestration.dbt import DBT_PROJECT, _parse  # noqa: E402
from tests.parsed import compile_templates_once, give_parsed_project  # noqa: E402
from tests.remembered import remember_answers  # noqa: E402
from warehouse.home import Home  # noqa: E402

with tempfile.TemporaryDirectory(prefix="regulars-parsed-") as folder:
    home = Home(Path(folder))
    # dbt parses with threads (rayon's) that don't outlive a fork, and who parses anew would wait for them for ever
    parsing = multiprocessing.get_context("fork").Process(target=give_parsed_project, args=(home,))
    parsing.start()
    parsing.join()
    if parsing.exitcode == 0:
        compile_templates_once()
        manifest = _parse(home)
        for macro in manifest.macros.values():
            template_cache.get_node_template(macro)
        for node in manifest.nodes.values():
            get_template(node.raw_code, {}, node)
remember_answers()
# what dbt has set wherever it has parsed, and asks for to write that down
places = {"project_dir": str(DBT_PROJECT), "profiles_dir": str(DBT_PROJECT)}
set_flags(Flags.from_dict(Command.PARSE, {**places, "send_anonymous_usage_stats": False}))

# nothing of this is ever garbage, and a collection in a forked process would copy every page of it
gc.freeze()
gc.enable()
