"""Labels for the lines of one file: from the file to the answer, in one process.

Belongs here: the order of things, and reading the answer's parts out of the replayed
tables. Does not belong here: limits in time and memory (:mod:`serving.classify.worker`
sets them, :mod:`serving.classify.service` enforces them).
"""

from __future__ import annotations

import secrets
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd

from ml.clustering import Algorithm
from ml.features import (
    HOME_COUNTRY_FEATURE,
    RFM_COLUMNS,
    SHARE_FEATURE_PREFIX,
    build_extra_features,
    build_feature_matrix,
)
from ml.segment_model import SegmentModel
from serving.classify.errors import UnreadableUploadError
from serving.classify.limits import UploadLimits
from serving.classify.replay import known_profiles, load_upload, put_key, read_recipe, replay, upload_database
from serving.classify.results import RECOMMENDATIONS, Classification
from serving.snapshot import Reading, dicts
from warehouse.formats import export_formats
from warehouse.pseudonyms import KEY_CHECK, key_check
from warehouse.readers.reading import FileReading
from warehouse.settings import Settings
from warehouse.wording import day, days, percent, plural

_RFM, _ACCOUNTING, _SET_ASIDE = "marts.customer_rfm", "marts.row_accounting", "marts.set_aside_lines"
_DIM_CUSTOMERS, _SHARES = "marts.dim_customers", "marts.customer_category_shares"
_PARTS = "intermediate.int_invoice_parts"

# within one file, sheet and row name a line
_SET_ASIDE_WITH_TEXT = """
    select
        aside.disposition,
        aside.reason,
        aside.sheet,
        aside.row_number,
        aside.* exclude (disposition, reason, file_name, sheet, row_number, line_text),
        -- whoever uploaded a line may see it as it was
        coalesce(staged.line_text, delivered.fields_text) as text
    from marts.set_aside_lines as aside
    join staging.stg_transactions as staged
        on aside.row_number = staged.row_number and aside.sheet is not distinct from staged.sheet
        -- not the refund that a row tells of beside its sale
        and staged.delivered_line_id & 2147483648 = 0
    join staging.stg_delivered_text as delivered on staged.delivered_line_id = delivered.delivered_line_id
    order by coalesce(aside.sheet, ''), aside.row_number
"""

# clusters have no playbook: what to do is that of the RFM segment which most of their customers are in
_CLUSTERS_TOLD = """
    with members as (
        select
            {method}_segment as segment_name,
            rfm_segment,
            100.0 * count(*) / sum(count(*)) over (partition by {method}_segment) as rfm_pct
        from reporting.customer_360
        where has_purchases
        group by {method}_segment, rfm_segment
        qualify row_number() over (partition by {method}_segment order by count(*) desc, rfm_segment) = 1
    )

    select named.segment_name, named.claim, named.description, members.rfm_segment, members.rfm_pct,
        books.name_note, books.goal, books.strategy, books.channel, books.offer, books.measure, books.measure_how
    from reporting.segment_claims as named
    inner join members using (segment_name)
    inner join reporting.segment_playbooks as books
        on books.method = 'rfm' and books.segment_name = members.rfm_segment
    where named.method = $method
"""

SHORT_HISTORY_SHARE = 0.5
"""Below this share of the warehouse's days, the answer says that the history is short."""


