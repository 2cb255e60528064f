"""Allocation of emissions: kilograms are traced through the site's carriers and machines, step by step.

In each step, every carrier has one intensity, which applies to all its uses. Purchased fuel and imported electricity
bring their own emissions. A machine passes on the emissions of its inputs, and its own, to its outputs in proportion to
their energy. Filling a store counts as a use, and withdrawals carry no emissions; nor do PV, wind, waste heat and
by-product gas. For the uses W of carrier c [units], with machines m that take from carriers k and pass a share a to c:

    i_c·W_c − Σ_m a_mc·Σ_k in_mk·i_k = kg brought to c + Σ_m a_mc·kg of m itself

Units of processes use electricity, fuels and heat like the line; their outputs (waste heat) carry no emissions. Sales
count as uses or not, depending on ``Accounting.by_products``. Flared and vented amounts never count; the remaining uses
carry their emissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import xarray as xr

from emberline.planning.accounts.site_stores import filling, site_stores
from emberline.scenarios import Scenario
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.flows.asset_flows import Account, flow
from emberline.scenarios.flows.process_flows import streams

DIRECT, BOUGHT, BIOGENIC = "direct_kg", "bought_kg", "biogenic_kg"
"""Columns of the ledger; those of the grid are ``grid_…_kg`` by signal. Biogenic emissions are in no total."""


@dataclass(frozen=True)
class Brought:
    """Emissions to trace; values of shape (n_steps,) [kg]."""

    to_carrier: Mapping[str, np.ndarray]
    """Emissions of purchases, by carrier."""
    by_machine: Mapping[str, np.ndarray]
    """Emissions of each machine itself."""


@dataclass(frozen=True)
class Origin:
    """Source of emissions within a column of the ledger."""

    column: str
    kind: str
    """``process``, ``fuel``, ``bought``, ``machine`` or ``grid``."""
    source: str
    """Source of a process (calcination), carrier of purchased fuels and heat, or name of a machine."""

    @property
    def label(self) -> str:
        """Unique label."""
        return f"{self.column} {self.kind} {self.source}"


def origins(
    scenario: Scenario, accounts: Iterable[Account], grid: Mapping[str, np.ndarray]
) -> Iterator[tuple[Origin, Brought]]:
    """Yield emissions of assets and grid by origin.

    Args:
        scenario: scenario with its site.
        accounts: accounts of the assets; emissions of flares are not traced.
        grid: emissions by column of the grid, shape (n_steps,) each [kg].
    """
    to_carrier: dict[Origin, tuple[str, np.ndarray]] = {}
    supplies = scenario.site.supplies
    for account in accounts:
        supply = supplies.get(account.asset)
        for column, kg in (
            (DIRECT, account.scope1_kg),
            (BOUGHT, account.scope2_kg),
            (BIOGENIC, account.scope1_biogenic_kg + account.scope2_biogenic_kg),
        ):
            if not kg.any():
                continue
            if supply is not None:
                origin = Origin(column, "bought" if supply.bought else "fuel", supply.carrier)
                before = to_carrier[origin][1] if origin in to_carrier else 0.0
                to_carrier[origin] = supply.carrier, before + kg
            elif account.asset in scenario.site.cores:
                yield Origin(column, "machine", account.asset), Brought({}, {account.asset: kg})
    for origin, (carrier, kg) in to_carrier.items():
        yield origin, Brought({carrier: kg}, {})
    for column, kg in grid.items():
        yield Origin(column, "grid", "grid"), Brought({ELECTRICITY: kg}, {})


Kind = TypeVar("Kind")

NOTHING = 1e-12


@dataclass(frozen=True)
class Traced:
    """Destinations of the emissions of one kind, shape (n_steps,) each [kg]; the remainder stays with the site."""

    line: np.ndarray
    sold: dict[str, np.ndarray]
    """Emissions of sales: ``export`` and the names of sales. Empty if by-products carry no emissions."""
    units: dict[str, np.ndarray] = field(default_factory=dict)
    """Emissions by unit of the processes, including electricity, fuels and heat; ``line`` contains their
    electricity."""
    stored: dict[str, np.ndarray] = field(default_factory=dict)
    """Emissions of what fills each store of the site, battery included."""
    mean: dict[str, float] = field(default_factory=dict)
    """Mean intensity of the supply of each carrier, withdrawals from stores excluded; unused carriers are left out."""


def trace(
    scenario: Scenario,
    flows: xr.Dataset,
    kinds: Mapping[Kind, Brought],
    replaced: Mapping[Kind, np.ndarray] | None = None,
) -> dict[Kind, Traced]:
    """Trace several kinds of emissions through the site.

    Args:
        scenario: scenario with its site and ``emissions.by_products``.
        flows: dataset of table ``RUN`` or ``SCHEDULE``.
        kinds: incoming emissions by kind.
        replaced: emissions per MWh of grid electricity in each step, shape (n_steps,), by kind. Electricity cogenerated
            by a machine is credited with these, and its other outputs carry the remainder. None: all outputs share by
            their energy.
    """
    names, n, hours = list(scenario.site.carrier), scenario.horizon.n_steps, scenario.horizon.step_h
    place = {name: c for c, name in enumerate(names)}
    line = flows["line_mw"].to_numpy() * hours
    sold = _sold(scenario, flows) if scenario.emissions.by_products != "none" else {}
    unit_uses = _unit_uses(scenario, flows)
    uses = np.zeros((n, len(names)))
    uses[:, place[ELECTRICITY]] = line
    filled = {store.name: (store.carrier, filling(scenario, flows, store)) for store in site_stores(scenario)}
    for carrier, amount in filled.values():
        uses[:, place[carrier]] += amount
    for carrier, amount in sold.values():
        uses[:, place[carrier]] += amount
    for of_unit in unit_uses.values():
        for carrier, amount in of_unit.items():
            if carrier != ELECTRICITY:  # counted with the line
                uses[:, place[carrier]] += amount
    machines, electric = {}, {}
    for load in scenario.site.loads:
        uses[:, place[load.carrier]] -= flow(flows, load.name) * hours
    for name, core in scenario.site.cores.items():
        machines[name] = _machine(scenario, core, flows, names)
        uses += machines[name][0]
        if replaced is not None:
            electric[name] = _apart(machines[name][1], place[ELECTRICITY], scenario, core, flows)
    input_kg = np.zeros((n, len(names), len(kinds)))
    for q, (kind, brought) in enumerate(kinds.items()):
        for name, kg in brought.to_carrier.items():
            input_kg[:, place[name], q] += kg
        for name, kg in brought.by_machine.items():
            input_kg[:, :, q] += machines[name][1] * kg[:, None]
        for name, output_mwh in electric.items():
            credit = output_mwh * replaced[kind] if replaced is not None else output_mwh
            input_kg[:, place[ELECTRICITY], q] += credit
            input_kg[:, :, q] -= machines[name][1] * credit[:, None]
    intensity = _solve(uses, list(machines.values()), input_kg)
    # withdrawals from stores carry no emissions; the filling has carried them
    fresh = {name: float(uses[:, c].sum()) for name, c in place.items()}
    for store in site_stores(scenario):
        fresh[store.carrier] -= float(filling(scenario, flows, store, -1.0).sum())
    return {
        kind: Traced(
            line=intensity[:, place[ELECTRICITY], q] * line,
            sold={name: intensity[:, place[carrier], q] * amount for name, (carrier, amount) in sold.items()},
            units={
                unit: np.sum([intensity[:, place[c], q] * amount for c, amount in of_unit.items()], axis=0)
                for unit, of_unit in unit_uses.items()
            },
            stored={name: intensity[:, place[carrier], q] * amount for name, (carrier, amount) in filled.items()},
            mean={
                name: float(intensity[:, c, q] @ uses[:, c]) / fresh[name]
                for name, c in place.items()
                if fresh[name] > NOTHING
            },
        )
        for q, kind in enumerate(kinds)
    }


def _sold(scenario: Scenario, flows: xr.Dataset) -> dict[str, tuple[str, np.ndarray]]:
    """Carrier and amount of each sale in each step, by name."""
    hours = scenario.horizon.step_h
    sales = {"export": (ELECTRICITY, flows["export_mw"].to_numpy() * hours)}
    for sale in scenario.site.sales.values():
        sales[sale.name] = (sale.carrier, -flow(flows, sale.name) * hours)
    return sales


def _unit_uses(scenario: Scenario, flows: xr.Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Consumption of each carrier by each unit of a process in each step, by unit and carrier."""
    hours, units = scenario.horizon.step_h, [unit for unit, _ in scenario.process_units]
    uses = {unit: {ELECTRICITY: flows["process_mw"].sel(process=unit).to_numpy() * hours} for unit in units}
    for stream in streams(scenario):
        if stream.direction == "in" and not stream.material:
            rate = flows["stream_rate"].sel(stream=stream.label).to_numpy()
            uses[stream.unit][stream.place] = np.maximum(-rate, 0.0) * hours
    return uses


