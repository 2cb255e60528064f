"""What the pages Plant and Twin look at: a stored plan, or the baseline run of a scenario that is asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
import xarray as xr

from emberline.plans.accounts import Ledger, sums
from emberline.plans.accounts import ledger as books
from emberline.plans.plan import Plan
from emberline.plans.store import RUN_ID, CatalogueError, StoreError
from emberline.scenarios import Scenario, ScenarioError
from emberline.ui.pages.request import sources
from emberline.ui.pages.result import result
from emberline.ui.pages.session import session
from emberline.ui.text import wording
from emberline.ui.text.language import tr

ASKED = "asked"
"""In the session: what ``sources.look`` takes and overrides of the scenario that was asked about last."""
RUN = "run"
BASELINE, PLAN = "baseline", "plan"


@dataclass(frozen=True)
class Looked:
    """A scenario, and the stored plan of it where there is one."""

    scenario: Scenario
    key: tuple[str, ...]
    """What tells it from all others: a run, or what ``sources.look`` takes and overrides."""
    made: Plan | None = None

    @property
    def policies(self) -> list[str]:
        """Whose runs there are."""
        return [PLAN, BASELINE] if self.made is not None and self.made.replay is not None else [BASELINE]

    def run(self, policy: str) -> xr.Dataset:
        """The undisturbed run of the plan or of the baseline."""
        if self.made is None:
            return baseline_run(self.key)[0]
        return self.made.baseline if policy == BASELINE or self.made.replay is None else self.made.replay

    def ledger(self, policy: str) -> Ledger:
        """The carbon ledger of that run."""
        return _ledger(self.key, policy)

    @property
    def status(self) -> str:
        """Status, gap and bound of the plan; of the baseline what it is."""
        if self.made is None:
            return tr("The baseline run, simulated without disturbance; nothing is optimized.")
        return wording.status(self.made)


def remember(name: str, overrides: tuple[str, ...]) -> None:
    """Keep what is asked about for the pages that look at it; arguments as of ``sources.look``."""
    st.session_state[ASKED] = (name, *overrides)


def choose(page: str) -> Looked | None:
    """Draw the choice of what to look at, and open it; None, with a line that says why, where it cannot be opened.

    Args:
        page: tells the widgets of pages apart.
    """
    run, known = session.run(), sources.sources(st.session_state.get(sources.SEED, {}))
    asked = st.session_state.get(ASKED, ())
    options: dict[str, tuple[str, ...]] = {RUN: ()} if run else {}
    if len(asked) > 1:
        options[ASKED] = asked
    options |= {key: (source.path,) for key, source in known.items()}
    first = st.session_state.get(sources.CHOSEN, sources.FIRST)
    first = RUN if run else ASKED if ASKED in options else first
    now = (first, run, asked)
    place, chosen = f"{page}.of", f"{page}.look"
    # another run was chosen, or something else asked, on another page
    if st.session_state.get(place) != now or st.session_state.get(chosen) not in options:
        st.session_state[place] = now
        st.session_state[chosen] = first if first in options else sources.FIRST

    def called(option: str) -> str:
        if option == RUN:
            return tr("plan {run}", run=run[:8])
        if option == ASKED:
            return tr("{name}, as asked on the page Plan", name=sources.name_of(asked[0]))
        return known[option].label

    option = st.selectbox(
        tr("Look at"), list(options), format_func=called, key=chosen,
        help=tr("A plan that was made, or what the baseline does in a scenario"),
    )  # fmt: skip
    if option == RUN:
        return _stored(run)
    try:
        return Looked(sources.look(options[option][0], options[option][1:]), options[option])
    except ScenarioError as error:
        st.warning(tr("This scenario has mistakes; change what these lines name."))
        st.text("\n".join(map(str, error.problems)))
        return None


def _stored(run: str) -> Looked | None:
    try:
        made = result.opened(run).plan
    except CatalogueError:
        raise
    except StoreError:
        st.warning(tr("This plan is not there, or not ready yet. Choose a scenario above, or another plan."))
        return None
    return Looked(made.scenario, (run,), made)


@st.cache_resource(max_entries=12, show_spinner=False)
def baseline_run(key: tuple[str, ...]) -> tuple[xr.Dataset, xr.Dataset]:
    """The baseline run and its list, of a scenario with overrides; of a stored plan its own, and its list."""
    from emberline import twin

    if RUN_ID.match(key[0]):
        made = result.opened(key[0]).plan
        return made.baseline, twin.dispatch(made.scenario, made.envelope)
    scenario = sources.look(key[0], key[1:])
    listed = twin.dispatch(scenario)
    return twin.replay(scenario, listed).assign_attrs(policy=BASELINE), listed


@st.cache_resource(max_entries=12, show_spinner=False)
def disturbed(key: tuple[str, ...], policy: str, replication: int) -> xr.Dataset:
    """A disturbed run of the plan or of the baseline; the same number is the same luck for both."""
    from emberline import twin

    if RUN_ID.match(key[0]):
        made = result.opened(key[0]).plan
        scenario, schedule = made.scenario, made.schedule
    else:
        scenario, schedule = sources.look(key[0], key[1:]), None
    followed = baseline_run(key)[1] if policy == BASELINE or schedule is None else schedule
    return twin.replay(scenario, followed, replication=replication, disturbed=True)


@st.cache_resource(max_entries=12, show_spinner=False)
def _ledger(key: tuple[str, ...], policy: str) -> Ledger:
    if RUN_ID.match(key[0]):
        made = result.opened(key[0]).plan
        if made.replay is None:
            return books.ledger(made.scenario, made.baseline)
        return result.accounted(key[0])[1][0 if policy == PLAN else 1]
    return books.ledger(sources.look(key[0], key[1:]), baseline_run(key)[0])


def as_plan(looked: Looked, run: xr.Dataset, baseline: xr.Dataset | None = None) -> Plan:
    """Runs as a plan that charts can draw: ``run`` as its replay, the baseline's beside it."""
    if looked.made is not None:
        return replace(looked.made, replay=run, baseline=run if baseline is None else baseline)
    return Plan(
        scenario=looked.scenario, envelope=_envelope(looked.key), baseline=run, replay=run,
        baseline_figures=sums.figures(looked.scenario, run), baseline_complete=True,
        status="simulated", objective=None, bound=None, gap=None,
    )  # fmt: skip


@st.cache_resource(max_entries=12, show_spinner=False)
def _envelope(key: tuple[str, ...]) -> xr.Dataset:
    from emberline import twin

    return twin.envelope(sources.look(key[0], key[1:]))
