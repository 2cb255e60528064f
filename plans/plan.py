"""A plan: the foreman's baseline, the schedule, its replays, the ledger and the verdict, from one scenario."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from plans.figures import Figures, comparable, figures
from plans.ledger import Ledger, ledger
from plans.stock import Difference, difference, shortfall
from scenarios import Scenario

if TYPE_CHECKING:
    from models.study import Study

PEAKS = 6
"""How many peaks a foreman who keeps the peak low tries, between what he draws anyway and what is impossible."""
AGREEMENT = 1e-3
"""Schedule and undisturbed replay agree when energy, carbon and cost differ by less than this share."""
QUANTILES = (0.1, 0.5, 0.9)
FIGURES = ("carbon_kg", "cost", "peak_mw", "late_heats", "missed_deliveries")
"""Of disturbed replays; what a run of an earlier release lacks is not told."""

Progress = Callable[[dict[str, Any]], None]
"""Told of what happens: ``phase`` always, and while optimizing ``incumbent``, ``bound``, ``gap`` and ``seconds``."""


@dataclass(frozen=True)
class Replays:
    """Disturbed replays of schedule and foreman on the same luck, dimension ``replication``."""

    n: int
    held: int
    """Replays without any violation."""
    data: xr.Dataset
    """``carbon_kg``, ``cost``, ``peak_mw``, ``violations``, ``late_heats``, ``missed_deliveries`` and the foreman's
    ``baseline_…``; of processes ``more_carbon_kg`` and ``more_cost``: by how much the schedule's stocks and deliveries
    are worth more than the foreman's."""

    def quantiles(self) -> dict[str, dict[str, float]]:
        """P10, P50 and P90 of each figure, and of what is saved against the foreman on the same luck."""
        if not self.n:
            return {}
        told = [name for name in FIGURES if name in self.data]
        table = {name: self.data[name].to_numpy() for name in told}
        for name in ("carbon_kg", "cost"):
            more = self.data[f"more_{name}"].to_numpy() if f"more_{name}" in self.data else 0.0
            table[f"saved_{name}"] = self.data[f"baseline_{name}"].to_numpy() - table[name] + more
        return {
            name: {f"p{round(q * 100)}": float(np.quantile(values, q)) for q in QUANTILES}
            for name, values in table.items()
        }


