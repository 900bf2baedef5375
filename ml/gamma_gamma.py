"""Gamma-Gamma: what a customer's purchase is worth.

Belongs here: fitting the model to mean purchase values, the expected mean of each
customer, and what makes a fit doubtful. Does not belong here: how often customers buy
(:mod:`ml.bg_nbd`).

Source throughout: Fader and Hardie, "The Gamma-Gamma Model of Monetary Value", note 025,
2013 (FH below), after Fader, Hardie and Lee, RFM and CLV, Journal of Marketing Research
42(4), 2005. A customer's purchases are gamma distributed (shape p, rate nu), and nu over
customers is gamma distributed (shape q, rate gamma, which this project calls v).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_LOG_BOUND = 12.0
# p, q, v in units of the mean purchase
_STARTS = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5), (2.0, 10.0, 5.0))

# The model takes value and frequency for independent. CDNOW: 0.11. Beyond
# this, frequent buyers are worth visibly more (or less) a purchase than the model lets them be.
MAX_CORRELATION = 0.30
# Customers whose repeat purchases all came back are always counted; beyond this share they are warned of.
MAX_EXCLUDED_SHARE = 0.01
# Fewer customers don't carry three parameters.
MIN_CUSTOMERS = 50


@dataclass(frozen=True)
class GammaGammaModel:
    """A fitted Gamma-Gamma model.

    Attributes
    ----------
    p, q, v
        v in money.
    log_likelihood
        At the optimum; money in the shop's currency.
    correlation
        Pearson's, of repeat purchases and their mean value, over the customers fitted on; NaN
        where either does not vary.
    customers
        Fitted on: with a repeat purchase and a mean above zero.
    excluded_customers
        With a repeat purchase, but a mean of zero or less (given away or all returned).
    has_converged
        Whether the optimiser found a point from which nothing rises.
    warnings
        What makes the fit doubtful, one sentence each.
    """

    p: float
    q: float
    v: float
    log_likelihood: float
    correlation: float
    customers: int
    excluded_customers: int
    has_converged: bool
    warnings: tuple[str, ...]

    @property
    def population_mean(self) -> float:
        """Mean purchase value over customers, p v / (q - 1); infinite where q <= 1.

        A customer's mean is p / nu, and 1 / nu has the mean v / (q - 1).
        """
        return self.p * self.v / (self.q - 1) if self.q > 1 else float("inf")

    def expected_value(self, purchases: FloatArray, mean_value: FloatArray) -> FloatArray:
        """Mean purchase value to expect of each customer (FH equation 5).

        A weighted mean of the customer's own and the population's, the more of the former the
        more purchases there are. Without a purchase it is the population mean.

        Parameters
        ----------
        purchases : array of shape (n,)
            Purchases that ``mean_value`` is the mean of; 0 where there is none.
        mean_value : array of shape (n,)
            Money; ignored (may be NaN) where ``purchases`` is 0. A mean below zero, which the
            model does not know, counts as zero.

        Returns
        -------
        array of shape (n,), money, above zero; infinite where it takes a population mean that is

        Raises
        ------
        ValueError
            If a customer with purchases has no mean.
        """
        x = np.asarray(purchases, dtype=float)
        mean = np.where(x > 0, np.asarray(mean_value, dtype=float), 0.0)
        if not np.isfinite(mean).all():
            raise ValueError("a customer with purchases has no finite mean value")
        mean = np.maximum(mean, 0.0)
        denominator = self.p * x + self.q - 1
        with np.errstate(divide="ignore"):
            return np.where(denominator > 0, self.p * (self.v + x * mean) / denominator, np.inf)


def fit_gamma_gamma(purchases: FloatArray, mean_value: FloatArray) -> GammaGammaModel:
    """Fit Gamma-Gamma by maximum likelihood (FH equation 1a).

    Parameters
    ----------
    purchases : array of shape (n,)
        Repeat purchases. Customers with none are left out.
    mean_value : array of shape (n,)
        Mean value of those purchases, money. Customers whose mean is zero or less are left
        out and counted.

    Returns
    -------
    GammaGammaModel
        Also when the fit is doubtful: its ``warnings`` then say why.

    Raises
    ------
    ValueError
        If fewer than two customers are left, or a mean is missing.
    """
    from scipy.optimize import minimize

    x, mean = np.asarray(purchases, dtype=float), np.asarray(mean_value, dtype=float)
    x, mean = x[x > 0], mean[x > 0]
    if not np.isfinite(mean).all():
        raise ValueError("a customer with purchases has no finite mean value")
    excluded = int((mean <= 0).sum())
    x, mean = x[mean > 0], mean[mean > 0]
    if len(x) < 2:
        raise ValueError("Gamma-Gamma needs two customers with a repeat purchase above zero")
    order = np.lexsort((mean, x))
    x, mean = x[order], mean[order]
    scale = float(np.exp(np.log(mean).mean()))
    counts, position = np.unique(x, return_inverse=True)
    log_mean, log_sum, total = np.log(mean / scale), np.log(x * mean / scale), x * mean / scale

    def objective(logs: FloatArray) -> tuple[float, FloatArray]:
        from scipy.special import digamma, gammaln

        p, q, v = np.exp(logs)
        by_count = gammaln(p * counts + q) - gammaln(p * counts) - gammaln(q) + q * logs[2]
        # log(1 + v / sum) rather than a difference of two nearly equal logarithms
        log_both = np.log(total + v)
        value = by_count[position] + p * x * (log_sum - log_both) - q * log_both - log_mean
        psi = digamma(p * counts + q)
        in_p = (counts * (psi - digamma(p * counts)))[position] + x * (log_sum - log_both)
        in_q = (psi - digamma(q) + logs[2])[position] - log_both
        in_v = q / v - (p * x + q) / (total + v)
        return -float(value.mean()), -np.array([p * in_p.mean(), q * in_q.mean(), v * in_v.mean()])

    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 3
    options = {"maxiter": 2_000, "maxfun": 4_000, "ftol": 1e-14, "gtol": 1e-9}
    best = min(
        (
            minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
            for start in _STARTS
        ),
        key=lambda one: float(one.fun),
    )
    p, q, v = np.exp(best.x)
    is_inside = bool((np.abs(best.x) < _LOG_BOUND - 1e-6).all())
    has_converged = is_inside and bool(np.abs(objective(best.x)[1]).max() < 1e-5)
    correlation = _correlation(x, mean)
    warnings: list[str] = []
    if len(x) < MIN_CUSTOMERS:
        warnings.append(
            f"Gamma-Gamma rests on {len(x)} customers with a repeat purchase; below {MIN_CUSTOMERS} "
            "its parameters are guesses."
        )
    if not has_converged:
        warnings.append("Gamma-Gamma did not converge: a parameter runs off.")
    if q <= 1:
        warnings.append("The population mean of Gamma-Gamma is infinite (q at most 1).")
    if abs(correlation) > MAX_CORRELATION:
        warnings.append(
            f"Purchase value and frequency correlate ({correlation:+.2f}); Gamma-Gamma takes them for independent."
        )
    if excluded > MAX_EXCLUDED_SHARE * (len(x) + excluded):
        warnings.append(
            f"{f'{excluded:,} customers' if excluded > 1 else 'One customer'} with repeat purchases of zero or less, "
            f"net of returns, {'were' if excluded > 1 else 'was'} left out of Gamma-Gamma."
        )
    return GammaGammaModel(
        p=float(p),
        q=float(q),
        v=float(v * scale),
        log_likelihood=float((-best.fun - np.log(scale)) * len(x)),
        correlation=correlation,
        customers=len(x),
        excluded_customers=excluded,
        has_converged=has_converged,
        warnings=tuple(warnings),
    )


def _correlation(x: FloatArray, mean: FloatArray) -> float:
    if np.ptp(x) == 0 or np.ptp(mean) == 0:
        return float("nan")
    return float(pd.Series(x).corr(pd.Series(mean)))