def _machine(
    scenario: Scenario, machine: Converter, flows: xr.Dataset, names: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Consumption of each carrier by a machine, and the share that each output carries; (n_steps, n_carriers)."""
    hours, counts, carriers = scenario.horizon.step_h, scenario.emissions, scenario.site.carrier
    inputs, weight = (np.zeros((scenario.horizon.n_steps, len(names))) for _ in range(2))
    useful = [key for key, name in machine.flows.items() if carriers[name].unit == "MWh" and not carriers[name].waste]
    outputs = [
        key for key in machine.flows if key.startswith("outputs") or (key == "main" and machine.main == "output")
    ]
    # shared by energy if any output has it, else assigned to the main output
    sharing = [key for key in outputs if key in useful] or outputs[:1]
    for key, name in machine.flows.items():
        amount = flow(flows, machine.name, key) * hours
        c = names.index(name)
        inputs[:, c] += np.maximum(-amount, 0.0)
        if key in sharing:
            efficiency = 1.0
            if counts.by_products == "efficiency":
                efficiency = counts.power_efficiency if name == ELECTRICITY else counts.heat_efficiency
            weight[:, c] += np.maximum(amount, 0.0) / efficiency
    total = weight.sum(axis=1, keepdims=True)
    return inputs, np.divide(weight, total, out=np.zeros_like(weight), where=total > NOTHING)


def _apart(
    share: np.ndarray, electricity: int, scenario: Scenario, machine: Converter, flows: xr.Dataset
) -> np.ndarray:
    """Return the electricity cogenerated by a machine [MWh], and remove it from the shares in place."""
    output_mwh = np.zeros(len(share))
    others = np.delete(share, electricity, axis=1).sum(axis=1)
    both = (others > NOTHING) & (share[:, electricity] > NOTHING)
    if not both.any():
        return output_mwh
    for key, name in machine.flows.items():
        if name == ELECTRICITY:
            amount = np.maximum(flow(flows, machine.name, key), 0.0) * scenario.horizon.step_h
            output_mwh[both] += amount[both]
    share[both, electricity] = 0.0
    share[both] /= others[both, None]
    return output_mwh


def _solve(uses: np.ndarray, machines: list[tuple[np.ndarray, np.ndarray]], input_kg: np.ndarray) -> np.ndarray:
    """Compute the intensity of each carrier in each step, shape (n_steps, n_carriers, n_kinds)."""
    used = uses > NOTHING
    input_kg = np.where(used[:, :, None], input_kg, 0.0)
    if not machines:
        return np.divide(input_kg, uses[:, :, None], out=np.zeros_like(input_kg), where=used[:, :, None])
    each = np.arange(uses.shape[1])
    matrix = np.zeros((*uses.shape, uses.shape[1]))
    for inputs, share in machines:
        matrix -= share[:, :, None] * inputs[:, None, :]
    matrix[:, each, each] += uses
    matrix = np.where(used[:, :, None], matrix, np.eye(len(each)))
    try:
        return np.linalg.solve(matrix, input_kg)
    except np.linalg.LinAlgError:
        # carriers that only feed each other have no unique intensity: take the least-norm solution
        return np.asarray(np.linalg.pinv(matrix) @ input_kg)
