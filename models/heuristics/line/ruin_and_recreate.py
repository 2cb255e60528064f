"""Ruin and recreate on casts: a few casts that are close in time are removed from the plan and put back differently.

They are put back one after the other at their best places; or all are shifted slightly, two of them are exchanged, and
their heats are placed again, those needed last first. Many such moves are tried at once from the same plan
(``models/heuristics/line/batch_moves.py``); of the accepted moves, all that do not conflict are made. From time to time
all starts of the plan are optimized at once (``models/heuristics/line/minimum_cut_retiming.py``), which no sequence of
such moves would achieve. At first, worse plans are accepted with a probability that decreases to zero (simulated
annealing). The decrease depends on the number of moves, not on the clock: as long as there is time for all of them,
equal input gives an equal plan. (Schrimpf, Schneider, Stamm-Wilbrandt, Dueck, Journal of Computational Physics 159,
2000.)

With a site that has decisions (battery, assets, demand charge) the value of a plan does not follow from the line's
load. Casts are then renewed for a site without decisions (``run_under_site``): energy has a price by slot, and each MWh
above a level has an additional price, as if the demand charge were spread over the intervals at the peak. The level
exceeds the demand that is billed in any case by the peak reduction of the battery and the assets in the best plan. Each
renewed plan is then evaluated with the best use of the site.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emberline.models.bounds import cast_pricing
from emberline.models.heuristics.line.batch_moves import Draws, Moves, Shifts, Trial
from emberline.models.heuristics.line.minimum_cut_retiming import Retiming
from emberline.models.heuristics.line.placement import Placed, Shop
from emberline.models.problem.assignment import Starts, load_cells
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE, LINE_AND_SITE, SiteView
from emberline.scenarios import effort
from emberline.scenarios.metrics import METRICS


def useful(search: Search) -> bool:
    """Return whether the value of a plan follows from the line's load alone."""
    return search.best is not None and search.by_load and cast_pricing.useful(search.problem)


@dataclass(frozen=True)
class Peak:
    """Price of a high load, in place of a demand charge."""

    mwh: float
    """Energy in a metered interval that is free of this price."""
    price: float
    """Price of a MWh above this energy."""


def run(
    search: Search, seconds: float, rounds: int | None = None, *, peak: Peak | None = None, stream: int = 0
) -> Starts:
    """Improve the best plan.

    Args:
        search: search with a plan.
        seconds: time limit; if it ends before the rounds do, the acceptance probability decreases faster.
        rounds: rounds of moves; None: derived from the size of the line and the time limit.
        peak: additional price of high loads.
        stream: stream of random numbers.

    Returns:
        The best plan, including the price of high loads.
    """
    with search.timed("renew"):
        renewal = Renewal(search, peak, stream)
        renewal.run(seconds, rounds or planned(search, seconds))
    return renewal.starts()


def planned(search: Search, seconds: float) -> int:
    """Return the number of rounds for a time limit."""
    problem = search.problem
    heats = len(problem.heats) / len(problem.casts)
    return max(
        round(seconds * LINE.renewal_pace / (heats * problem.n_slots * (LINE.renewal_shifts + LINE.renewal_put_back))),
        1,
    )


