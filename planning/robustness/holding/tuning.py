"""Settings of the search for margins with which a plan holds, in one record.

Shares are of the work of the search, unless a field says of what; work is counted in units of ``scenarios/effort.py``.
Fields were chosen by hand; one that was compared with other values says on what.
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
    """Margins learnt from disturbed days, round by round: ``holding/hold.py``."""

    training: int = 400
    """Days that steer, at most."""
    judgements: int = 3
    """Largest number of judgements of a plan: each on days of its own, or else the judge would come to steer."""
    rounds: int = 30
    """Raises of margins at most."""
    variations: int = 60
    """Margins drawn around the best ones at most, where raises alone do not make a plan hold."""
    draft_share: float = 0.3
    """Share that the draft may take."""
    round_share: float = 0.08
    """The same of a plan that steers: its margins matter then, not its last per cent. The plan that is kept is searched
    for again with what is left."""
    days_share: float = 0.08
    """Share that a batch of replays which steer may take."""
    judged_share: float = 0.2
    """Share that is kept for the judgement."""
    least_days: int = 20
    """Days that are replayed whatever is left."""
    least_plan: float = 5.0
    """Work of a plan that steers at least, unless ``least_share`` is less."""
    least_share: float = 0.15
    """The same as a share of the work of the search: with a small effort margins are tried too. The default
    effort is not changed by it."""
    least_search: float = 0.5
    """Work of a search that begins when all is spent, with the lists that are known."""
    far: float = 0.8
    """Share of the level below which a plan is far from it: a raise that does not help by itself stays then, as several
    margins may be missing at once."""
    aimed: float = 0.75
    """Share of the breaks that are allowed which a raise aims at: margins change what happens besides, and each costs
    and takes room from others."""
    slack_prices: tuple[float, ...] = (0.3, 0.1, 0.0)
    """Prices of slack that are tried between steps, falling, as shares of what a broken day counts. Higher ones, up to
    4, cost two days over a quarter of their saving for 8 points of reliability, where margins cost next to nothing."""
    other_days: int = 200
    """Days on which is seen what a plan emits by the signal that its goal leaves out."""
    steps: Mapping[str, tuple[float, float]] = field(default_factory=_steps)
    """Least and largest raise in one round by kind of margin [min; quantile; MW; share of what a store holds]."""
    multiples: Mapping[str, float] = field(default_factory=_multiples)
    """Unit of which a raise is a multiple, by kind of margin."""
    varied: tuple[float, ...] = (-0.5, -0.25, 0.0, 0.25, 0.5, 1.0)
    """Shares of the largest raise by which margins are varied."""
    most_quantile: float = 0.95
    """Quantile of times and rates that a plan reckons with at most."""
    most_limit_share: float = 0.5
    """Share of the import limit that may be kept free."""
    raise_shares: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25)
    """Shares of all raises that are tried where the level is far; near it a raise of half comes first."""
    orders: int = 100
    """Orders of casts that are tried for a list."""
    samples: int = 50
    """Samples of prices that judge a site planned over samples, at most."""
    sample_gap: float = 1e-5
    """Gap of what is compared day by day: far below what the plans differ by."""


HOLDING = HoldingTuning()