@dataclass(frozen=True)
class Plan:
    """Everything about one plan. ``schedule`` and what follows from it are None where no plan was found."""

    scenario: Scenario
    envelope: xr.Dataset
    baseline: xr.Dataset
    baseline_figures: Figures
    baseline_complete: bool
    status: str
    objective: float | None
    bound: float | None
    gap: float | None
    reason: str = ""
    """Why there is no plan, or why it is not better than the foreman."""
    schedule: xr.Dataset | None = None
    schedule_figures: Figures | None = None
    replay: xr.Dataset | None = None
    replay_figures: Figures | None = None
    replays: Replays | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Whether there is a schedule."""
        return self.schedule is not None

    @property
    def violations(self) -> list[dict[str, Any]]:
        """What the undisturbed replay violates; empty for an acceptable plan."""
        return [] if self.replay is None else violations(self.replay)

    @property
    def agreed(self) -> bool:
        """Whether schedule and undisturbed replay agree on energy, carbon and cost within 0.1 %."""
        if self.schedule_figures is None or self.replay_figures is None:
            return False
        pairs = [
            (getattr(self.schedule_figures, name), getattr(self.replay_figures, name))
            for name in ("energy_mwh", "carbon_kg", "cost")
        ]
        return all(abs(a - b) <= AGREEMENT * max(abs(a), abs(b), 1e-9) for a, b in pairs)

    @property
    def acceptable(self) -> bool:
        """A plan that was found, holds undisturbed and agrees with its replay."""
        return self.found and not self.violations and self.agreed

    @property
    def ledger(self) -> Ledger | None:
        """The carbon ledger of the undisturbed replay."""
        return None if self.replay is None else ledger(self.scenario, self.replay)

    @property
    def verdict(self) -> str:
        """One sentence for the planner."""
        if not self.found:
            return f"No plan: {self.reason or self.status}."
        if self.violations:
            return f"Not acceptable: the twin found {len(self.violations)} violation(s) when it followed the schedule."
        if not self.agreed:
            return "Not acceptable: the twin does not agree with the schedule on energy, carbon or cost."
        done = self.replays
        held = f"; it held in {done.held} of {done.n} disturbed days" if done and done.n else ""
        says = [f"Feasible, and the twin agrees{held}.", self.reason]
        goal = "carbon_kg" if self.scenario.goal.minimize == "carbon" else "cost"
        if self.stock and self.saved().get(goal, 0.0) < 0:
            says.append("The foreman ends with more stock, which counts at what it took him on average to make.")
        return " ".join(filter(None, says))

    @property
    def comparable(self) -> bool:
        """Whether the foreman makes and serves what the plan does; else nothing is saved against him."""
        return self.replay_figures is None or comparable(self.baseline_figures, self.replay_figures)

    @property
    def stock(self) -> Difference | None:
        """What the undisturbed replay ends with in stock more than the foreman; None where there are no stores."""
        made = self.replay_figures
        return difference(self.baseline_figures, made) if made is not None and made.stock else None

    def saved(self) -> dict[str, float]:
        """Saving of the undisturbed replay against the undisturbed foreman, absolute and as a share.

        What either of them has more in stock is credited to him; ``stock_carbon_kg`` and ``stock_cost``, part of what
        is saved, tell it apart. Empty where there is no plan, or the foreman makes or serves less.
        """
        if self.replay_figures is None or not self.comparable:
            return {}
        more, out = self.stock, {}
        credit = {} if more is None else {"carbon_kg": more.carbon_kg, "cost": more.cost}
        for name in ("carbon_kg", "cost", "peak_mw"):
            before, after = getattr(self.baseline_figures, name), getattr(self.replay_figures, name)
            out[name] = before - after + credit.get(name, 0.0)
            out[f"{name}_share"] = out[name] / abs(before) if before else 0.0
        return out | {f"stock_{name}": value for name, value in credit.items()}

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON: status, objective, bound, gap, figures, violations, replays, seconds."""
        return {
            "scenario": self.scenario.name,
            "goal": self.scenario.goal.minimize,
            "signal": self.scenario.goal.signal,
            "status": self.status,
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "reason": self.reason,
            "baseline": self.baseline_figures.as_dict() | {"complete": self.baseline_complete},
            "schedule": self.schedule_figures.as_dict() if self.schedule_figures else None,
            "replay": (
                self.replay_figures.as_dict() | {"violations": self.violations} if self.replay_figures else None
            ),
            "saved": self.saved(),
            "products": self._products(),
            "stock": self._stock(),
            "replays": (
                {"n": self.replays.n, "held": self.replays.held, "quantiles": self.replays.quantiles()}
                if self.replays
                else {"n": 0, "held": 0, "quantiles": {}}
            ),
            "agreed": self.agreed,
            "acceptable": self.acceptable,
            "verdict": self.verdict,
            "filled": filled(self.scenario),
            "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
        }

    def _products(self) -> dict[str, Any]:
        book = self.ledger if self.scenario.processes else None
        return book.products.summary(self.scenario.goal.signal) if book is not None and book.products else {}

    def _stock(self) -> dict[str, Any]:
        more, made, foreman = self.stock, self.replay_figures, self.baseline_figures
        if more is None or made is None:
            return {}
        stores = {
            name: {
                "start_t": store.start_t,
                "end_t": made.stock[name],
                "foreman_end_t": foreman.stock[name],
                "kg_per_t": foreman.stock_kg_per_t.get(name, made.stock_kg_per_t.get(name)),
                "cost_per_t": foreman.stock_cost_per_t.get(name, made.stock_cost_per_t.get(name)),
            }
            for name, store in self.scenario.store.items()
        }
        return {"carbon_kg": more.carbon_kg, "cost": more.cost, "unknown": list(more.unknown), "stores": stores}


