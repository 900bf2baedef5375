"""A history as delivered files: one CSV a day and one of customers, in place all at once.

Belongs here: text, files and folders. Does not belong here: what the lines say.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.errors import RegularsError
from warehouse.sample.book import MINUTES_PER_DAY
from warehouse.sample.dirt import spoilt_text
from warehouse.sample.history import History, make_history
from warehouse.sample.people import COUNTRY_NAMES, HOME_COUNTRY
from warehouse.sample.shop_days import FULL_DAYS
from warehouse.sample.truth import SampleTruth, truth_path

_HEADER = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
_TOWNS = (
    "Leeds", "York", "Bristol", "Cardiff", "Glasgow", "Dundee", "Norwich", "Exeter", "Truro", "Kendal",
    "Durham", "Lincoln", "Oxford", "Bath", "Swansea", "Belfast", "Inverness", "Chester", "Whitby", "London",
)  # fmt: skip


def write_sample_history(landing: Path, *, seed: int = 42, days: int = FULL_DAYS, scale: float = 1.0) -> SampleTruth:
    """Write a believable history of a made-up home-and-gift shop into a landing folder.

    The same seed, days and scale give the same bytes. The folder appears with all its
    files or not at all; the truth is written beside it (see
    :func:`~warehouse.sample.truth.truth_path`).

    Parameters
    ----------
    landing
        Folder to make; may exist if it is empty.
    days
        Calendar days from 1 December 2023 on; 731 end on 30 November 2025. 60 at least.
    scale
        1.0 is about 5,000 customers; with 731 days, half a million lines.

    Returns
    -------
    SampleTruth
        What was written, counted from the intent of each line.

    Raises
    ------
    RegularsError
        If ``landing`` already holds something, or can't be written.
    ValueError
        If ``days`` or ``scale`` is out of range.
    """
    landing = landing.resolve()
    _refuse_unless_empty(landing)
    history = make_history(seed=seed, days=days, scale=scale)
    partial = landing.with_name(f".{landing.name}.partial")
    try:
        landing.parent.mkdir(parents=True, exist_ok=True)
        # left behind by a run that was killed
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write_days(history, partial)
        _write_customers(history, partial / "customers.csv", np.random.default_rng([seed, 1]))
        _write_truth(history.truth, truth_path(landing))
        if landing.exists():
            landing.rmdir()
        partial.rename(landing)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise RegularsError(f"The sample history can't be written to {landing}: {error}.") from error
    return history.truth


def _refuse_unless_empty(landing: Path) -> None:
    if landing.exists() and not landing.is_dir():
        raise RegularsError(f"{landing} is a file; the sample history needs a folder.")
    held = sorted(entry.name for entry in landing.iterdir()) if landing.exists() else []
    if held:
        more = f" and {len(held) - 1:,} more" if len(held) > 1 else ""
        raise RegularsError(
            f"{landing} already holds {held[0]}{more}; made-up lines are never mixed with delivered ones. "
            "Choose an empty folder, or one that does not exist yet."
        )


def _write_days(history: History, folder: Path) -> None:
    """Join each line's fields once, in Arrow; a day's file is then one slice of the text."""
    lines, invoices = history.lines, history.invoices
    minute = invoices.minute[lines.invoice]
    day = np.where(lines.delivered_on > 0, lines.delivered_on, minute // MINUTES_PER_DAY)
    number = np.array([int(text.lstrip("CA")) for text in history.invoice_texts])
    order = np.lexsort((np.arange(lines.size), number[lines.invoice], minute, day))
    invoice = lines.invoice[order]

    start = datetime.combine(history.calendar.first_date, datetime.min.time())
    distinct_minutes, minute_place = np.unique(invoices.minute, return_inverse=True)
    minute_texts = [str(start + timedelta(minutes=int(each))) for each in distinct_minutes]
    prices, price_place = np.unique(lines.price_mills[order], return_inverse=True)
    quantities, quantity_place = np.unique(lines.quantity[order], return_inverse=True)
    customer_texts = ["", *(f"{each}.0" for each in history.people.customer_id[1:].tolist())]
    columns = [
        _taken(history.invoice_texts, invoice),
        _taken(history.codes, lines.code[order]),
        _taken([_quoted(text) for text in history.descriptions], lines.description[order]),
        _taken([str(each) for each in quantities.tolist()], quantity_place),
        _taken(minute_texts, minute_place[invoice]),
        _taken([_price(each) for each in prices.tolist()], price_place),
        _taken(customer_texts, invoices.customer[invoice]),
        _taken([_quoted(name) for name in COUNTRY_NAMES], invoices.country[invoice]),
    ]
    text = pc.binary_join_element_wise(*columns, _text(","))
    if history.spoilt:
        text = _with_spoilt(history, text, columns, order)
    text = pc.binary_join_element_wise(text, _text("\n"), _text(""))

    offsets = np.frombuffer(text.buffers()[1], dtype=np.int64)
    body = memoryview(text.buffers()[2])
    ordered_day = day[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered_day[1:] != ordered_day[:-1])))
    ends = np.concatenate((starts[1:], [len(order)]))
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        name = history.calendar.date_of(int(ordered_day[first])).isoformat()
        with (folder / f"{name}.csv").open("wb") as file:
            file.write(_HEADER)
            file.write(body[offsets[first] : offsets[end]])


def _taken(texts: list[str], places: npt.NDArray[np.int64]) -> pa.Array:
    return _strings(texts).take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))


def _strings(texts: list[str]) -> pa.Array:
    # from buffers, as pa.array() imports pandas, a second that nothing here needs;
    # 64-bit offsets, as a large history has more than 2 GB of text
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *(len(text) for text in encoded)], dtype=np.int64)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)


def _text(text: str) -> pa.Scalar:
    return _strings([text])[0]


def _with_spoilt(history: History, text: pa.Array, columns: list[pa.Array], order: npt.NDArray[np.int64]) -> pa.Array:
    """Put the spoilt form of the few unreadable lines in their place."""
    line_at = np.full(len(order), -1, dtype=np.int64)
    line_at[order] = np.arange(len(order))
    pieces, end = [], 0
    for place, line in sorted((int(line_at[line]), line) for line in history.spoilt):
        fields = [column[place].as_py() for column in columns]
        fields[2] = history.descriptions[int(history.lines.description[line])]
        pieces += [text[end:place], _strings([spoilt_text(history.spoilt[line], fields)])]
        end = place + 1
    return pa.concat_arrays([*pieces, text[end:]])


def _quoted(text: str) -> str:
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def _price(mills: int) -> str:
    """Pounds with two decimals, three where a price has tenths of a penny."""
    sign, mills = ("-", -mills) if mills < 0 else ("", mills)
    pounds, rest = divmod(mills, 1000)
    return f"{sign}{pounds}.{rest // 10:02d}" if rest % 10 == 0 else f"{sign}{pounds}.{rest:03d}"


def _write_customers(history: History, path: Path, rng: np.random.Generator) -> None:
    """Age, gender and place of every known customer; some left blank. No names: they say nothing here."""
    people = history.people
    count = len(people.customer_id) - 1
    age = np.clip(np.round(44 + 13 * rng.standard_normal(count)), 18, 92).astype(int)
    has_age = rng.random(count) < 0.93
    gender = rng.choice(("Female", "Male", "Other", ""), count, p=(0.63, 0.30, 0.01, 0.06))
    town = rng.integers(0, len(_TOWNS), count)
    rows = ["Customer_ID,Age,Gender,Location\n"]
    for place in np.argsort(people.customer_id[1:], kind="stable").tolist():
        country = COUNTRY_NAMES[int(people.country[place + 1])]
        location = _TOWNS[int(town[place])] if country == HOME_COUNTRY else country
        shown_age = str(age[place]) if has_age[place] else ""
        rows.append(f"{people.customer_id[place + 1]},{shown_age},{gender[place]},{location}\n")
    path.write_bytes("".join(rows).encode())


def _write_truth(truth: SampleTruth, path: Path) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(truth.to_json(), encoding="utf-8", newline="\n")
    partial.replace(path)
