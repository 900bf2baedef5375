"""What a person chose to look at, and what that means in SQL.

Belongs here: the filters, their form in a URL, and the two selections that every
question starts from (customers, invoices). Does not belong here: any figure of them.

One meaning everywhere, on every page. A *customer* filter (segment, country, minimum frequency,
minimum expected revenue, customer id, slipping) keeps identified customers who bought; a date range keeps
those who bought within it. *Invoices* are those of the date range and countries; as soon
as a filter speaks of customers as such (segment, frequency, expected revenue, id, slipping), only theirs, so
that sales with no customer leave the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal, get_args
from urllib.parse import parse_qs, urlencode

Clustering = Literal["kmeans", "hierarchical", "mixture"]
Method = Literal["rfm", "audience", "slipping", Clustering]
CLUSTERINGS: tuple[Clustering, ...] = get_args(Clustering)
METHODS: tuple[Method, ...] = get_args(Method)
DEFAULT_METHOD: Method = "rfm"

METHOD_LABELS: Mapping[str, str] = {
    "rfm": "RFM segments",
    "audience": "Audiences (RFM, with overrides by hand)",
    "slipping": "Slipping or not",
    "kmeans": "Clusters by k-means",
    "hierarchical": "Hierarchical clusters",
    "mixture": "Clusters by mixture",
}

SEGMENT_COLUMNS: Mapping[str, str] = {method: f"{method}_segment" for method in METHODS}
"""Which column of ``reporting.customer_360`` holds a method's segment."""

PARAMETERS: Mapping[str, str] = {
    "method": "method",
    "segment": "segments",
    "country": "countries",
    "from": "start",
    "to": "end",
    "min_frequency": "min_frequency",
    "min_clv": "min_clv",
    "customer": "customer",
    "slipping": "slipping",
}
"""In the URL's order: from the name of each filter there, and in the bar, to that of its value in :class:`Filters`."""

_CUSTOMERS: Mapping[str, str] = {
    "segments": "c.{segment} in (select unnest($segments))",
    "countries": "c.country in (select unnest($countries))",
    "min_frequency": "c.frequency >= $min_frequency",
    "min_clv": "c.clv >= $min_clv",
    "customer": "starts_with(lower(c.customer_id), lower($customer))",
    "slipping": "c.is_slipping and not c.is_dormant",
}
"""Which rows of ``reporting.customer_360`` a filter keeps."""

MAX_CUSTOMER_TEXT = 64
MAX_CHOICES = 200


@dataclass(frozen=True)
class Clause:
    """A select statement with its bound values, to stand as a CTE or a subquery."""

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def over(self, **selections: Clause) -> Clause:
        """The statement with these selections as common table expressions before its own, by the names it reads."""
        if not selections:
            return self
        tables = ", ".join(f"{name} as ({one.sql})" for name, one in selections.items())
        first, _, rest = self.sql.strip().partition(" ")
        body = f", {rest}" if first == "with" else f" {first} {rest}"
        bound = [self.parameters, *(one.parameters for one in selections.values())]
        return Clause(f"with {tables}{body}", {name: value for given in bound for name, value in given.items()})


