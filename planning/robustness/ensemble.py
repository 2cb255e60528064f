"""Ensemble of disturbed replays of one schedule, each with its own random seed.

Replications are distributed in parts and reduced where they run. The result is one dataset of table ``ENSEMBLE``,
bitwise identical for any number of workers and after the loss of a worker.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.planning import loop
from emberline.planning.engine import memory
from emberline.planning.engine.engine import Engine
from emberline.planning.engine.progress import Progress
from emberline.planning.plan.replay_outcome import Followed, Outcome, outcomes
from emberline.planning.plan.replays import COLUMNS, CONFIDENCE, PARTS, Replays, interval, less_often, quantiles
from emberline.scenarios import Case, Scenario
from emberline.scenarios.datasets import ENSEMBLE, check
from emberline.scenarios.metrics import FIGURES
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.replanning import Using

__all__ = ["ensemble", "interval", "quantiles", "refuse"]

MAX_REPLICATIONS = 100_000
PART = 25
"""Maximum number of replications per task: seconds of work, so that little is lost with a worker."""
QUANTILE_FIGURES = (*FIGURES, "peak_mw", "late_heats", "late_t", "missed_deliveries", "short_t")
"""Figures for which quantiles are reported."""
BANDS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles of the import over time."""
LEVELS = {"median_t": 0.5, "p5_t": 0.05, "worst_t": 0.0}
"""Quantiles of store levels."""


@dataclass(frozen=True)
class Ensemble:
    """Disturbed replays of one schedule."""

    scenario: Case
    data: xr.Dataset
    """Table ``ENSEMBLE``."""
    n_requested: int
    """Number of requested replications; there are fewer if the user cancelled."""
    other: Ensemble | None = None
    """Ensemble of the other plan on the same days."""

    @property
    def n(self) -> int:
        """Number of replications."""
        return int(self.data.sizes["replication"])

    @property
    def successes(self) -> int:
        """Number of replications without any violation."""
        return int(self.data["held"].sum())

    @property
    def against_baseline(self) -> bool:
        """Whether the baseline was also followed, with the same disturbances."""
        return "baseline_carbon_kg" in self.data

    @property
    def chance(self) -> tuple[float, float, float]:
        """Share of replications that held, and its 95 % interval."""
        return (self.successes / self.n, *interval(self.successes, self.n))

    @property
    def less_often(self) -> bool:
        """Whether the plan held significantly less often than the baseline."""
        return less_often(self.data)

    @property
    def replays(self) -> Replays:
        """Replays in the format of a plan's record."""
        data = self.data
        names = [name for name in (*COLUMNS, "violations", *PARTS) if name in data]
        names += [f"baseline_{name}" for name in names if f"baseline_{name}" in data]
        names += [name for name in (f"more_{figure}" for figure in FIGURES) if name in data]
        return Replays(self.n, self.successes, data[names].reset_coords(drop=True))

    def severity(self) -> tuple[dict[str, int], dict[str, int]]:
        """Count days by severity, ``kept``, ``recourse`` or ``broken``, for the schedule and for the baseline; the
        latter is empty if it was not followed."""
        rows: list[dict[str, int]] = []
        for prefix in ("", "baseline_"):
            if f"{prefix}violations" not in self.data:
                rows.append({})
                continue
            broken = self.data[f"{prefix}violations"].to_numpy() > 0
            name = f"{prefix}recourses"
            acted = self.data[name].to_numpy() > 0 if name in self.data else np.zeros(self.n, dtype=bool)
            counts = {"kept": ~broken & ~acted, "recourse": ~broken & acted, "broken": broken}
            rows.append({key: int(days.sum()) for key, days in counts.items()})
        return rows[0], rows[1]

    @property
    def recourse_days(self) -> int:
        """Number of replications in which the dispatcher acted to keep a limit."""
        return int((self.data["recourses"] > 0).sum()) if "recourses" in self.data else 0

    @property
    def recourse_cost(self) -> float:
        """Mean cost of the recourse actions."""
        return float(self.data["recourse_cost"].mean()) if "recourse_cost" in self.data else 0.0

    def quantiles(self) -> dict[str, dict[str, float]]:
        """P10, P50 and P90 of each figure, and of the saving against the baseline if it was followed."""
        return quantiles(self.data, QUANTILE_FIGURES)

    def broke(self) -> list[dict[str, Any]]:
        """Violated limits, sorted by how often they were the first to be violated.

        Each row: ``kind``, ``stage``, ``unit``; number of ``replications`` with a violation, and of those in which it
        was the ``first``; the largest ``amount`` and the ``typical`` one in ``measure``; ``hour`` after the start with
        the most violations (in ``in_hour`` replications).
        """
        data, rows = self.data, []
        missed, amount = data["missed"].to_numpy(), data["missed_amount"].to_numpy()
        by_hour, first = data["missed_in_hour"].to_numpy(), data["first_in_hour"].to_numpy()
        for place in range(data.sizes["limit"]):
            hour = int(by_hour[place].argmax())
            rows.append(
                {name: str(data[f"limit_{name}"].values[place]) for name in ("kind", "stage", "unit")}
                | {
                    "replications": int((missed[:, place] > 0).sum()),
                    "first": int(first[place].sum()),
                    "amount": float(amount[:, place].max()),
                    "typical": float(np.median(amount[missed[:, place] > 0, place])),
                    "measure": str(data["limit_measure"].values[place]),
                    "hour": int(data["hour"].values[hour]),
                    "in_hour": int(by_hour[place, hour]),
                }
            )
        return sorted(rows, key=lambda row: (-row["first"], -row["replications"]))

    def stocks(self, undisturbed: xr.Dataset | None = None) -> list[dict[str, Any]]:
        """Lowest and final level of each store in the replays [t]; empty without stores and for ensembles of earlier
        releases.

        Each row: ``store`` and its ``capacity_t``; ``lowest`` and ``last``, each with ``median_t``, ``p5_t`` (5 %
        quantile), ``worst_t``, ``plan_t`` and ``least_t``, the level that a plan must keep.

        Args:
            undisturbed: replay of the plan; None: ``plan_t`` is left out.
        """
        rows = []
        for name in self.data["stock"].values.tolist() if "lowest_t" in self.data else ():
            store = self.scenario.store[name]
            least_t = {"lowest": self.scenario.disturbances.reserve_t(name), "last": store.end_t}
            row: dict[str, Any] = {"store": name, "capacity_t": store.capacity_t}
            for figure, least in least_t.items():
                levels = self.data[f"{figure}_t"].sel(stock=name).to_numpy()
                row[figure] = {key: float(np.quantile(levels, share)) for key, share in LEVELS.items()}
                row[figure]["least_t"] = least
                if undisturbed is not None:
                    of_plan = undisturbed["stock_t"].sel(stock=name).to_numpy()
                    row[figure]["plan_t"] = float(of_plan.min() if figure == "lowest" else of_plan[-1])
            rows.append(row)
        return rows

    def summary(self, undisturbed: xr.Dataset | None = None) -> dict[str, Any]:
        """Plain data for JSON; ``undisturbed`` as for :meth:`stocks`."""
        share, low, high = self.chance
        fields = {
            "scenario": self.scenario.name,
            "seed": int(self.data.attrs["seed"]),
            "currency": self.scenario.market.currency,
            "asked": self.n_requested,
            "n": self.n,
            "held": self.successes,
            "chance": share,
            "interval": {"low": low, "high": high, "confidence": CONFIDENCE, "method": "Wilson"},
            "quantiles": self.quantiles(),
            "stocks": self.stocks(undisturbed),
            "severity": self.severity()[0],
            "recourse": {"days": self.recourse_days, "cost": self.recourse_cost},
            "broke": self.broke(),
            "after_breakdown": self.after_breakdown,
        }
        if self.against_baseline:
            fields["baseline_held"] = int((self.data["baseline_violations"] == 0).sum())
        return fields

    @property
    def after_breakdown(self) -> int:
        """Number of replications that failed after a breakdown of some unit."""
        return int(((self.data["held"] == 0) & (self.data["first_down_min"] > 0)).sum())


