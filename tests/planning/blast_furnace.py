"""A blast furnace works as a monitoring plan with activity data: the Commission's second example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emberline.reports.compliance.monitoring import Activity, Measured, MonitoringPlan, Period

YEAR = Period.parse("2026")
NAME = "crude steel"


def works(shared: Path) -> tuple[MonitoringPlan, Activity, dict[str, float]]:
    """The plan, a year of activity data and the published figures."""
    case = json.loads((shared / "oracles" / "cbam" / "2_blast_furnace_steel.json").read_text(encoding="utf-8"))
    process = case["processes"][0]
    streams: list[dict[str, Any]] = [
        {
            "name": stream["name"],
            "method": stream["method"],
            "carbon_content": stream["carbon_content"],
            "biogenic_share": stream.get("biogenic_share", 0.0),
            "process": NAME,
            "source": "laboratory",
        }
        for stream in process["source_streams"]
    ]
    plan = MonitoringPlan.model_validate(
        {
            "installation": {"name": "Works & sons", "country": "Germany"},
            "streams": streams,
            "processes": [
                {
                    "name": NAME,
                    "goods": "Crude steel",
                    "route": "Basic oxygen steelmaking",
                    "cn_code": "72061000",
                    "electricity_t_co2_per_mwh": process["electricity_t_co2_per_mwh"],
                }
            ],
        }
    )
    amounts = {stream["name"]: (stream["t"], "t") for stream in process["source_streams"]}
    amounts[f"{NAME}: production"] = process["total_production_t"], "t"
    amounts[f"{NAME}: electricity"] = process["electricity_mwh"], "MWh"
    amounts[f"{NAME}: waste gas exported"] = process["waste_gas_exported"]["tj"], "TJ"
    rows = (Measured(name, YEAR.first, YEAR.last, amount, unit) for name, (amount, unit) in amounts.items())
    return plan, Activity(tuple(rows)), case["expected"][NAME]
