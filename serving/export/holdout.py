"""Hold-out groups: who is left out of a campaign so that its effect can be measured.

Belongs here: the draw, and the arithmetic that a reader of the groups needs. Does not
belong here: files.

The draw is a hash of campaign and customer. So it is the same under any row order and in
every export, it does not change when a customer moves to another segment, two
campaigns draw independently, and a smaller share is part of a larger one.
"""

from __future__ import annotations

import hashlib
import math
import unicodedata

MAX_HOLDOUT_PCT = 50
_WHOLE = 1 << 64


def campaign_key(campaign: str) -> str:
    """The name as the draw sees it: spelling variants of one campaign draw the same customers."""
    return " ".join(unicodedata.normalize("NFKC", campaign).casefold().split())


def is_held_out(campaign: str, customer_id: str, holdout_pct: int) -> bool:
    """Whether the customer is left out of the campaign.

    Parameters
    ----------
    campaign
        Name of the campaign; case and spacing don't matter.
    holdout_pct
        Share of customers to leave out, 0 to 50.

    Raises
    ------
    ValueError
        If the share is out of range.
    """
    if not 0 <= holdout_pct <= MAX_HOLDOUT_PCT:
        raise ValueError(f"a hold-out of {holdout_pct}%; it must be 0 to {MAX_HOLDOUT_PCT}")
    # a NUL is in neither, so that no two pairs give the same text
    drawn = hashlib.sha256(f"{campaign_key(campaign)}\0{customer_id}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") * 100 < holdout_pct * _WHOLE


ASSUMED_RATE = 0.10
"""Share that buys anyway, as :func:`detectable_difference_pct_points` takes it.

The more buy anyway, up to half, the more it takes."""


def detectable_difference_pct_points(treated: int, held_out: int) -> float | None:
    """Smallest difference in response that groups of this size will probably show, in percentage points.

    Two-sided at 5 %, found 80 times in 100, if a tenth responds anyway: (1.960 + 0.842) ·
    √(p(1−p)(1/n₁ + 1/n₂)) (Fleiss, Levin and Paik, Statistical Methods for Rates and
    Proportions, 3rd ed., 2003, section 4.2, without continuity correction).

    Returns
    -------
    float or None
        None if a group is empty.
    """
    if not treated or not held_out:
        return None
    spread = math.sqrt(ASSUMED_RATE * (1 - ASSUMED_RATE) * (1 / treated + 1 / held_out))
    return round(100 * (1.959964 + 0.841621) * spread, 1)


HOW_TO_READ_THE_LIFT: dict[str, str] = {
    "what": (
        "Count who bought within the campaign's window, separately for customers who were in the campaign and those "
        "with is_holdout. Count everybody in a group, also those whose message bounced or was not opened: dropping "
        "them breaks the draw."
    ),
    "lift": "lift = x1/n1 - x0/n0, where n1, x1 are customers and buyers in the campaign, n0, x0 those held out",
    "interval": (
        "95% interval by Newcombe's hybrid score method. For each group i: p = x/n, "
        "(l, u) = (2np + z^2 -/+ z*sqrt(z^2 + 4np(1-p))) / (2(n + z^2)), z = 1.96. With d = p1 - p0: from "
        "d - sqrt((p1-l1)^2 + (u0-p0)^2) to d + sqrt((u1-p1)^2 + (p0-l0)^2). An interval that holds 0 shows no effect."
    ),
    "source": (
        "R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven "
        "methods. Statistics in Medicine 17 (1998), 873-890, method 10."
    ),
    "detectable_difference_pct_points": (
        "Smallest difference that groups of this size show in 80 of 100 campaigns, two-sided at 5%, if 10% buy "
        "anyway. Null if a group is empty."
    ),
}
