"""The twin: what the plant does. Stochastic, exact in time, with the same disturbances for every policy.

``envelope`` feeds the optimizer, ``dispatch`` makes the baseline schedule, ``simulate`` the baseline run, ``replay``
follows a schedule, ``expect`` does so from what has been measured. Datasets are declared in
``emberline.scenarios.datasets``.
"""

from emberline.twin.envelope import envelope
from emberline.twin.plant import Follower, Operation, expect
from emberline.twin.run import dispatch, replay, replays, simulate, violations

__all__ = ["Follower", "Operation", "dispatch", "envelope", "expect", "replay", "replays", "simulate", "violations"]
