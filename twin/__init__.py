"""The twin: what the plant does. Stochastic, exact in time, with the same disturbances for every policy.

``envelope`` feeds the optimizer, ``dispatch`` makes the baseline schedule, ``simulate`` the baseline run, ``replay``
follows a schedule, ``expect`` does so from what has been measured. Datasets are declared in
``emberline.scenarios.datasets``.
"""

from emberline.twin.envelope import envelope
from emberline.twin.plant import Follower, Operation
from emberline.twin.processes.observed import Measured, Observations, Stop
from emberline.twin.run import Actuals, dispatch, expect, replay, replays, simulate, violations

__all__ = [
    "Actuals",
    "Follower",
    "Measured",
    "Observations",
    "Operation",
    "Stop",
    "dispatch",
    "envelope",
    "expect",
    "replay",
    "replays",
    "simulate",
    "violations",
]
