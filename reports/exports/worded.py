"""Tables as people read them: heads in words with their unit, carbon in tonnes; files for programs keep the names.

Carbon for each tonne or megawatt-hour stays in kilograms, as on the pages. What is worded is ours: names out of the
scenario stay as they are. Texts are in the language of ``spoken``, escaped for the file that they stand in; in English
times and shares are written as programs do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pandas as pd

from emberline.reports.exports.tables import FIGURE_COLUMNS, FLOWS_MW, PRICE, PRICE_OF_BLOCKS, SCOPES
from emberline.reports.text import current, mark, numbers, say, tr
from emberline.reports.text.activities import called, does
from emberline.reports.text.language import LOCALES, word
from emberline.scenarios import Scenario

NAMES = {
    "mass_t": (mark("mass"), "t"),
    "waited_min": ("waited", "min"),
    "energy_mwh": ("electricity", "MWh"),
    "heat_carbon_kg": (mark("carbon of the heat"), "kg CO2e"),
    "amount_unit": ("unit of measure", ""),
    "tonnes": ("made", "t"),
    "mean_tph": (mark("mean rate"), "t/h"),
    "in_t": (mark("came in"), "t"),
    "kg": ("carbon", "kg CO2e"),
    "kg_per_t": ("carbon", "kg CO2e/t"),
    "column": ("scope", ""),
    "factor": (mark("factor"), "kg/unit"),
    "reference": ("factor from", ""),
    **{name: (label, "kg CO2e") for name, label in SCOPES.items()},
}
"""Label and unit of columns whose name alone does not tell enough; others are read by their ending."""
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
HEADS = (
    mark("off spec"), mark("asked"), mark("stock"), mark("hours"), mark("energy and assets"), mark("baseline line"),
    mark("baseline import"), mark("short price"), mark("long price"),
)  # fmt: skip
"""Labels that occur only in heads, before their unit of measure."""
MEANINGS = {
    "line": mark("line or processes"), "rate": mark("price of a unit"), "what": mark("does"),
    "lost": mark("lost in stores"), "sold": mark("by-products sold"),
    "site": mark("no product"), "stock": mark("change of stock"), "price": mark("price of electricity"),
    "import": mark("grid import"), "export": mark("grid export"), "pv": mark("PV used or exported"),
    "pv available": mark("PV that could be given"), "pv curtailed": mark("PV not used"),
    "residual": mark("intensity of the residual mix"), "charge": mark("battery charge"),
    "discharge": mark("battery discharge"), "made": mark("makes"),
}  # fmt: skip
"""Heads that need more words, or have another meaning elsewhere."""
OURS_BY_HOUR = {
    *FLOWS_MW.values(), *SCOPES.values(), "grid import, baseline", "energy and assets", "spot price",
    "average intensity", "marginal intensity", PRICE, PRICE_OF_BLOCKS,
}  # fmt: skip
"""Columns of the hours that no asset has named."""
ORIGINS = {
    "process": mark("process"), "fuel": mark("fuels"), "machine": mark("machines"), "bought": mark("heat bought"),
    "grid": mark("grid"), "all": mark("in all"),
}  # fmt: skip
"""Kinds of what the carbon of a product comes from."""
OF_A_NAME = {" mode": mark("{name} mode"), " delivered": mark("{name} delivered")}
"""Endings of columns of units and deliveries."""
MEASURES = ("bill", "ledger", "figures")
"""Tables whose unit is one of measure."""
LEDGER_SCOPES = {
    "1": mark("1"), "2 bought": mark("2, heat bought"), "2 average": mark("2, location, average"),
    "2 marginal": mark("2, location, marginal"), "2 market": mark("2, market"), "biogenic": mark("biogenic, apart"),
}  # fmt: skip


def for_people(frame: pd.DataFrame, name: str, scenario: Scenario) -> pd.DataFrame:
    """A table with its heads in words, its carbon in tonnes, and what we say in its cells worded.

    Args:
        frame: one of ``tables``.
        name: which one; ``energy`` is the hours or days.
        scenario: whose names stand in it.
    """
    out = frame.copy()
    for column, wording in _cells(name, scenario).items():
        if column in out:
            wordings = {text: wording(text) for text in dict.fromkeys(out[column])}
            out[column] = [wordings[text] for text in out[column]]
    if name in BY_KIND:
        column, of, wording_of = BY_KIND[name]
        out[column] = [wording_of(*pair, scenario) for pair in zip(frame[column], frame[of], strict=True)]
    return worded(out, name, scenario.market.currency)


def worded(frame: pd.DataFrame, name: str, currency: str) -> pd.DataFrame:
    """A table with its heads in words, and its carbon in tonnes.

    Args:
        frame: one of ``tables``.
        name: which one; ``energy`` is the hours or days.
        currency: of the market.
    """
    out = frame.copy()
    if "column" in out:
        out["column"] = [_scope(column) for column in out["column"]]
    names, heads = [str(column) for column in out.columns], []
    for i, column in enumerate(names):
        label, unit = _parts(column, name, currency)
        if name == "whereabouts" and column != "column":  # all of it is kilograms
            unit = KILOGRAMS
        if unit == KILOGRAMS:
            out[out.columns[i]] = out[out.columns[i]] / 1000
            unit = TONNES
        if unit.endswith("/unit"):
            unit = tr("{measure}/unit", measure=unit.removesuffix("/unit"))
        head = _label(label, column, name, names) + (f" [{unit}]" if unit else "")
        # a unit of the scenario may be called as a flow is
        heads.append(tr("{name} of the unit", name=head) if head in heads else head)
    out.columns = heads
    return out


def figure_heads() -> list[str]:
    """Heads of the table of figures."""
    return [_label(name, name, "figures", []) for name in FIGURE_COLUMNS]


def _parts(column: str, name: str, currency: str) -> tuple[str, str]:
    """Label of a head and its unit of measure, in English."""
    if name == "bill" and column == "amount":
        return column, currency
    if name == "bill" and column == "rate":
        return column, f"{currency}/unit"
    if column in NAMES:
        return NAMES[column]
    if _is_plain(column):
        for ending, unit in ENDINGS.items():
            if column.endswith(ending):
                return column.removesuffix(ending).replace("_", " "), unit.format(currency=currency)
        return column.replace("_", " "), ""
    label, _, unit = column.rpartition(" [")
    return (label, unit.removesuffix("]")) if label and unit.endswith("]") else (column, "")


def _is_plain(column: str) -> bool:
    """Whether it is a name for programs: what a scenario has named has spaces or a unit already."""
    return re.fullmatch(r"[a-z0-9_]+", column) is not None


def _label(label: str, column: str, name: str, names: list[str]) -> str:
    """Label of a head, translated unless it is a name of the scenario."""
    if name == "steps" and not _is_plain(column):
        for ending, message in OF_A_NAME.items():
            if label.endswith(ending):
                return tr(message, name=label.removesuffix(ending))
        return label
    if name == "stores" and column != "end":
        of_baseline = column.startswith("baseline ") and column.removeprefix("baseline ") in names
        return tr("baseline {name}", name=label.removeprefix("baseline ")) if of_baseline else label
    if name in ("hours", "energy") and "[" in column and label not in OURS_BY_HOUR:
        return label
    if label == "unit" and name in MEASURES:
        return word(label, mark("unit of measure"))
    return word(label, MEANINGS[label]) if label in MEANINGS else tr(label)


def _cells(name: str, scenario: Scenario) -> dict[str, Callable[[str], str]]:
    """Functions that translate the texts of a table, by column."""
    tables: dict[str, dict[str, Callable[[str], str]]] = {
        "bill": {"kind": say, "unit": say},
        "ledger": {"scope": lambda scope: word(scope, LEDGER_SCOPES.get(scope, scope)), "reference": say},
        "products": {"kind": lambda kind: word(kind, ORIGINS.get(kind, kind))},
        "runs": {"what": does},
        "machines": {"what": does} | dict.fromkeys(("unit", "name"), lambda unit: called(unit, scenario)),
    }
    return tables.get(name, {})


def _scope(column: str) -> str:
    if column in SCOPES:
        return tr(SCOPES[column])
    return word(column, mark("biogenic, apart")) if column == "biogenic_kg" else column


def _line(line: str, kind: str, scenario: Scenario) -> str:
    """A line of the bill; contracts, charges and assets have names of the scenario."""
    spot = (
        line == "spot" and kind == "energy" and "spot" not in {contract.name for contract in scenario.market.contracts}
    )
    return say(line) if spot or kind in ("export", "imbalance", "carbon", "recourse") else line


def _source(source: str, scope: str, scenario: Scenario) -> str:
    """A source of the ledger; all but the grid and what no contract covers have names of the scenario."""
    ours = {"2 average": "grid", "2 marginal": "grid", "2 market": "rest"}
    return say(source) if ours.get(scope) == source else source


def _origin(source: str, kind: str, scenario: Scenario) -> str:
    """Sources of the carbon of a product; all but the grid have names of the scenario."""
    return tr("grid") if kind == "grid" else source


BY_KIND: dict[str, tuple[str, str, Callable[[str, str, Scenario], str]]] = {
    "bill": ("name", "kind", _line), "ledger": ("source", "scope", _source), "products": ("source", "kind", _origin),
}  # fmt: skip
"""Columns whose texts depend on those of another column, by table."""


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""With these a spreadsheet begins to calculate; the wide ones in some languages."""
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 forbids and no other format needs."""


FONTS = {
    "en": "",
    "zh": "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, ",
}
"""Fonts of languages whose glyphs common fonts lack."""


def tag() -> str:
    """The language (BCP 47)."""
    return LOCALES[current()].replace("_", "-")


def fonts() -> str:
    """Font families that have the language's glyphs, as CSS lists them."""
    return f"Helvetica, Arial, {FONTS[current()]}sans-serif"


def moment(at: datetime, offset: bool = True) -> str:
    """A local time in full."""
    if current() != "en":
        return numbers.moment(at, offset)
    text = at.isoformat(sep=" ", timespec="minutes")
    return text if offset else text[:16]


def clock(at: datetime) -> str:
    """A local time with its weekday and day."""
    return f"{at:%a %m-%d %H:%M}" if current() == "en" else numbers.clock(at)


def printable(text: str) -> str:
    """The text with characters that no file may hold replaced by ``\N{REPLACEMENT CHARACTER}``."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def uncalculated(text: str) -> str:
    """The text as a cell of a CSV file that no spreadsheet calculates: with an apostrophe where it might."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text


def one_line(text: str) -> str:
    """The text without line breaks, for a title."""
    return " ".join(printable(text).split())