def classify_file(
    reading: Reading,
    path: Path,
    name: str,
    settings: Settings,
    limits: UploadLimits,
    *,
    method: str,
    as_of: date | None,
    read_at: datetime,
    key: str | None = None,
) -> Classification:
    """Label every customer with a purchase in a file as the snapshot's warehouse would.

    Parameters
    ----------
    path
        The file, alone in a folder that may be written to.
    name
        What people know it by; mappings of ``landing.sources`` go by it.
    settings
        Only ``landing`` and ``shop`` are looked at: how files are read.
    method
        ``kmeans``, ``hierarchical`` or ``mixture``.
    as_of
        See :func:`serving.classify.replay.replay`.
    read_at
        When the file was delivered, UTC: a line dated later can't be read.
    key
        The home's key of pseudonyms, so that customers get those that are published; without it none match.

    Raises
    ------
    NoRecipeError
        If the snapshot does not carry the whole recipe.
    UnreadableUploadError
        If the file can't be read.
    """
    model = SegmentModel.from_tables(
        reading.query("from ml.segment_scaler"),
        reading.query("from ml.segment_centroids"),
        reading.query("from ml.mixture_covariances"),
    )
    is_key_known = key is not None and key_check(key) == _published_key_check(reading)
    targets = [_RFM, _PARTS, _ACCOUNTING, _SET_ASIDE, _DIM_CUSTOMERS, *([_SHARES] if _has_shares(model) else [])]
    steps = read_recipe(reading, targets)
    with upload_database(path.parent, steps[0].database, limits) as connection:
        file = load_upload(connection, path, name, settings, limits, read_at=read_at, profiles=known_profiles(reading))
        # any key gives labels: those of equal customers stay together
        put_key(connection, key if key is not None and is_key_known else secrets.token_hex(32))
        replay(connection, steps, as_of=as_of)
        uploaded = _uploaded_ids(connection)
        customers = _label(connection, model, cast(Algorithm, method))
        published = customers["customer_id"].tolist()
        matched = [one if is_key_known or one not in uploaded else None for one in published]
        customers = customers.assign(
            customer_id=pd.Series([uploaded.get(one, one) for one in published], dtype=object),
            published_customer_id=pd.Series(matched, dtype=object),
        ).sort_values("customer_id", ignore_index=True)
        facts = _facts(connection)
        set_aside = connection.execute(_SET_ASIDE_WITH_TEXT).df()
        set_aside["customer_id"] = set_aside["customer_id"].map(
            lambda customer: uploaded.get(customer, customer), na_action="ignore"
        )
        notes = _notes(reading, file, facts, customers, as_of)
        if uploaded and not is_key_known:
            notes = (*notes, _NO_KEY)
        return Classification(
            method=method,
            file_name=name,
            file_format=str(file.file_format),
            layout=str(file.layout),
            as_of=as_of,
            snapshot_date=facts["snapshot_date"],
            publication_id=reading.about.publication_id,
            currency=reading.about.currency,
            delivered_lines=file.delivered_lines,
            derived_lines=facts["derived_lines"],
            kept_lines=facts["kept_lines"],
            anonymous_lines=facts["anonymous_lines"],
            notes=notes,
            returns_only=tuple(
                uploaded.get(row[0], row[0])
                for row in connection.execute(
                    "select customer_id from marts.dim_customers where not has_purchases order by customer_id"
                ).fetchall()
            ),
            customers=customers,
            segments=_segments(reading, model, cast(Algorithm, method), customers),
            set_aside=set_aside,
            accounting=connection.execute(
                "select disposition, is_kept, row_count, gross_amount, description "
                "from marts.row_accounting order by precedence"
            ).df(),
        )


_NO_KEY = (
    "The key that the published pseudonyms were made with is not here, so customers whose numbers are e-mail "
    "addresses, telephone numbers or user names can't be matched with the published ones. Their labels don't depend "
    "on it."
)


def _published_key_check(reading: Reading) -> str | None:
    rows = reading.rows("select value from quality.about where name = $name", {"name": KEY_CHECK})
    return rows[0]["value"] if rows else None


