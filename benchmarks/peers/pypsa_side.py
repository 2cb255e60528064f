"""A case in PyPSA: generators for grid, sun and fuels, links for what turns one carrier into another, storage units."""

from __future__ import annotations

import time

BEGAN = time.process_time()

import pandas as pd  # noqa: E402
import pypsa  # type: ignore[import-not-found]  # noqa: E402

from benchmarks.peers.hub import START, Generator, HubCase, Store  # noqa: E402
from benchmarks.peers.protocol import HAND_OVER, Phase, Unable, answer, untimed  # noqa: E402


def solve(case: HubCase, phase: Phase = untimed) -> tuple[float, str]:
    """Objective [EUR]."""
    if case.engines:
        raise Unable("no component with fuel by load in several pieces")
    n = pypsa.Network()
    n.set_snapshots(pd.date_range(START, periods=case.hours, freq="h"))
    n.add("Bus", case.buses)
    grid = case.grid
    n.add("Generator", "import", bus="electricity", p_nom=grid.import_limit_mw, marginal_cost=grid.price)
    n.add(
        "Generator", "export", bus="electricity", p_nom=grid.export_limit_mw, sign=-1,
        marginal_cost=[-price for price in grid.export_price],
    )  # fmt: skip
    for fuel in case.fuels:
        n.add("Generator", fuel.name, bus=fuel.name, p_nom=1e5, marginal_cost=case.fuel_cost(fuel.name))
    for load in case.loads:
        n.add("Load", load.name, bus=load.bus, p_set=load.mw)
    for sun in case.solar:
        n.add("Generator", sun.name, bus="electricity", p_nom=sun.peak_mw, p_max_pu=sun.factor)
    for chp in case.chps:
        n.add(
            "Link", chp.name, bus0=chp.fuel, bus1="electricity", bus2="heat", efficiency=chp.electric_efficiency,
            efficiency2=chp.heat_efficiency, p_nom=chp.electric_mw / chp.electric_efficiency,
        )  # fmt: skip
    for boiler in case.boilers:
        n.add(
            "Link", boiler.name, bus0=boiler.fuel, bus1="heat", efficiency=boiler.efficiency,
            p_nom=boiler.heat_mw / boiler.efficiency,
        )  # fmt: skip
    for pump in case.heat_pumps:
        n.add("Link", pump.name, bus0="electricity", bus1="heat", efficiency=pump.cop, p_nom=pump.electric_mw)
    for store in case.stores:
        _store(n, store)
    for generator in case.generators:
        _generator(n, generator, case)
    n.optimize.create_model()
    phase(HAND_OVER)
    status, condition = n.optimize.solve_model(
        solver_name="highs", io_api="direct", progress=False,
        solver_options={"threads": 1, "mip_rel_gap": 0.0, "output_flag": False},
    )  # fmt: skip
    if (status, condition) != ("ok", "optimal"):
        raise RuntimeError(f"{case.name}: {status}, {condition}")
    return float(n.objective + n.objective_constant), ""


def _store(n: pypsa.Network, store: Store) -> None:
    """The level at the start is given with the first hour's loss taken off, which PyPSA does not reckon.

    What it holds at the end is fixed, where the case asks for at least that: more could be had, but never pays here.
    """
    n.add(
        "StorageUnit", store.name, bus=store.bus, p_nom=store.power_mw, p_min_pu=-1,
        max_hours=store.capacity_mwh / store.power_mw, efficiency_store=store.in_efficiency * store.counted,
        efficiency_dispatch=store.out_efficiency / store.counted, standing_loss=store.loss_per_h,
        state_of_charge_initial=store.start_mwh * (1 - store.loss_per_h),
        state_of_charge_set=pd.Series({n.snapshots[-1]: store.start_mwh}).reindex(n.snapshots),
    )  # fmt: skip


def _generator(n: pypsa.Network, g: Generator, case: HubCase) -> None:
    """Fuel at no load is a cost of standing by, fuel by load a marginal one: both at the fuel's price."""
    cost, later = case.fuel_cost(g.fuel), case.hours - 1
    low, high = g.first_band
    n.add(
        "Generator", g.name, bus="electricity", p_nom=g.electric_mw, committable=True,
        p_min_pu=[low, *[g.min_load] * later], p_max_pu=[high, *[1.0] * later],
        marginal_cost=g.slope * cost, stand_by_cost=g.idle * g.electric_mw * cost,
        start_up_cost=g.start_cost, shut_down_cost=g.stop_cost,
        min_up_time=g.min_up_h, min_down_time=g.min_down_h,
        up_time_before=g.since_h if g.on else 0, down_time_before=0 if g.on else g.since_h,
        ramp_limit_up=g.ramp_per_h, ramp_limit_down=g.ramp_per_h,
        ramp_limit_start_up=g.start_limit, ramp_limit_shut_down=g.stop_limit,
    )  # fmt: skip


if __name__ == "__main__":
    answer(solve, ("pypsa", "linopy"), time.process_time() - BEGAN)
