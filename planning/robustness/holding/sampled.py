"""Site plan over samples of prices and intensities, compared with a plan on the forecast on other days."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.planning.robustness.holding import errors
from emberline.planning.robustness.holding.tuning import HOLDING
from emberline.scenarios import Case, Scenario
from emberline.scenarios.records.base import Problem, ScenarioError

if TYPE_CHECKING:
    from emberline.models.strategies import sample_average as samples

__all__ = ["Compared", "compare"]

SHARE = 0.9
"""Level of the conditional value at risk that is reported next to the mean."""


@dataclass(frozen=True)
class Compared:
    """Both plans and their results on days that neither was planned on; values by the goal."""

    scenario: Case
    share: float | None
    """Level of the conditional value at risk that was minimized; None: the mean was minimized."""
    names: tuple[str, ...]
    """Names of the uncertain series."""
    sampled: samples.Sampled
    plain: samples.Sampled
    """Plan on the forecast."""
    on_fresh: np.ndarray
    """Values of the plan over samples, shape (n_fresh,)."""
    plain_on_fresh: np.ndarray
    knowing: np.ndarray
    """Values of plans with perfect foresight of their day."""
    seconds: float

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON: means, conditional values at risk, and gains."""
        from emberline.models.strategies import sample_average as samples

        share = self.share or SHARE
        worths = {"sampled": self.on_fresh, "plain": self.plain_on_fresh, "knowing": self.knowing}
        rows = {
            name: {"mean": float(worth.mean()), "cvar": samples.cvar(worth, share)} for name, worth in worths.items()
        }
        gained = self.plain_on_fresh - self.on_fresh
        return {
            "scenario": self.scenario.name,
            "goal": self.scenario.goal.minimize,
            "currency": self.scenario.market.currency,
            "minimized": "mean" if self.share is None else "cvar",
            "share": share,
            "uncertain": list(self.names),
            "samples": len(self.sampled.worth),
            "fresh": len(self.on_fresh),
            "status": self.sampled.status,
            "value": self.sampled.value,
            "bound": self.sampled.bound,
            "gap": self.sampled.gap,
            "on_fresh": rows,
            "gained": {
                "mean": float(gained.mean()),
                "standard_error": float(gained.std(ddof=1) / np.sqrt(len(gained))),
                "cvar": rows["plain"]["cvar"] - rows["sampled"]["cvar"],
                "knowing": float((self.on_fresh - self.knowing).mean()),
            },
            "seconds": round(self.seconds, 3),
        }


def compare(
    scenario: Case,
    count: int,
    *,
    share: float | None = None,
    work: float | None = None,
    on_progress: Callable[[str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Compared:
    """Plan a site over samples and on the forecast, and judge both on fresh samples.

    Args:
        scenario: scenario of a site without producers.
        count: number of samples to plan over.
        share: level of the conditional value at risk to minimize; None: the mean is minimized.
        work: work budget of each of the two searches; None: the goal's.
        on_progress: called with a line for each phase.
        cancel: polled; True returns the best first stage so far.

    Raises:
        ScenarioError: the scenario has producers, no series is uncertain, no first-stage decision exists, or no plan
            was found.
    """
    from emberline import twin
    from emberline.models.strategies import sample_average as samples

    tell = on_progress or (lambda line: None)
    began = time.perf_counter()
    if scenario.producers:
        _refuse(scenario, "site", "samples are of a site alone; leave out line, orders and processes")
    if not samples.decides(scenario):
        text = "this site has no decisions before prices are known: no machine is switched, and a goal that "
        _refuse(scenario, "site", text + "counts money has no market.imbalance")
    sample_set = errors.samples(scenario, count, HOLDING.samples)
    envelope = twin.envelope(scenario)
    limit = work or scenario.goal.budget

    def search(
        scenarios: tuple[Case, ...],
        at_risk: float | None = None,
        fixed: samples.Fixed | None = None,
        gap: float = HOLDING.sample_gap,
    ) -> samples.Sampled:
        solution = samples.optimize_samples(
            scenarios, envelope, share=at_risk, fixed=fixed, work=limit, gap=gap,
            cancel=cancel if len(scenarios) > 1 else None,
        )  # fmt: skip
        if solution.fixed is None:
            _refuse(scenario, "goal.effort", f"no plan over {len(scenarios)} samples: {solution.status}")
        return solution

    tell(f"the plan on the forecast of {', '.join(sample_set.names)}")
    plain = search((sample_set.foretold,))
    tell(f"the plan over {count} samples")
    sampled = search(sample_set.planned, share, gap=scenario.goal.gap)
    worth: dict[str, list[float]] = {"sampled": [], "plain": [], "knowing": []}
    for i, fresh in enumerate(sample_set.fresh):
        if i % 10 == 0:
            tell(f"fresh sample {i + 1} of {len(sample_set.fresh)}")
        for name, fixed in (("sampled", sampled.fixed), ("plain", plain.fixed), ("knowing", None)):
            worth[name].append(float(search((fresh,), None, fixed).worth[0]))
    rows = {name: np.array(values) for name, values in worth.items()}
    seconds = time.perf_counter() - began
    return Compared(
        scenario, share, sample_set.names, sampled, plain, rows["sampled"], rows["plain"], rows["knowing"], seconds
    )


def _refuse(scenario: Scenario, key: str, text: str) -> None:
    raise ScenarioError([Problem(scenario.name, key, text)])