class Renewal:
    """One run of ruin and recreate: casts are removed from the incumbent and put back differently."""

    def __init__(self, search: Search, peak: Peak | None = None, stream: int = 0) -> None:
        self.search, self._peak = search, peak
        problem, data, aim = search.problem, search.data, search.aim
        table = data.guide_per_mwh
        self._cells = problem.cells_per_slot
        both = aim.both_weights(data)
        size = float(np.abs(both).mean())
        guide = both.copy()
        for name, *_ in aim.caps(data):
            guide += LINE.renewal_cap_share * size / max(float(np.abs(table[name]).mean()), 1e-9) * table[name]
        self.shop = Shop(problem, guide)
        assert search.best is not None
        self.shop.read(search.best)
        net = (data.base - data.pv) / self._cells
        self._base_cells = problem.fixed_cells + np.repeat(net, self._cells)
        self._weight = np.repeat(both, self._cells)
        self._caps = [
            (np.repeat(table[name], self._cells), cap, size / max(float(np.abs(table[name]).mean()), 1e-9))
            for name, cap, _ in aim.caps(data)
        ]
        """Weight of each cap by cell, the cap, and its factor to the scale of the goal."""
        self._per_meter = round(data.meter_min / data.cell_min)
        self._limit, self._over = data.limit_mwh(), LINE.renewal_limit * aim.over_price(data)
        self.cast_loads = np.array([self.shop.cells(c, placed) for c, placed in enumerate(self._at())])
        """Load of each cast, shape (n_casts, n_cells)."""
        self.load = self.cast_loads.sum(axis=0)
        self.value, self._broken = self._judged(self.load)
        self.best = math.inf if self._broken else self._worth(self.load)
        self.best_places = list(self.shop.at)
        """Places of the casts in the best plan."""
        self._heard: list[float] = []
        """Changes of the goal by feasible moves at the beginning, accepted or not."""
        self.shifts = Shifts(self.shop)
        self.retiming = Retiming(self.shop, self._base_cells, self._limit, self._per_meter)
        self._draw = Draws(problem)
        self._per_round = LINE.renewal_counted / planned(search, 1.0)
        self._random = np.random.Generator(np.random.Philox(key=len(problem.heats) + (stream << 32)))

    def _worth(self, load: np.ndarray) -> float:
        """Return both goals of a load of the line as one, including the price of high loads."""
        draw = load + self._base_cells
        return float(self._weight @ draw + self._peaks(draw))

    def _peaks(self, draw: np.ndarray) -> Any:
        """Return the additional cost of high loads in a draw by cell, shape (..., n_cells)."""
        if self._peak is None:
            return 0.0
        metered = draw.reshape(*draw.shape[:-1], -1, self._per_meter).sum(axis=-1)
        return self._peak.price * np.maximum(metered - self._peak.mwh, 0.0).sum(axis=-1)

    def _judged(self, load: np.ndarray) -> tuple[float, bool]:
        """Return both goals of a load as one, with the penalties of caps and limits, and whether any is broken."""
        value, more = self._parts(load)
        return float(value), bool(more > 0)

    def _parts(self, loads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the same for loads by cell, shape (..., n_cells), and the part due to broken limits."""
        draw = loads + self._base_cells
        counted, more = draw @ self._weight + self._peaks(draw), np.zeros(loads.shape[:-1])
        if math.isfinite(self._limit):
            metered = draw.reshape(*loads.shape[:-1], -1, self._per_meter).sum(axis=-1)
            more = self._over * np.maximum(metered - self._limit - 1e-9, 0.0).sum(axis=-1)
        for weight, cap, scale in self._caps:
            above = scale * (draw @ weight - cap)
            counted = counted + LINE.renewal_cap_share * above
            more = more + LINE.renewal_broken * np.maximum(above, 0.0)
        return counted + more, more

    def run(self, seconds: float, rounds: int) -> None:
        """Run rounds until all are done or the time is over."""
        search, began = self.search, effort.now()
        offer_time, offered, warmth = began, self.best, 0.0
        # a retiming that ignores the peak puts all heats into the cheapest hours and is rejected
        timed = self._peak is None

        def over() -> bool:
            return search.phase_over() or effort.now() - began >= seconds

        if timed:
            self._begin(over)
        for number in range(rounds):
            now = effort.now()
            if search.phase_over() or now - began >= seconds:
                break
            if number == LINE.renewal_listened:
                warmth = LINE.renewal_warmth * float(np.std(self._heard)) if self._heard else 0.0
            passed = max(number / rounds, (now - began) / seconds)
            self.round(warmth * (1 - passed) ** LINE.renewal_cooling)
            if timed and number % LINE.renewal_retimed == LINE.renewal_retimed - 1:
                self.retime(LINE.renewal_near_min, over)
            if self.best < offered and now - offer_time > LINE.renewal_report:
                search.offer(self.starts())
                offer_time, offered = now, self.best
        if self.best < offered:
            search.offer(self.starts())

    def starts(self) -> Starts:
        """Return the best plan found."""
        return self.shop.starts(self.best_places)

    def round(self, warmth: float) -> int:
        """Try a batch of shifts, then put casts back; return the number of moves that changed the plan."""
        effort.spend(self._per_round)
        draw, random, slots = self._draw, self._random, self._slots()
        units = np.array([placed.unit for placed in self._at()])
        moves = self._make_best(self.shifts.trial(draw.shifts(random, slots, units, LINE.renewal_shifts)), warmth)
        casts, heats = draw.returns(random, self._slots(), LINE.renewal_put_back)
        loose = random.uniform(size=LINE.renewal_put_back) < LINE.renewal_loose
        noise = 1 + LINE.renewal_noise * loose[:, None] * random.uniform(
            size=(LINE.renewal_put_back, self.search.problem.n_slots)
        )
        return moves + self._make_best(self.shifts.returned(casts, heats, LINE.renewal_places, noise), warmth)

    def _begin(self, over: Callable[[], bool]) -> None:
        """Retime all starts over a wide range, as long as the gain is large."""
        failures = 0
        while failures < LINE.renewal_failures and not over():
            before = self.value
            failures = 0 if self.retime(LINE.renewal_far_min, over) else failures + 1
            if not failures and self.value > before - LINE.renewal_far_gain * abs(before):
                break

    def retime(self, reach_min: float, over: Callable[[], bool] = lambda: False) -> bool:
        """Retime all starts of the plan; return whether this improved it without breaking a limit that was kept."""
        before, value, broken = self._at(), self.value, self._broken
        after = self.retiming.best(before, reach_min, over)
        if after is None:
            return False
        self._make(dict(enumerate(after)))
        better = self.value < value and (broken or not self._broken)
        if not better:
            self._make(dict(enumerate(before)))
        return better

    def _took(self) -> None:
        """Store the plan if it is the best so far."""
        if not self._broken:
            worth = self._worth(self.load)
            if worth < self.best - 1e-9 * abs(self.value):
                self.best, self.best_places = worth, list(self.shop.at)

    def _at(self) -> list[Placed]:
        return [placed for placed in self.shop.at if placed is not None]

    def _slots(self) -> np.ndarray:
        return np.array([placed.slot for placed in self._at()])

    def _make_best(self, trial: Trial, warmth: float) -> int:
        """Make the accepted moves that do not conflict, and return their number."""
        moves, shifts = trial.moves, self.shifts
        losses = -warmth * np.log(1 - self._random.uniform(size=len(trial.fits)))
        candidates = np.flatnonzero(trial.fits)
        if not len(candidates):
            return 0
        low, high = self._hours(moves)
        loads = np.concatenate([self.cast_loads, np.zeros((1, self.cast_loads.shape[1]))])
        change = trial.cells[candidates] - loads[moves.casts[candidates]].sum(axis=1)
        count = 0
        if not warmth:
            self._heard += (change @ self._weight).tolist()
        while len(candidates):
            values, _ = self._parts(self.load + change)
            good = np.flatnonzero(values < self.value + losses[candidates])
            if not len(good):
                break
            m = int(candidates[good[0]])
            self._make(shifts.placed(trial, m))
            count += 1
            remaining = np.arange(len(candidates)) > good[0]
            clash = ((low[candidates][:, :, None] < high[m]) & (high[candidates][:, :, None] > low[m])).any(axis=(1, 2))
            stays = remaining & ~clash
            candidates, change = candidates[stays], change[stays]
        return count

    def _hours(self, moves: Moves) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and end slot of the ranges that moves use, around the old and new places of their casts."""
        before, after = self.shifts.reach
        slots = np.append(self._slots(), 0)
        both = np.concatenate([moves.slots, slots[moves.casts]], axis=1)
        none = np.concatenate([moves.casts, moves.casts], axis=1) < 0
        return np.where(none, 2**30, both - before), np.where(none, -(2**30), both + after)

    def _make(self, places: dict[int, Placed]) -> None:
        for c in places:
            self.shifts.clear(c)
        for c, placed in places.items():
            self.shop.at[c] = placed
            self.shifts.hold(c)
            self.cast_loads[c] = self.shop.cells(c, placed)
        self.load = self.cast_loads.sum(axis=0)
        self.value, self._broken = self._judged(self.load)
        self._took()


def useful_under_site(search: Search) -> bool:
    """Return whether there is a plan of casts that can be placed independently, and a site with decisions."""
    return search.best is not None and not search.by_load and cast_pricing.useful(search.problem)


def pays_peaks(search: Search) -> bool:
    """Return whether the goal includes the cost of the highest import."""
    purchase = search.data.purchase
    peaks = purchase is not None and purchase.rates is not None and bool(purchase.rates.peaks)
    return peaks and METRICS[search.aim.first].money


def run_under_site(search: Search, seconds: float) -> None:
    """Improve the best plan by successive runs of renewal.

    Args:
        search: search with a plan.
        seconds: time limit.
    """
    began, plan, views = effort.now(), search.best, LINE_AND_SITE.views
    size = min(LINE_AND_SITE.run_work, max(seconds / len(views), LINE_AND_SITE.run_least))
    for number in itertools.count():
        remaining = seconds - (effort.now() - began)
        if search.phase_over() or remaining < LINE_AND_SITE.run_least:
            break
        view = views[number % len(views)]
        if number % len(views) == 0:
            plan = search.best
        assert plan is not None
        with search.timed("renew"):
            plan = _renewed(search, plan, view, min(size, remaining), number)


def _renewed(search: Search, plan: Starts, view: SiteView, seconds: float, number: int) -> Starts:
    """Run renewal once, offer the plan to the search and return it."""
    problem, data, aim = search.problem, search.data, search.aim
    flows = search.best_flows
    assert flows is not None
    assert search.best is not None
    base = np.maximum(data.base - data.pv, 0.0)
    base_cells = np.repeat(base / data.cells_per_slot, data.cells_per_slot)
    to_mwh = data.meter_min / 60
    load, metered = (load_cells(problem, starts) + base_cells for starts in (search.best, plan))
    relief = float(load.reshape(data.n_meters, -1).sum(axis=1).max() - flows.meter_mw.max() * to_mwh)
    highest = float(metered.reshape(data.n_meters, -1).sum(axis=1).max())
    limit = None
    if data.import_limit_mw is not None:
        limit = max(data.import_limit_mw * to_mwh + max(relief, 0.0), highest + 1e-6) / to_mwh
    price = np.asarray(data.guide_price)
    if view.shared and search.load_worth is not None:
        price = price + (problem.on_steps(search.load_worth) / data.cells_per_slot - aim.weight(data)) / 2
    site = replace(
        data, base=base, pv=np.zeros(len(base)), price=price, battery=None, hub=None,
        purchase=None, curtails=False, whole=True, import_limit_mw=limit,
    )  # fmt: skip
    slots = problem.on_steps(load)
    tops = {
        name: top - (flows.totals[name] - float(site.guide_per_mwh[name] @ slots)) for name, top in aim.tops.items()
    }
    inner_aim = replace(aim, tops=tops, constant=0.0)
    inner = search.inner(problem, 2 * seconds, 0.0, data=site, aim=inner_aim, cancel=search.phase_over)
    inner.best = plan
    peak = _peak(search, relief - view.level * to_mwh, view.spread)
    renewed = run(inner, seconds, peak=peak, stream=number)
    search.offer(renewed)
    return renewed


def _peak(search: Search, relief: float, spread: int) -> Peak | None:
    """Return the price of high loads; None if the goal does not pay for peaks."""
    purchase = search.data.purchase
    if purchase is None or purchase.rates is None or not pays_peaks(search):
        return None
    hours = purchase.rates.hours
    rate = sum(float(peak.per_mw.max()) for peak in purchase.rates.peaks) * purchase.rates.with_tax("demand")
    assert search.best_flows is not None
    floor, now = min(peak.floor_mw for peak in purchase.rates.peaks), float(search.best_flows.meter_mw.max())
    level = max(floor, (1 - LINE_AND_SITE.level_drop) * now) * hours + relief
    return Peak(level, rate / hours / spread)
