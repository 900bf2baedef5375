"""One export: a folder with a file per audience, its changes, and a manifest.

Belongs here: what goes into which file, names, checksums, and putting the folder in
place whole. Does not belong here: the draw (:mod:`serving.export.holdout`), tools'
columns (:mod:`serving.export.tools`), contacts (:mod:`serving.export.contacts`), sending
(:mod:`serving.export.webhook`).

Nothing in an export depends on when or where it was made: equal snapshots and requests
give equal bytes.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import pandas as pd

from serving.downloads import csv_bytes, disarmed
from serving.export import holdout
from serving.export.contacts import Contacts
from serving.export.tools import CONTACT_COLUMNS, GENERIC, GENERIC_COLUMNS, LAYOUTS, NAMES, Layout
from serving.filters import METHODS, Filters, Method
from serving.queries.audiences import audience_members, audience_moves, audience_names, names_in_doubt
from serving.queries.health import value_caveats
from serving.snapshot import About, Reading
from warehouse.errors import RegularsError
from warehouse.whole_folders import sweep_folders, write_whole_folder

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["csv", "parquet", "jsonl"]
FORMATS: tuple[Format, ...] = get_args(Format)

MANIFEST = "manifest.json"
_MANIFEST_VERSION = 1
_EMAIL, _PHONE, _CONSENT = CONTACT_COLUMNS.values()
_LEFT_COLUMNS = ("customer_id", "from_segment", "to_segment", "change")


class ExportError(RegularsError):
    """An export can't be made as asked."""


@dataclass(frozen=True)
class ExportRequest:
    """What to export.

    ``segments`` empty means all; ``campaign`` empty means the method's name, by which the
    hold-out is then drawn.

    Raises
    ------
    ExportError
        If a choice is none, or two don't go together.
    """

    method: Method = "audience"
    segments: tuple[str, ...] = ()
    file_format: Format = "csv"
    layout: str = GENERIC
    holdout_pct: int = 10
    campaign: str = ""

    def __post_init__(self) -> None:
        for name, given, known in (
            ("method", self.method, METHODS),
            ("format", self.file_format, FORMATS),
            ("tool", self.layout, NAMES),
        ):
            if given not in known:
                raise ExportError(f"There is no {name} {given!r}; choose one of {', '.join(known)}.")
        if not 0 <= self.holdout_pct <= holdout.MAX_HOLDOUT_PCT:
            raise ExportError(f"A hold-out is 0 to {holdout.MAX_HOLDOUT_PCT} percent, not {self.holdout_pct}.")
        if self.layout != GENERIC and self.file_format != "csv":
            raise ExportError(f"{LAYOUTS[self.layout].label} reads CSV; leave out --format {self.file_format}.")

    @property
    def drawn_by(self) -> str:
        """The name by which the hold-out is drawn."""
        return holdout.campaign_key(self.campaign) or self.method


@dataclass(frozen=True)
class ExportedAudience:
    """One audience of an export, counted."""

    segment: str
    customers: int
    held_out: int
    entered: int
    left: int
    file_name: str | None
    """None for an audience that everybody left."""

    @property
    def in_campaign(self) -> int:
        """Customers less those held out."""
        return self.customers - self.held_out


@dataclass(frozen=True)
class FilledContacts:
    """What became of the contacts that were asked for, in customers."""

    source: str
    filled: int
    """In the campaign, with an e-mail address or a phone number in the tool's file."""
    not_filled: int
    """In the campaign, with neither."""
    refused: int
    """Left out of the campaign and of its groups, because they said no to marketing."""
    consent_given: int
    """Of those filled, how many said yes."""


@dataclass(frozen=True)
class Exported:
    """What was written, and the members for a delivery."""

    folder: Path
    request: ExportRequest
    about: About
    audiences: list[ExportedAudience]
    is_unchanged: bool
    """Whether the same export stood there already, byte for byte."""
    disarmed_ids: int
    """Customer numbers that got an apostrophe in CSV, because a spreadsheet would run them."""
    caveats: list[str]
    """Of customer value."""
    names_in_doubt: list[str]
    """Of segments whose names say more than is true."""
    contacts: FilledContacts | None
    """None unless contacts were asked for."""
    members: pd.DataFrame = field(repr=False)
    """One row per customer and audience, in the generic columns: never a contact."""


