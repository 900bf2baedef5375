"""Customers: the list, the search, and one customer's whole story.

Belongs here: how the answers of :mod:`serving.queries.customers` look. Does not belong here: the
questions, and what to do about a segment (:mod:`serving.dashboard.pages.playbooks`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from html import escape
from itertools import pairwise
from typing import Any

from dash import dcc, html

from serving.dashboard import components as ui
from serving.dashboard.charts import (
    LEGEND_ABOVE,
    NAMES,
    Trace,
    bars,
    chart,
    colour_scale,
    dots,
    few_names,
    flat_bars,
    heat_map,
    line,
    money_axis,
    titled_axis,
)
from serving.dashboard.components import customer_link, empty, panel, right, rows_of, stat_card, wide
from serving.dashboard.tables import data_table
from serving.dashboard.view import Page, View
from serving.filters import CLUSTERINGS, DEFAULT_METHOD, METHOD_LABELS, METHODS
from serving.palette import kind_colours, segment_colour
from serving.queries import customers as queries
from serving.queries.playbooks import PLAN
from warehouse.measures import shown
from warehouse.wording import count, day, days, is_missing, month, number, percent, plural

_FOUND_SHOWN = 12
_MONTHS_SHOWN = 36
_MONTHS_WITH_NUMBERS = 18
"""More months than this leave no room for a score in each cell on a phone."""
_MONTHS_NAMED = 4
"""Of the months on an axis; more would run into each other on a phone."""
_CATEGORIES_SHOWN = 8
_LIST_PIXELS = 420

_NO_MODEL = "no model could be fitted to this history"

_CUSTOMER_TYPES = {"one_time": "one-time: ordered once", "returning": "returning: ordered more than once"}


def render(view: View) -> Any:
    """The list under the filters, or the story of the customer that the address names."""
    if not view.argument:
        return _everybody(view)
    story = queries.customer_story(view.reading, view.argument)
    return _unknown(view) if story is None else _one(view, story)


# ---- the list ------------------------------------------------------------------


def _everybody(view: View) -> html.Div:
    summary, searched = queries.customer_summary(view.reading, view.filters), view.filters.customer
    found = (
        [_found(view, queries.find_customers(view.reading, view.filters, searched, _FOUND_SHOWN))] if searched else []
    )
    if not summary.figures["customers"]:
        hint = (
            "Take a filter away, or press Reset."
            if not view.filters.is_everything
            else "No purchase in the snapshot has a customer."
        )
        return ui.page(*found, empty("No customer fits these filters.", hint))
    horizon = summary.horizon_days
    abouts = {
        "customers": "who bought" if view.filters.is_everything else "under these filters",
        "clv_mean": f"expected of one of them in {days(horizon)}" if horizon else _NO_MODEL,
    }
    cards = [
        ui.measure_card(
            view, one.key, summary.figures[one.key], about=abouts.get(one.key, one.sentence), prefix="customers"
        )
        for one in shown("customers")
    ]
    without = summary.customers_without_purchases
    about = "Click a customer for the whole story. Spend and orders are of the whole history, whatever dates are chosen"
    if without:
        about += (
            f"; {plural(without, 'more customer')} without a purchase that counts"
            f" {'is' if without == 1 else 'are'} on no list, but found by id"
        )
    return ui.page(
        *found,
        ui.stat_cards(*cards),
        ui.value_note(view),
        panel(
            "All customers" if view.filters.is_everything else "Customers under these filters",
            data_table(view, queries.CUSTOMERS, height=620),
            about=f"{about}.",
        ),
    )


def _found(view: View, search: queries.CustomerSearch) -> html.Section:
    begins = "begins" if search.matches == 1 else "begin"
    told = f"{plural(search.matches, 'customer')} {begins} with “{search.text}”"
    parts: list[Any] = [
        html.P(
            f"{told}." if search.matches else f"No customer under these filters begins with “{search.text}”.",
            role="status",
            **{"data-figure": "customers.search"},
        )
    ]
    # found under the filters, and beside them
    inside, outside = (
        search.found.loc[search.found["is_under_filters"] == is_inside, "customer_id"].tolist()
        for is_inside in (True, False)
    )
    if inside:
        parts.append(_ids(view, inside, search.matches))
    if search.other_matches:
        others = plural(search.other_matches, "more customer" if search.matches else "customer")
        begin, do = ("begins", "does") if search.other_matches == 1 else ("begin", "do")
        told = f"{others} {begin} like that, but {do} not match the other filters, or bought nothing that counts."
        parts += [html.P(told), _ids(view, outside, search.other_matches)]
    if not inside and not outside and not search.other_matches:
        parts += [html.P("Closest ids:"), _ids(view, queries.closest_customers(view.reading, search.text))]
    return panel("Search", *parts)


def _ids(view: View, found: Sequence[str], total: int = 0, *, centred: bool = False) -> html.Ul:
    items: list[Any] = [html.Li(customer_link(view, one)) for one in found]
    if found and total > len(found):
        items.append(html.Li(f"and {count(total - len(found))} more"))
    return html.Ul(items, className="id-list centred" if centred else "id-list")


def _unknown(view: View) -> html.Div:
    closest = queries.closest_customers(view.reading, view.argument)
    hint = html.Div(
        [
            html.P("Closest ids:") if closest else None,
            _ids(view, closest, centred=True),
            html.P(dcc.Link("All customers", href=view.link("/customers", customer=""))),
        ]
    )
    told = html.P(f"No customer has the id “{view.argument[:80]}”.", className="empty-message")
    return ui.page(html.Div([told, hint], className="empty"))


# ---- one customer --------------------------------------------------------------


def _one(view: View, story: queries.CustomerStory) -> html.Div:
    facts = story.facts
    head = html.Div(
        [
            html.H2(f"Customer {facts['customer_id']}"),
            dcc.Link("All customers under the filters", href=view.link("/customers")),
        ],
        className="story-head",
    )
    if not facts["has_purchases"]:
        return ui.page(head, *_without_purchases(view, story))
    horizon = f"{days(facts['clv_horizon_days'])} after {day(view.reading.about.snapshot_date)}"
    return ui.page(
        head,
        _figures(view, story),
        ui.columns(
            _who(story),
            panel(
                "Segments",
                _segments(view, story),
                about="Campaigns use the audience: RFM, unless a person said otherwise.",
            ),
        ),
        ui.columns(
            panel(
                "Scores",
                _scores(view, facts),
                about="A score is, as a rule, the fifth of all customers that this one stands in: 5 is the best.",
            ),
            panel(
                "Expected revenue",
                _value(view, story),
                about="" if facts["clv"] is None else f"Net revenue expected in the {horizon}, not discounted.",
            ),
        ),
        ui.value_note(view),
        ui.columns(_over_time(view, story), _dealings(view, story)),
        panel(
            "Orders",
            data_table(view, queries.ORDERS, context=facts["customer_id"], height=_LIST_PIXELS),
            about="The whole history, whatever filters are chosen.",
        ),
        _returns(view, story),
        ui.columns(_categories(view, story), _playbook(view, story)),
        panel(
            "Line by line",
            data_table(view, queries.LINES, context=facts["customer_id"], height=_LIST_PIXELS),
            about="Every sale and return line that counts. The whole history, whatever filters are chosen.",
        ),
    )


def _figures(view: View, story: queries.CustomerStory) -> html.Div:
    facts = story.facts
    returned = facts["total_return_revenue"]
    spent = (
        f"{view.money(facts['monetary_gross'])} ordered, {view.money(returned)} returned"
        if returned
        else "ordered and kept in full"
    )
    each = f"{view.money(facts['order_value'])} each, after returns"
    last = f"on {day(facts['last_purchase_at'])}, counted to {day(view.reading.about.snapshot_date)}"
    expected = _interval(view, facts) or _NO_MODEL
    told = {
        "monetary_net": ("Spent", view.money(facts["monetary_net"]), spent),
        "invoice_count": ("Orders", count(facts["invoice_count"]), each),
        "recency_days": ("Last order", f"{days(facts['recency_days'])} ago", last),
        "expected_gap_days": ("Usual gap", *_rhythm(story)),
        "clv": ("Expected revenue", view.money(facts["clv"]), expected),
    }
    return _stat_cards(told)


def _stat_cards(told: dict[str, tuple[str, str, str]]) -> html.Div:
    """Cards by the figure's name: each one's label, value and what it is."""
    return ui.stat_cards(
        *(stat_card(label, value, about=about, key=f"customer.{key}") for key, (label, value, about) in told.items())
    )


def _rhythm(story: queries.CustomerStory) -> tuple[str, str]:
    facts = story.facts
    if facts["expected_gap_days"] is None:
        return days(None), "never bought"
    if not story.is_gap_known:
        return days(None), "not known: no customer has come on a second day yet"
    whose = (
        "between the customer's visits, drawn towards the shop's"
        if facts["purchase_days"] > 1
        else "the shop's, after one visit"
    )
    return days(facts["expected_gap_days"]), f"{whose}; silent for {facts['silence_ratio']:.1f} times that"


def _interval(view: View, facts: dict[str, Any]) -> str:
    if facts["clv"] is None:
        return ""
    horizon = f"next {days(facts['clv_horizon_days'])}"
    if facts["clv_low"] is None:
        return f"{horizon}; no interval, as the history is too short to test one"
    low, high = view.money(facts["clv_low"]), view.money(facts["clv_high"])
    return f"{horizon}; {percent(facts['clv_interval_pct'], 0)} interval {low} to {high}"


def _who(story: queries.CustomerStory) -> html.Section:
    facts = story.facts
    pairs: list[tuple[str, Any]] = [("Country", facts["country"] or "unknown")]
    if facts["has_purchases"]:
        pairs += [
            ("First order", f"{day(facts['first_purchase_at'])} (cohort of {month(facts['cohort_month'])})"),
            ("Last order", day(facts["last_purchase_at"])),
            ("Customer type", _CUSTOMER_TYPES[facts["customer_type"]]),
        ]
    told = [
        ("Age", None if facts["age_years"] is None else plural(facts["age_years"], "year")),
        ("Gender", facts["gender"]),
        ("Location", facts["location"]),
    ]
    pairs += [(term, text) for term, text in told if text]
    pairs.append(("Returns", plural(facts["return_count"], "return") if facts["return_count"] else "none"))
    if facts["set_aside_lines"]:
        pairs.append(
            ("Set aside", f"{plural(facts['set_aside_lines'], 'invoice line')} not counted, such as postage or repeats")
        )
    return panel(
        "Who this is", ui.definitions(pairs), about="From the sales and, where there is one, the customers file."
    )


def _segments(view: View, story: queries.CustomerStory) -> list[Any]:
    facts = story.facts
    remarks = {
        "kmeans": f"Same segment in {percent(100 * facts['stability'], 0)} of refits on resampled customers"
        if facts["stability"] is not None
        else "",
        "rfm": f"By the scores {facts['rfm_score']}",
        "mixture": f"With a probability of {percent(100 * facts['mixture_probability'], 0)}"
        if facts["mixture_probability"] is not None
        else "",
        "audience": "Assigned by hand, see below" if facts["is_overridden"] else "As by RFM",
    }
    by_method = {
        "By": _method,
        "Segment": lambda method: ui.segment_mark(view, story.segment(method)),
        "": lambda method: wide(remarks[method]) if remarks.get(method) else "",
    }
    parts: list[Any] = [ui.table("The customer's segment by each method", METHODS, by_method)]
    if facts["is_overridden"]:
        why = [
            ("Why", facts["override_reason"] or "not given"),
            ("By", facts["override_author"] or "not given"),
            ("Until", day(facts["override_expires_on"])),
        ]
        parts.append(ui.note(ui.definitions(why), title=f"Put into {facts['audience_segment']} by hand"))
    if not facts["has_positive_monetary"]:
        parts.append(html.P("As much came back as was bought, or more, so the models leave this customer out."))
    elif facts["is_outlier_excluded"]:
        parts.append(html.P("Too unusual to fit the models on: only labelled by them."))
    return parts


def _method(method: str) -> str:
    return METHOD_LABELS[method].split(" (")[0]


def _scores(view: View, facts: dict[str, Any]) -> html.Div:
    rows = [
        ("Recency", days(facts["recency_days"]), "recency", "Bought more recently than {} of customers"),
        ("Frequency", count(facts["frequency"]), "frequency", "Ordered more often than {}"),
        ("Money", view.money(facts["monetary"]), "monetary", "Spent more than {}"),
    ]
    return ui.table(
        "Recency, frequency and money with their scores",
        rows,
        {
            "": lambda row: row[0],
            "Figure": right(lambda row: row[1]),
            "Score": lambda row: f"{facts[f'{row[2][0]}_score']} of 5",
            # nobody spent more than all: what is nearly all is not rounded up to it
            "Meaning": lambda row: wide(row[3].format(percent(math.floor(facts[f"{row[2]}_rank_pct"]), 0))),
        },
    )


def _value(view: View, story: queries.CustomerStory) -> Any:
    facts = story.facts
    if facts["clv"] is None:
        return empty("No revenue is forecast for this customer.", "No model could be fitted to this history.")
    pairs = [
        ("Days with a purchase", f"{number(facts['expected_purchases'])} expected"),
        ("Net revenue on such a day", view.money(facts["expected_purchase_value"])),
        (
            "Lifetime value",
            f"{view.money(facts['lifetime_value'])}: {view.money(facts['monetary_net'])} so far "
            f"and {view.money(facts['clv'])} expected",
        ),
    ]
    return [_value_chart(view, story), ui.definitions(pairs)]


def _value_chart(view: View, story: queries.CustomerStory) -> html.Div:
    facts, tokens = story.facts, view.tokens
    clv, low, high = facts["clv"], facts["clv_low"], facts["clv_high"]
    playbook = story.playbook(view.filters.method)
    marks = [("This customer", clv, tokens.accent)]
    if playbook and not is_missing(playbook["clv_mean"]):
        colour = segment_colour(playbook["segment_name"], view.theme, kind=playbook["segment_kind"])
        marks.append((f"Mean of {playbook['segment_name']}", playbook["clv_mean"], colour))
    traces = []
    told = [f"{escape(name)}: {view.money(value)}" for name, value, _ in marks]
    if low is not None:
        told[0] += f"<br>{percent(facts['clv_interval_pct'], 0)} interval {view.money(low)} to {view.money(high)}"
        traces.append(line([low, high], lambda end: end, lambda _: "This customer", tokens.accent, 8, opacity=0.35))
    names, values, colours = (list(one) for one in zip(*marks, strict=True))
    traces.append(dots(marks, values, [escape(name) for name in names], colours, 13, told, symbol="diamond"))
    reach = _reach([*values, low, high])
    described = f"Expected: {view.money(clv)}, {_interval(view, facts)}."
    if len(names) > 1:
        described += f" {names[1]}: {view.money(values[1])}."
    return chart(
        view,
        traces,
        name="customers-value",
        description=described,
        height=170,
        xaxis={**money_axis(view, reach, "Net revenue"), "range": reach},
        yaxis=NAMES,
    )


def _reach(values: Sequence[float | None]) -> list[float]:
    # from zero, with room on the far sides, so that no mark is cut in half
    known = [value for value in values if value is not None]
    lowest, highest = min(0.0, *known), max(0.0, *known)
    room = 0.05 * (highest - lowest) or 1.0
    return [lowest - room, highest + room]


def _over_time(view: View, story: queries.CustomerStory) -> html.Section:
    title = "Segment over time"
    if story.history.empty:
        return panel(title, empty("No month has ended since the first order.", "The first month end will show here."))
    shown = story.history.tail(_MONTHS_SHOWN)
    left_out = len(story.history) - len(shown)
    about = "RFM segment and scores as they looked at each month end; the other methods keep no history."
    if left_out:
        about += f" The last {_MONTHS_SHOWN} of {len(story.history)} month ends."
    rows = rows_of(shown)
    labels = [month(row.month_end) for row in rows]
    segments = [row.rfm_segment for row in rows]
    present = [name for name in kind_colours() if name in segments]
    present += sorted(set(segments) - set(present))
    months = {**few_names(labels, _MONTHS_NAMED), "range": [-0.5, len(labels) - 0.5]}
    step = line(
        rows,
        labels,
        lambda row: escape(row.rfm_segment),
        view.tokens.neutral,
        2,
        lambda row: (
            f"<b>{escape(row.rfm_segment)}</b><br>at the end of {month(row.month_end)}<br>scores {row.rfm_score}: "
            f"{days(row.recency_days)} since the last order, {count(row.frequency)} so far, "
            f"{view.money(row.monetary_net)} spent so far"
        ),
        line={"shape": "hv"},
        mode="lines+markers",
        marker={"size": 12, "color": [segment_colour(name, view.theme) for name in segments]},
    )
    grid = [[getattr(row, name) for row in rows] for name in ("r_score", "f_score", "m_score")]
    scores = heat_map(
        labels,
        ["Recency", "Frequency", "Money"],
        grid,
        int,
        zmin=0,
        zmax=5,
        colorscale=colour_scale(view.theme),
        # where there is no room for numbers, the colours say which is which
        showscale=len(rows) > _MONTHS_WITH_NUMBERS,
        colorbar={"tickvals": [1, 3, 5]},
        hovertemplate="%{y} at the end of %{x}: %{z} of 5<extra></extra>",
        texttemplate="%{z}" if len(rows) <= _MONTHS_WITH_NUMBERS else None,
    )
    changes = sum(one != other for one, other in pairwise(segments))
    return panel(
        title,
        chart(
            view,
            [step],
            name="customers-segment-history",
            description=f"{segments[0]} at the end of {labels[0]}, {segments[-1]} at the end of {labels[-1]}, with "
            f"{plural(changes, 'change')} between.",
            height=110 + 34 * len(present),
            xaxis=months,
            yaxis={"categoryorder": "array", "categoryarray": [escape(name) for name in reversed(present)]},
        ),
        chart(
            view,
            [scores],
            name="customers-score-history",
            description=f"Scores at the end of {labels[-1]}: recency {grid[0][-1]}, frequency {grid[1][-1]}, money "
            f"{grid[2][-1]} of 5; at the end of {labels[0]}: {grid[0][0]}, {grid[1][0]}, {grid[2][0]}.",
            height=170,
            xaxis=months,
            yaxis=NAMES,
        ),
        about=about,
    )


def _dealings(view: View, story: queries.CustomerStory) -> html.Section:
    title = "Orders and returns by month"
    about = view.reading.about
    rows = rows_of(story.months)
    axis: dict[str, Any] = {"type": "date", "nticks": 6, "tickformat": "%b<br>%Y", "tickangle": 0, "showgrid": False}
    if about.first_date and about.last_date:
        # the shop's whole history, so that silence shows as well
        axis["range"] = [about.first_date - timedelta(days=16), about.last_date + timedelta(days=16)]

    def drawn(name: str, column: str, sign: int, colour: str, counted: str, noun: str) -> Trace:
        return bars(
            rows,
            # in the middle of the month
            lambda row: row.month_start.date() + timedelta(days=14),
            lambda row: sign * getattr(row, column),
            colour,
            lambda row: (
                f"{month(row.month_start)}<br>{name}: {view.money(getattr(row, column))} in "
                f"{plural(getattr(row, counted), noun)}"
            ),
            name=name,
            width=24 * 86_400_000,
        )

    traces = [
        drawn("Ordered", "gross_revenue", 1, view.tokens.accent, "invoices", "order"),
        drawn("Returned", "booked_return_revenue", -1, view.tokens.bad, "return_invoices", "return"),
    ]
    ordered, returned = sum(row.gross_revenue for row in rows), sum(row.booked_return_revenue for row in rows)
    most = max(rows, key=lambda row: row.gross_revenue)
    return panel(
        title,
        chart(
            view,
            traces,
            name="customers-dealings",
            description=f"{view.money(ordered)} ordered and {view.money(returned)} returned in "
            f"{plural(len(rows), 'month')}; most was ordered in {month(most.month_start)}: "
            f"{view.money(most.gross_revenue)}.",
            height=300,
            barmode="relative",
            xaxis=axis,
            yaxis=money_axis(view, [value for trace in traces for value in trace["y"]], "Gross revenue and returns"),
            margin={"t": 34},
            **LEGEND_ABOVE,
        ),
        about="What was ordered above zero, before returns; what was returned below, in the month of the return.",
    )


def _returns(view: View, story: queries.CustomerStory) -> html.Section:
    facts = story.facts
    title = "Returns and what they reverse"
    if story.returns.empty:
        return panel(title, empty("Nothing was returned."))
    matched, unmatched = story.returns["matched_amount"].sum(), story.returns["unmatched_amount"].sum()
    told = []
    if round(matched, 2):
        told.append(f"{view.money(matched)} takes back a purchase in the history.")
    if round(unmatched, 2):
        told.append(
            f"{view.money(unmatched)} fits no purchase in the history (bought before it began, or at "
            "another price), and counts on the day of the return."
        )
    if facts["has_purchases"]:
        told.append("All of it is taken off what was spent.")
    return panel(
        title,
        html.P(" ".join(told)),
        data_table(view, queries.RETURNS, context=facts["customer_id"], height=_LIST_PIXELS),
        about="One row for each returned line. The whole history, whatever filters are chosen.",
    )


def _categories(view: View, story: queries.CustomerStory) -> html.Section:
    title = "What they buy"
    bought = story.categories[story.categories["net_revenue"] > 0]
    if bought.empty:
        return panel(title, empty("No purchase was kept, so there are no shares."))
    rows = rows_of(bought.head(_CATEGORIES_SHOWN))

    def told(row: Any) -> str:
        return (
            f"<b>{escape(row.category)}</b><br>{view.money(row.net_revenue)}, {percent(row.share_pct)} of this "
            f"customer's money<br>{percent(row.shop_share_pct)} of all customers' money"
        )

    names, tokens = [escape(row.category) for row in rows], view.tokens
    stroke = {"line": {"width": 3, "color": tokens.text}}
    traces = [
        flat_bars(rows, names, "share_pct", tokens.accent, told, name="This customer"),
        dots(
            rows, "shop_share_pct", names, tokens.text, 16, told, symbol="line-ns", marker=stroke, name="All customers"
        ),
    ]
    top = rows[0]
    about = "Shares of net money by category, against those of all identified customers."
    if len(bought) > len(rows):
        about += f" The {len(rows)} largest of {len(bought)} categories."
    return panel(
        title,
        chart(
            view,
            traces,
            name="customers-categories",
            description=f"Most goes to {top.category}: {percent(top.share_pct)}, against "
            f"{percent(top.shop_share_pct)} of all customers' money.",
            height=130 + 32 * len(rows),
            xaxis=titled_axis("Share of money (%)", rangemode="tozero", nticks=5),
            yaxis=NAMES,
            margin={"t": 34},
            **LEGEND_ABOVE,
        ),
        about=about,
    )


def _playbook(view: View, story: queries.CustomerStory) -> html.Section:
    # clusters have no playbooks
    method = DEFAULT_METHOD if view.filters.method in CLUSTERINGS else view.filters.method
    playbook = story.playbook(method)
    label = _method(method)
    if playbook is None:
        return panel("What to do", empty(f"There is no segment by {label}, and so no playbook."))
    segment, terms = playbook["segment_name"], ("goal", "strategy", "channel", "offer", "measure")
    return panel(
        f"What to do: {segment}",
        ui.definitions([(PLAN[name], playbook[name]) for name in terms]),
        html.P(dcc.Link("The whole playbook with its email", href=view.link("/playbooks", segments=(segment,)))),
        about=f"The playbook of the segment by {label}; figures in it are of the whole segment.",
    )


def _without_purchases(view: View, story: queries.CustomerStory) -> list[Any]:
    facts = story.facts
    if story.months.empty:
        why = "All of this customer's lines were set aside, such as postage or lines without a price."
    else:
        why = "This customer only gave things back: the purchases are not in the history."
    told = {"invoice_count": ("Orders", "0", "that count")}
    if facts["return_count"]:
        returned = view.money(facts["total_return_revenue"])
        matched = f"in {plural(facts['return_count'], 'return')}, matched with no purchase"
        told["total_return_revenue"] = ("Returned", returned, matched)
    told["set_aside_lines"] = ("Set aside", count(facts["set_aside_lines"]), "invoice lines not counted")
    parts: list[Any] = [
        ui.note(
            f"{why} So there are no scores, no segment and no expected value, and the customer is on no list.",
            title="No purchase that counts",
        ),
        _stat_cards(told),
        _who(story),
    ]
    if not story.months.empty:
        parts.append(_dealings(view, story))
    if not story.returns.empty:
        parts.append(_returns(view, story))
    return parts


PAGE = Page("/customers", "Customers", render)
