"""Analysis of the levers of a scenario: what each saves on its own and as the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.messages import Message, mark
from emberline.studies.levers.study import levers, refused

if TYPE_CHECKING:
    from emberline.runs.work.tasks import Task

PHASES = {
    "sequential": mark("searching: production first, site after"),
    "joint": mark("searching: heats and site together"),
}


def work(task: Task) -> dict[str, Any]:
    """Weigh the levers of the requested scenario."""
    scenario = task.scenario()
    says = refused(scenario)
    if says:
        raise ScenarioError([Problem(scenario.name, "", says)])
    last: list[str] = []

    def on_progress(event: dict[str, Any]) -> None:
        phase = event["phase"]
        if "lever" in event:
            task.report(Message("weighed: {lever}", lever=event["lever"]), event["done"], event["of"])
        elif last != [phase]:
            last[:] = [phase]
            task.report(Message(PHASES[phase]) if phase in PHASES else phase)

    return levers(scenario, on_progress=on_progress, cancel=task.cancelled).summary()
