"""Specific embedded emissions (SEE) of goods with precursors and several processes.

Implementing Regulation (EU) 2025/2547, annex II, section G, as the Commission's communication template solves it::

    SEE = (I − A)⁻¹ · base        A[i, j] = product of j used in i / all that i makes

``base`` is what a process emits itself and buys with its precursors, per tonne that it makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import numpy as np

from emberline.planning.accounts.ledger import Ledger
from emberline.reports.compliance.production_process import ProductionProcess
from emberline.scenarios import Scenario


class Cycle(ValueError):
    """Processes use each other's products in a circle."""


@dataclass(frozen=True)
class Embedded:
    """Embedded emissions of the product of a process."""

    see_direct: float
    """t CO2e/t."""
    see_indirect: float | None
    """t CO2e/t; None: the electricity of a precursor in it has no factor."""
    mwh_per_t: float
    """Electricity, that of its precursors included."""
    default_share: float = 0.0
    """Share of the total that default values of precursors bring."""

    @property
    def see_total(self) -> float | None:
        """t CO2e/t; None where the indirect part is open."""
        return None if self.see_indirect is None else self.see_direct + self.see_indirect


def embedded(processes: Sequence[ProductionProcess]) -> dict[str, Embedded]:
    """Embedded emissions of each process's product, by the name of the process.

    Raises:
        Cycle: processes use each other's products in a circle.
        ValueError: two processes of one name, or a product that no process makes.
    """
    names = [process.name for process in processes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ValueError(f"two processes are named {twice}")
    for process in processes:
        unknown = [name for name in process.takes_t if name not in names]
        if unknown:
            raise ValueError(f"process {process.name} takes {unknown[0]}; processes are {', '.join(names)}")
    _refuse_cycles(processes)
    used = np.array(
        [[process.takes_t.get(name, 0.0) / process.production_t for name in names] for process in processes]
    )
    base = np.array([_base(process) for process in processes]).reshape(len(processes), 5)
    solution = np.linalg.solve(np.eye(len(processes)) - used, base)
    return {
        name: Embedded(
            direct, None if opened else indirect, mwh, abs(default / (direct + indirect)) if direct + indirect else 0.0
        )
        for name, (direct, indirect, mwh, default, opened) in zip(names, solution.tolist(), strict=True)
    }


def _base(process: ProductionProcess) -> tuple[float, ...]:
    """Direct, indirect, electricity, by default values, and open electricity, per tonne that the process makes."""
    direct = process.attributed_t_co2
    indirect = process.electricity_mwh * process.electricity_t_co2_per_mwh
    mwh, default, without_factor = process.electricity_mwh, 0.0, 0.0
    for precursor in process.precursors:
        of_electricity = precursor.amount_t * (precursor.indirect or 0.0)
        direct += precursor.amount_t * precursor.see_direct
        indirect += of_electricity
        mwh += precursor.amount_t * precursor.mwh_per_t
        without_factor += precursor.amount_t * precursor.mwh_per_t if precursor.indirect is None else 0.0
        default += precursor.default_value * (precursor.amount_t * precursor.see_direct + of_electricity)
    production_t = process.production_t
    return tuple(part / production_t for part in (direct, indirect, mwh, default, without_factor))


def _refuse_cycles(processes: Sequence[ProductionProcess]) -> None:
    graph = {process.name: {name for name, t in process.takes_t.items() if t} for process in processes}
    itself = next((name for name, inputs in graph.items() if name in inputs), None)
    if itself:
        raise Cycle(f"process {itself} takes its own product; leave what is used again out of its production")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise Cycle(f"processes take each other's products in a circle: {' → '.join(error.args[1])}") from None


AVERAGE = "average"
"""Indirect emissions count the grid's average, as CBAM does."""


@dataclass(frozen=True)
class ProductEmissions:
    """Embedded emissions of a product per tonne."""

    tonnes: float
    see_direct: float
    """t CO2e/t."""
    see_indirect: float

    @property
    def see_total(self) -> float:
        """t CO2e/t."""
        return self.see_direct + self.see_indirect


def product_emissions(scenario: Scenario, book: Ledger) -> dict[str, ProductEmissions]:
    """Embedded emissions by product of a run: grades of heats, and stores that are delivered from.

    What a plan changes in them is the difference to the baseline. Precursors that are bought are not in them: a plan
    does not change what they carry.

    Args:
        scenario: what was run.
        book: ledger of the run.
    """
    return _of_grades(scenario, book) | (_of_stores(scenario, book) if book.products is not None else {})


def carried_kg(book: Ledger, *columns: str) -> np.ndarray:
    """Sum of some columns of the ledger for each heat [kg CO2e]; what it does not count is zero."""
    counted = [book.by_heat[name].to_numpy() for name in columns if name in book.by_heat]
    return np.sum([np.zeros(book.by_heat.sizes["heat"]), *counted], axis=0)


def _of_grades(scenario: Scenario, book: Ledger) -> dict[str, ProductEmissions]:
    grades = [heat.grade for heat in scenario.heats]
    sums: dict[str, np.ndarray] = {}
    columns = carried_kg(book, "direct_kg"), carried_kg(book, f"grid_{AVERAGE}_kg", "bought_kg")
    for grade, *values in zip(grades, *columns, strict=True):
        sums[grade.name] = np.add(sums.get(grade.name, 0.0), (grade.mass_t, *values))
    totals = {name: part.tolist() for name, part in sums.items()}
    return {
        name: ProductEmissions(mass, direct / mass / 1000, indirect / mass / 1000)
        for name, (mass, direct, indirect) in totals.items()
        if mass
    }


def _of_stores(scenario: Scenario, book: Ledger) -> dict[str, ProductEmissions]:
    assert book.products is not None
    table = book.products.table
    direct, grid = book.products.per_t("direct_kg"), book.products.per_t(f"grid_{AVERAGE}_kg")
    bought = book.products.per_t("bought_kg").fillna(0.0)
    stores = {}
    for name in dict.fromkeys(delivery.store for delivery in scenario.deliveries):
        values = [float(part.sel(stock=name)) for part in (direct, grid, bought)]
        if values[0] == values[0]:
            delivered_t = float(table["delivered_t"].sel(stock=name))
            stores[name] = ProductEmissions(delivered_t, values[0] / 1000, (values[1] + values[2]) / 1000)
    return stores
