"""Ruin and recreate on casts: a few that lie near in time are taken out of the plan and put back another way.

Either one after the other at their best places, or all moved a little, two of them exchanged, and their heats placed
again, those needed last first. Many such moves are tried at once from the same plan
(``models/heuristics/line/batch_moves.py``); of those that pass, each is made that meets no other. Now and then all
starts of the plan get their best times at once (``models/heuristics/line/minimum_cut_retiming.py``), which no sequence
of such moves would find. Worse plans are taken at first with a chance that falls to nothing (simulated annealing). How
far it has fallen follows from the moves made, not from the clock: as long as time and patience last for all of them,
equal input gives an equal plan. (Schrimpf, Schneider, Stamm-Wilbrandt, Dueck, Journal of Computational Physics 159,
2000.)

Under a site that decides (battery, assets, demand charge) what a plan is worth does not follow from the line's load.
There casts are renewed on a site that decides nothing (``run_under_site``): energy has its price by the slot, and loads
above a level count something for each MWh, as if the demand charge were spread over the intervals at the peak. The
level lies above the demand that is billed in any case, by what the battery and the assets took off the peak of the best
plan. Each renewed plan then gets the site's best use, and is judged by that.
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
    """Whether what a plan is worth follows from the line's load alone."""
    return search.best is not None and search.by_load and cast_pricing.useful(search.problem)


@dataclass(frozen=True)
class Peak:
    """Price of a high load, as a demand charge would have it."""

    mwh: float
    """In a metered interval; no more counts nothing."""
    price: float
    """Of a MWh above that."""


def run(
    search: Search, seconds: float, rounds: int | None = None, *, peak: Peak | None = None, stream: int = 0
) -> Starts:
    """Improve the best plan.

    Args:
        search: has a plan.
        seconds: most time; where it ends before the rounds do, chance falls faster.
        rounds: of moves; None: by the size of the line and the seconds.
        peak: what high loads count in addition.
        stream: of random numbers.

    Returns:
        The best plan with what high loads count.
    """
    with search.timed("renew"):
        renewal = Renewal(search, peak, stream)
        renewal.run(seconds, rounds or planned(search, seconds))
    return renewal.starts()


def planned(search: Search, seconds: float) -> int:
    """Rounds for some seconds."""
    problem = search.problem
    heats = len(problem.heats) / len(problem.casts)
    return max(
        round(seconds * LINE.renewal_pace / (heats * problem.n_slots * (LINE.renewal_shifts + LINE.renewal_put_back))),
        1,
    )


