"""Audiences as files and messages for mail and ad tools.

Belongs here: who is held out of a campaign, the layouts that tools read, writing an
export whole or not at all, and sending it on request. Does not belong here: who is in
which segment (:mod:`serving.queries.audiences`, and dbt before that).
"""

from serving.export.audiences import Exported, ExportError, ExportRequest, export_audiences
from serving.export.contacts import ContactsError, contacts_from_book, contacts_from_warehouse
from serving.export.webhook import deliver
from warehouse.errors import WebhookError

__all__ = [
    "ContactsError",
    "ExportError",
    "ExportRequest",
    "Exported",
    "WebhookError",
    "contacts_from_book",
    "contacts_from_warehouse",
    "deliver",
    "export_audiences",
]
