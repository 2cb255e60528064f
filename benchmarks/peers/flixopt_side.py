"""A case in flixopt: effects for costs and CO2, sources, sinks, converters and storages.

It has no ramps: their rows are added by hand, in linopy. Nor has it a cost of stopping; as every stop is a start or
what was on at first, less what is on at last, the latter is described exactly by costs of starting and of the last
hour.
"""

from __future__ import annotations

import time
import warnings

BEGAN = time.process_time()

from itertools import pairwise  # noqa: E402
from typing import Any  # noqa: E402

import flixopt as fx  # type: ignore[import-not-found]  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

from benchmarks.peers.hub import START, Engine, Generator, HubCase, Store  # noqa: E402
from benchmarks.peers.protocol import HAND_OVER, Phase, answer, untimed  # noqa: E402

POWER, HEAT = "electricity", "heat"


def solve(case: HubCase, phase: Phase = untimed) -> tuple[float, str]:
    """Objective [EUR]."""
    system = fx.FlowSystem(pd.date_range(START, periods=case.hours, freq="h"))
    system.add_elements(
        fx.Effect("costs", "EUR", "", is_standard=True, is_objective=True, share_from_temporal=_carbon_price(case)),
        fx.Effect("CO2", "kg", ""),
        *(fx.Bus(name, imbalance_penalty_per_flow_hour=None) for name in case.buses),
    )
    grid = case.grid
    system.add_elements(
        fx.Source(
            "grid_in",
            outputs=[fx.Flow("in", bus=POWER, size=grid.import_limit_mw, effects_per_flow_hour=np.array(grid.price))],
        ),
        fx.Sink(
            "grid_out",
            inputs=[
                fx.Flow("out", bus=POWER, size=grid.export_limit_mw, effects_per_flow_hour=-np.array(grid.export_price))
            ],
        ),
    )
    for fuel in case.fuels:
        worth = {"costs": fuel.price, "CO2": fuel.kg_per_mwh}
        system.add_elements(
            fx.Source(f"supply_{fuel.name}", outputs=[fx.Flow("out", bus=fuel.name, effects_per_flow_hour=worth)])
        )
    for load in case.loads:
        flow = fx.Flow("in", bus=load.bus, size=1, fixed_relative_profile=np.array(load.mw))
        system.add_elements(fx.Sink(load.name, inputs=[flow]))
    for sun in case.solar:
        flow = fx.Flow("out", bus=POWER, size=sun.peak_mw, relative_maximum=np.array(sun.factor))
        system.add_elements(fx.Source(sun.name, outputs=[flow]))
    system.add_elements(*_converters(case), *(_store(store) for store in case.stores))
    system.add_elements(*(_generator(g, case.hours) for g in case.generators), *map(_engine, case.engines))
    system.build_model()
    for g in case.generators:
        _ramps(system.model, g)
    phase(HAND_OVER)
    system.solve(
        fx.solvers.HighsSolver(
            mip_gap=0.0, time_limit_seconds=300, threads=1, log_to_console=False, extra_options={"io_api": "direct"}
        ),
        progress=False,
    )
    stopped = sum(g.stop_cost for g in case.generators if g.on)
    return float(system.model.objective.value) + stopped, "rows of ramps" if case.generators else ""


def _carbon_price(case: HubCase) -> dict[str, float]:
    return {"CO2": case.carbon_price_per_t / 1000}