def ensemble(
    scenario: Case,
    schedule: xr.Dataset,
    replications: int,
    engine: Engine,
    *,
    seed: int | None = None,
    dispatched: xr.Dataset | None = None,
    other: tuple[Case, xr.Dataset] | None = None,
    planned_again: bool = False,
    part: int = PART,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Ensemble | None:
    """Follow a schedule many times under disturbances.

    Args:
        scenario: scenario of the schedule.
        schedule: table ``SCHEDULE``.
        replications: number of replications; the first ones are those of any smaller ensemble.
        engine: engine that runs the replays.
        seed: random seed; None: the scenario's, so that the plan's own replays come first.
        dispatched: baseline schedule to follow with the same disturbances; None: left out.
        other: plan with other margins and its schedule, to follow with the same disturbances.
        planned_again: instead of ``other``, follow the same schedule with replanning (``goal.replan``) on each day.
        part: maximum number of replications per task.
        on_progress: called with ``done``, ``of`` and ``held`` after each part.
        cancel: polled; True stops the ensemble.

    Returns:
        The ensemble; if it was stopped, of the leading replications that are complete. None: there are none.

    Raises:
        ScenarioError: the scenario has no disturbances, or the ensemble needs more memory than is available.
        ValueError: fewer than one replication, or more than ``MAX_REPLICATIONS``.
    """
    refuse(scenario, schedule, replications, engine.workers if engine.local else 0)
    using = Using.FOLLOW
    if planned_again:
        loop.refuse(scenario)
        other, using = (scenario, schedule), Using.REPLAN
    seed = scenario.disturbances.seed if seed is None else seed
    size = max(1, min(part, replications // (4 * engine.workers)))
    parts = [range(at, min(at + size, replications)) for at in range(0, replications, size)]
    tell: Progress = on_progress or (lambda event: None)
    by_place: dict[int, list[Outcome]] = {}
    count = successes = 0
    followed = Followed(scenario, schedule, dispatched, seed, other, other_using=using)
    for piece in engine.each(_part, followed, parts, cancel):
        by_place[piece.place] = piece.unwrap()
        count += len(by_place[piece.place])
        successes += sum(outcome.first is None for outcome in by_place[piece.place])
        tell({"phase": "replays", "done": count, "of": replications, "held": successes})
    whole = next((place for place in range(len(parts)) if place not in by_place), len(parts))
    records = [outcome for place in range(whole) for outcome in by_place[place]]
    if not records:
        return None
    of_other = [outcome.other for outcome in records if outcome.other is not None]
    second = Ensemble(other[0], together(other[0], of_other, seed), replications) if other is not None else None
    return Ensemble(scenario, together(scenario, records, seed), replications, second)


def refuse(scenario: Scenario, schedule: xr.Dataset, replications: int, workers: int) -> None:
    """Reject an invalid ensemble before anything starts; ``workers`` counts those on this machine.

    Raises:
        As for :func:`ensemble`.
    """
    if not 1 <= replications <= MAX_REPLICATIONS:
        raise ValueError(f"there are 1 to {MAX_REPLICATIONS} replications, not {replications}")
    if not scenario.disturbed:
        text = "nothing is disturbed, so all replays are equal; add spreads or breakdowns"
        raise ScenarioError([Problem(scenario.name, "disturbances", text)])
    what = f"{replications} replays{f' on {workers} workers' if workers > 1 else ''}"
    memory.refuse(memory.of_ensemble(schedule, replications, workers), what, "ask for fewer")


def _part(followed: Followed, replications: range) -> list[Outcome]:
    return list(outcomes(followed, replications))


def together(scenario: Scenario, records: Sequence[Outcome], seed: int) -> xr.Dataset:
    """Assemble the dataset of outcomes, in their order."""
    limits = sorted({limit for outcome in records for limit in outcome.missed})
    place = {limit: i for i, limit in enumerate(limits)}
    hours = math.ceil(scenario.horizon.length_min / 60) + 1
    missed = np.zeros((len(records), len(limits)), dtype=np.int32)
    amount = np.zeros(missed.shape)
    by_hour, first_in = (np.zeros((len(limits), hours), dtype=np.int32) for _ in range(2))
    first = np.full(len(records), -1, dtype=np.int32)
    for row, outcome in enumerate(records):
        for limit, (often, most) in outcome.missed.items():
            missed[row, place[limit]], amount[row, place[limit]] = often, most
        if outcome.first is not None:
            first[row] = place[outcome.first[0]]
    for (limit, hour), count in Counter(spot for outcome in records for spot in outcome.hours).items():
        by_hour[place[limit], hour] = count
    for (limit, hour), count in Counter(o.first for o in records if o.first is not None).items():
        first_in[place[limit], hour] = count
    columns: dict[str, Any] = {
        name: ("replication", np.array([outcome.figures[name] for outcome in records]))
        for name in ENSEMBLE
        if name in records[0].figures
    }
    columns |= {
        "first_limit": ("replication", first),
        "first_heat": ("replication", np.array([outcome.first_heat for outcome in records], dtype=np.str_)),
        "missed": (("replication", "limit"), missed),
        "missed_amount": (("replication", "limit"), amount),
        "missed_in_hour": (("limit", "hour"), by_hour),
        "first_in_hour": (("limit", "hour"), first_in),
    }
    coordinates: dict[str, Any] = {
        "replication": [outcome.replication for outcome in records],
        "hour": np.arange(hours),
    }
    fan = [outcome.meter_mw for outcome in records if outcome.meter_mw is not None]
    if fan:
        columns["fan_mw"] = (("quantile", "meter"), np.quantile(np.array(fan, dtype=float), BANDS, axis=0))
        coordinates |= {"quantile": list(BANDS), "fan_of": len(fan)}
    if records[0].waited_min:
        for name, dim in (("waited_min", "stage"), ("longest_wait_min", "stage"), ("down_min", "unit")):
            columns[name] = (("replication", dim), np.array([getattr(outcome, name) for outcome in records]))
        coordinates["stage"] = [stage.name for stage in scenario.line.stages]
        coordinates["unit"] = [unit.name for unit in scenario.line.units]
    if records[0].lowest_t:
        for name in ("lowest_t", "last_t"):
            columns[name] = (("replication", "stock"), np.array([getattr(outcome, name) for outcome in records]))
        coordinates["stock"] = [store.name for store in scenario.stores]
    for i, name in enumerate(("kind", "stage", "unit", "measure")):
        coordinates[f"limit_{name}"] = ("limit", np.array([limit[i] for limit in limits], dtype=np.str_))
    data = check(xr.Dataset({name: columns[name] for name in ENSEMBLE if name in columns}, coordinates), ENSEMBLE)
    for name, variable in ENSEMBLE.items():
        if name in data:
            data[name].attrs["units"] = variable.unit.format(currency=scenario.market.currency)
    return data.assign_attrs(seed=np.int64(seed), scenario=scenario.name)
