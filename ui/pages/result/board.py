"""The planning board of a plan: heats and runs of processes are dragged, locked and freed; then the plan is made again
around the locks."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from emberline.planning.plan import Plan, replan
from emberline.reports.charts import board as drawing
from emberline.reports.charts.view import View
from emberline.reports.text import current, mark, say, tr, trn, wording
from emberline.reports.text.activities import replay_of
from emberline.scenarios import ScenarioError
from emberline.scenarios.records.orders import AnyLock, Lock
from emberline.studies import board as boards
from emberline.studies.board import HeatBoard, RunBoard
from emberline.ui.pages.result import repairs as locking
from emberline.ui.pages.result import zoom
from emberline.ui.pages.session import widgets

MAX_UNDONE = 50
MAX_REASONS = 6


class HeatMoves:
    """Moves of heats."""

    search_s = 5.0
    """Longest search around moves: a shift leader waits for it [s]."""
    board = staticmethod(boards.of_plan)
    bars = staticmethod(drawing.of_heats)

    def pick(self, plan: Plan, run: str, act: dict[str, Any]) -> None:
        """Show the heat that was clicked."""
        names = [heat.name for heat in plan.scenario.heats]
        heat = str(act.get("heat", ""))
        st.session_state[f"heat.{run}"] = heat if heat in names else None
        st.session_state[f"heat.{run}.begins"] = (heat,) if heat in names else ()
        st.session_state[f"heat.{run}.stage"] = self._stage(plan, run, act)

    def _stage(self, plan: Plan, run: str, act: dict[str, Any]) -> str | None:
        """Stage of the bar that was clicked; None: the heat has started there, or no bar was."""
        board, (h, _, i) = of_run(run, plan), str(act.get("key", "")).partition(".")
        try:
            key = int(h), int(i)
        except ValueError:
            return None
        return board.operation(key)[1] if board is not None and key in board.key_of.values() else None

    def lock(self, board: HeatBoard, plan: Plan, run: str, act: dict[str, Any]) -> None:
        """Lock a heat where it was dropped, or where it is; free one that is locked."""
        h, i = map(int, str(act["key"]).split("."))
        if (h, i) not in set(board.key_of.values()):
            return
        now = locking.on_heats(run, plan)
        if act["do"] == "lock" and board.moves(now).get((h, i)) is not None:
            hold(plan, run, boards.undone(now, board, (h, i)))
            return
        place = board.place((h, i)) if act["do"] == "lock" else (int(act["unit"]), int(act["slot"]))
        if place[0] in board.units((h, i)) and 0 <= place[1] < board.problem.n_slots:
            pin(plan, run, board.lock((h, i), place))

    def in_the_way(self, board: HeatBoard, locks: tuple[AnyLock, ...]) -> list[str]:
        """Limits that the moves break with all else where the plan has it, in words."""
        places = board.moves(locks)
        lines = []
        for key, place in places.items():
            if place != board.place(key):
                orders, casts = board.free.orders, board.problem.casts
                heat = board.operation(key)[0] if key[0] >= 0 else orders[casts[key[1]].order].name
                lines += [f"{heat}: {wording.sentence(say(reason))}" for reason in board.in_the_way(key, place, places)]
        return lines


class RunMoves:
    """Moves of runs of processes."""

    search_s = 20.0
    """Longest search around moves: weeks of processes have more to decide [s]."""
    bars = staticmethod(drawing.of_runs)

    def board(self, plan: Plan) -> RunBoard | None:
        """The board of a plan, if it has a schedule."""
        return None if plan.schedule is None else RunBoard(plan)

    def pick(self, plan: Plan, run: str, act: dict[str, Any]) -> None:
        """Show the run that was clicked."""
        st.session_state[f"picked.{run}"] = str(act.get("heat", ""))

    def lock(self, board: RunBoard, plan: Plan, run: str, act: dict[str, Any]) -> None:
        """Lock a run where it was dropped, or where it is; free one that is locked."""
        number, now = int(str(act["key"]).split(".")[0]), locking.current(locking.key_of(run, plan), plan)
        moves = board.moves(now)
        if act["do"] == "lock" and number in moves:
            del moves[number]
        else:
            at = board.runs[number].first
            moves[number] = at if act["do"] == "lock" else int(act["slot"]) + at - board.begins[number]
        locks = tuple(board.lock(i, first) for i, first in sorted(moves.items()))
        replan.with_locks(plan.scenario, locks)
        hold(plan, run, locks)

    def in_the_way(self, board: RunBoard, locks: tuple[AnyLock, ...]) -> list[str]:
        """Limits that the moves break with all else where the plan has it, in words."""
        horizon, moves = board.plan.scenario.horizon, board.moves(locks)
        lines = [tr("{run} lies outside the horizon", run=f"{one.unit} {one.mode}") for one in board.outside(moves)]
        lines += [
            tr("{unit} is busy with {other}", unit=hit.unit, other=f"{hit.other.mode}, {hit.one.mode}")
            for hit in board.collisions(moves)
        ]
        return lines or [wording.violation(row, horizon) for row in board.missed(moves)]


MOVES: dict[str, HeatMoves | RunMoves] = {"heats": HeatMoves(), "runs": RunMoves()}
"""Moves on a board by the table of the producer that it shows."""


def _moves_of(plan: Plan) -> Any:
    return MOVES[plan.scenario.producers[0].table]


@st.cache_resource(max_entries=16, show_spinner=False)
def of_run(run: str, _plan: Plan) -> Any:
    """The board of a stored plan: a ``HeatBoard`` or ``RunBoard``; None: nothing can be moved."""
    return _moves_of(_plan).board(_plan)


@st.cache_resource(max_entries=32, show_spinner=False)
def _bars(
    run: str, baseline: bool, span: tuple[float, float], language: str, _plan: Plan, _view: View
) -> dict[str, Any]:
    before, board = _plan.baseline if baseline else None, of_run(run, _plan)
    return _moves_of(_plan).bars(_plan.scenario, replay_of(_plan), before, _view, board)


def show(plan: Plan, run: str, view: View, baseline: bool, picked: tuple[str, ...]) -> None:
    """Draw the board, and what the reader has moved."""
    key, place = locking.key_of(run, plan), f"board.{run}"
    bars = _bars(run, baseline, view.span_min, current(), plan, view)
    now = locking.current(key, plan)
    data = drawing.with_locks(bars, run, of_run(run, plan), now, picked)
    drawing.show(data, place, lambda: _act(plan, run))
    _changes(plan, run, now)


def refresh(run: str) -> None:
    """Draw the whole page again if locks have changed: the side lists them. To be called last."""
    if st.session_state.pop(f"board.{run}.changed", False):
        st.rerun()


def _act(plan: Plan, run: str) -> None:
    """Callback: do what was done on the board."""
    event: Any = st.session_state.get(f"board.{run}") or {}
    act = event.get("act")
    if not isinstance(act, dict):
        return
    if act.get("do") == "range":
        _range(plan, run, act.get("span"))
        return
    if act.get("do") == "undo":
        undo(plan, run)
    else:
        _moves_of(plan).pick(plan, run, act)
    board = of_run(run, plan)
    if act.get("do") in ("move", "lock") and board is not None:
        with suppress(ScenarioError, KeyError, TypeError, ValueError, IndexError):
            _moves_of(plan).lock(board, plan, run, act)


def _range(plan: Plan, run: str, span: Any) -> None:
    """Show a span in all panels, in whole steps."""
    horizon = plan.scenario.horizon
    if not (isinstance(span, list) and len(span) == 2 and all(isinstance(end, int | float) for end in span)):
        return
    first, last = (min(max(end, 0.0), horizon.length_min) for end in span)
    step = horizon.step_min
    first, last = step * round(first / step), step * round(last / step)
    whole = first <= 0 and last >= horizon.length_min
    if last - first >= step:
        zoom.show(run, None if whole else (first, last))


def pin(plan: Plan, run: str, lock: Lock) -> None:
    """Add a lock to those that apply; it takes the place of one on the same heat and stage, or cast."""
    now = locking.on_heats(run, plan)
    hold(plan, run, replan.pinned(plan.scenario.model_copy(update={"locks": now}), [lock]))


def hold(plan: Plan, run: str, locks: tuple[AnyLock, ...]) -> None:
    """Let other locks apply; the step can be undone."""
    key = locking.key_of(run, plan)
    steps = st.session_state.setdefault(f"board.{run}.steps", [])
    steps.append(locking.current(key, plan))
    del steps[:-MAX_UNDONE]
    locking.hold(key, locks)
    st.session_state[f"board.{run}.changed"] = True


def undo(plan: Plan, run: str) -> None:
    """Take the last step back."""
    steps = st.session_state.get(f"board.{run}.steps") or []
    if steps:
        locking.hold(locking.key_of(run, plan), steps.pop())
        st.session_state[f"board.{run}.changed"] = True


def _changes(plan: Plan, run: str, now: tuple[AnyLock, ...]) -> None:
    """Draw the differences from the plan's locks, what is in the way, and the buttons."""
    if replan.same_locks(now, replan.all_locks(plan.scenario)):
        return
    board = of_run(run, plan)
    moves = _moves_of(plan)
    seconds = moves.search_s
    before = {lock.model_dump_json() for lock in replan.all_locks(plan.scenario)}
    fresh = [lock for lock in now if lock.model_dump_json() not in before]
    gone = len(before - {lock.model_dump_json() for lock in now})
    with st.container(border=True, gap="xsmall", key="board.changes"):
        sentence, undone, again = st.columns([6, 1, 2], vertical_alignment="center")
        parts = [locking.lock_text(plan.scenario, lock) for lock in fresh[:4]]
        if len(fresh) > 4:
            parts.append(tr("and {count} more", count=len(fresh) - 4))
        lines = []
        if fresh:
            lines.append(tr("To lock: {locks}", locks="; ".join(parts)))
        if gone:
            lines.append(trn("{count} lock to remove", "{count} locks to remove", gone))
        sentence.text("\n".join(lines))
        undone.button(tr("Undo"), width="stretch", key=f"undo.{run}", on_click=undo, args=(plan, run))
        text = mark(
            "Searches for {seconds} s at most, from this plan on; Plan at the side searches as long as is set there."
        )
        label, about = tr("Plan again around it"), tr(text, seconds=wording.number(seconds, 0))
        if again.button(label, type="primary", width="stretch", key=f"around.{run}", help=about):
            try:
                with widgets.refusal():
                    locking.plan_again(run, plan, now, seconds)
                    st.rerun()
            except ScenarioError as error:
                st.text("\n".join(f"✕ {problem.says}" for problem in error.problems))
        reasons = [] if board is None else list(dict.fromkeys(moves.in_the_way(board, now)))
        if reasons:
            st.text("\n".join(f"! {line}" for line in reasons[:MAX_REASONS]))
            st.caption(tr("With everything else where it is; planning again moves it as far as needed."))
