"""Reporting to reporting: email redrafts by a language model, if the settings name one.

Belongs here: reading segments' totals and drafts, and writing the answers to a table of
their own. Does not belong here: what is asked and which answers count
(:mod:`orchestration.drafting`).
"""

import os
from collections.abc import Mapping
from typing import Any, get_args

import dagster as dg

from orchestration.drafting import API_KEY_VARIABLE, FIGURES, Endpoint, Status, redraft_all
from orchestration.ml_tables import table_spec, write_table
from orchestration.resources import WarehouseResource

_TABLE = "segment_email_redrafts"
# audiences have the same segments: a second redraft of each would help nobody
_DRAFTS = f"""
    select
        emails.method,
        emails.segment_name,
        emails.subject,
        emails.body,
        playbooks.goal,
        {", ".join(f"playbooks.{name}" for name in FIGURES)}
    from reporting.segment_emails as emails
    inner join reporting.segment_playbooks as playbooks
        on emails.method = playbooks.method and emails.segment_name = playbooks.segment_name
    where emails.method = 'rfm'
"""


def redraft_emails(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """Redrafts of the RFM segments' emails; an empty table where no endpoint is named."""
    spec = table_spec(
        manifest,
        _TABLE,
        [["reporting", "segment_emails"], ["reporting", "segment_playbooks"]],
        kinds={"python"},
        schema="reporting",
    )

    @dg.multi_asset(name="redraft_emails", specs=[spec])
    def redrafts(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult:
        chosen = warehouse.settings.drafting
        # an answer takes its time, and nobody else can open the file while we hold it
        with warehouse.get_connection(read_only=True) as connection:
            drafts = connection.execute(_DRAFTS).df()
        if chosen.endpoint is None:
            drafts = drafts.head(0)
        endpoint = Endpoint(
            chosen.endpoint or "",
            chosen.model,
            chosen.timeout_seconds,
            # a key file's last line break is no part of the key
            os.environ.get(API_KEY_VARIABLE, "").strip() or None,
        )
        frame = redraft_all(drafts, endpoint, warn=context.log.warning)
        counted = {status: int((frame["status"] == status).sum()) for status in get_args(Status)}
        with warehouse.get_connection() as connection:
            return write_table(connection, manifest, _TABLE, frame, schema="reporting", metadata=counted)

    return redrafts
