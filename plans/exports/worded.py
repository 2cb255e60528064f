"""Tables as people read them: heads in words with their unit, carbon in tonnes; files for programs keep the names.

Carbon for each tonne or megawatt-hour stays in kilograms, as on the pages.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from plans.exports.hours import SCOPES

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "mass_t": "mass [t]",
    "waited_min": "waited [min]",
    "energy_mwh": "electricity [MWh]",
    "heat_carbon_kg": "carbon of the heat [kg CO2e]",
    "amount_unit": "unit of measure",
    "tonnes": "made [t]",
    "mean_tph": "mean rate [t/h]",
    "in_t": "came in [t]",
    "kg": "carbon [kg CO2e]",
    "column": "scope",
    "factor": "factor [kg/unit]",
    "reference": "factor from",
    **{name: f"{label} [kg CO2e]" for name, label in SCOPES.items()},
}
"""Columns whose name alone does not tell enough; others are read by their ending."""
ENDINGS = {
    "_kg_per_mwh": "kg CO2e/MWh",
    "_per_mwh": "{currency}/MWh",
    "_kg_per_t": "kg CO2e/t",
    "_mwh": "MWh",
    "_mw": "MW",
    "_tph": "t/h",
    "_min": "min",
    "_kg": "kg CO2e",
    "_t": "t",
}
"""Unit of measure by the ending of a name, longer ones first."""
KILOGRAMS, TONNES = "kg CO2e", "t CO2e"


def worded(frame: pd.DataFrame, name: str, currency: str) -> pd.DataFrame:
    """A table with its heads in words, and its carbon in tonnes.

    Args:
        frame: one of ``tables``.
        name: which one.
        currency: of the market.
    """
    out = frame.copy()
    if "column" in out:
        out["column"] = [SCOPES.get(told, told) for told in out["column"]]
    if name == "whereabouts":  # all of it is kilograms
        out.columns = [told if told == "column" else f"{told} [{KILOGRAMS}]" for told in out.columns]
    heads = [_head(str(told), name, currency) for told in out.columns]
    for i, head in enumerate(heads):
        if head.endswith(f"[{KILOGRAMS}]"):
            heads[i] = head.replace(f"[{KILOGRAMS}]", f"[{TONNES}]")
            out[out.columns[i]] = out[out.columns[i]] / 1000
    # a unit of the scenario may be called as a flow is
    out.columns = [f"{head} of the unit" if head in heads[:i] else head for i, head in enumerate(heads)]
    return out


def _head(told: str, name: str, currency: str) -> str:
    if name == "bill" and told == "amount":
        return f"amount [{currency}]"
    if name == "bill" and told == "rate":
        return f"rate [{currency}/unit]"
    if told == "kg_per_t":
        return "carbon [kg CO2e/t]"
    if told in NAMES:
        return NAMES[told]
    # what a scenario has named has spaces or a unit already
    if re.fullmatch(r"[a-z0-9_]+", told):
        for ending, unit in ENDINGS.items():
            if told.endswith(ending):
                return f"{told.removesuffix(ending).replace('_', ' ')} [{unit.format(currency=currency)}]"
        return told.replace("_", " ")
    return told


def figures(frame: pd.DataFrame) -> pd.DataFrame:
    """The figures with carbon in tonnes."""
    out = frame.copy()
    carbon = out["unit"] == KILOGRAMS
    out.loc[carbon, ["foreman", "plan", "saved"]] /= 1000
    out.loc[carbon, "unit"] = TONNES
    return out
