"""The twin: what the line does. Stochastic, exact in time, and the same luck for every policy.

``envelope`` feeds the optimizer, ``dispatch`` is the foreman's list, ``simulate`` the foreman's day, ``replay`` follows
a schedule. Datasets are declared in ``scenarios.datasets``.
"""

from twin.envelope import envelope
from twin.foreman import dispatch
from twin.run import Follower, replay, replays, simulate

__all__ = ["Follower", "dispatch", "envelope", "replay", "replays", "simulate"]
