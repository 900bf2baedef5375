"""Intermediate to ml: what customers will bring, written back.

Belongs here: reading the panel of past dates, calling the models, writing their answers,
what Dagster shows of them. Does not belong here: the models, their comparison and its plots
(``ml/``), the panel (SQL).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import duckdb
import pandas as pd

from orchestration.assets.segments import SEGMENTS_STEP, read_segmentation
from orchestration.metadata import picture_metadata
from orchestration.ml_tables import table_spec, write_table
from orchestration.model_runs import record_runs, runs_spec
from orchestration.resources import FitsBeside, RefreshOptions, WarehouseResource
from warehouse.errors import RegularsError
from warehouse.ledger import active_content_hashes
from warehouse.versions import data_version

_TABLES = ("customer_clv", "clv_holdout", "clv_coverage")
# The mart is not read: its checks have to hold before anything is made of the same customers.
_READS = (["intermediate", "int_customer_periods"], ["intermediate", "int_customer_days"], ["marts", "customer_rfm"])


def read_customer_periods(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the panel of customers at past dates, and the whole shop's days.

    Returns
    -------
    two DataFrames
        As :func:`ml.customer_value.estimate_customer_value` takes them, money as float.
    """
    described = connection.execute("describe intermediate.int_customer_periods").fetchall()
    # decimals would arrive as objects
    columns = [f"{name}::double as {name}" if kind.startswith("DECIMAL") else name for name, kind, *_ in described]
    periods = connection.execute(f"select {', '.join(columns)} from intermediate.int_customer_periods").df()
    daily = connection.execute(
        """
        select
            date,
            count(*) filter (is_purchase_day) as purchase_days,
            sum(net_revenue_as_booked)::double as net_value
        from intermediate.int_customer_days
        group by date
        order by date
        """
    ).df()
    return periods, daily


def fit_customer_value(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """BG/NBD with Gamma-Gamma against gradient boosting and baselines, on hold-outs; the winner's forecast."""

    @dg.multi_asset(
        name="fit_customer_value",
        specs=[
            *(table_spec(manifest, table, _READS, kinds={"scipy", "scikitlearn"}) for table in _TABLES),
            runs_spec(manifest, "customer_value", _READS),
        ],
    )
    def customer_value(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        refresh: RefreshOptions,
        beside: FitsBeside,
    ) -> Iterator[dg.MaterializeResult]:
        from ml.customer_value import estimate_customer_value

        settings = warehouse.settings
        with warehouse.get_connection() as connection:
            periods, daily = read_customer_periods(connection)
            if periods.empty:
                raise RegularsError("No identified customer has a purchase, so there is nobody to value.")
            if context.job_def.has_node_named(SEGMENTS_STEP) and beside.is_room_for(periods["customer_id"].nunique()):
                # the next step waits for what this one's does, and each fits on one core
                arguments = read_segmentation(connection, warehouse, refresh.as_of)
                beside.start(SEGMENTS_STEP, "ml.segments", "segment_customers", arguments)
            estimated = estimate_customer_value(
                periods,
                daily,
                horizon_days=settings.clv.horizon_days,
                random_state=settings.segmentation.random_state,
                data_version=data_version(active_content_hashes(connection)),
            )
            context.log.info(f"customer value by {estimated.customer_clv['model'].iloc[0]}")
            for table in _TABLES:
                metadata = _drawn(estimated.clv_holdout) if table == "customer_clv" else None
                yield write_table(connection, manifest, table, getattr(estimated, table), metadata=metadata)
            yield record_runs(connection, estimated.model_runs)

    return customer_value


def _drawn(holdout: pd.DataFrame) -> dict[str, Any]:
    """How good the forecasts were as a picture in Dagster's metadata, or why there is none."""
    from ml.value_plots import draw_value_holdouts

    # a short history is no error
    if holdout.empty:
        return {"evidence": "The history is too short for hold-outs: how good the forecasts are is not known."}
    return {"evidence": picture_metadata(draw_value_holdouts(holdout), "Forecasts on hold-outs")}
