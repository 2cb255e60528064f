"""Settings of explanations (why and why not), in one record.

Work is counted in units of ``scenarios/effort.py``. Values were chosen by hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from emberline.models.explain import PRICES


@dataclass(frozen=True)
class WhyTuning:
    """Settings of questions about a plan (``studies/why/question.py``) and of repairs of infeasible scenarios
    (``studies/why/why_not.py``, ``studies/why/quick.py``)."""

    limit: float = 120.0
    """Default work of all answers to a question."""
    gap: float = 1e-3
    """Maximum relative gap of a search, because small differences matter."""
    least: float = 0.5
    """Minimum work of one answer, however many remain."""
    open_share: float = 0.1
    """Maximum gap of the plan, as a share of the value of a MWh, for planning again with an additional MWh."""
    slots: int = 400
    """Maximum number of starts of a heat that are evaluated one by one."""
    units: int = 3
    """Number of units that are tried idle: those with the highest power in the hour."""
    small_mw: float = 0.01
    """Power below which units are left out [MW]."""
    extra_mwh: float = 1.0
    """Load that is added or removed in an hour [MWh]."""
    runs: int = 5
    """Number of runs whose limits are reported."""

    # repairs: why_not.py
    judged: float = 2.0
    """Minimum work for a plan, or for a proof of infeasibility, of one change."""
    patience: float = 20
    """A change may use the remaining work divided by this number."""
    patience_as_it_is: float = 2
    """The same divisor for the original scenario, if neither plan nor proof was found quickly."""
    conflict: float = 5.0
    """Work of a search for conflicting limits, whose seconds are counted."""
    repairs: int = 6
    """Maximum number of reported repairs."""
    finer_steps: int = 2
    """Number of finer step lengths that are tried."""
    close: float = 0.01
    """Width of the interval at which bisection ends, as a share of a limit's scale."""
    growth: tuple[float, ...] = (1.0, 1.02, 1.1, 1.3, 2.0)
    """Multiples of the change required by the relaxation that are tried in turn, as 1 may not be enough."""

    # quick repairs: quick.py
    quick: float = 2.0
    """Maximum work of an answer."""
    quick_enough: int = 2
    """Number of repairs after which the search ends."""
    quick_share: float = 0.5
    """Share of the work after which one repair is enough."""
    quick_parts: tuple[float, ...] = (1 / 64, 1 / 8)
    """Shares of the way to a limit's loosest value tried before bisection, since most violations are small."""
    quick_list: float = 1.0
    """Work for the baseline's schedule."""


WHY = WhyTuning()
FIRST = ("grid", "cap", "due", "lock", "level", "supply", "horizon", "stop", "outage", "amount", "wait", "run")
REST, NEVER = len(FIRST), len(FIRST) + 1
QUICK_PLACES = {kind: place for place, kind in enumerate(FIRST)} | {"order": NEVER, "rate": NEVER}
"""Priority of kinds of limits in the quick search; the others follow by price. Additional machines and lower production
are left to the full search."""
SHARES = {"rate": (1.0, 0.5, 0.2)}
"""Shares of the way to a limit's loosest value that are tried, by kind; the default is the full way. Excessive changes
may violate other limits."""
LAST_RESORT = PRICES["order"]
"""Price of a kind of limit that is tried only if nothing else helps."""
