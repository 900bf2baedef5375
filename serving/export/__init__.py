"""Audiences as files and messages for mail and ad tools.

Belongs here: who is held out of a campaign, the layouts that tools read, writing an
export whole or not at all, and sending it on request. Does not belong here: who is in
which segment (:mod:`serving.queries.audiences`, and dbt before that).
"""

from serving.export.audiences import Exported, ExportError, ExportRequest, export_audiences
from serving.export.webhook import WebhookError, deliver

__all__ = ["ExportError", "ExportRequest", "Exported", "WebhookError", "deliver", "export_audiences"]
