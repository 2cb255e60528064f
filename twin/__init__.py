"""Digital twin of the plant: stochastic, exact in time, with the same disturbances for every policy.

``envelope`` provides the inputs of the optimizer. ``dispatch`` makes the baseline schedule and ``simulate`` runs it.
``replay`` follows a schedule, and ``expect`` continues it from measurements. Datasets are declared in
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
