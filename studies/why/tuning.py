"""Settings of the answers to why and why not, in one record.

Work is counted in units of ``scenarios/effort.py``. Fields were chosen by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from emberline.models.explain import PRICES


@dataclass(frozen=True)
class WhyTuning:
    """Questions about a plan (``studies/why/question.py``) and repairs of one that does not exist
    (``studies/why/why_not.py``, ``studies/why/quick.py``)."""

    limit: float = 120.0
    """Work of all answers to a question, unless another limit is given."""
    gap: float = 1e-3
    """Relative gap at which a search ends, where the scenario asks for less: what is weighed are differences."""
    least: float = 0.5
    """Work of one answer at least, however many are to come."""
    open_share: float = 0.1
    """Share of what a MWh is worth that the plan's gap may leave open, for a MWh more to be planned again."""
    slots: int = 400
    """Starts of a heat that are looked at one by one, at most."""
    units: int = 3
    """Units that are tried idle: those that draw most in the hour."""
    small_mw: float = 0.01
    """Units that draw less in the hour are left out [MW]."""
    extra_mwh: float = 1.0
    """Load that is added and taken away in an hour [MWh]."""
    runs: int = 5
    """Runs of which it is said what stops them."""

    # repairs: why_not.py
    judged: float = 2.0
    """Work for a plan, or for a proof that there is none, of one change at least."""
    patience: float = 20
    """A change may take this part of what is left."""
    patience_as_it_is: float = 2
    """The same of the scenario as it is, where neither plan nor proof was found soon."""
    conflict: float = 5.0
    """Work of a search for limits in conflict, whose seconds are counted."""
    repairs: int = 6
    """Repairs that are reported at most."""
    finer_steps: int = 2
    """Finer steps that are tried."""
    close: float = 0.01
    """Halving ends where what is left between is this share of a limit's scale."""
    growth: tuple[float, ...] = (1.0, 1.02, 1.1, 1.3, 2.0)
    """Multiples of the change required by the relaxation that are tried in turn, as 1 may not be enough."""

    # a first repair within seconds: quick.py
    quick: float = 2.0
    """Work that an answer may take."""
    quick_enough: int = 2
    """Repairs after which no more are looked for."""
    quick_share: float = 0.5
    """Share of the work after which one repair is enough."""
    quick_parts: tuple[float, ...] = (1 / 64, 1 / 8)
    """Shares of the way to a limit's loosest value tried first, before halves: most are missed by little."""
    quick_list: float = 1.0
    """Work for the baseline's list."""


WHY = WhyTuning()
FIRST = ("grid", "cap", "due", "lock", "level", "supply", "horizon", "stop", "outage", "amount", "wait", "run")
REST, NEVER = len(FIRST), len(FIRST) + 1
QUICK_PLACES = {kind: place for place, kind in enumerate(FIRST)} | {"order": NEVER, "rate": NEVER}
"""Place of kinds of limits among those that are tried at once; the rest follows by price. Another machine, or less
made, is left to the full search."""
SHARES = {"rate": (1.0, 0.5, 0.2)}
"""Shares of the way to a limit's loosest value that are tried, by kind; else all of it. What is too quick, or too
large, may be in the way again."""
LAST_RESORT = PRICES["order"]
"""Price of a kind of limit that is tried only where nothing else helps."""
