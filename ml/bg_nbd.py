"""BG/NBD: how often customers come back, and whether they still do.

Belongs here: fitting the model to purchase histories, the probability that a customer is
still active, purchases to expect, and what makes a fit doubtful. Does not belong here:
money (:mod:`ml.gamma_gamma`), comparison with other models (:mod:`ml.value_holdouts`).

Source throughout: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way: An
Alternative to the Pareto/NBD Model, Marketing Science 24(2), 2005, cited as FHL. While
active, a customer buys at a rate that is gamma distributed over customers (shape r, rate
alpha); after each purchase the customer drops out with a probability that is beta
distributed (a, b).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Logarithms of parameters are searched within these bounds, time being measured in units of
# its mean: a parameter of e±12 is out of all reason, and reaching it is reported.
_LOG_BOUND = 12.0
# r, alpha, a, b (alpha in units of mean T): even, frequent and rare buyers, strong and weak drop-out.
_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.25, 0.2, 0.8, 2.5), (1.0, 0.5, 0.05, 2.0), (2.0, 1.0, 0.5, 5.0))
# Gauss-Jacobi nodes. Against 400 of them on CDNOW: 13 digits up to a horizon of ten times the
# observation, six at fifty times.
_NODES = 64
# Customer-node pairs at once: 32 MB a work array.
_BLOCK = 4_000_000

# Drop-out has to be worth this much log-likelihood over plain NBD (which has none) before it is
# believed. Twice 3.0 is 6.0, the 95 % point of chi-squared with the two parameters more. CDNOW: 181.
MIN_DROPOUT_GAIN = 3.0
# Where almost nobody is thought to have left, the probability says nothing about anybody. On the
# real data 99 % of repeat buyers get 0.99 or more; on CDNOW none does.
NEARLY_SURELY_ALIVE = 0.99
MAX_SHARE_SURELY_ALIVE = 0.90
# A standard error of the logarithm beyond this means a factor of e either way: not determined.
MAX_LOG_STANDARD_ERROR = 1.0
# Fewer repeat buyers don't carry four parameters.
MIN_REPEAT_BUYERS = 50


@dataclass(frozen=True)
class BgNbdModel:
    """A fitted BG/NBD model.

    Attributes
    ----------
    r, alpha
        Shape and rate (days) of the gamma distribution of purchase rates; the mean rate is
        ``r / alpha`` purchases a day.
    a, b
        Of the beta distribution of drop-out after a purchase; the mean is ``a / (a + b)``.
    log_likelihood
        At the optimum, time in days. In units of u days it is higher by ``sum(x) * log(u)``.
    nbd_log_likelihood
        Of the best model without any drop-out, on the same data.
    log_standard_errors
        Of the logarithms of r, alpha, a, b, from the curvature at the optimum; infinite where
        it is flat.
    customers, repeat_buyers
        Fitted on; of those, with a repeat purchase.
    has_converged
        Whether the optimiser says so.
    tells_dropout
        Whether drop-out can be told from the histories. Where not, :meth:`p_alive` says nothing
        about who left.
    warnings
        What makes the fit doubtful, one sentence each; empty for a sound fit.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    nbd_log_likelihood: float
    log_standard_errors: tuple[float, float, float, float]
    customers: int
    repeat_buyers: int
    has_converged: bool
    tells_dropout: bool
    warnings: tuple[str, ...]

    def p_alive(
        self, repeat_purchases: FloatArray, last_purchase_time: FloatArray, observed_time: FloatArray
    ) -> FloatArray:
        """Probability that a customer is still active at the end of observation.

        Derived in Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD Model", note 021,
        2008: the likelihood is the sum of that of a customer still active and that of one who
        left after the last purchase, and this is the share of the first. In this model
        customers drop out only right after a repeat purchase: **a one-time buyer is alive with
        probability 1**, however long ago that was. It says nothing about them.

        Parameters
        ----------
        repeat_purchases, last_purchase_time, observed_time : arrays of shape (n,)
            As in :func:`fit_bg_nbd`.

        Returns
        -------
        array of shape (n,), each in [0, 1]
        """
        x, t_x, t_all = _checked(repeat_purchases, last_purchase_time, observed_time)
        # log of the odds of having left; b + x - 1 > 0 wherever x >= 1
        with np.errstate(divide="ignore"):
            log_odds = (
                np.log(self.a)
                - np.log(np.where(x > 0, self.b + x - 1, 1.0))
                + (self.r + x) * (np.log(self.alpha + t_all) - np.log(self.alpha + t_x))
            )
        return np.where(x > 0, np.exp(-np.logaddexp(0.0, log_odds)), 1.0)

    def expected_purchases(
        self,
        repeat_purchases: FloatArray,
        last_purchase_time: FloatArray,
        observed_time: FloatArray,
        *,
        horizon: float,
    ) -> FloatArray:
        """Purchases to expect of each customer in the ``horizon`` days after observation.

        FHL equation 10, computed another way. Given that a customer is alive, rate and drop-out
        are gamma (r + x, alpha + T) and beta (a, b + x), and the expectation over the rate is
        ``(1 - (1 + p t / (alpha + T)) ** -(r + x)) / p``. Its mean over the beta distribution
        is taken by Gauss-Jacobi quadrature (Golub and Welsch, Mathematics of Computation
        23(106), 1969). All terms are positive, where equation 10 takes the difference of two
        large numbers divided by a - 1, and loses all digits near a = 1 or for large b.

        Parameters
        ----------
        repeat_purchases, last_purchase_time, observed_time : arrays of shape (n,)
            As in :func:`fit_bg_nbd`.
        horizon
            Days, not negative.

        Returns
        -------
        array of shape (n,), not negative

        Raises
        ------
        ValueError
            If the horizon is negative, or a history is impossible.
        """
        if horizon < 0:
            raise ValueError(f"horizon is {horizon}; it can't be negative")
        x, t_x, t_all = _checked(repeat_purchases, last_purchase_time, observed_time)
        while_alive = np.empty_like(x)
        scaled = horizon / (self.alpha + t_all)
        order = np.argsort(x, kind="stable")
        counts, begins = np.unique(x[order], return_index=True)
        for count, begin, end in zip(counts, begins, [*begins[1:], len(x)], strict=True):
            nodes, weights = _beta_nodes(self.a, self.b + count)
            step = max(1, _BLOCK // _NODES)
            for at in range(begin, end, step):
                rows = order[at : min(at + step, end)]
                bought = -np.expm1(-(self.r + count) * np.log1p(np.outer(scaled[rows], nodes)))
                while_alive[rows] = (bought / nodes) @ weights
        return self.p_alive(x, t_x, t_all) * while_alive

    def expected_purchases_of_a_new_customer(self, days: float) -> float:
        """Repeat purchases to expect of a new customer within this many days (FHL equation 9)."""
        nothing = np.zeros(1)
        return float(self.expected_purchases(nothing, nothing, nothing, horizon=days)[0])

    def repeat_purchases_by_age(self, days: int) -> FloatArray:
        """Repeat purchases to expect of a new customer on each day after the first, shape (days,); 0 on the first."""
        nodes, weights = _beta_nodes(self.a, self.b)
        until = np.outer(np.arange(days, dtype=float) / self.alpha, nodes)
        return np.diff((-np.expm1(-self.r * np.log1p(until)) / nodes) @ weights, prepend=0.0)


def fit_bg_nbd(
    repeat_purchases: FloatArray,
    last_purchase_time: FloatArray,
    observed_time: FloatArray,
    weights: FloatArray | None = None,
    near: BgNbdModel | None = None,
) -> BgNbdModel:
    """Fit BG/NBD by maximum likelihood.

    The likelihood (in FHL that of a randomly chosen customer) is summed over distinct histories
    with their counts, so time grows with the distinct ones, and maximised over the logarithms of
    the parameters from a few fixed starts (L-BFGS-B, exact gradient). Time is divided by its
    mean first.

    Parameters
    ----------
    repeat_purchases : array of shape (n,)
        x: purchases after the first, whole numbers, not negative.
    last_purchase_time : array of shape (n,)
        t_x: days from the first to the last purchase; 0 where there is no repeat.
    observed_time : array of shape (n,)
        T: days from the first purchase to the end of observation; at least t_x.
    weights : array of shape (n,), optional
        How many customers have this history; by default 1.
    near : BgNbdModel, optional
        A fit to the same customers on another clock: the search begins there alone, in a quarter
        of the time.

    Returns
    -------
    BgNbdModel
        Also when the fit is doubtful: its ``warnings`` then say why.

    Raises
    ------
    ValueError
        If there is no customer, nobody has a repeat purchase, or a history is impossible.
    """
    from scipy.optimize import minimize

    x, t_x, t_all = _checked(repeat_purchases, last_purchase_time, observed_time)
    if not len(x):
        raise ValueError("there is no customer to fit BG/NBD on")
    distinct = pd.DataFrame({"x": x, "t_x": t_x, "t": t_all, "n": np.ones_like(x) if weights is None else weights})
    # grouping sorts: the result does not depend on the order of the rows
    distinct = distinct.groupby(["x", "t_x", "t"])["n"].sum().reset_index()
    x, t_x, t_all, n = (distinct[name].to_numpy(dtype=float) for name in ("x", "t_x", "t", "n"))
    repeat_buyers = int(n[x > 0].sum())
    if not repeat_buyers:
        raise ValueError("nobody bought a second time, so BG/NBD has nothing to learn from")

    scale = float((n * t_all).sum() / n.sum()) or 1.0
    objective = _Objective(x, t_x / scale, t_all / scale, n)
    starts = _STARTS if near is None else ((near.r, near.alpha / scale, near.a, near.b),)
    bounds = [(-_LOG_BOUND, _LOG_BOUND)] * 4
    options = {"maxiter": 2_000, "maxfun": 4_000, "ftol": 1e-14, "gtol": 1e-9}
    tries = [
        minimize(objective, np.log(start), jac=True, method="L-BFGS-B", bounds=bounds, options=options)
        for start in starts
    ]
    best = min(tries, key=lambda one: float(one.fun))
    nbd = minimize(
        objective.without_dropout, best.x[:2], jac=True, method="L-BFGS-B", bounds=bounds[:2], options=options
    )
    errors = _standard_errors(objective, best.x)
    in_days = -float((n * x).sum()) * np.log(scale)
    r, alpha, a, b = np.exp(best.x)
    fitted = BgNbdModel(
        r=float(r),
        alpha=float(alpha * scale),
        a=float(a),
        b=float(b),
        log_likelihood=float(-best.fun * objective.total + in_days),
        nbd_log_likelihood=float(-nbd.fun * objective.total + in_days),
        log_standard_errors=errors,
        customers=int(n.sum()),
        repeat_buyers=repeat_buyers,
        # At a tolerance this small the line search may end for want of digits: what counts is
        # that no direction inside the bounds goes up any more.
        has_converged=_is_flat(objective, best.x),
        tells_dropout=False,
        warnings=(),
    )
    alive = fitted.p_alive(x, t_x * 1.0, t_all)[x > 0]
    surely_alive = float(n[x > 0][alive >= NEARLY_SURELY_ALIVE].sum() / repeat_buyers)
    return _with_warnings(fitted, surely_alive)


def _with_warnings(model: BgNbdModel, share_surely_alive: float) -> BgNbdModel:
    from dataclasses import replace

    found: list[str] = []
    if model.repeat_buyers < MIN_REPEAT_BUYERS:
        found.append(
            f"BG/NBD rests on {model.repeat_buyers} customer{'' if model.repeat_buyers == 1 else 's'} with a repeat "
            f"purchase; below {MIN_REPEAT_BUYERS} "
            "its parameters are guesses."
        )
    if not model.has_converged:
        found.append("BG/NBD did not converge: the likelihood still rises from the best parameters found.")
    gain = model.log_likelihood - model.nbd_log_likelihood
    mean_dropout = model.a / (model.a + model.b)
    why: list[str] = []
    if gain < MIN_DROPOUT_GAIN:
        why.append(
            f"a model without drop-out fits it as well (log-likelihood {max(gain, 0):.1f} lower, mean drop-out after a "
            f"purchase {mean_dropout:.2g})"
        )
    if share_surely_alive > MAX_SHARE_SURELY_ALIVE:
        why.append(
            f"the probability of being alive is at least {NEARLY_SURELY_ALIVE:.2f} for {share_surely_alive:.0%} of "
            "repeat buyers"
        )
    tells_dropout = not why
    if why:
        found.append(
            f"Drop-out can't be told from this history: {', and '.join(why)}. p_alive would say nothing about who "
            "left, and is not published."
        )
    undetermined = [
        name
        for name, error in zip(("r", "alpha", "a", "b"), model.log_standard_errors, strict=True)
        if not error <= MAX_LOG_STANDARD_ERROR
    ]
    if undetermined:
        found.append(
            f"The likelihood of BG/NBD is flat in {', '.join(undetermined)}: "
            "values far from the best fit nearly as well."
        )
    is_sound = model.has_converged and model.repeat_buyers >= MIN_REPEAT_BUYERS
    return replace(model, tells_dropout=tells_dropout and is_sound, warnings=tuple(found))


class _Objective:
    """Mean negative log-likelihood and its gradient, over the logarithms of the parameters."""

    def __init__(self, x: FloatArray, t_x: FloatArray, t_all: FloatArray, n: FloatArray) -> None:
        self.x, self.t_x, self.t_all = x, t_x, t_all
        self.total = float(n.sum())
        self.share = n / self.total
        self.repeats = x > 0
        # gamma functions depend on x alone, of which there are few values
        self.counts, self.position = np.unique(x, return_inverse=True)

    def __call__(self, logs: FloatArray) -> tuple[float, FloatArray]:
        from scipy.special import digamma, gammaln

        r, alpha, a, b = np.exp(logs)
        counts, at, rx = self.counts, self.position, r + self.x
        by_count = (
            gammaln(r + counts)
            - gammaln(r)
            + r * logs[1]
            + gammaln(a + b)
            + gammaln(b + counts)
            - gammaln(b)
            - gammaln(a + b + counts)
        )
        log_end, log_last = np.log(alpha + self.t_all), np.log(alpha + self.t_x)
        stayed = -rx * log_end
        b_left = np.where(self.repeats, b + self.x - 1, 1.0)
        left = np.where(self.repeats, logs[2] - np.log(b_left) - rx * log_last, -np.inf)
        either = np.logaddexp(stayed, left)
        p_left = np.exp(left - either)
        p_stayed = 1.0 - p_left
        value = float(self.share @ (by_count[at] + either))
        psi_ab = digamma(a + b) - digamma(a + b + counts)
        in_r = (digamma(r + counts) - digamma(r) + logs[1])[at] - p_stayed * log_end - p_left * log_last
        in_alpha = r / alpha - rx * (p_stayed / (alpha + self.t_all) + p_left / (alpha + self.t_x))
        in_a = psi_ab[at] + p_left / a
        in_b = (psi_ab + digamma(b + counts) - digamma(b))[at] - np.where(self.repeats, p_left / b_left, 0.0)
        gradient = np.array([self.share @ one for one in (in_r, in_alpha, in_a, in_b)]) * (r, alpha, a, b)
        return -value, -gradient

    def without_dropout(self, logs: FloatArray) -> tuple[float, FloatArray]:
        """The same of NBD, which is what is left as a goes to zero."""
        from scipy.special import digamma, gammaln

        r, alpha = np.exp(logs)
        rx = r + self.x
        by_count = gammaln(r + self.counts) - gammaln(r) + r * logs[1]
        log_end = np.log(alpha + self.t_all)
        value = float(self.share @ (by_count[self.position] - rx * log_end))
        in_r = (digamma(r + self.counts) - digamma(r) + logs[1])[self.position] - log_end
        in_alpha = r / alpha - rx / (alpha + self.t_all)
        return -value, -np.array([r * (self.share @ in_r), alpha * (self.share @ in_alpha)])


def _is_flat(objective: _Objective, logs: FloatArray) -> bool:
    _, gradient = objective(logs)
    at_low, at_high = logs <= -_LOG_BOUND + 1e-9, logs >= _LOG_BOUND - 1e-9
    # at a bound only the way back inside counts
    rising = np.where(at_low, np.minimum(gradient, 0.0), np.where(at_high, np.maximum(gradient, 0.0), gradient))
    return bool(np.abs(rising).max() < 1e-5)


def _standard_errors(objective: _Objective, logs: FloatArray) -> tuple[float, float, float, float]:
    step = 1e-4
    curvature = np.empty((4, 4))
    for one in range(4):
        shift = np.zeros(4)
        shift[one] = step
        curvature[one] = (objective(logs + shift)[1] - objective(logs - shift)[1]) / (2 * step) * objective.total
    curvature = (curvature + curvature.T) / 2
    values, vectors = np.linalg.eigh(curvature)
    # below this a curvature is rounding, and a parameter is undetermined that shares in its direction
    is_flat = values < 1e-4
    variances = (vectors[:, ~is_flat] ** 2) @ (1.0 / values[~is_flat])
    variances[(vectors[:, is_flat] ** 2).sum(axis=1) > 1e-4] = np.inf
    errors = np.sqrt(variances)
    return (float(errors[0]), float(errors[1]), float(errors[2]), float(errors[3]))


def _beta_nodes(a: float, b: float) -> tuple[FloatArray, FloatArray]:
    """Points in (0, 1) and weights (sum 1) that integrate over a beta distribution.

    From the eigenvalues of the Jacobi matrix (Golub and Welsch 1969), which takes parameters of
    any size, unlike weights made of gamma functions.
    """
    from scipy.linalg import eigh_tridiagonal

    # Jacobi polynomials on (-1, 1) with weight (1 - y)^p (1 + y)^q, y = 2 u - 1
    p, q = b - 1.0, a - 1.0
    k = np.arange(_NODES, dtype=float)
    both = 2 * k + p + q
    with np.errstate(divide="ignore", invalid="ignore"):
        diagonal = (q * q - p * p) / (both * (both + 2))
    diagonal[0] = (q - p) / (p + q + 2)
    k, both = k[1:], both[1:]
    squares = 4 * k * (k + p) * (k + q) * (k + p + q) / (both**2 * (both + 1) * (both - 1))
    squares[0] = 4 * (1 + p) * (1 + q) / ((2 + p + q) ** 2 * (3 + p + q))
    values, vectors = eigh_tridiagonal(diagonal, np.sqrt(squares))
    # a node that rounding puts on or below zero would be divided by
    return np.clip((values + 1) / 2, 1e-15, 1.0), vectors[0] ** 2


def _checked(
    repeat_purchases: FloatArray | Sequence[float],
    last_purchase_time: FloatArray | Sequence[float],
    observed_time: FloatArray | Sequence[float],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    x, t_x, t_all = (np.asarray(one, dtype=float) for one in (repeat_purchases, last_purchase_time, observed_time))
    if not x.shape == t_x.shape == t_all.shape or x.ndim != 1:
        raise ValueError("repeat purchases and times must be three arrays of one length")
    if not (np.isfinite(x).all() and np.isfinite(t_x).all() and np.isfinite(t_all).all()):
        raise ValueError("repeat purchases and times must be finite")
    if (x < 0).any() or (t_x < 0).any() or (t_x > t_all).any() or (x != np.floor(x)).any():
        raise ValueError("x must be a whole number from 0, and 0 <= t_x <= T")
    if ((x > 0) & (t_x == 0)).any():
        raise ValueError("a repeat purchase at the time of the first one: count purchase days, not purchases")
    if ((x == 0) & (t_x > 0)).any():
        raise ValueError("a last purchase after the first one, but no repeat purchase")
    return x, t_x, t_all
