"""Exports of shop systems as uploads, by snapshots that never saw one of theirs."""

from pathlib import Path

import pytest

from serving.classify.limits import UploadLimits
from serving.classify.results import Classification, rows_of
from serving.classify.service import Classifier
from tests.serving.shop_of_exports import SAMPLES
from warehouse.formats import export_formats
from warehouse.home import Home


def classified(home: Home, system: str) -> Classification:
    (path,) = (SAMPLES / system).glob("export.*")
    return Classifier(home, UploadLimits(seconds=300)).classify_path(path)


def customers(done: Classification) -> list[tuple[float, int, int]]:
    """Money, orders and days since the last of them, of each customer."""
    return sorted((row["monetary"], row["frequency"], row["recency_days"]) for row in rows_of(done.customers))


def dispositions(done: Classification) -> dict[str, tuple[int, float]]:
    return {
        row["disposition"]: (row["row_count"], float(row["gross_amount"]))
        for row in rows_of(done.accounting)
        if row["row_count"]
    }


def test_shopify(published_small: Home) -> None:
    done = classified(published_small, "shopify_orders")
    # c bought and returned a bowl on the last day, b 45.00 two days before, a 18.00 and 27.00 three days before
    assert customers(done) == [(0.0, 1, 1), (45.0, 1, 3), (45.0, 1, 4)]
    assert dispositions(done) == {"non_product": (1, 2.0), "return": (1, -12.0), "sale": (4, 102.0)}
    # the refund stands in the row of its sale
    assert (done.delivered_lines, done.derived_lines, done.kept_lines, len(done.set_aside)) == (5, 1, 5, 1)
    assert "The export does not say when a refund was made; it counts on the day of the order." in done.notes


def test_ebay(published_small: Home) -> None:
    done = classified(published_small, "ebay_orders")
    # fox_fan 3 × 10.00; owl_fan 5.00 and 2 × 10.00
    assert customers(done) == [(25.0, 1, 1), (30.0, 1, 1)]
    assert dispositions(done) == {"summary": (1, 0.0), "not_a_sale": (1, 20.0), "sale": (3, 55.0)}
    assert any(note.startswith("The export names no refunds") for note in done.notes)


def test_amazon(published_small: Home) -> None:
    done = classified(published_small, "amazon_orders")
    assert customers(done) == []
    assert dispositions(done) == {"not_a_sale": (3, 0.0), "sale": (2, 51.0)}
    assert done.anonymous_lines == 2
    assert any(note.startswith("The export does not name customers") for note in done.notes)


def test_a_shop_of_other_exports_reads_one_that_it_has_no_file_of(home_of_exports: Home) -> None:
    done = classified(home_of_exports, "ebay_orders")
    assert customers(done) == [(25.0, 1, 1), (30.0, 1, 1)]


@pytest.mark.parametrize("system", sorted(export_formats()))
def test_every_format_is_in_the_recipe(published_small: Home, system: str, tmp_path: Path) -> None:
    done = classified(published_small, system)
    assert sum(rows for rows, _ in dispositions(done).values()) == done.delivered_lines + done.derived_lines > 0
