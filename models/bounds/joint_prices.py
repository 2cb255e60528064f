"""Bound of a line with its site: the site's linear program is part of the one that mixes casts.

Battery, assets, tariff, contracts and import limit do not take part in the pricing of casts. They are rows and columns
next to those of the casts, coupled to them by the line's draw in each cell and its output in each slot; the multipliers
of these coupling rows are the values of a MWh, or of a unit of output, for the casts. At any such prices

        minimum cost of the site + minimum cost of all casts − value of the units

is below every plan with the best use of the site (``SiteProgram``). In this program the line is two families of
columns, its draw by cell and its output of each carrier by slot. All else is the formulation that dispatches plans,
with integers relaxed.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pyomo.core as pyo

from emberline.models.bounds import cast_pricing
from emberline.models.bounds.branch_and_bound import most_reheating_mwh
from emberline.models.bounds.cast_pricing import CastColumn, PricingTables, exact_reheating
from emberline.models.bounds.column_generation import Bound, Casts, Prices, most_of_units
from emberline.models.formulations.site.dispatch import add_under_line
from emberline.models.formulations.site.objective import Aim
from emberline.models.kernel.arrays import limit
from emberline.models.kernel.highs import Program
from emberline.models.kernel.highs.program import central
from emberline.models.kernel.templates import building
from emberline.models.problem.line import SlotProblem, even_cells
from emberline.models.problem.site import SiteData
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE, LINE_AND_SITE


class SiteProgram:
    """Linear program of the site, warm-started from one set of prices to the next."""

    def __init__(self, problem: SlotProblem, data: SiteData, aim: Aim) -> None:
        """Build and compile the program."""
        self.carriers = list(problem.gives)
        self.most = most_cells(problem)
        """Upper bound on the line's draw, by cell [MWh]."""
        model = pyo.ConcreteModel()
        with building():
            ports = add_under_line(model, data, self.carriers, exclusive=False)
            limit(model.line, lower=0.0, upper=self.most)
            if self.carriers:
                # at most as much as if the stage with the highest output drew all of it
                top = [float(np.abs(problem.gives[carrier]).max()) for carrier in self.carriers]
                fixed = [np.abs(problem.fixed_gives.get(carrier, 0.0)) for carrier in self.carriers]
                slots = problem.on_steps(self.most)
                highest = np.concatenate([rate * slots + more for rate, more in zip(top, fixed, strict=True)])
                limit(model.gives, lower=-highest, upper=highest)
            ports.keep(model, aim.tops)
            model.goal = pyo.Objective(rule=lambda m: aim.pure(ports))
            self.program = Program(model)
        self.line, self.gives = (self.program.columns_of(variable) for variable in (model.line, model.gives))
        """Columns of the program; −1 if the site has none."""
        self.form = self.program.form

    def proven(self, load: np.ndarray, gives: np.ndarray, *, work: float, cancel: Callable[[], bool]) -> float:
        """Return the minimum cost of the site if it is paid for the line's load and pays for the line's output.

        Args:
            load: value of a MWh that the line draws, by cell.
            gives: value of a unit of its output, by carrier and slot.
            work: maximum work (``scenarios/effort.py``).
            cancel: polled; True stops the search.

        Returns:
            −∞ if nothing was proven in time.
        """
        costs = self.form.cost.copy()
        cells, slots = self.line >= 0, self.gives >= 0
        costs[self.line[cells]] -= load[cells]
        costs[self.gives[slots]] += gives.reshape(-1)[slots]
        self.program.price(costs)
        run = self.program.search(work=max(work, 0.05), relax=True, cancel=cancel)
        bound = self.program.outcome(run).bound
        if bound is None:
            return -np.inf
        # loads without a column are bounded by their own limits
        blind = np.where(cells, 0.0, np.maximum(load, 0.0) * self.most).sum()
        return float(bound - blind) if slots.all() else -np.inf


def most_cells(problem: SlotProblem) -> np.ndarray:
    """Return an upper bound on the line's draw by cell [MWh]: every unit at its maximum, all reheating at once."""
    # two works may share a cell
    power = 2 * most_of_units(problem)
    idle = sum(states.most_mw for states in problem.states.values()) * problem.cell_min / 60
    return problem.fixed_cells + power + idle + most_reheated(problem)


