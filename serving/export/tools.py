"""Layouts that mail and ad tools read, as data.

Belongs here: for each tool its column names, which of our columns fill them, what its
owner has to add, and the page of the tool's documentation that says so. Does not belong
here: any writing of files; a new tool is a new entry of ``LAYOUTS``.

What is published has customer numbers and no address, phone number or name. Where a tool
knows a customer number of ours, that column is filled and the file can be uploaded as
it is; where it does not, the columns that it matches by stand empty, to be filled from
the shop's own address book by ``customer_id``, or by the export where contacts are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from serving.queries.lists import Column


@dataclass(frozen=True)
class Layout:
    """How one tool wants its file.

    ``columns`` are pairs of the tool's header and our column (None: stands empty, to be filled).
    """

    label: str
    columns: tuple[tuple[str, str | None], ...]
    source: str
    """Page of the tool's own documentation with these names."""
    what_to_add: str
    """What has to be done before the file is uploaded."""
    contact_columns: tuple[tuple[str, str], ...] = ()
    """The tool's headers for ``email``, ``phone`` and ``consent``, filled where contacts are asked for."""
    consent_word: str = ""
    """What stands in the tool's column of consent for who gave it."""
    is_key_dropped_with_contacts: bool = False
    """Whether the tool takes no internal number beside a contact."""

    @property
    def key_column(self) -> str:
        """Header of the column that holds our customer number."""
        return next(header for header, ours in self.columns if ours == "customer_id")

    def filled(self, *, has_contacts: bool) -> dict[str, str | None]:
        """The tool's headers with the column that fills each, None for those that stand empty."""
        columns = dict(self.columns)
        if has_contacts:
            if self.is_key_dropped_with_contacts:
                del columns[self.key_column]
            columns |= {header: CONTACT_COLUMNS[what] for header, what in self.contact_columns}
        return columns


CONTACT_COLUMNS = {"email": "contact_email", "phone": "contact_phone", "consent": "contact_consent"}
"""What fills the columns of a tool that hold contacts."""

GENERIC = "generic"

_OWN_COLUMNS = {
    "segment": Column("segment", "Audience", about="Audience."),
    "last_purchase_date": Column(
        "last_purchase_date", "Last purchase", "date", of="reporting.customer_360.last_purchase_at"
    ),
    "is_holdout": Column(
        "is_holdout",
        "Held out",
        "flag",
        "True: leave this customer out of the campaign, so that its effect can be measured.",
    ),
}
_GENERIC_NAMES = """
    customer_id segment recency_days frequency monetary r_score f_score m_score rfm_score clv clv_low clv_high
    clv_horizon_days expected_gap_days silence_ratio country last_purchase_date top_category customer_type is_holdout
"""
GENERIC_COLUMNS: Mapping[str, Column] = {
    name: _OWN_COLUMNS.get(name, Column(name, name)).documented(("reporting.customer_360",))
    for name in _GENERIC_NAMES.split()
}
"""Of an export for no tool in particular."""

_FIGURES = (
    "segment",
    "recency_days",
    "frequency",
    "monetary",
    "rfm_score",
    "clv",
    "top_category",
    "last_purchase_date",
)


def _as_is(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, name) for name in names)


def _in_capitals(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name.upper(), name) for name in names)


LAYOUTS: Mapping[str, Layout] = {
    "mailchimp": Layout(
        label="Mailchimp",
        columns=(("Email Address", None), *_as_is("customer_id", *_FIGURES, "country")),
        source="https://mailchimp.com/help/format-guidelines-for-your-import-file/",
        what_to_add="Fill 'Email Address' by customer_id: Mailchimp requires it for email contacts.",
        contact_columns=(("Email Address", "email"),),
    ),
    "brevo": Layout(
        label="Brevo",
        # one of EMAIL, SMS, WHATSAPP, LANDLINE_NUMBER or EXT_ID is enough
        columns=(("EXT_ID", "customer_id"), *_in_capitals(*_FIGURES)),
        source="https://help.brevo.com/hc/en-us/articles/208729849-Create-a-file-to-import-your-contacts",
        what_to_add=(
            "Nothing, where contacts carry your customer number as EXT_ID; otherwise add EMAIL by customer number."
        ),
        contact_columns=(("EMAIL", "email"), ("SMS", "phone")),
    ),
    "klaviyo": Layout(
        label="Klaviyo",
        columns=(("Email Address", None), ("external_id", "customer_id"), *_as_is(*_FIGURES)),
        source="https://help.klaviyo.com/hc/en-us/articles/115005078967",
        what_to_add=(
            "Fill 'Email Address' by customer number: a list upload needs an address or phone number in its first "
            "column. external_id is Klaviyo's profile property for your number."
        ),
        contact_columns=(("Email Address", "email"), ("Email Marketing Consent", "consent")),
        consent_word="Subscribed",
    ),
    "braze": Layout(
        label="Braze",
        columns=(("external_id", "customer_id"), *_as_is(*_FIGURES)),
        source="https://www.braze.com/docs/user_guide/data/unification/user_data/import_users/csv/",
        what_to_add="Nothing, where users carry your customer number as external_id.",
        contact_columns=(("email", "email"), ("phone", "phone"), ("email_subscribe", "consent")),
        consent_word="opted_in",
    ),
    "google-ads": Layout(
        label="Google Ads Customer Match",
        columns=(("customer_id", "customer_id"), ("Email", None), ("Phone", None), ("Country", "country_iso_alpha2")),
        source="https://support.google.com/google-ads/answer/7659867",
        what_to_add=(
            "Fill Email or Phone by customer_id, then delete the columns customer_id and those left empty: Google "
            "reads only its own headers. Country serves only with First Name, Last Name and Zip, to be added too."
        ),
        contact_columns=(("Email", "email"), ("Phone", "phone")),
        is_key_dropped_with_contacts=True,
    ),
    "meta": Layout(
        label="Meta Custom Audiences",
        columns=(
            ("customer_id", "customer_id"),
            ("email", None),
            ("phone", None),
            ("country", "country_iso_alpha2"),
        ),
        source="https://www.facebook.com/business/help/2082575038703844",
        what_to_add=(
            "Fill email or phone by customer_id, then delete customer_id: Meta asks for lists without internal "
            "customer codes, and for at least 100 people."
        ),
        contact_columns=(("email", "email"), ("phone", "phone")),
        is_key_dropped_with_contacts=True,
    ),
}

NAMES: tuple[str, ...] = (GENERIC, *LAYOUTS)
