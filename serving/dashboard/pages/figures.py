"""Every figure with what it means, how it is computed and where it stands.

Belongs here: the register of measures as a page. Does not belong here: any measure's declaration
(:mod:`warehouse.measures`).
"""

from __future__ import annotations

from typing import Any

from dash import html

from serving.dashboard.components import figure, page, panel, right, table, wide
from serving.dashboard.view import Page, View
from serving.queries.cards import figures
from warehouse.measures import TABLES, Compared, Measure, Shown, measures
from warehouse.wording import MISSING, in_unit

_PLACES: dict[Shown, str] = {
    "tables": "revenue tables",
    "periods": "revenue by month, week and day",
    "countries": "countries",
    "segments": "list of segments",
    "means": "segments compared, report",
    "sizes": "sizes of segments",
    "playbooks": "playbooks",
    "customers": "Customers",
}
_COMPARED: dict[Compared, str] = {
    "days": "with as many days before",
    "month_end": "with how customers stood at an earlier month end",
    "publication": "with what the snapshot of earlier sales expected",
}


def render(view: View) -> Any:
    """Two tables: what days of sales make, and what customers are."""
    values = figures(view.reading, view.filters)
    every = measures().values()
    of_sales = [one for one in every if set(_over(one)) & {"lines", "invoices"}]
    of_customers = [one for one in every if one not in of_sales]
    return page(
        _panel(
            view,
            "Of sales and returns",
            of_sales,
            values,
            "Sums over the invoices of the chosen days and countries; with a filter on customers, over theirs alone. A "
            "dash: a share, which there is only beside the others, or a figure of the revenue tables alone.",
        ),
        _panel(
            view,
            "Of customers",
            of_customers,
            values,
            "Of identified customers. Days choose who bought in them; figures are of each customer's whole history.",
        ),
    )


def _over(measure: Measure) -> dict[Any, str]:
    """Its expressions; a share has those of what it is a part of."""
    return dict(measures()[measure.share_of].expressions if measure.share_of else measure.expressions)


def _panel(view: View, title: str, told: list[Measure], values: dict[str, Any], about: str) -> html.Section:
    return panel(
        title,
        table(
            f"Figures {title.lower()}, with what they mean and how they are computed",
            told,
            {
                "Figure": lambda one: html.Strong(one.label),
                "Now": right(lambda one: figure(_now(view, one, values), f"figures.{one.key}")),
                "What it is": (wide, "sentence"),
                "How it is computed": lambda one: wide(_computed(one)),
                "Adds up over": lambda one: ", ".join(one.adds_up) or "nothing",
                "Where it is shown": _places,
            },
        ),
        about=about,
    )


def _now(view: View, measure: Measure, values: dict[str, Any]) -> str:
    return in_unit(values[measure.key], measure.unit, view.currency) if measure.key in values else MISSING


def _computed(measure: Measure) -> Any:
    if measure.share_of:
        return f"100 × {measures()[measure.share_of].label}, divided by its sum over all parts"
    return [
        html.Div([html.Code(expression), html.Span(f" over {TABLES[rows]}", className="about")])
        for rows, expression in measure.expressions.items()
    ]


def _places(measure: Measure) -> str:
    card = [f"Overview and report, compared {_COMPARED[measure.compared]}"] if measure.compared else []
    return "; ".join([*card, *(_PLACES[where] for where in measure.shown)]) or "Overview and report, in a sentence"


PAGE = Page("/figures", "Figures", render)
