"""The twin: what the plant does. Stochastic, exact in time, with the same disturbances for every policy.

``envelope`` feeds the optimizer, ``dispatch`` makes the baseline schedule, ``simulate`` the baseline run, ``replay``
follows a schedule. Datasets are declared in ``emberline.scenarios.datasets``.
"""

from emberline.twin.envelope import envelope
from emberline.twin.run import Follower, dispatch, misses, replay, replays, runs, simulate

__all__ = ["Follower", "dispatch", "envelope", "misses", "replay", "replays", "runs", "simulate"]
