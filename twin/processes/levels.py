"""The level of a store under constant flows, in closed form: where it is after some hours, and when it is somewhere.

dL/dt = p − λL with the net flow p and the decay λ = −ln(1 − loss per hour), so L(h) = L·exp(−λh) + p·(1 − exp(−λh))/λ.
The level moves towards p/λ without turning, so that it passes each level once at most.
"""

from __future__ import annotations

import math


def after(level: float, net: float, decay: float, hours: float) -> float:
    """Level after some hours of a constant net flow [t]."""
    if not decay:
        return level + net * hours
    passed = -math.expm1(-decay * hours)
    return level * (1 - passed) + net * passed / decay


def hours_until(level: float, net: float, decay: float, target: float) -> float:
    """Hours until a level is reached, zero where it is there, infinite where it never is."""
    missing = target - level
    if not missing:
        return 0.0
    # the slope there: it is passed where the level still moves in that direction
    slope = net - decay * target
    if not slope or (slope > 0) != (missing > 0):
        return math.inf
    if not decay:
        return missing / slope
    grown = decay * missing / slope
    return math.log1p(grown) / decay
