"""A case in oemof.solph: buses, sources, sinks, converters and generic storages.

Its ramps of a switched flow are products of two variables, which a linear solver does not take: the rows of ramps are
added by hand, in Pyomo.
"""

from __future__ import annotations

import time
import warnings

BEGAN = time.process_time()

from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyomo.environ as pyo  # noqa: E402
from oemof import solph  # type: ignore[import-not-found]  # noqa: E402

from benchmarks.peers.hub import START, Engine, Generator, HubCase, Store  # noqa: E402
from benchmarks.peers.protocol import HAND_OVER, Phase, answer, untimed  # noqa: E402

parts, Flow = solph.components, solph.flows.Flow


def solve(case: HubCase, phase: Phase = untimed) -> tuple[float, str]:
    """Objective [EUR]."""
    system = solph.EnergySystem(
        timeindex=pd.date_range(START, periods=case.hours + 1, freq="h"), infer_last_interval=False
    )
    bus = {name: solph.Bus(label=f"bus of {name}") for name in case.buses}
    power, heat, grid = bus["electricity"], bus.get("heat"), case.grid
    system.add(*bus.values())
    system.add(
        parts.Source("import", outputs={power: Flow(nominal_capacity=grid.import_limit_mw, variable_costs=grid.price)}),
        parts.Sink(
            "export",
            inputs={
                power: Flow(
                    nominal_capacity=grid.export_limit_mw, variable_costs=[-price for price in grid.export_price]
                )
            },
        ),
    )
    for fuel in case.fuels:
        system.add(parts.Source(fuel.name, outputs={bus[fuel.name]: Flow(variable_costs=case.fuel_cost(fuel.name))}))
    for load in case.loads:
        system.add(parts.Sink(load.name, inputs={bus[load.bus]: Flow(fix=load.mw, nominal_capacity=1)}))
    for sun in case.solar:
        system.add(parts.Source(sun.name, outputs={power: Flow(nominal_capacity=sun.peak_mw, maximum=sun.factor)}))
    for chp in case.chps:
        system.add(
            parts.Converter(
                chp.name,
                inputs={bus[chp.fuel]: Flow()},
                outputs={power: Flow(nominal_capacity=chp.electric_mw), heat: Flow()},
                conversion_factors={power: chp.electric_efficiency, heat: chp.heat_efficiency},
            )
        )
    for boiler in case.boilers:
        system.add(
            parts.Converter(
                boiler.name,
                inputs={bus[boiler.fuel]: Flow()},
                outputs={heat: Flow(nominal_capacity=boiler.heat_mw)},
                conversion_factors={heat: boiler.efficiency},
            )
        )
    for pump in case.heat_pumps:
        system.add(
            parts.Converter(
                pump.name,
                inputs={power: Flow(nominal_capacity=pump.electric_mw)},
                outputs={heat: Flow()},
                conversion_factors={heat: pump.cop},
            )
        )
    system.add(*(_store(store, bus[store.bus]) for store in case.stores))
    generators = {g.name: _generator(g, bus[g.fuel], power, case.hours) for g in case.generators}
    system.add(*generators.values(), *(_engine(engine, bus[engine.fuel], power) for engine in case.engines))
    model = solph.Model(system)
    for g in case.generators:
        _ramps(model, generators[g.name], power, g)
    phase(HAND_OVER)
    # its results are read into tables only when they are asked for
    model.solve(solver="highs", cmdline_options={"threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 0.0})
    return float(pyo.value(model.objective)), "rows of ramps" if case.generators else ""


def _store(store: Store, bus: Any) -> Any:
    return parts.GenericStorage(
        store.name,
        inputs={bus: Flow(nominal_capacity=store.power_mw)},
        outputs={bus: Flow(nominal_capacity=store.power_mw)},
        nominal_capacity=store.capacity_mwh,
        initial_storage_level=store.start_mwh / store.capacity_mwh,
        balanced=True,
        loss_rate=store.loss_per_h,
        inflow_conversion_factor=store.in_efficiency * store.counted,
        outflow_conversion_factor=store.out_efficiency / store.counted,
    )


def _generator(g: Generator, fuel: Any, power: Any, hours: int) -> Any:
    """It takes the first of the least times for what is left of it from before the horizon, where that matters."""
    up, down = np.full(hours, g.min_up_h), np.full(hours, g.min_down_h)
    (up if g.on else down)[0] = g.held_h
    low, high = g.first_band
    switched = solph.NonConvex(
        initial_status=int(g.on),
        minimum_uptime=up,
        minimum_downtime=down,
        startup_costs=g.start_cost,
        shutdown_costs=g.stop_cost,
    )
    flow = Flow(
        nominal_capacity=g.electric_mw,
        minimum=[low, *[g.min_load] * (hours - 1)],
        maximum=[high, *[1.0] * (hours - 1)],
        nonconvex=switched,
    )
    return parts.OffsetConverter(
        label=g.name,
        inputs={fuel: Flow()},
        outputs={power: flow},
        conversion_factors={fuel: g.slope},
        normed_offsets={fuel: g.idle},
    )


def _ramps(model: Any, node: Any, power: Any, g: Generator) -> None:
    flow, status = model.flow, model.NonConvexFlowBlock.status
    ramp, start, stop = (share * g.electric_mw for share in (g.ramp_per_h, g.start_limit, g.stop_limit))
    rows = pyo.ConstraintList()
    setattr(model, f"ramps_{g.name}", rows)
    for t in range(1, len(model.TIMESTEPS)):
        now, before = status[node, power, t], status[node, power, t - 1]
        rise = flow[node, power, t] - flow[node, power, t - 1]
        # with on and off alone: a start is on now and off before. Where it stops, or starts, the other row is slack
        rows.add(rise <= ramp * before + start * (1 - before))
        rows.add(-rise <= ramp * now + stop * (1 - now))


def _engine(engine: Engine, fuel: Any, power: Any) -> Any:
    electricity, burned = zip(*engine.knots, strict=True)
    return parts.experimental.PiecewiseLinearConverter(
        engine.name,
        inputs={fuel: Flow(nominal_capacity=burned[-1])},
        outputs={power: Flow()},
        in_breakpoints=burned,
        conversion_function=lambda burn: float(np.interp(burn, burned, electricity)),
        pw_repn="INC",
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    answer(solve, ("oemof.solph", "pyomo"), time.process_time() - BEGAN)
