"""How long a hold-out is, the figures of one, and the rule that names a winner."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.value_competitors import BG_NBD, BOOSTING, SEASONAL
from ml.value_holdouts import (
    choose_winner,
    holdout_origins,
    holdout_periods,
    rank_correlation,
    top_decile_capture_pct,
)
from ml.value_panel import CustomerPanel, customer_panel
from tests.ml.panels import daily, panel, shop


@pytest.mark.parametrize(
    ("history_days", "horizon_days", "periods"),
    [
        (374, 180, 3),
        (730, 180, 6),
        (720, 180, 6),
        (719, 180, 5),
        (119, 180, 0),
        (120, 180, 1),
        (730, 10, 1),
        (5, 180, 0),
    ],
)
def test_a_holdout_takes_a_quarter_of_the_history_at_most(history_days: int, horizon_days: int, periods: int) -> None:
    assert holdout_periods(history_days, horizon_days) == periods


def made(days: int) -> CustomerPanel:
    purchases = shop(customers=100, days=days)
    return customer_panel(panel(purchases), daily(purchases))


def test_holdouts_from_before_there_was_a_season_are_left_out_once_three_know_one() -> None:
    # hold-outs of 60 days, from 420 and 390 days after the first: two with a year, so all six are taken
    assert holdout_origins(made(480), 2) == [2, 3, 4, 5, 6, 7]
    # from 450, 420 and 390 days after
    assert holdout_origins(made(510), 2) == [2, 3, 4]


def errors(**models: list[tuple[float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"cutoff_date": place, "model": model, "mae_value": value, "total_error_pct": total, "spearman": order}
            for model, rows in models.items()
            for place, (value, total, order) in enumerate(rows)
        ]
    )


def test_the_best_mean_rank_wins() -> None:
    # ranks by value, total, order: boosting 1, 2, 1; BG/NBD 2, 1, 2
    given = errors(
        bg_nbd_gamma_gamma=[(2.0, 5.0, 0.4), (2.0, -5.0, 0.4)],
        gradient_boosting=[(1.0, -6.0, 0.5), (1.0, 6.0, 0.5)],
    )
    assert choose_winner(given) == BOOSTING


def test_of_equals_the_simpler_wins() -> None:
    same = [(1.0, 5.0, 0.5), (1.0, 5.0, 0.5)]
    assert choose_winner(errors(gradient_boosting=same, past_spend=same, bg_nbd_gamma_gamma=same)) == BG_NBD


def test_a_forecast_that_orders_nobody_comes_last_in_order() -> None:
    given = errors(zero=[(1.0, -100.0, np.nan)], same_rate=[(1.0, 50.0, -0.1)])
    assert choose_winner(given) == "same_rate"


def test_models_compete_on_shared_holdouts_only() -> None:
    # boosting is missing on the hold-out that nobody could have got right
    given = errors(
        bg_nbd_gamma_gamma=[(2.0, 2.0, 0.4), (2.0, 2.0, 0.4), (99.0, 99.0, 0.0)],
        gradient_boosting=[(3.0, 3.0, 0.3), (3.0, 3.0, 0.3)],
    )
    assert choose_winner(given) == BG_NBD


def test_a_model_of_few_holdouts_does_not_narrow_the_judgement_to_them() -> None:
    # the seasonal clock, best by far, could be tried on two of five: the others are judged on all five
    given = errors(
        bg_nbd_seasonal_clock=[(0.1, 0.1, 0.9)] * 2,
        past_spend=[(1.0, 1.0, 0.8)] * 2 + [(9.0, 9.0, 0.1)] * 3,
        bg_nbd_gamma_gamma=[(2.0, 2.0, 0.5)] * 5,
    )
    assert choose_winner(given) == BG_NBD
    # on three of five it competes, and wins on those
    given = errors(bg_nbd_seasonal_clock=[(0.1, 0.1, 0.9)] * 3, bg_nbd_gamma_gamma=[(2.0, 2.0, 0.5)] * 5)
    assert choose_winner(given) == SEASONAL


def test_a_baseline_wins_where_nothing_beats_it() -> None:
    given = errors(past_spend=[(1.0, 1.0, 0.9)], bg_nbd_gamma_gamma=[(2.0, 2.0, 0.5)])
    assert choose_winner(given) == "past_spend"


def test_top_decile_capture_by_hand() -> None:
    came = np.array([50.0, 10.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0, 20.0, -7.0])
    assert top_decile_capture_pct(np.arange(10.0, 0, -1), came) == pytest.approx(50.0)
    # all alike: a tenth of the customers brings a tenth, whoever stands first
    assert top_decile_capture_pct(np.ones(10), came) == pytest.approx(10.0)


def test_rank_correlation_by_hand() -> None:
    # ranks 1 2 3 4 against 1 3 2 4: 1 - 6 * 2 / (4 * 15)
    assert rank_correlation(np.array([1.0, 2, 3, 4]), np.array([10.0, 30, 20, 40])) == pytest.approx(0.8)
    assert np.isnan(rank_correlation(np.zeros(3), np.arange(3.0)))


def test_a_winner_needs_a_holdout() -> None:
    with pytest.raises(ValueError, match="no hold-out"):
        choose_winner(errors(bg_nbd_gamma_gamma=[]))