def export_audiences(
    reading: Reading,
    request: ExportRequest,
    parent: Path,
    *,
    overwrite: bool = False,
    contacts: Contacts | None = None,
) -> Exported:
    """Write one folder below ``parent`` with a file per audience, its changes, and ``manifest.json``.

    The folder appears whole or not at all. One that stands there with the same content is left as it is.

    Parameters
    ----------
    parent
        Folder of exports; made if absent.
    overwrite
        Whether another export of the same name may be replaced.
    contacts
        Fills the tool's columns of addresses. Who said no to marketing is then left out altogether, in the
        campaign as in the group held out, and the files are their owner's alone to read.

    Raises
    ------
    ExportError
        If a segment is unknown, nobody is in any audience, another export has that name, or contacts are asked for
        and no tool is named.
    """
    if contacts is not None and request.layout == GENERIC:
        raise ExportError(f"Contacts fill the columns of a tool; name it with --for: {', '.join(LAYOUTS)}.")
    known = audience_names(reading, Filters(method=request.method))
    unknown = sorted(set(request.segments) - set(known))
    if unknown:
        raise ExportError(
            f"{request.method} has no segment {', '.join(map(repr, unknown))}; it has {', '.join(known) or 'none'}."
        )
    filters = Filters(method=request.method, segments=tuple(sorted(set(request.segments))))
    members = audience_members(reading, filters)
    moves = audience_moves(reading, filters)
    names = [name for name in known if not request.segments or name in request.segments]
    if not names:
        raise ExportError("No customer has a segment yet, so there is no audience to export.")
    for frame in (members, moves):
        frame["is_holdout"] = [
            holdout.is_held_out(request.drawn_by, customer, request.holdout_pct) for customer in frame["customer_id"]
        ]

    filled = None
    if contacts is not None:
        members, filled = _with_contacts(members, contacts)

    folder = parent / _folder_name(reading.about, request, has_contacts=contacts is not None)
    content, audiences = _content(members, moves, names, request)
    caveats, in_doubt = value_caveats(reading), names_in_doubt(reading, request.method, names)
    content[MANIFEST] = _manifest(reading.about, request, audiences, content, moves, caveats, in_doubt, filled)
    return Exported(
        folder=folder,
        request=request,
        about=reading.about,
        audiences=audiences,
        is_unchanged=_put_in_place(folder, content, overwrite=overwrite, is_private=contacts is not None),
        disarmed_ids=sum(disarmed(one) != one for one in members["customer_id"]) if request.file_format == "csv" else 0,
        caveats=caveats,
        names_in_doubt=in_doubt,
        contacts=filled,
        members=members[[*GENERIC_COLUMNS]],
    )


# ---- what is in the files ---------------------------------------------------


def _content(
    members: pd.DataFrame, moves: pd.DataFrame, names: list[str], request: ExportRequest
) -> tuple[dict[str, bytes], list[ExportedAudience]]:
    layout = LAYOUTS.get(request.layout)
    content: dict[str, bytes] = {}
    audiences = []
    for name, stem in _file_stems(names).items():
        within = members[members["segment"] == name]
        entered = moves[moves["to_segment"] == name]
        if _EMAIL in members:
            entered = entered[entered["customer_id"].isin(within["customer_id"])]
        left = moves[moves["from_segment"] == name]
        file_name = f"{stem}.{request.file_format}"
        if len(within):
            content[file_name] = _written(_laid_out(within, layout), request)
        if len(entered):
            those = within[within["customer_id"].isin(entered["customer_id"])]
            content[f"entered/{file_name}"] = _written(_laid_out(those, layout), request)
        if len(left):
            content[f"left/{file_name}"] = _written(left[[*_LEFT_COLUMNS]], request)
        audiences.append(
            ExportedAudience(
                segment=name,
                customers=len(within),
                held_out=int(within["is_holdout"].sum()),
                entered=len(entered),
                left=len(left),
                file_name=file_name if len(within) else None,
            )
        )
    if layout is not None:
        # a tool's file holds only whom to address; this one says who was drawn, for reading the lift
        content["groups.csv"] = csv_bytes(members[["customer_id", "segment", "is_holdout"]])
    return content, audiences