def _uploaded_ids(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What stands in the file for each customer who has a pseudonym; none by a recipe without them."""
    there = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'staging' and table_name = 'stg_customer_ids'"
    ).fetchone()
    if there == (0,):
        return {}
    return dict(
        connection.execute(
            "select customer_id, min(id_key) from staging.stg_customer_ids where is_personal group by customer_id"
        ).fetchall()
    )


def _has_shares(model: SegmentModel) -> bool:
    return any(name.startswith(SHARE_FEATURE_PREFIX) for name in model.scaler.columns)


def _label(connection: duckdb.DuckDBPyConnection, model: SegmentModel, method: Algorithm) -> pd.DataFrame:
    rfm = connection.execute(
        "select customer_id, recency_days, frequency, monetary from marts.customer_rfm order by customer_id"
    ).df()
    if rfm.empty:
        return rfm.assign(
            predicted_cluster_id=pd.Series(dtype="int64"),
            cluster_name=pd.Series(dtype="str"),
            has_positive_monetary=pd.Series(dtype="bool"),
            probability=pd.Series(dtype="float64"),
        )
    features = build_feature_matrix(rfm, extra=_extra(connection, rfm, model))
    # the scaler's order is the fit's; a feature that a file has nothing of was filled with zeros
    values = features.unscaled[:, [features.columns.index(column) for column in model.scaler.columns]]
    labels = model.assign(values, method)
    labelled = pd.DataFrame(
        {
            "customer_id": features.customer_ids,
            "predicted_cluster_id": labels.cluster_ids,
            "cluster_name": labels.segment_names,
            "has_positive_monetary": values[:, list(model.scaler.columns).index("monetary")] > 0,
            "probability": labels.probabilities if labels.probabilities is not None else float("nan"),
        }
    )
    return rfm.merge(labelled, on="customer_id", validate="one_to_one").sort_values("customer_id", ignore_index=True)


def _extra(connection: duckdb.DuckDBPyConnection, rfm: pd.DataFrame, model: SegmentModel) -> pd.DataFrame | None:
    """Further features that the model was fitted on; one that no customer of the file has is 0."""
    wanted = [name for name in model.scaler.columns if name not in RFM_COLUMNS]
    if not wanted:
        return None
    extra = build_extra_features(
        rfm["customer_id"],
        category_shares=connection.execute(
            "select customer_id, category, share_pct from marts.customer_category_shares"
        ).df()
        if _has_shares(model)
        else None,
        home_countries=connection.execute("select customer_id, is_home_country from marts.dim_customers").df()
        if HOME_COUNTRY_FEATURE in wanted
        else None,
    )
    return extra.reindex(columns=["customer_id", *wanted], fill_value=0.0)


def _segments(reading: Reading, model: SegmentModel, method: Algorithm, customers: pd.DataFrame) -> pd.DataFrame:
    """Every cluster of the method with its customers in the file, and what the snapshot says of it and its like."""
    if method not in model.clusters:
        raise UnreadableUploadError(f"The published snapshot has no segments by {method}.")
    told = {row["segment_name"]: row for row in reading.rows(_CLUSTERS_TOLD.format(method=method), {"method": method})}
    counts = customers["predicted_cluster_id"].value_counts()
    rows: list[dict[str, Any]] = []
    for name in model.clusters[method].names:
        known = told.get(name.name)
        rows.append(
            {
                "predicted_cluster_id": name.cluster_id,
                "cluster_name": name.name,
                "customers": int(counts.get(name.cluster_id, 0)),
                "cluster_interpretation": _interpretation(known) if known else None,
                **{column: known[column] if known else None for column in RECOMMENDATIONS},
            }
        )
    return pd.DataFrame(rows)


def _interpretation(cluster: dict[str, Any]) -> str:
    parts = (
        cluster["claim"],
        f"On average: {cluster['description']}.",
        f"Most often ({percent(cluster['rfm_pct'], 0)}) they are {cluster['rfm_segment']} by their scores, and what to "
        "do is from that playbook.",
        cluster["name_note"] and f"Read that playbook with care. {cluster['name_note']}",
    )
    return " ".join(part for part in parts if part)


def _facts(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    found = connection.execute(
        """
        select
            coalesce(sum(line_count), 0)::bigint as kept_lines,
            coalesce(sum(line_count) filter (where customer_id is null), 0)::bigint as anonymous_lines,
            min(invoice_date) as first_date,
            max(invoice_date) as last_date,
            (select max(snapshot_date) from intermediate.int_snapshot) as snapshot_date,
            (
                select count(*) from staging.stg_transactions where delivered_line_id & 2147483648 <> 0
            ) as derived_lines
        from intermediate.int_invoice_parts
        """
    )
    (facts,) = dicts(found)
    return facts


def _notes(
    reading: Reading, file: FileReading, facts: dict[str, Any], customers: pd.DataFrame, as_of: date | None
) -> tuple[str, ...]:
    """What a person should know before acting on the labels."""
    about = reading.about
    notes = [note[:1].upper() + note[1:] + ("" if note.endswith(".") else ".") for note in file.notes]
    if (export := export_formats().get(file.layout or "")) is not None:
        notes += export.limits.values()
    if customers.empty:
        notes.append("No line of the file is a purchase by a customer, so nobody has a label.")
    if facts["anonymous_lines"]:
        notes.append(f"{plural(facts['anonymous_lines'], 'kept line')} without a customer: nobody's figures have them.")
    snapshot_date = facts["snapshot_date"]
    if customers.empty or snapshot_date is None:
        return tuple(notes)
    if about.snapshot_date is not None and snapshot_date != about.snapshot_date:
        # of a file that begins later, nothing would be seen
        has_lines_then = facts["first_date"] < about.snapshot_date
        notes.append(
            f"Recency counts to {day(snapshot_date)}, "
            + ("as asked for" if as_of else "by this file's own last line")
            + f"; in the warehouse it counts to {day(about.snapshot_date)}."
            + (f" For that day choose as-of {about.snapshot_date.isoformat()}." if not as_of and has_lines_then else "")
        )
    if about.first_date and about.last_date:
        told, known = _span(facts["first_date"], facts["last_date"]), _span(about.first_date, about.last_date)
        if told < SHORT_HISTORY_SHARE * known:
            notes.append(
                f"The file covers {days(told)}, the warehouse {days(known)}. Orders and money count only what is "
                "in the file, so its customers look smaller than they may be; upload their whole history where you can."
            )
    return tuple(notes)


def _span(first: date, last: date) -> int:
    return (last - first).days + 1