def most_reheated(problem: SlotProblem) -> float:
    """Return the maximum reheating in a cell [MWh]."""
    most = 0.0
    for heat in problem.heats:
        if heat.reheat is not None and problem.reheat_kwh_per_t_min:
            slots = sum(min(int(pair.max()), problem.n_slots) for pair in heat.most[: heat.reheat])
            mwh = problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * slots * problem.step_min
            share = max(even_cells(problem, span).max() for span in heat.operations[heat.reheat].minutes.values())
            most = max(most, mwh * float(share) * 2 * len(problem.stage_units[heat.operations[heat.reheat].stage]))
    return most


def useful(search: Search) -> bool:
    """Return whether the bound applies to the line; the site may be any."""
    return cast_pricing.useful(search.problem)


class SiteMaster(Casts):
    """Linear program of casts and site."""

    def __init__(self, tables: PricingTables, latest: list[int], site: SiteProgram, scale: float) -> None:
        """Set up all parts that do not depend on columns.

        Args:
            tables: the casts.
            latest: latest start slot of each cast.
            site: the linear program of the site.
            scale: value of a MWh, which scales objective and multipliers to about one.
        """
        super().__init__(tables, latest)
        self.site, self.scale = site, scale
        self._draws: dict[CastColumn, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        """Coupling rows in which a column is not zero, its coefficients there, and those in all rows, by column."""

    def _ties(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return draw by cell and output by slot of all columns, as a matrix by columns: places, values, starts."""
        index, values, starts = [np.zeros(0, dtype=int)], [np.zeros(0)], [0]
        for cast_column in self.columns:
            entry = self._draws.get(cast_column)
            if entry is None:
                load, gives = self.tables.load(cast_column)
                row = np.concatenate([load, *(gives[carrier] for carrier in self.site.carriers)])
                places = np.flatnonzero(row)
                entry = self._draws[cast_column] = places, row[places], row
            index.append(entry[0])
            values.append(entry[1])
            starts.append(starts[-1] + len(entry[0]))
        return np.concatenate(index), np.concatenate(values), np.array(starts)

    def solve(self, block: int, *, tolerance: float, work: float, cancel: Callable[[], bool]) -> Prices | None:
        """Compute the best mix of columns with the best use of the site; None if it does not finish."""
        from scipy.sparse import block_array, csc_matrix, csr_matrix, eye_array

        form, tables, scale = self.site.form, self.tables, self.scale
        problem = tables.problem
        rows, low, high = self.rows(block)
        n_carriers = len(self.site.carriers)
        n_ties = problem.n_cells + n_carriers * problem.n_slots
        n_columns, n_site = len(self.columns), form.shape[1]
        index, values, starts = self._ties()
        draws = csc_matrix((values, index, starts), shape=(n_ties, n_columns))
        columns = np.concatenate([self.site.line, self.site.gives])
        tied_ones = np.flatnonzero(columns >= 0)
        ties = csr_matrix((np.ones(len(tied_ones)), (tied_ones, columns[tied_ones])), shape=(n_ties, n_site))
        size = block * problem.cells_per_slot if block > 1 else 1
        groups = _groups(problem.n_cells, size, n_carriers, problem.n_slots, max(block, 1))
        width = int(groups.max()) + 1
        merge = csr_matrix((np.ones(n_ties), (groups, np.arange(n_ties))), shape=(width, n_ties))
        site = csc_matrix((form.values, form.index, form.starts), shape=form.shape)
        n_held = rows.shape[0] - self.n_due
        over = eye_array(rows.shape[0], n_held, k=-self.n_due, format="csc") * -1.0
        apart = eye_array(width, format="csc")
        matrix = block_array(
            [[rows, over, None, None, None], [None, None, site, None, None],
             [merge @ draws * -1.0, None, merge @ ties, apart, apart * -1.0]], format="csc",
        )  # fmt: skip
        fixed = [
            problem.fixed_cells,
            *(problem.fixed_gives.get(c, np.zeros(problem.n_slots)) for c in self.site.carriers),
        ]
        decided = merge @ np.concatenate(fixed)
        cost = np.concatenate(
            [
                np.zeros(n_columns),
                np.full(n_held, LINE.overuse),
                form.cost / scale,
                np.full(2 * width, LINE_AND_SITE.apart),
            ]
        )
        lower, upper = np.zeros(len(cost)), np.full(len(cost), np.inf)
        first = n_columns + n_held
        lower[first : first + n_site], upper[first : first + n_site] = form.lower, form.upper
        centre = central(
            cost, matrix, np.concatenate([low, form.row_lower, decided]),
            np.concatenate([high, form.row_upper, decided]),
            tolerance=tolerance, work=work, cancel=cancel, lower=lower, upper=upper,
        )  # fmt: skip
        if centre is None:
            return None
        units, places = self.priced(centre.multipliers, block)
        tied = (centre.multipliers[-width:] * scale)[groups]
        tied[columns < 0] = 0.0
        return Prices(
            units=units * scale,
            others=(tied[: problem.n_cells], -tied[problem.n_cells :].reshape(-1, problem.n_slots)),
            places=places * scale, worth=np.asarray(tied @ draws),
            objective=centre.objective * scale + form.offset,
        )  # fmt: skip


def _groups(n_cells: int, size: int, n_carriers: int, n_slots: int, block: int) -> np.ndarray:
    """Return the row to which each coupling row contributes; prices are constant over blocks."""
    cells, slots = np.arange(n_cells) // size, np.arange(n_slots) // block
    after = cells[-1] + 1
    return np.concatenate([cells, *(after + k * (slots[-1] + 1) + slots for k in range(n_carriers))])


class JointBound(Bound):
    """Bound that uses prices of the line's draw and output."""

    master: SiteMaster
    tolerances = LINE_AND_SITE.tolerances
    patience = LINE_AND_SITE.patience

    def __init__(self, search: Search) -> None:
        """Build the site's linear program and the casts' curves."""
        super().__init__(search)
        problem, data, aim = search.problem, search.data, search.aim
        self.site = SiteProgram(problem, data, aim)
        weight = aim.weight(data)
        self.tables = PricingTables(problem, weight[None, :])
        scale = max(float(np.abs(weight).mean()), 1e-9)
        latest = [max(cast.last.values()) for cast in problem.casts]
        self.master = SiteMaster(self.tables, latest, self.site, scale)
        self.settled = -aim.constant
        self._exact = exact_reheating(problem)
        self._idle = sum(states.most_mw for states in problem.states.values()) * problem.cell_min / 60
        priced = self.site.line >= 0
        self.prices = (
            np.zeros_like(self.tables.capacity),
            np.where(priced, np.repeat(weight, problem.cells_per_slot), 0.0),
            np.zeros((len(self.site.carriers), problem.n_slots)),
        )

    def run(self) -> None:
        """Raise the bound, continuing from the last bound of the same line, and store the final state."""
        super().run()
        if self.search.study is not None and math.isfinite(self.best):
            self.search.study.keep_columns(self.search.problem, self.master.columns, self.prices)

    def _begin(self) -> None:
        last = None if self.search.study is None else self.search.study.columns(self.search.problem)
        if last is None:
            super()._begin()
            return
        columns, prices = last
        for cast_column in columns:
            self.master.add(cast_column)
        if [price.shape for price in prices] == [price.shape for price in self.prices]:
            self._value(*prices)

    def proven(self, *prices: np.ndarray) -> float:
        """Return the bound that prices of units, of the line's draw by cell and of its output by slot prove."""
        units, load, gives = prices
        problem = self.search.problem
        credit = np.zeros((len(problem.stage_units), problem.n_cells))
        decided = float(load @ problem.fixed_cells)
        for carrier, worth in zip(self.site.carriers, gives, strict=True):
            credit += problem.gives[carrier][:, None] * np.repeat(worth, problem.cells_per_slot)[None, :]
            decided -= float(worth @ problem.fixed_gives.get(carrier, np.zeros(problem.n_slots)))
        self.tables.weigh(load[None, :], credit)
        self.tables.price(units, np.ones(1))
        total, _ = self.tables.best()
        if not math.isfinite(total):
            return total
        site = self.site.proven(load, gives, work=self.search.total_remaining, cancel=self._stop)
        value = total + site + self.settled + decided - float((units * self.tables.capacity).sum())
        return value + self._earned(load)

    def _value(self, *prices: np.ndarray) -> float:
        before, value = self.best, super()._value(*prices)
        if self.best > before:
            self.search.load_worth = self.prices[1]
        return value

    def _earned(self, load: np.ndarray) -> float:
        """Return the largest gain (as a negative number) from drawing more than the casts at negative prices."""
        problem, lowest = self.search.problem, np.minimum(load, 0.0)
        more = self._idle * float(lowest.sum())
        if lowest.any() and not self._exact:
            more += float(lowest.min()) * most_reheating_mwh(problem)
        return more
