"""Live databases to landing: what is new in each, as a delivered file.

Belongs here: the asset that pulls before files are loaded, and the check that tells of a
pull that failed. Does not belong here: how a pull works (``warehouse/databases``).
"""

from collections.abc import Sequence

import dagster as dg

from orchestration.metadata import told_in_intervals
from orchestration.resources import RefreshOptions, WarehouseResource
from warehouse.settings import Database

DATABASES = ["landing", "databases"]


def pull_from_databases(databases: Sequence[Database]) -> dg.AssetsDefinition:
    """The asset of the databases that the settings name."""

    @dg.asset(
        key=DATABASES,
        description="What is new in each database under landing.databases, put into landing as a file. "
        "A pull that fails is told by its check; what has landed is refreshed all the same.",
        group_name="landing",
        owners=["team:data"],
        kinds={"python"},
        check_specs=[
            dg.AssetCheckSpec(
                check_name(database.name),
                asset=DATABASES,
                description=f"The last pull from {database.name} reached its end.",
            )
            for database in databases
        ],
    )
    def pull(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, refresh: RefreshOptions
    ) -> dg.MaterializeResult:
        # the drivers are imported only where there is a database
        from warehouse.databases.pulling import pull_databases
        from warehouse.databases.state import latest_pulls

        home = warehouse.home
        origin = home.origin_or_own()
        if not refresh.pull or origin.is_sample:
            context.log.info("Nothing is pulled in this run.")
            with warehouse.get_connection() as connection:
                pulls = latest_pulls(connection)
        else:
            if origin.landing == home.landing:
                home.landing.mkdir(parents=True, exist_ok=True)
            pulls = pull_databases(
                warehouse.get_connection,
                origin.landing,
                home.scratch,
                warehouse.settings,
                progress=told_in_intervals(context.log.info),
            )
        by_name = {one.database: one for one in pulls}
        checks = []
        for database in databases:
            one = by_name.get(database.name)
            if one is not None and one.problem:
                context.log.warning(one.problem)
            checks.append(
                dg.AssetCheckResult(
                    check_name=check_name(database.name),
                    passed=one is None or one.problem is None,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=one.problem if one is not None else "Nothing was pulled yet.",
                    metadata={}
                    if one is None
                    else {
                        "status": one.status,
                        "finished_at": one.finished_at.isoformat(timespec="seconds"),
                        "pulled_lines": one.pulled_lines,
                        "delivered_orders": one.delivered_orders,
                        "delivered_lines": one.delivered_lines,
                        "file_name": one.file_name or "",
                        "notes": one.notes or "",
                    },
                )
            )
        return dg.MaterializeResult(
            metadata={
                "delivered_lines": sum(one.delivered_lines for one in pulls) if refresh.pull else 0,
                "databases_failed": sum(one.status == "failed" for one in pulls),
            },
            check_results=checks,
        )

    return pull


def check_name(database: str) -> str:
    """The check that tells how the pull of one database went."""
    return f"pulled_{database}"