def _laid_out(members: pd.DataFrame, layout: Layout | None) -> pd.DataFrame:
    """The columns of the layout; without those held out, where the tool would write to them."""
    if layout is None:
        return members[[*GENERIC_COLUMNS]]
    addressed = members[~members["is_holdout"].astype(bool)]
    columns = layout.filled(has_contacts=_EMAIL in members)
    if _CONSENT in addressed:
        words = addressed[_CONSENT].map({True: layout.consent_word, False: None}).astype(object)
        addressed = addressed.assign(**{_CONSENT: words})
    return pd.DataFrame(
        {
            header: addressed[ours] if ours else pd.Series(None, index=addressed.index, dtype=object)
            for header, ours in columns.items()
        }
    )


def _with_contacts(members: pd.DataFrame, contacts: Contacts) -> tuple[pd.DataFrame, FilledContacts]:
    """Members with their contacts and without those who said no, and how many of each there are."""
    found = [contacts.of(customer) for customer in members["customer_id"]]
    accepts = pd.Series([contact.accepts_marketing for contact in found], index=members.index, dtype=object)
    members = members.assign(
        **{
            _EMAIL: pd.Series([contact.email for contact in found], index=members.index, dtype=object),
            _PHONE: pd.Series([contact.phone for contact in found], index=members.index, dtype=object),
            _CONSENT: accepts.map(lambda answer: answer is True).astype(bool),
        }
    )
    has_refused = accepts.map(lambda answer: answer is False).astype(bool)
    refused = members.loc[has_refused, "customer_id"].nunique()
    members = members[~has_refused]
    campaign = members[~members["is_holdout"].astype(bool)].drop_duplicates("customer_id")
    has_contact = campaign[_EMAIL].notna() | campaign[_PHONE].notna()
    return members, FilledContacts(
        source=contacts.source,
        filled=int(has_contact.sum()),
        not_filled=int((~has_contact).sum()),
        refused=int(refused),
        consent_given=int(campaign.loc[has_contact, _CONSENT].sum()),
    )


def _written(frame: pd.DataFrame, request: ExportRequest) -> bytes:
    if request.file_format == "csv":
        layout = LAYOUTS.get(request.layout)
        # digits and a + before them: an apostrophe would make another number of it
        phones = [header for header, what in layout.contact_columns if what == "phone"] if layout else []
        written = csv_bytes(frame, harmless=phones)
        # Excel needs the mark; importers take it for a part of the first header
        return written if request.layout == GENERIC else written.removeprefix(codecs.BOM_UTF8)
    if request.file_format == "jsonl":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plain_rows(frame)).encode()
    return _parquet(frame)


def _parquet(frame: pd.DataFrame) -> bytes:
    from pyarrow import parquet

    target = io.BytesIO()
    parquet.write_table(_typed(frame), target, compression="zstd")
    return target.getvalue()


