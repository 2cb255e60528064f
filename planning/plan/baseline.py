"""The baseline: what the shift would do without a plan, and what every plan of a scenario begins from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import xarray as xr

from emberline.planning.accounts.figures import Figures
from emberline.planning.accounts.sums import figures
from emberline.planning.plan.tuning import PLAN
from emberline.scenarios import Case, effort


def envelope_of(scenario: Case) -> xr.Dataset:
    """Planning durations, availability and state of a scenario (table ``ENVELOPE``)."""
    from emberline import twin

    return twin.envelope(scenario)


@dataclass(frozen=True)
class Baseline:
    """The twin's part of a plan; its run and figures are computed when they are asked for."""

    scenario: Case
    envelope: xr.Dataset
    """Table ``ENVELOPE``."""
    schedule: xr.Dataset
    """The list of the shift (table ``SCHEDULE``)."""

    @classmethod
    def of(cls, scenario: Case, envelope: xr.Dataset | None = None, over: Callable[[], bool] | None = None) -> Baseline:
        """The baseline of a scenario.

        Args:
            scenario: what is asked.
            envelope: of the scenario, where it is known.
            over: polled; True: no other sequence is tried. None: after the effort of the search.
        """
        from emberline import twin

        envelope = envelope_of(scenario) if envelope is None else envelope
        until = effort.now() + max(scenario.goal.budget, PLAN.baseline_least)
        return cls(scenario, envelope, twin.dispatch(scenario, envelope, over=over or (lambda: effort.now() > until)))

    @property
    def complete(self) -> bool:
        """Whether the list places every heat and keeps every limit."""
        return bool(self.schedule.attrs["complete"])

    @property
    def start(self) -> xr.Dataset | None:
        """The list where it is complete: a search may begin with it."""
        return self.schedule if self.complete else None

    @cached_property
    def run(self) -> xr.Dataset:
        """The undisturbed run of the list (table ``RUN``)."""
        from emberline import twin

        return twin.replay(self.scenario, self.schedule).assign_attrs(policy="baseline")

    @cached_property
    def figures(self) -> Figures:
        """Figures of the run."""
        return figures(self.scenario, self.run)
