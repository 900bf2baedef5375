"""The headline figures and what they tell, over HTTP.

Belongs here: their fields and operations. Does not belong here: the figures
(:mod:`serving.queries.cards`) and the sentences (:mod:`serving.queries.insights`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.answers import Answer, Rounded
from serving.api.models import Envelope
from serving.api.requests import GivenFilters, SnapshotReading, answer, subject_router
from serving.queries.cards import headline_notes, summary_cards
from serving.queries.health import value_caveats
from serving.queries.insights import insights
from warehouse.measures import Unit

router = subject_router("summary")


class HeadlineFigure(Answer):
    """One headline figure with its change."""

    key: Annotated[str, Field(description="Names the figure.", examples=["net_revenue"])]
    label: Annotated[str, Field(description="Its name in words.")]
    value: Annotated[Rounded | None, Field(description="Of the chosen days, or of the whole history.")]
    unit: Annotated[Unit, Field(description="Unit of all its values.")]
    before: Annotated[Rounded | None, Field(description="What it is compared with.")]
    change_pct: Annotated[float | None, Field(description="From `before` to `value`, in percent.")]
    is_more_good: Annotated[bool | None, Field(description="Whether a rise is welcome; null where that can't be said.")]
    about: Annotated[str, Field(description="What the change is against, or why there is none.")]


class Remark(Answer):
    """Something that the figures tell."""

    kind: Annotated[str, Field(description="What it is about.", examples=["change"])]
    tone: Annotated[Literal["good", "bad", "warning", "neutral"], Field(description="Whether it is welcome.")]
    text: Annotated[str, Field(description="A sentence or two.")]


class HeadlineNote(Answer, of="reporting.headline_notes", columns="key=note_key severity sentence"):
    """A caveat about the headline figures."""

    key: Annotated[str, Field(examples=["few_weeks"])]


class Summary(Answer):
    """The overview in figures and words."""

    notes: Annotated[list[HeadlineNote], Field(description="Caveats about the whole shop's figures; usually none.")]
    figures: Annotated[list[HeadlineFigure], Field(description="Headline figures of what fits the filters.")]
    insights: Annotated[list[Remark], Field(description="What the figures tell, in words.")]
    value_caveats: Annotated[list[str], Field(description="What to keep in mind in expected revenue.")]


@router.get("/summary", summary="Headline figures and what they tell")
def summary(reading: SnapshotReading, filters: GivenFilters) -> Envelope[Summary]:
    """The same as the dashboard's first page."""
    return answer(
        reading,
        {
            "notes": headline_notes(reading),
            "figures": summary_cards(reading, filters),
            "insights": insights(reading, filters),
            "value_caveats": value_caveats(reading),
        },
    )
