"""The gaps between works in exact time: each is spent in the state that takes the least energy for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from emberline.scenarios.energy_states.record import TOLERANCE_MIN, EnergyStates


def idle_pieces(
    states: EnergyStates, works: Iterable[tuple[float, float]], length_min: float
) -> list[tuple[float, float, float]]:
    """States of a machine between its works: each gap is spent in the state that takes the least energy for it.

    Between works it leaves for that state at once and is ready again on the minute; before the first work it comes
    from the initial state, at the end of the horizon it is in the final one. A way to the first work that does not fit
    has begun before the horizon, one to the final state goes on after it: only what lies within counts.

    Args:
        states: the machine.
        works: start and end of each [min]; only what lies within the horizon matters.
        length_min: the horizon.

    Returns:
        Start, end [min] and power [MW] of each piece, in order; gaps shorter than rounding are none.
    """
    pieces: list[tuple[float, float, float]] = []
    at, state = 0.0, states.start_index
    for begin, end in sorted(works):
        if end <= 0 or begin >= length_min:
            continue
        pieces += gap_pieces(states, (at, begin), state, states.ready_index, to_work=True)
        at, state = max(at, end), states.ready_index
    return pieces + gap_pieces(states, (at, length_min), state, states.end_index, to_work=False)


def gap_pieces(
    states: EnergyStates, span: tuple[float, float], start: int, end: int, *, to_work: bool
) -> list[tuple[float, float, float]]:
    """The pieces of one gap between two states.

    Args:
        states: the machine.
        span: start and end of the gap [min].
        start, end: states before and after it.
        to_work: where no way fits, whether it ends with the gap; else it begins with it.

    Returns:
        As ``idle_pieces``.
    """
    first, last = span
    if last - first <= TOLERANCE_MIN:
        return []
    state = states.best_state(last - first, start, end)
    if state is None:
        ways = states.route(start, end) or ()
        return _go(states, ways, last - states.minutes(ways) if to_work else first, span)
    there, on = states.route(start, state) or (), states.route(state, end) or ()
    away, back = first + states.minutes(there), last - states.minutes(on)
    stay = [(away, back, states.states[state].power_mw)] if back > away else []
    return [*_go(states, there, first, span), *stay, *_go(states, on, back, span)]


def _go(
    states: EnergyStates, route: Sequence[int], at: float, span: tuple[float, float]
) -> list[tuple[float, float, float]]:
    """The pieces of transitions one after the other from a moment on, as far as they lie within a span [min]."""
    pieces = []
    for k in route:
        over = at + states.transitions[k].duration_min
        begin, end = max(at, span[0]), min(over, span[1])
        if end > begin:
            pieces.append((begin, end, states.transitions[k].power_mw))
        at = over
    return pieces
