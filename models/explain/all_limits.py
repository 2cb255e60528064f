"""All limits of a scenario: of its line, its processes and its site."""

from __future__ import annotations

from emberline.models.explain import of_line, of_processes, of_site
from emberline.models.explain.limit import PRICES, Limit
from emberline.scenarios import Scenario


def limits(scenario: Scenario) -> list[Limit]:
    """All limits of a scenario that could be loosened, those first that a planner would rather loosen."""

    all_limits = [*of_line.limits(scenario), *of_processes.limits(scenario), *of_site.limits(scenario)]
    return sorted(all_limits, key=lambda limit: PRICES[limit.kind])
