"""Warnings about uses not included in any figure: carbon of by-product gas burned, and cost of purchased material."""

from __future__ import annotations

from collections.abc import Iterator

from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.trade import Source
from emberline.scenarios.case.case import Case
from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.flows.process_flows import directions
from emberline.scenarios.messages import Message


def uncounted(scenario: Case) -> Iterator[Message]:
    """Return a message for each such gas and store."""
    gases: dict[str, list[str]] = {}
    for source in of(scenario.site.assets, Source):
        gases.setdefault(source.carrier, []).append(source.name)
    for gas, sources in gases.items():
        burners = tuple(_burners(scenario, gas))
        if burners:
            yield Message(
                "carrier {name}: comes from {sources} without an emission factor and is burned ({burners}), so it "
                "counts as free of carbon; supplies, flares and converters may have one",
                name=gas, sources=tuple(sources), burners=burners,
            )  # fmt: skip
    for store in scenario.stores:
        users, makers = (
            tuple(process.name for process in scenario.processes if directions(process)[way].get(store.name))
            for way in ("in", "out")
        )
        arrivals = [item.name for item in scenario.arrivals if item.store == store.name]
        bought_t = sum(float(scenario.inputs["arrival_tph"].sel(arrival=name).sum()) for name in arrivals)
        bought_t *= scenario.horizon.step_h
        bought_t += 0.0 if makers else max(store.start_t - store.end_t, 0.0)
        if users and bought_t:
            yield Message(
                "store {name}: up to {amount:,.0f} t that no process here makes count at no cost ({users}); only what "
                "a supply brings has a price",
                name=store.name, amount=bought_t, users=users,
            )  # fmt: skip


def _burners(scenario: Scenario, gas: str) -> Iterator[str]:
    """Find assets and processes that burn a gas without an emission factor, also after it passed through converters."""
    reached = [gas]
    for carrier in reached:
        for asset in scenario.site.assets:
            core = scenario.site.cores.get(asset.name, asset)
            if carrier in asset.burns:
                yield asset.name
            elif asset.passes_on and carrier in core.takes:
                reached += [name for name in core.gives if name not in (*reached, ELECTRICITY)]
        for process in scenario.processes:
            if any(mode.heat and carrier in (f.carrier for f in mode.heat.fuels) for mode in process.all_modes):
                yield process.name
