"""Titles of scenarios and plans from their content, and differences from the bundled scenario of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emberline.reports.text import numbers
from emberline.reports.text.language import mark, tr, trn
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import GOALS, cost_cap
from emberline.scenarios.records.disturbances import MARGINS
from emberline.scenarios.records.horizon import Horizon
from emberline.studies.difference import changes_between

MAX_CHANGES = 4
"""Maximum number of changes in a title; the others are counted."""
SERIES = {
    "price_per_mwh": (mark("own prices"), mark("prices {share} %")),
    "export_price_per_mwh": (mark("own export prices"), mark("export prices {share} %")),
    "carbon_intensity_kg_per_mwh": (mark("own carbon intensity"), mark("carbon intensity {share} %")),
    "marginal_carbon_intensity_kg_per_mwh": (mark("own marginal intensity"), mark("marginal intensity {share} %")),
}
"""Texts for a replaced series and for a scaled one."""
PARTS = {
    "stores": mark("own levels of stores"), "line": mark("own line"), "processes": mark("own processes"),
    "deliveries": mark("own deliveries"), "arrivals": mark("own arrivals"), "disturbances": mark("own disturbances"),
    "tolerances": mark("own tolerances"), "state": mark("own state"), "emissions": mark("own emission factors"),
    "recourse": mark("own recourse"),
}  # fmt: skip
"""Parts of a scenario whose changes are named without details."""
UNITS = {"min": "min", "h": "h", "t": "t", "tph": "t/h", "mw": "MW", "mwh": "MWh"}
"""Units by the suffix of a field name."""
SILENT = ("name", "title", "description", "schema_version")


def title(scenario: Scenario) -> str:
    """Return the title of a scenario: place, length and production."""
    place = (scenario.title or scenario.name).partition(",")[0]
    makes = [trn("{count} heat", "{count} heats", len(scenario.heats))] if scenario.heats else []
    return ", ".join([place, length(scenario.horizon), *makes])


def length(horizon: Horizon) -> str:
    """Format the length of a horizon."""
    hours = horizon.length_min / 60
    if hours and hours % 24 == 0:
        return trn("{count} day", "{count} days", round(hours / 24))
    return f"{hours:g} h"


def changes(base: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """Describe the differences between two scenarios in a few words each.

    Args:
        base: scenario as plain data.
        data: scenario to compare with it.
    """
    texts = [text for part in dict.fromkeys([*base, *data]) for text in _part(part, base.get(part), data.get(part))]
    first = texts[:MAX_CHANGES]
    if len(texts) > MAX_CHANGES:
        first.append(trn("{count} more change", "{count} more changes", len(texts) - MAX_CHANGES))
    return first


def _part(part: str, before: Any, after: Any) -> Iterator[str]:
    if part == "disturbances":  # margins of a robust plan are computed, not set by a user
        before, after = ({k: v for k, v in (side or {}).items() if k not in MARGINS} for side in (before, after))
    if before == after or part in SILENT:
        return
    before, after = before or {}, after or {}
    if part == "orders":
        yield from _orders(before, after)
    elif part in ("locks", "run_locks"):
        yield trn("{count} lock", "{count} locks", len(after))
    elif part in PARTS:
        keys = list(changes_between((), before, after))
        single = isinstance(keys[0].after, str | int | float) if len(keys) == 1 else False
        yield _field(keys[0].key, keys[0].after) if single else tr(PARTS[part])
    elif part in READERS:
        for key in dict.fromkeys([*before, *after]):
            if before.get(key) != after.get(key):
                text = READERS[part](key, before.get(key), after.get(key), after)
                if text:
                    yield text
    else:
        yield part


def _field(key: str, value: Any) -> str:
    """Describe a field by its parent, name, value and unit, such as ``ladle longest wait 40 min``."""
    *place, name = key.split(".")
    words, _, unit = name.rpartition("_")
    if unit not in UNITS:
        words, unit = name, ""
    return " ".join([*place[-1:], words.replace("_", " "), _value(value), *([UNITS[unit]] if unit else [])])


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _orders(before: Any, after: Any) -> Iterator[str]:
    counts = [{str(order.get("name")): order for order in orders} for orders in (before, after)]
    for name in dict.fromkeys([*counts[0], *counts[1]]):
        old, new = (side.get(name) for side in counts)
        if old == new:
            continue
        if new is None:
            yield tr("no {order}", order=name)
        elif old is None or _heats(old) != _heats(new):
            yield f"{name} {trn('{count} heat', '{count} heats', _heats(new))}"
        else:
            yield tr("{order} changed", order=name)


def _heats(order: dict[str, Any]) -> int:
    return sum(int(group.get("count") or 1) for group in order.get("heats") or [])


def _of_horizon(key: str, before: Any, after: Any, part: dict[str, Any]) -> str:
    if key == "start":
        return str(after)[:10]
    return tr("step {step} min", step=f"{after:g}") if key == "step_min" and after else ""


def _of_site(key: str, before: Any, after: Any, part: dict[str, Any]) -> str:
    if key == "pv":
        return tr("PV {power} MW", power=f"{(after or {}).get('peak_mw', 0):g}") if after else tr("no PV")
    if key == "battery":
        sizes = ((after or {}).get(name, 0) or 0 for name in ("energy_mwh", "power_mw"))
        energy, power = (f"{size:g}" for size in sizes)
        return tr("battery {energy} MWh, {power} MW", energy=energy, power=power) if after else tr("no battery")
    if key == "grid":
        limit = (after or {}).get("import_limit_mw")
        if limit == (before or {}).get("import_limit_mw"):
            return tr("own grid connection")
        return tr("no import limit") if limit is None else tr("import limit {power} MW", power=f"{limit:g}")
    return tr("own {part}", part=key.replace("_", " "))


def _of_market(key: str, before: Any, after: Any, part: dict[str, Any]) -> str:
    if key == "carbon_price":
        price = (after or {}).get("per_t")
        if price == (before or {}).get("per_t") or price is None:
            return tr("own carbon price")
        return tr("carbon {price} {currency}/t", price=f"{price:g}", currency=part.get("currency", "EUR"))
    if key in SERIES:
        owned, scaled = SERIES[key]
        plain = [{name: value for name, value in (side or {}).items() if name != "scale"} for side in (before, after)]
        if plain[0] == plain[1] and after is not None:
            scales = [(side or {}).get("scale") or 1.0 for side in (before, after)]
            if key == "export_price_per_mwh" and scales[1] == (part.get("price_per_mwh") or {}).get("scale"):
                return ""  # scales with the price
            return tr(scaled, share=numbers.number(100 * scales[1] / scales[0], 0))
        return tr(owned)
    return tr("own {part}", part=key.replace("_", " "))


def _of_goal(key: str, before: Any, after: Any, part: dict[str, Any]) -> str:
    if key == "minimize":
        return tr(GOALS[after or "carbon"])
    if key == "signal":
        return tr("{signal} intensity", signal=tr(str(after or "average")))
    if key == "caps":
        share = (after or {}).get("extra_cost_share")
        if share != (before or {}).get("extra_cost_share") and share is not None:
            cap = cost_cap(share)
            return tr(cap.id, **cap.params)
        if share is None and (cost := (after or {}).get("cost")) is not None:
            return tr("cost at most {amount}", amount=numbers.number(cost, 0))
        return tr("own caps")
    return tr("gap {share} %", share=f"{100 * after:g}") if key == "gap" and after is not None else ""


READERS = {"horizon": _of_horizon, "site": _of_site, "market": _of_market, "goal": _of_goal}
