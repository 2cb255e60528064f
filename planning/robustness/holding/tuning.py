"""Settings of the search for margins of robust plans, in one record.

Shares are of the work of the search unless stated otherwise; work is counted in units of ``scenarios/effort.py``.
Values were chosen by hand; the fields that were tuned name the cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def _steps() -> Mapping[str, tuple[float, float]]:
    return {
        "slack": (5.0, 20.0), "wait": (5.0, 30.0), "due": (5.0, 60.0), "quantile": (0.1, 0.1), "import": (0.5, 1.5),
        "rates": (0.1, 0.2), "stock": (0.02, 0.2),
    }  # fmt: skip


def _multiples() -> Mapping[str, float]:
    return {"slack": 1.0, "wait": 1.0, "due": 1.0, "quantile": 0.05, "import": 0.1, "rates": 0.05, "stock": 0.01}


@dataclass(frozen=True)
class HoldingTuning:
    """Settings of ``holding/hold.py``, which learns margins from disturbed days, round by round."""

    training: int = 400
    """Maximum number of training days."""
    judgements: int = 3
    """Maximum number of judgements, each on separate days to prevent overfitting to the judging days."""
    rounds: int = 30
    """Maximum number of rounds that raise margins."""
    variations: int = 60
    """Maximum number of random variations of the best margins when raising alone does not make a plan hold."""
    draft_share: float = 0.3
    """Maximum share of the draft."""
    round_share: float = 0.08
    """Maximum share of a plan in a training round, where margins matter more than the last per cent of the objective.
    The plan that is kept is improved with the remaining work."""
    days_share: float = 0.08
    """Maximum share of one batch of training replays."""
    judged_share: float = 0.2
    """Share reserved for judging."""
    least_days: int = 20
    """Minimum number of replayed days, whatever work is left."""
    least_plan: float = 5.0
    """Minimum work for a plan in a training round, unless ``least_share`` is less."""
    least_share: float = 0.15
    """The same minimum as a share of the work of the search, so that a small effort also tries margins. It does not
    affect the default effort."""
    least_search: float = 0.5
    """Work of a search that begins after the budget is spent, from the known lists."""
    far: float = 0.8
    """Share of the level below which a plan is far from it: raises that do not help on their own are kept then, since
    several margins may be too small at once."""
    aimed: float = 0.75
    """Share of the allowed failures that a raise aims at: margins have side effects, and each has a cost and takes room
    from the others."""
    slack_prices: tuple[float, ...] = (0.3, 0.1, 0.0)
    """Prices of slack to try between steps, in decreasing order, as shares of the penalty of a broken day. Higher
    prices, up to 4, cost two cases over a quarter of their saving for 8 points of reliability, where margins cost
    almost nothing."""
    other_days: int = 200
    """Number of days on which emissions by the signal outside the goal are evaluated."""
    steps: Mapping[str, tuple[float, float]] = field(default_factory=_steps)
    """Smallest and largest raise in one round by kind of margin [min; quantile; MW; share of store capacity]."""
    multiples: Mapping[str, float] = field(default_factory=_multiples)
    """Unit of which a raise is a multiple, by kind of margin."""
    varied: tuple[float, ...] = (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)
    """Shares of the largest raise by which margins are varied."""
    most_quantile: float = 0.95
    """Maximum planning quantile of times and rates."""
    most_limit_share: float = 0.5
    """Maximum share of the import limit that may be kept free."""
    raise_shares: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25)
    """Shares of the full raises that are tried far from the level; near it, half a raise is tried first."""
    orders: int = 100
    """Maximum number of orders of casts to try for a list."""
    samples: int = 50
    """Maximum number of price samples that evaluate a site planned over samples."""
    sample_gap: float = 1e-5
    """Gap of solutions compared day by day, far below the differences between the plans."""


HOLDING = HoldingTuning()