def _typed(frame: pd.DataFrame) -> pa.Table:
    """By a column's kind, not by its values: pandas makes floats of whole numbers to hold a missing one."""
    import pyarrow as pa

    types = {"text": pa.string(), "count": pa.int64(), "date": pa.date32(), "flag": pa.bool_()}
    # what else is in a file are segments, changes and keys
    kinds = {name: GENERIC_COLUMNS[name].kind if name in GENERIC_COLUMNS else "text" for name in frame.columns}
    schema = pa.schema([(name, types.get(kind, pa.float64())) for name, kind in kinds.items()])
    return pa.Table.from_pandas(frame, schema, preserve_index=False).replace_schema_metadata()


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON can hold them: days as ``YYYY-MM-DD``, None for no figure."""
    return [
        {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
        for row in _typed(frame).to_pylist()
    ]


# ---- names ------------------------------------------------------------------


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    found = re.sub(r"[^a-z0-9]+", "-", plain.casefold().replace("'", "")).strip("-")[:60].strip("-")
    # a name in another script leaves nothing; its hash is at least stable
    return found or hashlib.sha256(text.encode()).hexdigest()[:12]


def _file_stems(names: Iterable[str]) -> dict[str, str]:
    """A file name for each segment; two that would share one are told apart by their hash."""
    stems = {name: _slug(name) for name in sorted(names)}
    taken = [*stems.values(), "groups"]
    return {
        name: stem if taken.count(stem) == 1 else f"{stem}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
        for name, stem in stems.items()
    }


def _folder_name(about: About, request: ExportRequest, *, has_contacts: bool) -> str:
    parts = [str(about.publication_id), _slug(request.campaign) if request.campaign.strip() else request.method]
    if request.campaign.strip() and request.method != "audience":
        parts.append(request.method)
    if request.layout != GENERIC:
        parts.append(request.layout)
    if has_contacts:
        parts.append("contacts")
    return "-".join(parts)


# ---- manifest ---------------------------------------------------------------


def _manifest(
    about: About,
    request: ExportRequest,
    audiences: list[ExportedAudience],
    content: dict[str, bytes],
    moves: pd.DataFrame,
    caveats: list[str],
    in_doubt: list[str],
    contacts: FilledContacts | None,
) -> bytes:
    layout = LAYOUTS.get(request.layout)
    columns = layout.filled(has_contacts=contacts is not None) if layout else {}
    compared = sorted({int(value) for value in moves["previous_publication_id"]})
    manifest = {
        "manifest_version": _MANIFEST_VERSION,
        "snapshot": {
            "publication_id": about.publication_id,
            "published_at": about.published_at.isoformat(),
            "snapshot_date": about.snapshot_date.isoformat() if about.snapshot_date else None,
            "data_version": about.data_version,
            "settings_fingerprint": about.settings_fingerprint,
            "code_fingerprint": about.code_fingerprint,
            "is_sample": about.is_sample,
            "currency": about.currency,
        },
        "request": {
            "method": request.method,
            "segments": sorted(set(request.segments)),
            "format": request.file_format,
            "for": request.layout,
            "campaign": request.campaign.strip() or None,
        },
        "key": (
            "customer_id is the shop's own customer number, or a pseudonym where that is an email address, a phone "
            "number or a user name; it is the only key. Join addresses by it, and mind who has consented."
        ),
        "contacts": None
        if contacts is None
        else {
            "from": contacts.source,
            "filled": contacts.filled,
            "not_filled": contacts.not_filled,
            "left_out_for_lack_of_consent": contacts.refused,
            "consent_given": contacts.consent_given,
            "consent_unknown": contacts.filled - contacts.consent_given,
        },
        "columns": {name: column.about for name, column in GENERIC_COLUMNS.items()} if layout is None else [*columns],
        "tool": None
        if layout is None
        else {
            "name": layout.label,
            "documentation": layout.source,
            "what_to_add": layout.what_to_add if contacts is None else None,
            "key_column": layout.key_column if layout.key_column in columns else None,
            "empty_columns": [header for header, ours in columns.items() if ours is None],
            "holdout": "Customers held out are not in the tool's files; groups.csv tells who was drawn.",
        },
        "holdout": {
            "pct": request.holdout_pct,
            "drawn_by": request.drawn_by,
            "how": (
                "SHA-256 of campaign (lower case, single spaces), a NUL and customer_id; its first 8 bytes as a number "
                "below pct/100 of 2^64 are held out"
            ),
        },
        "how_to_read_the_lift": holdout.HOW_TO_READ_THE_LIFT,
        "changes_compared_with_publication": compared[-1] if compared else None,
        "caveats_of_customer_value": caveats,
        "caveats_of_names": in_doubt,
        "audiences": [
            {
                "segment": audience.segment,
                "file": audience.file_name,
                "customers": audience.customers,
                "in_campaign": audience.in_campaign,
                "held_out": audience.held_out,
                "detectable_difference_pct_points": holdout.detectable_difference_pct_points(
                    audience.in_campaign, audience.held_out
                ),
                "entered": audience.entered,
                "left": audience.left,
            }
            for audience in audiences
        ],
        "files": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in sorted(content.items())
        },
    }
    return (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()


# ---- putting it in place ----------------------------------------------------


def _put_in_place(folder: Path, content: dict[str, bytes], *, overwrite: bool, is_private: bool) -> bool:
    """Whether the folder stood there already with this very content."""
    sweep_folders(folder.parent)
    if folder.exists():
        if _holds(folder, content):
            if is_private:
                folder.chmod(0o700)
                for path in folder.rglob("*"):
                    path.chmod(0o700 if path.is_dir() else 0o600)
            return True
        if not overwrite:
            raise ExportError(
                f"{folder} already holds another export. Give the campaign another name, "
                "or replace it with --overwrite."
            )
    write_whole_folder(folder, content, is_private=is_private)
    return False


def _holds(folder: Path, content: dict[str, bytes]) -> bool:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return found.keys() == content.keys() and all(found[name].read_bytes() == data for name, data in content.items())