@dataclass(frozen=True)
class Filters:
    """One view of the warehouse.

    ``segments`` and ``countries`` keep any of those named; empty keeps all. ``start`` and
    ``end`` are days, both included. ``min_clv`` is money in the shop's currency.
    ``customer`` keeps ids that begin with it, ``slipping`` those who are slipping and not dormant.
    """

    method: Method = DEFAULT_METHOD
    segments: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    min_frequency: int | None = None
    min_clv: float | None = None
    customer: str = ""
    slipping: bool = False
    problems: tuple[str, ...] = field(default=(), compare=False)
    """What in the URL could not be read and was left out, in words."""

    # ---- URL ---------------------------------------------------------------

    @classmethod
    def from_query(cls, query: str) -> Filters:
        """Read the part of a URL after the question mark; what can't be read is left out and told.

        A shared link must open, whatever a mail program did to it.
        """
        given = {name: values for name, values in parse_qs(query.lstrip("?")).items() if values}
        problems: list[str] = []

        def one(name: str) -> str | None:
            return given[name][-1].strip() if name in given else None

        def parsed(name: str, read: Any, expected: str) -> Any:
            text = one(name)
            if not text:
                return None
            try:
                return read(text)
            except ValueError:
                problems.append(f"{name} = {text[:40]!r} is not {expected}, and was left out")
                return None

        method = one("method") or DEFAULT_METHOD
        if method not in METHODS:
            problems.append(f"method = {method[:40]!r} is not one of {', '.join(METHODS)}; showing RFM segments")
            method = DEFAULT_METHOD
        start, end, min_frequency, min_clv, slipping = (parsed(name, *read) for name, read in _READ.items())
        if start and end and start > end:
            problems.append(f"the range from {start} to {end} ends before it begins, and was turned round")
            start, end = end, start
        for name in ("segment", "country"):
            if len(given.get(name, ())) > MAX_CHOICES:
                problems.append(f"{name}: only the first {MAX_CHOICES} of {len(given[name])} are looked at")
        if len(one("customer") or "") > MAX_CUSTOMER_TEXT:
            problems.append(f"customer: only the first {MAX_CUSTOMER_TEXT} characters are looked at")
        return cls(
            method=method,  # type: ignore[arg-type]
            segments=tuple(sorted(set(given.get("segment", [])[:MAX_CHOICES]))),
            countries=tuple(sorted(set(given.get("country", [])[:MAX_CHOICES]))),
            start=start,
            end=end,
            min_frequency=min_frequency,
            min_clv=min_clv,
            customer=(one("customer") or "")[:MAX_CUSTOMER_TEXT],
            slipping=bool(slipping),
            problems=tuple(problems),
        )

    def to_query(self) -> str:
        """The part of a URL after the question mark; empty for the view of everything."""
        pairs = [
            (parameter, _written(one))
            for parameter, name in PARAMETERS.items()
            if (value := getattr(self, name)) != getattr(Filters, name)
            for one in (value if isinstance(value, tuple) else (value,))
        ]
        return urlencode(pairs)

    # ---- what they mean ----------------------------------------------------

    @property
    def segment_column(self) -> str:
        """Column of ``reporting.customer_360`` with the chosen method's segment."""
        return SEGMENT_COLUMNS[self.method]

    @property
    def is_about_customers(self) -> bool:
        """Whether a filter speaks of customers as such, so that anonymous sales are out."""
        return self.is_by_standing or bool(self.customer)

    @property
    def is_by_standing(self) -> bool:
        """Whether a filter chooses customers by how they stand today.

        Then a comparison with an earlier day would only tell the filter again: today's Champions bought of late.
        """
        return bool(self.segments) or self.min_frequency is not None or self.min_clv is not None or self.slipping

    @property
    def is_everything(self) -> bool:
        """Whether nothing is filtered (the method only names the segments)."""
        return replace(self, method=DEFAULT_METHOD, problems=()) == Filters()

    def between(self, start: date | None, end: date | None) -> Filters:
        """The same view of other days."""
        return replace(self, start=start, end=end)

    def customers(self) -> Clause:
        """Rows of ``reporting.customer_360`` that are kept, with ``segment`` by the chosen method."""
        given = {name: value for name in _CUSTOMERS if (value := getattr(self, name)) != getattr(Filters, name)}
        conditions = ["c.has_purchases", *(_CUSTOMERS[name].format(segment=self.segment_column) for name in given)]
        # what is only switched on binds no value
        parameters: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if name != "slipping"
        }
        if self.start or self.end:
            days, bound = self._days()
            conditions.append(
                "c.customer_id in (select i.customer_id from marts.fct_invoices as i"
                f" where not i.is_return and {' and '.join(days)})"
            )
            parameters |= bound
        sql = (
            f"select c.*, c.{self.segment_column} as segment from reporting.customer_360 as c"
            f" where {' and '.join(conditions)}"
        )
        return Clause(sql, parameters)

    def invoices(self) -> Clause:
        """Rows of ``marts.fct_invoices`` (sales and returns) that are kept."""
        conditions, parameters = self._days()
        if self.countries:
            conditions.append("i.country in (select unnest($countries))")
            parameters["countries"] = list(self.countries)
        if self.is_about_customers:
            # whose invoices: the country is asked of the invoice, the days as well
            theirs = replace(self, countries=(), start=None, end=None).customers()
            conditions.append(f"i.customer_id in (select customer_id from ({theirs.sql}))")
            parameters |= theirs.parameters
        where = f" where {' and '.join(conditions)}" if conditions else ""
        return Clause(f"select i.* from marts.fct_invoices as i{where}", parameters)

    def _days(self) -> tuple[list[str], dict[str, Any]]:
        conditions: list[str] = []
        parameters: dict[str, Any] = {}
        if self.start:
            conditions.append("i.invoice_date >= $start")
            parameters["start"] = self.start
        if self.end:
            conditions.append("i.invoice_date <= $end")
            parameters["end"] = self.end
        return conditions, parameters


