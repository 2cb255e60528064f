"""Subject of the pages Plant and Twin: a stored plan, or the baseline run of a scenario."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
import xarray as xr

from emberline import twin
from emberline.planning.accounts import Ledger, sums
from emberline.planning.accounts import ledger as books
from emberline.planning.plan import Plan
from emberline.reports.text import tr, wording
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.home import RUN_ID
from emberline.ui.pages.request import sources
from emberline.ui.pages.session import session, stored_runs

REQUEST = "asked"
"""In the session: arguments of ``sources.look`` for the scenario requested last."""
RUN = "run"
BASELINE, PLAN = "baseline", "plan"


@dataclass(frozen=True)
class Subject:
    """A scenario, and its stored plan if there is one."""

    scenario: Case
    key: tuple[str, ...]
    """Identity: a run, or arguments of ``sources.look``."""
    plan: Plan | None = None

    @property
    def policies(self) -> list[str]:
        """The runs available."""
        return [PLAN, BASELINE] if self.plan is not None and self.plan.replay is not None else [BASELINE]

    def run(self, policy: str) -> xr.Dataset:
        """Undisturbed run of the plan or of the baseline."""
        if self.plan is None:
            return baseline_run(self.key)[0]
        return self.plan.baseline if policy == BASELINE or self.plan.replay is None else self.plan.replay

    def ledger(self, policy: str) -> Ledger:
        """Carbon ledger of that run."""
        return _ledger(self.key, policy)

    @property
    def status(self) -> str:
        """Status and gap of the plan; for the baseline, its description."""
        if self.plan is None:
            return tr("The baseline run, simulated without disturbances; nothing is optimized.")
        return wording.status(self.plan)


def remember(name: str, overrides: tuple[str, ...]) -> None:
    """Store the request for other pages; arguments as of ``sources.look``."""
    st.session_state[REQUEST] = (name, *overrides)


def choose(page: str) -> Subject | None:
    """Draw the choice of the subject and open it; None, with a line that says why, if it cannot be opened.

    Args:
        page: prefix of the widgets' keys.
    """
    run, entries = session.run(), sources.sources(st.session_state.get(sources.SEED, {}))
    request = st.session_state.get(REQUEST, ())
    options: dict[str, tuple[str, ...]] = {RUN: ()} if run else {}
    if len(request) > 1:
        options[REQUEST] = request
    options |= {key: (source.path,) for key, source in entries.items()}
    first = st.session_state.get(sources.SCENARIO_KEY, sources.FIRST)
    first = RUN if run else REQUEST if REQUEST in options else first
    now = (first, run, request)
    place, widget = f"{page}.of", f"{page}.look"
    # another run was chosen, or another request made, on another page
    if st.session_state.get(place) != now or st.session_state.get(widget) not in options:
        st.session_state[place] = now
        st.session_state[widget] = first if first in options else sources.FIRST

    def label(option: str) -> str:
        if option == RUN:
            return tr("plan: {title}", title=stored_runs.of_run(run, run[:8]))
        if option == REQUEST:
            return tr("{name}, as requested on the page Plan", name=sources.name_of(request[0]))
        return entries[option].label

    option = st.selectbox(
        tr("Show"), list(options), format_func=label, key=widget,
        help=tr("A stored plan, or the baseline run of a scenario"),
    )  # fmt: skip
    if option == RUN:
        return _stored(run)
    try:
        return Subject(sources.look(options[option][0], options[option][1:]), options[option])
    except ScenarioError as error:
        st.warning(tr("This scenario has mistakes; change what these lines name."))
        st.text("\n".join(map(str, error.problems)))
        return None


def _stored(run: str) -> Subject | None:
    stored = stored_runs.look_up(stored_runs.open_run, run)
    if stored is None:
        st.warning(tr("This plan does not exist or is not ready yet. Choose a scenario above, or another plan."))
        return None
    return Subject(stored.plan.scenario, (run,), stored.plan)


@st.cache_resource(max_entries=12, show_spinner=False)
def baseline_run(key: tuple[str, ...]) -> tuple[xr.Dataset, xr.Dataset]:
    """The baseline run and its schedule, of a scenario with overrides or of a stored plan."""
    if RUN_ID.match(key[0]):
        plan = stored_runs.open_run(key[0]).plan
        return plan.baseline, twin.dispatch(plan.scenario, plan.envelope)
    scenario = sources.look(key[0], key[1:])
    listed = twin.dispatch(scenario)
    return twin.replay(scenario, listed).assign_attrs(policy=BASELINE), listed


@st.cache_resource(max_entries=12, show_spinner=False)
def disturbed(key: tuple[str, ...], policy: str, replication: int) -> xr.Dataset:
    """A disturbed run of the plan or of the baseline; the same number means the same disturbances."""
    if RUN_ID.match(key[0]):
        plan = stored_runs.open_run(key[0]).plan
        scenario, schedule = plan.scenario, plan.schedule
    else:
        scenario, schedule = sources.look(key[0], key[1:]), None
    followed = baseline_run(key)[1] if policy == BASELINE or schedule is None else schedule
    return twin.replay(scenario, followed, replication=replication, disturbed=True)


@st.cache_resource(max_entries=12, show_spinner=False)
def _ledger(key: tuple[str, ...], policy: str) -> Ledger:
    if RUN_ID.match(key[0]):
        plan = stored_runs.open_run(key[0]).plan
        if plan.replay is None:
            return books.ledger(plan.scenario, plan.baseline)
        return stored_runs.bills_and_ledgers(key[0])[1][0 if policy == PLAN else 1]
    return books.ledger(sources.look(key[0], key[1:]), baseline_run(key)[0])


def as_plan(subject: Subject, run: xr.Dataset, baseline: xr.Dataset | None = None) -> Plan:
    """Runs as a plan for the charts: ``run`` as its replay, with the baseline's run."""
    if subject.plan is not None:
        return replace(subject.plan, replay=run, baseline=run if baseline is None else baseline)
    return Plan(
        scenario=subject.scenario, envelope=_envelope(subject.key), baseline=run, replay=run,
        baseline_figures=sums.figures(subject.scenario, run), baseline_complete=True,
        status="simulated", objective=None, bound=None, gap=None,
    )  # fmt: skip


@st.cache_resource(max_entries=12, show_spinner=False)
def _envelope(key: tuple[str, ...]) -> xr.Dataset:
    return twin.envelope(sources.look(key[0], key[1:]))
