"""Gamma-Gamma against the published parameters and lifetimes, and on odd money."""

from __future__ import annotations

import numpy as np
import pytest
from lifetimes import GammaGammaFitter

from ml.gamma_gamma import GammaGammaModel, fit_gamma_gamma
from tests.ml.cdnow import cdnow_summary


@pytest.fixture(scope="module")
def cdnow() -> tuple[np.ndarray, np.ndarray]:
    summary = cdnow_summary()
    return summary["x"].to_numpy(float), summary["zbar"].to_numpy(float)


@pytest.fixture(scope="module")
def fitted(cdnow: tuple[np.ndarray, np.ndarray]) -> GammaGammaModel:
    return fit_gamma_gamma(*cdnow)


def test_cdnow_gives_the_published_parameters(fitted: GammaGammaModel) -> None:
    # Fader and Hardie 2013, section 4
    assert (fitted.p, fitted.q, fitted.v) == pytest.approx((6.249, 3.745, 15.448), abs=6e-4)
    assert (fitted.customers, fitted.excluded_customers) == (946, 0)
    assert fitted.has_converged
    assert fitted.warnings == ()


def test_correlation_is_reported(fitted: GammaGammaModel) -> None:
    summary = cdnow_summary().query("x > 0")
    assert fitted.correlation == pytest.approx(np.corrcoef(summary["x"], summary["zbar"])[0, 1])
    assert fitted.correlation == pytest.approx(0.11, abs=0.005)


def test_agrees_with_lifetimes_customer_by_customer(
    cdnow: tuple[np.ndarray, np.ndarray], fitted: GammaGammaModel
) -> None:
    x, mean = cdnow
    repeated = x > 0
    reference = GammaGammaFitter()
    reference.fit(x[repeated], mean[repeated])
    expected = np.asarray(reference.conditional_expected_average_profit(x, mean))
    assert fitted.expected_value(x, mean) == pytest.approx(expected, rel=1e-4)


def test_without_a_repeat_purchase_it_is_the_population_mean(fitted: GammaGammaModel) -> None:
    # p v / (q - 1) = 6.249 * 15.448 / 2.745
    assert fitted.expected_value(np.zeros(1), np.array([np.nan]))[0] == pytest.approx(35.17, abs=0.01)
    assert fitted.population_mean == pytest.approx(35.17, abs=0.01)


def test_money_of_zero_or_less_is_left_out_and_counted(
    cdnow: tuple[np.ndarray, np.ndarray], fitted: GammaGammaModel
) -> None:
    x, mean = (np.append(one, odd) for one, odd in zip(cdnow, ([2.0, 1.0], [0.0, -12.5]), strict=True))
    again = fit_gamma_gamma(x, mean)
    assert (again.p, again.q, again.v) == (fitted.p, fitted.q, fitted.v)
    assert again.excluded_customers == 2
    assert again.warnings == ()
    # they are still valued, as if their purchases had been worth nothing: p v / (p x + q - 1)
    assert again.expected_value(np.array([1.0]), np.array([-12.5]))[0] == pytest.approx(
        6.249 * 15.448 / (6.249 + 2.745), abs=0.01
    )


def test_much_money_of_zero_is_warned_of(cdnow: tuple[np.ndarray, np.ndarray]) -> None:
    x, mean = (np.append(one, np.full(20, odd)) for one, odd in zip(cdnow, (2.0, 0.0), strict=True))
    assert any("20 customers" in one for one in fit_gamma_gamma(x, mean).warnings)


def test_the_currency_changes_v_alone(cdnow: tuple[np.ndarray, np.ndarray], fitted: GammaGammaModel) -> None:
    x, mean = cdnow
    in_pence = fit_gamma_gamma(x, 100 * mean)
    assert (in_pence.p, in_pence.q, in_pence.v / 100) == pytest.approx((fitted.p, fitted.q, fitted.v), rel=1e-5)


def test_value_that_goes_with_frequency_is_warned_of(cdnow: tuple[np.ndarray, np.ndarray]) -> None:
    x, mean = cdnow
    assert any("correlate" in one for one in fit_gamma_gamma(x, mean * (1 + x)).warnings)


def test_row_order_changes_nothing(cdnow: tuple[np.ndarray, np.ndarray], fitted: GammaGammaModel) -> None:
    order = np.random.default_rng(3).permutation(len(cdnow[0]))
    assert fit_gamma_gamma(*(one[order] for one in cdnow)) == fitted


def test_too_few_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="two customers"):
        fit_gamma_gamma(np.array([1.0, 0.0, 2.0]), np.array([5.0, np.nan, 0.0]))