def filled(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Which series had gaps that were filled, how many and where the first was."""
    return {
        str(name): {"count": int(series.attrs["filled"]), "first": series.attrs["first_filled"]}
        for name, series in scenario.inputs.data_vars.items()
        if series.attrs.get("filled")
    }


def violations(run: xr.Dataset) -> list[dict[str, Any]]:
    """The violations of a run as rows."""
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    columns = [run[f"violation_{name}"].values.tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def plan(
    scenario: Scenario,
    *,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    study: Study | None = None,
    keep: Callable[[xr.Dataset], xr.Dataset] | None = None,
) -> Plan:
    """Make a plan: the foreman's day, the schedule, its replay without and with disturbance.

    Args:
        scenario: what is asked.
        on_progress: called in this process whenever there is something to tell.
        cancel: polled while optimizing; True ends the search with the best schedule found so far.
        study: what earlier plans of the same plant have left, to begin with.
        keep: given the schedule that was found, says which one is taken: that, or an earlier one that is as good.
    """
    import models
    import twin

    tell: Progress = on_progress or (lambda event: None)
    seconds: dict[str, float] = {}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        tell({"phase": name})
        began = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - began

    with phase("twin"):
        envelope = twin.envelope(scenario)
        dispatched = twin.dispatch(scenario, envelope)
        baseline = twin.replay(scenario, dispatched).assign_attrs(policy="foreman")
        ruled = bool(dispatched.attrs["complete"])
        baseline_figures = figures(scenario, baseline, float(baseline.attrs["tonnes"]))
    with phase("optimize"):
        schedule = models.optimize(
            scenario,
            envelope,
            dispatched if ruled else None,
            others=list(_others(scenario, envelope, dispatched, ruled, study)),
            on_progress=lambda event: tell({"phase": "optimize", **event}),
            cancel=cancel,
            study=study,
        )
        schedule = keep(schedule) if keep is not None else schedule
    seconds |= {f"optimize.{name}": value for name, value in models.seconds(schedule).items()}
    outcome = {name: _number(schedule.attrs.get(name)) for name in ("objective", "bound", "gap")}
    made = Plan(
        scenario=scenario,
        envelope=envelope,
        baseline=baseline,
        baseline_figures=baseline_figures,
        baseline_complete=ruled,
        status=str(schedule.attrs["status"]),
        reason=str(schedule.attrs.get("reason", "")),
        seconds=seconds,
        **outcome,  # type: ignore[arg-type]
    )
    if not schedule.attrs["found"]:
        return made
    with phase("replay"):
        replay = twin.replay(scenario, schedule)
        replay_figures = figures(scenario, replay, float(replay.attrs["tonnes"]), nominated=schedule)
        schedule_figures = figures(scenario, schedule, scenario.tonnes)
    with phase("replays"):
        replays = disturbed_replays(scenario, schedule, dispatched, tell)
    return dataclasses.replace(
        made,
        schedule=schedule,
        schedule_figures=schedule_figures,
        replay=replay,
        replay_figures=replay_figures,
        replays=replays,
    )


def _others(
    scenario: Scenario, envelope: xr.Dataset, dispatched: xr.Dataset, ruled: bool, study: Study | None
) -> Iterator[xr.Dataset]:
    """More lists to look around than the foreman's; of processes his own, where it does not keep all limits."""
    import twin

    if scenario.processes and not ruled:
        yield dispatched
    if scenario.heats and scenario.disturbances.careful:
        # the last plan, which may lack the margins of this one, knows a good order
        last = study.beginnings(scenario) if study is not None else ()
        careful = twin.dispatch(scenario, envelope, keeping=True, like=last[0] if last else None)
        if careful.attrs["complete"]:
            yield careful
    if scenario.heats and ruled:
        yield from _lower_peaks(scenario, envelope, dispatched)


def _lower_peaks(scenario: Scenario, envelope: xr.Dataset, dispatched: xr.Dataset) -> Iterator[xr.Dataset]:
    """Lists of a foreman who keeps to lower peaks, where peaks cost: a search by parts could not lower them one by one.

    The lowest peak that is possible is found by halving, and every list on the way is given.
    """
    import twin

    rates = scenario.rates
    if rates is None or not any(peak.per_mw.any() for peak in rates.peaks):
        return
    low, high = float(dispatched["meter_mw"].min()), float(dispatched["meter_mw"].max())
    for _ in range(PEAKS):
        limit = (low + high) / 2
        grid = scenario.site.grid.model_copy(update={"import_limit_mw": limit})
        calmer = scenario.model_copy(update={"site": scenario.site.model_copy(update={"grid": grid})})
        found = twin.dispatch(calmer, envelope, keeping=calmer.disturbances.careful)
        if found.attrs["complete"]:
            high = min(limit, float(found["meter_mw"].max()))
            yield found
        else:
            low = limit


def disturbed_replays(scenario: Scenario, schedule: xr.Dataset, dispatched: xr.Dataset, tell: Progress) -> Replays:
    """Replays of schedule and foreman's list under the same disturbances."""
    import twin

    # a site alone is not disturbed
    disturbed = scenario.heats or (scenario.processes and scenario.disturbances.processes)
    n = scenario.disturbances.replications if disturbed else 0
    columns: dict[str, list[float]] = {
        prefix + name: [] for prefix in ("", "baseline_") for name in (*FIGURES, "violations")
    }
    if scenario.processes:
        columns |= {"more_carbon_kg": [], "more_cost": []}
    for replication in range(n):
        made: dict[str, Figures] = {}
        for prefix, followed in (("", schedule), ("baseline_", dispatched)):
            run = twin.replay(scenario, followed, replication=replication, disturbed=True)
            # the foreman nominates what he draws
            nominated = followed if followed is schedule else None
            sums = figures(scenario, run, float(run.attrs["tonnes"]), nominated=nominated)
            made[prefix] = sums
            kinds = run["violation_kind"].values
            for name, value in (
                ("carbon_kg", sums.carbon_kg),
                ("cost", sums.cost),
                ("peak_mw", sums.peak_mw),
                ("violations", len(kinds)),
                ("late_heats", len(set(run["violation_heat"].values[np.isin(kinds, ("due", "unfinished"))]))),
                ("missed_deliveries", len(set(run["violation_unit"].values[kinds == "delivery"]))),
            ):
                columns[prefix + name].append(float(value))
        if scenario.processes:
            more = shortfall(scenario, made["baseline_"], made[""])
            columns["more_carbon_kg"].append(more.carbon_kg)
            columns["more_cost"].append(more.cost)
        tell({"phase": "replays", "done": replication + 1, "of": n})
    data = xr.Dataset(
        {name: ("replication", np.array(values, dtype=float)) for name, values in columns.items()},
        coords={"replication": np.arange(n)},
    )
    return Replays(n=n, held=int((data["violations"] == 0).sum()), data=data)


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