@dataclass(frozen=True)
class Period:
    """Two spans of days of equal length, one right after the other: the one looked at, and what it is compared with."""

    start: date
    end: date
    start_before: date
    end_before: date
    is_chosen: bool
    """False if nobody chose a range: then these are the last 30 days."""
    is_complete_before: bool
    """Whether the data reach back to ``start_before``, so that the comparison is fair."""


COMPARED_DAYS = 30


def compared_period(filters: Filters, first_date: date | None, last_date: date | None) -> Period | None:
    """Which days a change is counted over: the chosen range, or else the last 30 days of the data.

    Returns
    -------
    Period or None
        None if there are no data, or the chosen range lies wholly outside of them.
    """
    if first_date is None or last_date is None:
        return None
    is_chosen = bool(filters.start or filters.end)
    end = min(filters.end or last_date, last_date)
    start = max(filters.start or first_date, first_date) if is_chosen else end - timedelta(days=COMPARED_DAYS - 1)
    if start > end:
        return None
    end_before = start - timedelta(days=1)
    start_before = start - (end - start) - timedelta(days=1)
    return Period(start, end, start_before, end_before, is_chosen, is_complete_before=start_before >= first_date)


def _whole(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 10**9:
        raise ValueError(text)
    return number


def _amount(text: str) -> float:
    number = float(text.replace(",", ""))
    if not -1e15 < number < 1e15:
        raise ValueError(text)
    return number


def _yes_or_no(text: str) -> bool:
    if text not in ("1", "0"):
        raise ValueError(text)
    return text == "1"


_READ: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "from": (date.fromisoformat, "a day such as 2011-09-01"),
    "to": (date.fromisoformat, "a day such as 2011-11-30"),
    "min_frequency": (_whole, "a whole number from 0 on"),
    "min_clv": (_amount, "an amount such as 250"),
    "slipping": (_yes_or_no, "1 or 0"),
}
"""How a parameter of one value is read, and what was expected where it can't be."""


def _written(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "1"
    # all digits of an amount: with fewer, a link would show other customers
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def with_segments_of(filters: Filters, known: Iterable[str]) -> Filters:
    """The same view without segments that the chosen method doesn't have (a changed method, an old link)."""
    names = set(known)
    unknown = [name for name in filters.segments if name not in names]
    if not unknown:
        return filters
    told = f"no segment {', '.join(repr(name[:40]) for name in unknown)} by {METHOD_LABELS[filters.method]}; left out"
    return replace(
        filters,
        segments=tuple(name for name in filters.segments if name in names),
        problems=(*filters.problems, told),
    )
