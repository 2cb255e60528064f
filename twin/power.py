"""Power over time: constant between events, integrated exactly onto any grid.

The energy drawn until a moment is piecewise linear, so its difference between two edges of a grid is the exact
integral. Nothing is sampled, and grids of 5, 15 and 60 min agree up to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.scenarios.line.tables import Profile


@dataclass(frozen=True)
class Trace:
    """Pieces of constant power. Pieces may overlap; their powers then add up."""

    start: np.ndarray
    """Start of each piece [min], shape (n_pieces,)."""
    end: np.ndarray
    """End of each piece [min], shape (n_pieces,)."""
    power: np.ndarray
    """Power of each piece [MW], shape (n_pieces,)."""

    @classmethod
    def of(cls, pieces: Sequence[tuple[float, float, float]]) -> Trace:
        """Trace from the start [min], end [min] and power [MW] of each piece."""
        return cls(*np.array(pieces, dtype=float).reshape(-1, 3).T)

    def cumulative(self) -> tuple[np.ndarray, np.ndarray]:
        """Breakpoints [min] and the energy drawn until each of them [MWh], shape (2 n_pieces,) each."""
        at = np.concatenate([self.start, self.end])
        order = np.argsort(at, kind="stable")
        at = at[order]
        power = np.cumsum(np.concatenate([self.power, -self.power])[order])
        energy = np.zeros(len(at))
        np.cumsum(power[:-1] * np.diff(at), out=energy[1:])
        return at, energy / 60

    def mean(self, edges: np.ndarray) -> np.ndarray:
        """Mean power between the edges of a grid [MW], shape (n_edges - 1,)."""
        if not len(self.start):
            return np.zeros(len(edges) - 1)
        at, energy = self.cumulative()
        return np.diff(np.interp(edges, at, energy)) * 60 / np.diff(edges)

    def energy(self, start: float, end: float) -> float:
        """Energy drawn from ``start`` to ``end`` [MWh]."""
        return float(self.mean(np.array([start, end]))[0]) * (end - start) / 60


@dataclass(frozen=True)
class Ahead:
    """Whole day of a plant under the schedule or list that it follows at present."""

    run: xr.Dataset
    """Table ``RUN``."""
    powers: dict[str, Trace]
    """Power of each unit."""
    stops: list[tuple[str, float, float]]
    """Breakdowns: unit, start and duration [min]."""
    occupations: list[tuple[str, str, float, float]]
    """Unit, heat or mode, start and end [min]."""


def operations_trace(
    unit: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    energy_mwh: np.ndarray,
    extra_mwh: np.ndarray,
    profiles: list[Profile],
    stops: dict[int, list[tuple[float, float]]],
) -> Trace:
    """Power drawn by operations: phase by phase, reheating spread evenly, zero while a unit is down.

    Args:
        unit: unit of each operation, an index into ``profiles``, shape (n,)
        start, end: start and end of each operation [min], shape (n,)
        energy_mwh: electricity without reheating, shape (n,)
        extra_mwh: reheating, shape (n,)
        profiles: power by phase of each unit
        stops: standstills within an operation, by its index: start and duration [min]
    """
    down = np.zeros(len(start))
    for i, spans in stops.items():
        down[i] = sum(stop_min for _, stop_min in spans)
    working = end - start - down
    pieces: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    rows = np.arange(len(start))
    if stops:
        for i, spans in stops.items():
            profile = profiles[int(unit[i])]
            power = (profile.relative * energy_mwh[i] + extra_mwh[i]) / working[i] * 60
            pieces.append(_interrupted(start[i], profile.ends * working[i], power, spans))
        rows = np.delete(rows, list(stops))
    first, long, of = start[rows], working[rows], unit[rows]
    base, extra = energy_mwh[rows] * 60 / long, extra_mwh[rows] * 60 / long
    phases = np.array([len(profile.ends) for profile in profiles])
    for p in range(int(phases.max(initial=0))):
        # values of units without such a phase are not used
        places = [min(p, count - 1) for count in phases.tolist()]
        pairs = list(zip(profiles, places, strict=True))
        before = np.array([profile.ends[place - 1] if place else 0.0 for profile, place in pairs])[of]
        until = np.array([profile.ends[place] for profile, place in pairs])[of]
        relative = np.array([profile.relative[place] for profile, place in pairs])[of]
        piece = first + before * long, first + until * long, relative * base + extra
        mine = phases[of] > p
        pieces.append(piece if mine.all() else (piece[0][mine], piece[1][mine], piece[2][mine]))
    if not pieces:
        return Trace(np.zeros(0), np.zeros(0), np.zeros(0))
    return Trace(*(np.concatenate(part) for part in zip(*pieces, strict=True)))


def _interrupted(
    start: float, ends: np.ndarray, power: np.ndarray, spans: list[tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces of one operation whose phases end after ``ends`` minutes of work, shifted by its standstills."""
    worked = []  # working time at which each standstill falls
    lost = 0.0
    for at, stop_min in spans:
        worked.append(at - start - lost)
        lost += stop_min
    cuts = np.unique(np.concatenate([[0.0], ends, worked]))
    cuts = cuts[cuts <= ends[-1]]
    begin, finish = cuts[:-1], cuts[1:]
    shift = np.array(
        [sum(stop_min for (_, stop_min), work in zip(spans, worked, strict=True) if work <= cut) for cut in begin]
    )
    phase = np.searchsorted(ends, (begin + finish) / 2)
    return start + begin + shift, start + finish + shift, power[phase]
