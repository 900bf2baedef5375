"""CDNOW as a plain transaction file through the whole pipeline gives the published parameters.

Fader, Hardie and Lee, Marketing Science 24(2), 2005 (BG/NBD), and Fader and Hardie, 2013
(Gamma-Gamma): 2,357 customers, 1 January to 30 September 1997.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.ml.cdnow import cdnow_folder, cdnow_summary
from tests.orchestration.conftest import refresh
from tests.tiny_shop import deliver
from warehouse.home import Home


def refreshed(folder: Path, **settings: str) -> Home:
    """The 1/10 sample, all of its 18 months, seen as of 1 October 1997; free records count as purchases."""
    purchases = pd.read_csv(
        cdnow_folder() / "CDNOW_sample.txt",
        sep=r"\s+",
        header=None,
        names=["master", "customer", "date", "units", "amount"],
        dtype=str,
    )
    assert purchases["customer"].nunique() == 2_357
    lines = [
        f"{customer},{date[:4]}-{date[4:6]}-{date[6:]},{amount}\n"
        for customer, date, amount in zip(purchases["customer"], purchases["date"], purchases["amount"], strict=True)
    ]
    home = Home(folder / "home")
    deliver(home.landing, {"cdnow.csv": "Customer_ID,Transaction_Date,Amount\n" + "".join(lines)})
    with pytest.MonkeyPatch.context() as patch:
        for key, value in {"REQUIRE_POSITIVE_PRICE": "false", **settings}.items():
            patch.setenv(f"REGULARS_CLEANING__{key}", value)
        outcome = refresh(home, as_of="1997-10-01")
    assert outcome.succeeded, outcome.problems
    return home


@pytest.fixture(scope="module")
def cdnow_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """With equal lines counted once."""
    return refreshed(tmp_path_factory.mktemp("cdnow"), EXACT_DUPLICATES="drop")


@pytest.fixture(scope="module")
def undropped_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """As by default: a plain transaction file names no invoice, and two equal purchases of a day are two."""
    return refreshed(tmp_path_factory.mktemp("cdnow_all"))


def figures(home: Home, ask, algorithm: str) -> dict:
    rows = ask(
        home.published, "select figures from ml.model_runs where model = 'customer_value' and algorithm = ?", algorithm
    )
    return json.loads(rows[0][0])


def test_bg_nbd_finds_the_published_parameters(cdnow_home: Home, ask) -> None:
    found = figures(cdnow_home, ask, "bg_nbd")
    assert found["customers"] == 2_357
    assert (found["r"], found["a"], found["b"]) == pytest.approx((0.2426, 0.7929, 2.4258), abs=6e-4)
    # per day, where the paper counts in weeks
    assert found["alpha"] == pytest.approx(7 * 4.4135, rel=1e-3)


def test_gamma_gamma_finds_the_published_parameters(undropped_home: Home, ask) -> None:
    found = figures(undropped_home, ask, "gamma_gamma")
    assert found["customers"] == 946
    # the published fit is on means rounded to cents
    assert (found["p"], found["q"], found["v"]) == pytest.approx((6.249, 3.745, 15.448), rel=5e-4)
    purchases = figures(undropped_home, ask, "bg_nbd")
    assert (purchases["r"], purchases["a"], purchases["b"]) == pytest.approx((0.2426, 0.7929, 2.4258), abs=6e-4)


def test_dropped_duplicates_move_gamma_gamma_by_less_than_a_hundredth(cdnow_home: Home, ask) -> None:
    # nine of the purchases equal another of the same customer, day and amount
    dropped = "select row_count from marts.row_accounting where disposition = 'duplicate'"
    assert ask(cdnow_home.published, dropped)[0][0] >= 9
    found = figures(cdnow_home, ask, "gamma_gamma")
    assert (found["p"], found["q"], found["v"]) == pytest.approx((6.249, 3.745, 15.448), rel=0.01)


def test_the_fits_have_no_doubts(cdnow_home: Home, ask) -> None:
    told = ask(
        cdnow_home.published,
        "select warnings from ml.model_runs where model = 'customer_value' and algorithm in ('bg_nbd', 'gamma_gamma')",
    )
    warnings = " ".join(row[0] or "" for row in told)
    # what the hold-outs say of a winner may stand there too; what the fits say of themselves must not
    for doubt in ("Drop-out", "flat", "converge", "correlate", "guesses", "infinite"):
        assert doubt not in warnings


def test_histories_are_the_published_ones(cdnow_home: Home, ask) -> None:
    ours = ask(
        cdnow_home.published,
        """
        select repeat_purchase_days, round(days_to_last_purchase / 7.0, 2), round(observed_days / 7.0, 2)
        from ml.customer_clv
        """,
    )
    published = cdnow_summary()
    assert sorted(row[0] for row in ours) == sorted(published["x"])
    assert sorted(float(row[1]) for row in ours) == pytest.approx(sorted(published["t_x"]), abs=0.011)
    assert sorted(float(row[2]) for row in ours) == pytest.approx(sorted(published["T"]), abs=0.011)
