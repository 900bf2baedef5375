"""What a person reads when an export is written.

Belongs here: wording and layout. Does not belong here: any count; they come with the export.
"""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from serving.export.audiences import Exported, FilledContacts
from serving.export.tools import LAYOUTS
from warehouse.wording import count, percent, plural


def _print_contacts(console: Console, contacts: FilledContacts) -> None:
    console.print(
        f"Contacts from {escape(contacts.source)}: {plural(contacts.filled, 'customer')} of the campaign filled, "
        f"{count(contacts.not_filled)} without one."
    )
    if contacts.refused:
        console.print(
            f"Left out, in the campaign and in the group held out: {plural(contacts.refused, 'customer')} who said no "
            "to marketing."
        )
    unknown = contacts.filled - contacts.consent_given
    if unknown:
        console.print(
            f"[yellow]![/] Of {plural(unknown, 'customer')} nobody knows whether they take advertising: they are in "
            "the files, and whether you may write to them is yours to know."
        )
    console.print("The files hold personal data: their owner alone can read them.")


def print_export(console: Console, exported: Exported) -> None:
    """The audiences that were written, and what has to be known before they are used."""
    request, about = exported.request, exported.about
    if about.is_sample:
        console.print("[yellow]Sample data:[/] a made-up history, not a real shop.")
    table = Table(
        "audience", "customers", "in campaign", "held out", "entered", "left", "file", box=None, pad_edge=False
    )
    table.columns[0].no_wrap = True
    # a name that is cut is no name
    table.columns[-1].overflow = "fold"
    for column in table.columns[1:6]:
        column.justify = "right"
    for audience in exported.audiences:
        counts = (audience.customers, audience.in_campaign, audience.held_out, audience.entered, audience.left)
        table.add_row(escape(audience.segment), *map(count, counts), escape(audience.file_name or "none, see left/"))
    console.print(table)
    if request.holdout_pct:
        console.print(
            f"Held out: {percent(request.holdout_pct, 0)} of customers, drawn by campaign "
            f"{escape(repr(request.drawn_by))}, not to be written to. manifest.json tells how to read the lift."
        )
    layout = LAYOUTS.get(request.layout)
    if layout is None:
        console.print("The key is customer_id: there are no addresses in what is published; join them from your own.")
    elif exported.contacts is not None:
        _print_contacts(console, exported.contacts)
        console.print(f"{layout.label}: {layout.source}")
    else:
        first, rest = layout.what_to_add[:1].lower(), layout.what_to_add[1:]
        console.print(f"Before the upload to {layout.label}: {escape(first + rest)} ({layout.source})")
    if exported.disarmed_ids:
        console.print(
            f"[yellow]![/] {count(exported.disarmed_ids)} customer numbers begin like a formula and carry an "
            "apostrophe in CSV; --format jsonl or parquet has them as they are."
        )
    for doubt in exported.names_in_doubt:
        console.print(f"[yellow]![/] {escape(doubt)}")
    for caveat in exported.caveats:
        console.print(f"[yellow]![/] Expected revenue: {escape(caveat)}")
    state = "Unchanged" if exported.is_unchanged else "Written"
    console.print(f"[green]{state}[/] {escape(str(exported.folder))}")
