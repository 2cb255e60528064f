"""Tables for people: descriptive headings with units, and carbon in tonnes; files for programs keep the column names.

Carbon per tonne or megawatt-hour stays in kilograms, as on the pages. Only Emberline's own words are translated: names
from the scenario stay as they are. Text is in the language of ``spoken`` and escaped for its file; in English, times
and shares are written as in files for programs.
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
"""Label and unit of columns whose name is not clear on its own; others are derived from the suffix."""
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
"""Unit of measure by the suffix of a name, longer suffixes first."""
KILOGRAMS, TONNES = "kg CO2e", "t CO2e"
HEADS = (
    mark("off spec"), mark("asked"), mark("stock"), mark("hours"), mark("energy and assets"), mark("baseline line"),
    mark("baseline import"), mark("short price"), mark("long price"),
)  # fmt: skip
"""Labels that occur only in headings, before their unit of measure."""
MEANINGS = {
    "line": mark("line or processes"), "rate": mark("price of a unit"), "what": mark("does"),
    "lost": mark("lost in stores"), "sold": mark("by-products sold"),
    "site": mark("no product"), "stock": mark("change of stock"), "price": mark("price of electricity"),
    "import": mark("grid import"), "export": mark("grid export"), "pv": mark("PV used or exported"),
    "pv available": mark("PV that could be given"), "pv curtailed": mark("PV not used"),
    "residual": mark("intensity of the residual mix"), "charge": mark("battery charge"),
    "discharge": mark("battery discharge"), "made": mark("makes"),
}  # fmt: skip
"""Headings that need more words, or have another meaning elsewhere."""
OURS_BY_HOUR = {
    *FLOWS_MW.values(), *SCOPES.values(), "grid import, baseline", "energy and assets", "spot price",
    "average intensity", "marginal intensity", PRICE, PRICE_OF_BLOCKS,
}  # fmt: skip
"""Columns of the hours that are not named after an asset."""
ORIGINS = {
    "process": mark("process"), "fuel": mark("fuels"), "machine": mark("machines"), "bought": mark("heat bought"),
    "grid": mark("grid"), "all": mark("in all"),
}  # fmt: skip
"""Origins of the carbon of a product."""
OF_A_NAME = {" mode": mark("{name} mode"), " delivered": mark("{name} delivered")}
"""Suffixes of the columns of units and deliveries."""
MEASURES = ("bill", "ledger", "figures")
"""Tables whose column ``unit`` is a unit of measure."""
LEDGER_SCOPES = {
    "1": mark("1"), "2 bought": mark("2, heat bought"), "2 average": mark("2, location, average"),
    "2 marginal": mark("2, location, marginal"), "2 market": mark("2, market"), "biogenic": mark("biogenic, apart"),
}  # fmt: skip


def for_people(frame: pd.DataFrame, name: str, scenario: Scenario) -> pd.DataFrame:
    """Return a table with descriptive headings, carbon in tonnes, and translated cells.

    Args:
        frame: table from ``tables``.
        name: name of the table; ``energy`` is the table of hours or days.
        scenario: scenario whose names occur in the table.
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
    """Return a table with descriptive headings and carbon in tonnes.

    Args:
        frame: table from ``tables``.
        name: name of the table; ``energy`` is the table of hours or days.
        currency: currency of the market.
    """
    out = frame.copy()
    if "column" in out:
        out["column"] = [_scope(column) for column in out["column"]]
    names, heads = [str(column) for column in out.columns], []
    for i, column in enumerate(names):
        label, unit = _parts(column, name, currency)
        if name == "whereabouts" and column != "column":  # all values are in kilograms
            unit = KILOGRAMS
        if unit == KILOGRAMS:
            out[out.columns[i]] = out[out.columns[i]] / 1000
            unit = TONNES
        if unit.endswith("/unit"):
            unit = tr("{measure}/unit", measure=unit.removesuffix("/unit"))
        head = _label(label, column, name, names) + (f" [{unit}]" if unit else "")
        # a unit may have the same name as a flow
        heads.append(tr("{name} of the unit", name=head) if head in heads else head)
    out.columns = heads
    return out


def figure_heads() -> list[str]:
    """Return the headings of the table of figures."""
    return [_label(name, name, "figures", []) for name in FIGURE_COLUMNS]


def _parts(column: str, name: str, currency: str) -> tuple[str, str]:
    """Return the label and the unit of measure of a heading, in English."""
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
    """Return whether a column name is for programs; names from a scenario already contain spaces or a unit."""
    return re.fullmatch(r"[a-z0-9_]+", column) is not None


def _label(label: str, column: str, name: str, names: list[str]) -> str:
    """Return the label of a heading, translated unless it is a name from the scenario."""
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
    """Return the functions that translate the texts of a table, by column."""
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
    """Translate a line of the bill; contracts, charges and assets keep their names from the scenario."""
    spot = (
        line == "spot" and kind == "energy" and "spot" not in {contract.name for contract in scenario.market.contracts}
    )
    return say(line) if spot or kind in ("export", "imbalance", "carbon", "recourse") else line


def _source(source: str, scope: str, scenario: Scenario) -> str:
    """Translate a source of the ledger; only the grid and the uncontracted remainder are not named in the scenario."""
    ours = {"2 average": "grid", "2 marginal": "grid", "2 market": "rest"}
    return say(source) if ours.get(scope) == source else source


BY_KIND: dict[str, tuple[str, str, Callable[[str, str, Scenario], str]]] = {
    "bill": ("name", "kind", _line), "ledger": ("source", "scope", _source),
    "products": ("source", "kind", lambda source, kind, _: tr("grid") if kind == "grid" else source),
}  # fmt: skip
"""Columns whose translation depends on another column, by table."""


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""Prefixes that make a spreadsheet evaluate a cell; full-width ones apply in some languages."""
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 forbids and no other format needs."""


FONTS = {
    "en": "",
    "zh": "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Micro Hei, ",
}
"""Fonts by language, for glyphs that common fonts lack."""


def tag() -> str:
    """Return the current language as a BCP 47 tag."""
    return LOCALES[current()].replace("_", "-")


def fonts() -> str:
    """Return font families with the language's glyphs, as a CSS list."""
    return f"Helvetica, Arial, {FONTS[current()]}sans-serif"


def moment(at: datetime, offset: bool = True) -> str:
    """Format a local time in full."""
    if current() != "en":
        return numbers.moment(at, offset)
    text = at.isoformat(sep=" ", timespec="minutes")
    return text if offset else text[:16]


def clock(at: datetime) -> str:
    """Format a local time with weekday and day."""
    return f"{at:%a %m-%d %H:%M}" if current() == "en" else numbers.clock(at)


def printable(text: str) -> str:
    """Replace characters that no file may contain by ``\N{REPLACEMENT CHARACTER}``."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def uncalculated(text: str) -> str:
    """Escape a text for a CSV cell with an apostrophe if a spreadsheet might evaluate it."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text


def one_line(text: str) -> str:
    """Remove line breaks from a text, for a title."""
    return " ".join(printable(text).split())