class Renewal:
    """One run of ruin and recreate: casts taken out of the incumbent and put back another way."""

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
        """Weight of each cap by cell, the cap, and what brings it to the goal's scale."""
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
        """Changes of the goal by moves that fit, accepted or not, at the beginning."""
        self.shifts = Shifts(self.shop)
        self.retiming = Retiming(self.shop, self._base_cells, self._limit, self._per_meter)
        self._draw = Draws(problem)
        self._per_round = LINE.renewal_counted / planned(search, 1.0)
        self._random = np.random.Generator(np.random.Philox(key=len(problem.heats) + (stream << 32)))

    def _worth(self, load: np.ndarray) -> float:
        """Both goals as one of a load of the line, with what high loads count."""
        draw = load + self._base_cells
        return float(self._weight @ draw + self._peaks(draw))

    def _peaks(self, draw: np.ndarray) -> Any:
        """Cost of the high loads in a draw by cell, shape (..., n_cells)."""
        if self._peak is None:
            return 0.0
        metered = draw.reshape(*draw.shape[:-1], -1, self._per_meter).sum(axis=-1)
        return self._peak.price * np.maximum(metered - self._peak.mwh, 0.0).sum(axis=-1)

    def _judged(self, load: np.ndarray) -> tuple[float, bool]:
        """Both goals as one of a load, with what caps and broken limits count, and whether anything is broken."""
        value, more = self._parts(load)
        return float(value), bool(more > 0)

    def _parts(self, loads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of loads by cell, shape (..., n_cells), and what is broken counts of it."""
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
        """Round after round, until they or the time are over."""
        search, began = self.search, effort.now()
        offer_time, offered, warmth = began, self.best, 0.0
        # a cut that knows no peak puts all heats on the cheapest hours, and is refused
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
        """The best plan found."""
        return self.shop.starts(self.best_places)

    def round(self, warmth: float) -> int:
        """Shifts tried at once, then casts put back; how many moves have changed the plan."""
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
        """Give all starts their best times, far from where they are, as long as that brings much."""
        failures = 0
        while failures < LINE.renewal_failures and not over():
            before = self.value
            failures = 0 if self.retime(LINE.renewal_far_min, over) else failures + 1
            if not failures and self.value > before - LINE.renewal_far_gain * abs(before):
                break

    def retime(self, reach_min: float, over: Callable[[], bool] = lambda: False) -> bool:
        """Give all starts of the plan their best times; whether that made it better and keeps what it kept."""
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
        """Keep the plan where it is the best so far."""
        if not self._broken:
            worth = self._worth(self.load)
            if worth < self.best - 1e-9 * abs(self.value):
                self.best, self.best_places = worth, list(self.shop.at)

    def _at(self) -> list[Placed]:
        return [placed for placed in self.shop.at if placed is not None]

    def _slots(self) -> np.ndarray:
        return np.array([placed.slot for placed in self._at()])

    def _make_best(self, trial: Trial, warmth: float) -> int:
        """Make the moves that pass and do not meet; how many."""
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
            meets = ((low[candidates][:, :, None] < high[m]) & (high[candidates][:, :, None] > low[m])).any(axis=(1, 2))
            stays = remaining & ~meets
            candidates, change = candidates[stays], change[stays]
        return count

    def _hours(self, moves: Moves) -> tuple[np.ndarray, np.ndarray]:
        """First and end of the slots that moves look at, around where their casts were and will be."""
        before, after = self.shifts.reach
        slots = np.append(self._slots(), 0)
        both = np.concatenate([moves.slots, slots[moves.casts]], axis=1)
        none = np.concatenate([moves.casts, moves.casts], axis=1) < 0
        return np.where(none, 2**30, both - before), np.where(none, -(2**30), both + after)

    def _make(self, places: dict[int, Placed]) -> None:
        """Change the plan."""
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
    """Whether there is a plan of casts that can be placed by themselves, and a site that decides."""
    return search.best is not None and not search.by_load and cast_pricing.useful(search.problem)


def pays_peaks(search: Search) -> bool:
    """Whether the goal counts what the highest import costs."""
    purchase = search.data.purchase
    peaks = purchase is not None and purchase.rates is not None and bool(purchase.rates.peaks)
    return peaks and METRICS[search.aim.first].money


def run_under_site(search: Search, seconds: float) -> None:
    """Improve the best plan, one run of renewal after the other.

    Args:
        search: has a plan.
        seconds: most time.
    """
    began, plan, views = effort.now(), search.best, LINE_AND_SITE.views
    size = min(LINE_AND_SITE.run_work, max(seconds / len(views), LINE_AND_SITE.run_least))
    for number in itertools.count():
        remaining = seconds - (effort.now() - began)
        if search.phase_over() or remaining < LINE_AND_SITE.run_least:
            break
        how = views[number % len(views)]
        if number % len(views) == 0:
            plan = search.best
        assert plan is not None
        with search.timed("renew"):
            plan = _renewed(search, plan, how, min(size, remaining), number)


def _renewed(search: Search, plan: Starts, how: SiteView, seconds: float, number: int) -> Starts:
    """The plan after one run of renewal; the search is offered it."""
    problem, data, aim = search.problem, search.data, search.aim
    flows = search.best_flows
    assert flows is not None
    assert search.best is not None
    base = np.maximum(data.base - data.pv, 0.0)
    base_cells = np.repeat(base / data.cells_per_slot, data.cells_per_slot)
    to_mwh = data.meter_min / 60
    load, metered = (load_cells(problem, one) + base_cells for one in (search.best, plan))
    relief = float(load.reshape(data.n_meters, -1).sum(axis=1).max() - flows.meter_mw.max() * to_mwh)
    highest = float(metered.reshape(data.n_meters, -1).sum(axis=1).max())
    limit = None
    if data.import_limit_mw is not None:
        limit = max(data.import_limit_mw * to_mwh + max(relief, 0.0), highest + 1e-6) / to_mwh
    price = np.asarray(data.guide_price)
    if how.shared and search.load_worth is not None:
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
    peak = _peak(search, relief - how.level * to_mwh, how.spread)
    renewed = run(inner, seconds, peak=peak, stream=number)
    search.offer(renewed)
    return renewed


def _peak(search: Search, relief: float, spread: int) -> Peak | None:
    """Price of high loads; None where no peak is paid for by the goal."""
    purchase = search.data.purchase
    if purchase is None or purchase.rates is None or not pays_peaks(search):
        return None
    hours = purchase.rates.hours
    rate = sum(float(peak.per_mw.max()) for peak in purchase.rates.peaks) * purchase.rates.with_tax("demand")
    assert search.best_flows is not None
    floor, now = min(peak.floor_mw for peak in purchase.rates.peaks), float(search.best_flows.meter_mw.max())
    level = max(floor, (1 - LINE_AND_SITE.level_drop) * now) * hours + relief
    return Peak(level, rate / hours / spread)