def _converters(case: HubCase) -> list[Any]:
    rows: list[Any] = []
    factors: list[dict[str, Any]]
    for chp in case.chps:
        fuel = fx.Flow("fuel", bus=chp.fuel)
        power, heat = fx.Flow("power", bus=POWER, size=chp.electric_mw), fx.Flow("heat", bus=HEAT)
        factors = [{"fuel": chp.electric_efficiency, "power": 1}, {"fuel": chp.heat_efficiency, "heat": 1}]
        rows.append(fx.LinearConverter(chp.name, inputs=[fuel], outputs=[power, heat], conversion_factors=factors))
    for boiler in case.boilers:
        fuel, heat = fx.Flow("fuel", bus=boiler.fuel), fx.Flow("heat", bus=HEAT, size=boiler.heat_mw)
        factors = [{"fuel": boiler.efficiency, "heat": 1}]
        rows.append(fx.LinearConverter(boiler.name, inputs=[fuel], outputs=[heat], conversion_factors=factors))
    for pump in case.heat_pumps:
        power, heat = fx.Flow("power", bus=POWER, size=pump.electric_mw), fx.Flow("heat", bus=HEAT)
        factors = [{"power": np.array(pump.cop), "heat": 1}]
        rows.append(fx.LinearConverter(pump.name, inputs=[power], outputs=[heat], conversion_factors=factors))
    return rows


def _store(store: Store) -> Any:
    return fx.Storage(
        store.name,
        charging=fx.Flow("in", bus=store.bus, size=store.power_mw),
        discharging=fx.Flow("out", bus=store.bus, size=store.power_mw),
        capacity_in_flow_hours=store.capacity_mwh,
        initial_charge_state=store.start_mwh,
        minimal_final_charge_state=store.start_mwh,
        eta_charge=store.in_efficiency * store.counted,
        eta_discharge=store.out_efficiency / store.counted,
        relative_loss_per_hour=store.loss_per_h,
        prevent_simultaneous_charge_and_discharge=False,
    )


def _generator(g: Generator, hours: int) -> Any:
    low, high = g.first_band
    last = np.zeros(hours)
    last[-1] = -g.stop_cost
    switched = fx.StatusParameters(
        effects_per_startup={"costs": g.start_cost + g.stop_cost},
        effects_per_active_hour={"costs": last},
        min_uptime=g.min_up_h,
        min_downtime=g.min_down_h,
    )
    least, full = g.min_load * g.electric_mw, g.electric_mw
    power = fx.Flow(
        "power",
        bus=POWER,
        size=full,
        relative_minimum=np.array([low, *[g.min_load] * (hours - 1)]),
        relative_maximum=np.array([high, *[1.0] * (hours - 1)]),
        status_parameters=switched,
        previous_flow_rate=[g.load * full if g.on else 0.0] * g.since_h,
    )
    pieces = fx.PiecewiseConversion(
        {
            "power": fx.Piecewise([fx.Piece(0, 0), fx.Piece(least, full)]),
            "fuel": fx.Piecewise([fx.Piece(0, 0), fx.Piece(least * g.fuel_at_least, full * g.fuel_at_full)]),
        }
    )
    fuel = fx.Flow("fuel", bus=g.fuel, size=full * g.fuel_at_full)
    return fx.LinearConverter(g.name, inputs=[fuel], outputs=[power], piecewise_conversion=pieces)


def _ramps(model: Any, g: Generator) -> None:
    power, on = (model.variables[f"{g.name}(power)|{name}"] for name in ("flow_rate", "status"))
    ramp, start, stop = (share * g.electric_mw for share in (g.ramp_per_h, g.start_limit, g.stop_limit))
    later = {"time": slice(1, None)}
    rise, now, before = (power - power.shift(time=1)).isel(later), on.isel(later), on.shift(time=1).isel(later)
    model.add_constraints(rise - (ramp - start) * before <= start, name=f"{g.name}|ramp_up")
    model.add_constraints(-1 * rise - (ramp - stop) * now <= stop, name=f"{g.name}|ramp_down")


def _engine(engine: Engine) -> Any:
    electricity, burned = zip(*engine.knots, strict=True)

    def through(values: tuple[float, ...]) -> Any:
        return fx.Piecewise([fx.Piece(*pair) for pair in pairwise(values)])

    return fx.LinearConverter(
        engine.name,
        inputs=[fx.Flow("fuel", bus=engine.fuel, size=burned[-1])],
        outputs=[fx.Flow("power", bus=POWER, size=engine.electric_mw)],
        piecewise_conversion=fx.PiecewiseConversion({"power": through(electricity), "fuel": through(burned)}),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    answer(solve, ("flixopt", "linopy"), time.process_time() - BEGAN)
