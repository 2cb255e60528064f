"""Alternatives for a unit or an asset: the plan without it, and with it always on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
import xarray as xr

from emberline.models import explain
from emberline.models.search import schedule as schedules
from emberline.planning.accounts.unit_runs import RUN, UnitRun, unit_runs
from emberline.planning.answer.expensive_hours import expensive_hours
from emberline.planning.answer.uses import signal, signal_text, used
from emberline.scenarios import Case, Problem, ScenarioError
from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.converter import Machine, MachineState
from emberline.scenarios.case.line import Stage
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.process.record import Process
from emberline.studies.levers.study import BATTERY, without
from emberline.studies.why import run_slack
from emberline.studies.why.answer import Answer
from emberline.studies.why.resolver import Resolver, away
from emberline.studies.why.tuning import WHY

ON = mark("{name} on all the time, as if it ran when the horizon begins")
CAPLESS = mark("{says}, with no cap on cost (none keeps it)")


class OfUnit:
    """Answers about one unit or asset."""

    def __init__(self, resolver: Resolver, name: str, at_min: float | None = None) -> None:
        """Find the unit or asset.

        Args:
            resolver: resolver of the plan.
            name: name of the unit or asset.
            at_min: time within the run in question [min after the start of the horizon]; None: the whole unit.

        Raises:
            ScenarioError: there is no such unit, it is not a decision of the plant, or it does not run at that time.
        """
        self.resolver, self.name, self.scenario = resolver, name, resolver.scenario
        site = self.scenario.site
        self.of_line = name if name in self.scenario.line.unit else ""
        self.process: Process | None = None
        self.units: tuple[str, ...] = (name,) if self.of_line else ()
        for process in self.scenario.processes:
            if name == process.name or name in process.units:
                self.process = process
                self.units = process.units if name == process.name else (name,)
        self.asset = next((asset for asset in site.assets if asset.name == name), None)
        self.machine = next((machine for machine in of(site.assets, Machine) if machine.name == name), None)
        battery = name == BATTERY and site.battery is not None
        if self.asset is not None and not self.asset.decided:
            text = f"{name} is not a decision of the plant; change it with --set and compare with emberline diff"
            raise ScenarioError([Problem("--unit", "", text)])
        if not (self.units or self.asset is not None or battery):
            names = [*self.scenario.line.unit, *(unit for unit, _ in self.scenario.process_units)]
            names += [BATTERY] if site.battery is not None else []
            names += [asset.name for asset in site.assets if asset.decided]
            text = f"{name!r} is not a unit or asset of this run; those are {', '.join(names) or 'none'}"
            raise ScenarioError([Problem("--unit", "", text)])
        self.run = None if at_min is None else self._run_at(at_min)

    def _run_at(self, at_min: float) -> UnitRun:
        step = at_min // self.scenario.horizon.step_min
        for unit_run in self._every if self.process is not None else ():
            if unit_run.unit in self.units and unit_run.what == RUN and unit_run.first <= step < unit_run.last:
                return unit_run
        at = self.scenario.horizon.instant(at_min).isoformat(timespec="minutes")
        text = f"{self.name} is a process with no run at {at}"
        if self.process is None:
            text = f"{self.name} is no process; ask about a --heat"
        raise ScenarioError([Problem("--at", "", text)])

    @cached_property
    def _every(self) -> list[UnitRun]:
        plan = self.resolver.plan
        assert plan.replay is not None
        return list(unit_runs(plan.scenario, plan.replay))

    @property
    def question(self) -> str:
        """Subject of the question in words: the unit, or one of its runs."""
        run = self.run
        return self.name if run is None else Message("{name}, {span}", name=run.unit, span=self._span(run))

    def _span(self, unit_run: UnitRun) -> Message:
        horizon = self.scenario.horizon
        first, last = (horizon.instant(at * horizon.step_min) for at in (unit_run.first, unit_run.last))
        return Message("{first} to {last}", first=first, last=last)

    def of_run(self) -> list[str]:
        """Place of the run in question and the limits on moving it, in words; empty if the question is not about a
        run."""
        return [] if self.run is None else [self._lies(self.run)]

    def facts(self) -> Iterator[str]:
        """Use of the unit in the plan, in words."""
        schedule = self.resolver.schedule
        if self.of_line:
            mine = schedule["unit"].values.astype(str) == self.name
            busy = np.where(mine, schedule["end_min"].to_numpy() - schedule["start_min"].to_numpy(), 0.0)
            text = mark("{name} takes {count} heats in the plan and is busy for {hours:.1f} h")
            yield Message(text, name=self.name, count=int(mine.sum()), hours=float(np.nansum(busy)) / 60)
            return
        names = {*self.units, self.name}
        uses = [use for use in used(self.scenario, schedule) if use.name in names and use.amount]
        for use in uses:
            text = mark("{name} {what} {amount:.4g} {unit} in the plan")
            yield Message(text, name=use.name, what=Message(use.what), amount=float(use.amount), unit=use.unit)
        if not uses:
            yield Message("{name} is not used in the plan", name=self.name)
        if self.process is not None:
            yield from self._runs()

    def _runs(self) -> Iterator[str]:
        """Reasons for its runs in expensive hours, and the limits on moving the most expensive runs."""
        plan = self.resolver.plan
        assert plan.replay is not None
        yield from (reason.says for reason in expensive_hours(plan, plan.replay) if reason.unit in self.units)
        runs = [run for run in self._every if run.unit in self.units and run.what == RUN and run != self.run]
        dearest = sorted(runs, key=lambda run: -self._worth(run))[: WHY.runs]
        yield from (self._lies(run) for run in sorted(dearest, key=lambda run: run.first))

    def _worth(self, unit_run: UnitRun) -> float:
        """Value of a MWh during a run, averaged over the energy that the run draws."""
        plan, (worth, _, _) = self.resolver.plan, signal(self.resolver.plan)
        assert plan.replay is not None
        return run_slack.weighted(worth[unit_run.first : unit_run.last], run_slack.power(plan.replay, unit_run))

    def _lies(self, unit_run: UnitRun) -> str:
        """Place of a run and the limits on moving it earlier and later, in words."""
        plan, horizon = self.resolver.plan, self.scenario.horizon
        assert plan.replay is not None
        _, kind, unit = signal(plan)
        slack = run_slack.slack(plan.scenario, plan.replay, unit_run, self._every)
        first, last = (horizon.instant(at * horizon.step_min) for at in (unit_run.first, unit_run.last))
        worth = {"here": signal_text(self._worth(unit_run)), "unit": unit if kind == "price" else "kg CO2e/MWh"}
        reach = {"earlier": slack.earlier_min, "later": slack.later_min}
        stops = {"before": slack.earlier.says(horizon), "after": slack.later.says(horizon)}
        text = mark(
            "{name} runs from {first} to {last} at {here} {unit}: {earlier:,.0f} min earlier at most ({before}), "
            "{later:,.0f} min later at most ({after})"
        )
        return Message(text, name=unit_run.unit, first=first, last=last, **worth, **reach, **stops)

    def questions(self) -> list[tuple[str, str]]:
        """Key and words of each alternative."""
        if self.run is not None:
            text = Message("{name} idle, {span}", name=self.run.unit, span=self._span(self.run))
            return [("idle", text)]
        options: list[tuple[str, str]] = [("without", Message("without {name}", name=self.name))]
        if self.process is not None and not self.process.must_run and self.units == self.process.units:
            options.append(("on", Message(ON, name=self.name)))
        if self.machine is not None and self.machine.min_load > 0:
            options.append(("on", Message(ON, name=self.name)))
        return options

    def answer(self, key: str, text: str) -> Answer:
        """Plan again without it, without one of its runs, or with it always on."""
        from emberline import twin

        if self.run is not None:
            step = self.scenario.horizon.step_min
            variant = away(self.scenario, (self.run.unit,), self.run.first * step, self.run.last * step)
            return self._capless(key, text, variant, twin.envelope(variant))
        if key == "on":
            variant = self._on()
            return self.resolver.ask(key, text, variant, envelope=twin.envelope(variant))
        if not self.units:
            return self._capless(key, text, without(self.scenario, {self.name}), None)
        stage = self.scenario.line.stage_of.get(self.name)
        if stage is not None and not self._others(stage):
            reason = mark("no other unit of {stage} can take all heats that {name} takes")
            return Answer(key, text, "infeasible", reason=Message(reason, stage=stage.name, name=self.name))
        variant = away(self.scenario, self.units, 0.0, self.scenario.horizon.length_min)
        return self._capless(key, text, variant, twin.envelope(variant))

    def _others(self, stage: Stage) -> bool:
        """Return whether every heat that runs through a stage could run on another of its units."""
        line, orders = self.scenario.line, {order.name: order for order in self.scenario.orders}
        for heat in self.scenario.heats:
            allowed = orders[heat.order].units if stage == line.stages[-1] else ()
            if [name for name in line.able(heat.grade, stage) if not allowed or name in allowed] == [self.name]:
                return False
        return True

    def _capless(self, key: str, text: str, variant: Case, envelope: xr.Dataset | None) -> Answer:
        """Plan again; if the cap on cost leaves no plan, repeat without the cap and report this."""
        caps = variant.goal.caps
        self.resolver.asks += caps.cost is not None
        answer, _ = self.resolver.ask_near(key, text, variant, envelope)
        self.resolver.asks -= caps.cost is not None and answer.has_plan
        if answer.status in schedules.RULED_OUT:
            durations = self.resolver.plan.envelope if envelope is None else envelope
            answer = replace(answer, limits=tuple(explain.missing(variant, durations)))
        if answer.has_plan or caps.cost is None or answer.status not in schedules.RULED_OUT or self.resolver.over:
            return answer
        loose = variant.with_goal(caps=caps.model_copy(update={"cost": None}))
        again = self.resolver.ask(key, Message(CAPLESS, says=text), loose, envelope=envelope)
        return again if again.has_plan else replace(again, says=text, limits=answer.limits)

    def _on(self) -> Case:
        scenario, site = self.scenario, self.scenario.site
        if self.process is not None:
            first = self.process.all_modes[0].name
            states = [state if state.mode else state.model_copy(update={"mode": first}) for state in self.process.start]
            process = self.process.model_copy(update={"must_run": True, "state": tuple(states)})
            processes = tuple(process if item.name == process.name else item for item in scenario.processes)
            return scenario.model_copy(update={"processes": processes})
        assert self.machine is not None
        hours = scenario.horizon.length_min / 60
        state = self.machine.state
        state = MachineState(on=True) if state is None or not state.on else state
        fields = {"state": state.model_copy(update={"since_h": 0.0}), "min_up_h": hours}
        machine = self.machine.model_copy(update=fields)
        assets = tuple(machine if asset.name == self.name else asset for asset in site.assets)
        return scenario.model_copy(update={"site": site.model_copy(update={"assets": assets})})
