"""The page that labels the customers of a file."""

import json
from pathlib import Path

import pandas as pd
import pytest

from serving.classify import Classification, Classifier, UploadLimits
from serving.classify.results import rows_of
from serving.dashboard.pages.classify import answer, render, texts, with_texts
from serving.dashboard.view import View
from serving.filters import Filters
from serving.snapshot import SnapshotReader
from tests.tiny_shop import HEADER
from warehouse.home import Home


def drawn(component: object) -> str:
    """What a browser is sent, as text."""
    return json.dumps(component, default=lambda part: part.to_plotly_json())


@pytest.fixture(scope="module")
def done(published_small: Home, tmp_path_factory: pytest.TempPathFactory) -> Classification:
    folder = tmp_path_factory.mktemp("classify-page")
    upload = folder / "<b>may.csv"
    upload.write_text(
        HEADER
        + "1,20001,MUG,2,2024-05-01 10:00:00,3.00,50001,United Kingdom\n"
        + "1,20001,MUG,2,2024-05-01 10:00:00,3.00,50001,United Kingdom\n"
        + "2,20001,MUG,1,2024-05-01 10:00:00,2.50,=1+1,United Kingdom\n"
        + "C3,20001,MUG,-1,2024-05-01 10:00:00,3.00,50009,United Kingdom\n"
    )
    return Classifier(published_small, UploadLimits(seconds=300)).classify_path(upload)


def test_the_page_is_complete_before_a_file_is_dropped(published_small: Home) -> None:
    with SnapshotReader(published_small).reading() as reading:
        page = drawn(render(View(reading, Filters(method="mixture"))))
    assert "No file yet." in page
    assert '"value": "mixture"' in page
    assert "28 Aug 2024" in page


def test_the_answer_shows_figures_labels_and_what_was_set_aside(done: Classification) -> None:
    page = drawn(answer(done, "dark"))
    for figure, value in {"delivered_lines": 4, "kept_lines": 3, "set_aside_lines": 1, "labelled_customers": 2}.items():
        assert f'"children": "{value}", "className": "stat-value", "data-figure": "{figure}"' in page
    assert "they only returned goods: 50009." in page
    assert done.set_aside["disposition"].tolist() == ["duplicate"]
    assert done.set_aside["reason"].iloc[0] in page
    # shown as text, which React escapes: no component takes it as markup
    assert "<b>may.csv: 2 customers labelled" in page
    assert "dangerously" not in page


def test_downloads_are_the_rows_shown_with_each_segments_texts(done: Classification) -> None:
    rows = json.loads(done.customers.to_json(orient="records"))
    frame = with_texts(rows[:1], texts(done))
    wanted = done.customers_with_texts().set_index("customer_id").loc[rows[0]["customer_id"]]
    assert rows_of(frame) == [
        {
            "Customer": rows[0]["customer_id"],
            "Segment": wanted["cluster_name"],
            "Segment number": wanted["predicted_cluster_id"],
            "Days since last order": 1,
            "Frequency": 1,
            "Money": wanted["monetary"],
            "Interpretation": wanted["cluster_interpretation"],
            "Recommendations": wanted["cluster_recommendations"],
        }
    ]


def test_an_answer_without_customers_or_set_aside_lines_says_so(done: Classification, tmp_path: Path) -> None:
    from dataclasses import replace

    nothing = replace(
        done,
        customers=done.customers.iloc[:0],
        set_aside=done.set_aside.iloc[:0],
        segments=done.segments.assign(customers=0),
        accounting=pd.DataFrame(done.accounting.iloc[:0]),
    )
    page = drawn(answer(nothing, "light"))
    assert "No customer, so no segment." in page
    assert "Every line of the file was kept." in page
    assert texts(nothing) == {}
