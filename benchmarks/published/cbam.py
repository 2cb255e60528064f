"""Installations of the CBAM communication template: source streams, processes and precursors in one JSON file."""

from __future__ import annotations

import json
import re
import sys
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from benchmarks.published.cases import BadCase, parser, read_json, tell
from benchmarks.registry import oracle
from emberline.reports.compliance.embedded_emissions import Embedded, embedded
from emberline.reports.compliance.production_process import (
    NATURAL_GAS_T_CO2_PER_TJ,
    WASTE_GAS_CORRECTION,
    Energy,
    Precursor,
    ProductionProcess,
)
from emberline.reports.compliance.source_stream import CO2_PER_CARBON, SourceStream
from emberline.scenarios.records.faults import fault

STREAM = {
    "ncv_gj_per_t": "ncv_gj_per_unit",
    "kg_co2_per_gj": "kg_co2_per_gj",
    "t_co2_per_t": "t_co2_per_unit",
    "carbon_content": "carbon_content",
    "carbon_to_co2": "carbon_to_co2",
    "biogenic_share": "biogenic_share",
    "oxidation": "oxidation",
    "oxidation_factor": "oxidation",
    "conversion": "conversion",
    "conversion_factor": "conversion",
}
"""Keys of a stream in a file, and the record's field."""
STREAM_KEYS = {"name", "method", "t", *STREAM}
GAS_KEYS = {"tj", "t_co2_per_tj_natural_gas", "t_co2_per_tj", "correction"}
PRECURSOR_KEYS = {"name", "t", "see_direct", "see_indirect", "mwh_per_t", "electricity_t_co2_per_mwh"}
PLAIN = (
    "direct_t_co2", "electricity_mwh", "electricity_t_co2_per_mwh",
    "electricity_exported_mwh", "electricity_exported_t_co2_per_mwh", "to_market_t",
)  # fmt: skip
"""Keys of a process that are fields of the record."""
HEAT = {
    "heat_exported": ("heat_exported_tj", "heat_exported_t_co2_per_tj", "heat_t_co2_per_tj"),
    "heat_imported": ("heat_imported_tj", "heat_imported_t_co2_per_tj", "heat_t_co2_per_tj"),
}
"""Amount of heat, and its factor by the first key that a process has."""
GASES = {"waste_gas_exported": WASTE_GAS_CORRECTION, "waste_gas_imported": 1.0}
PROCESS_KEYS = {
    "name", "total_production_t", "source_streams", "precursors", "takes_t",
    *PLAIN, *GASES, *(key for keys in HEAT.values() for key in keys),
}  # fmt: skip
REMARK = re.compile(r"to_process_\w+|note|notes|source|comment|product|goods|cn_code|route")
"""Keys that say something and change nothing."""


def read_processes(path: str) -> list[ProductionProcess]:
    """The processes of a file.

    Raises:
        BadCase: it cannot be read, or says what cannot be.
    """
    data = read_json(path)
    if not isinstance(data, dict) or not isinstance(data.get("processes"), list) or not data["processes"]:
        raise BadCase(f"{path}: processes must be a list of at least one process")
    return [_process(path, f"processes.{i}", raw) for i, raw in enumerate(data["processes"])]


def _mapping(path: str, place: str, raw: Any, keys: set[str]) -> dict[str, Any]:
    """A mapping, whose unknown keys are refused where they look like a known one, else named and left out."""
    if not isinstance(raw, dict):
        raise BadCase(f"{path}: {place}: must be a mapping, got {str(raw)[:40]!r}")
    for key in raw:
        if key in keys or REMARK.fullmatch(key):
            continue
        close = get_close_matches(key, keys, n=1, cutoff=0.8)
        if close:
            raise BadCase(f"{path}: {place}.{key}: unknown key; did you mean {close[0]}?")
        print(f"{path}: {place}.{key}: unknown key, not used", file=sys.stderr)
    return raw


def _items(path: str, place: str, raw: Any) -> list[tuple[str, Any]]:
    if not isinstance(raw, list):
        raise BadCase(f"{path}: {place}: must be a list, got {str(raw)[:40]!r}")
    return [(f"{place}.{i}", item) for i, item in enumerate(raw)]


def _number(path: str, place: str, raw: dict[str, Any], key: str) -> float:
    """A number that must be there.

    Raises:
        BadCase: it is missing, or no number.
    """
    if key not in raw:
        raise BadCase(f"{path}: {place}.{key}: is required")
    value = raw[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        raise BadCase(f"{path}: {place}.{key}: must be a number, got {str(value)[:40]!r}")
    return float(value)


def _process(path: str, place: str, raw: Any) -> ProductionProcess:
    raw = _mapping(path, place, raw, PROCESS_KEYS)
    fields: dict[str, Any] = {"name": raw.get("name"), "takes_t": raw.get("takes_t", {})}
    fields["production_t"] = _number(path, place, raw, "total_production_t")
    fields |= {key: _number(path, place, raw, key) for key in PLAIN if key in raw}
    streams = _items(path, f"{place}.source_streams", raw.get("source_streams", []))
    fields["streams"] = tuple(_stream(path, where, stream) for where, stream in streams)
    for name, (amount, *factors) in HEAT.items():
        if amount in raw:
            key = next((key for key in factors if key in raw), factors[-1])
            energy = {"tj": _number(path, place, raw, amount), "t_co2_per_tj": _number(path, place, raw, key)}
            fields[name] = _record(path, f"{place}.{amount}", Energy, energy)
    for name, correction in GASES.items():
        if name in raw:
            fields[name] = _gas(path, f"{place}.{name}", raw[name], correction)
    precursors = _items(path, f"{place}.precursors", raw.get("precursors", []))
    factor = fields.get("electricity_t_co2_per_mwh", 0.0)
    fields["precursors"] = tuple(_precursor(path, where, precursor, factor) for where, precursor in precursors)
    if fields["streams"] and "direct_t_co2" not in raw:
        _signs(path, place, fields["streams"])
    return _record(path, place, ProductionProcess, fields)


def _signs(path: str, place: str, streams: tuple[tuple[SourceStream, float], ...]) -> None:
    for i, (stream, amount) in enumerate(streams):
        try:
            stream.emissions(amount)
        except ValueError as error:
            raise BadCase(f"{path}: {place}.source_streams.{i}.t: {error}") from None


def _stream(path: str, place: str, raw: Any) -> tuple[SourceStream, float]:
    raw = _mapping(path, place, raw, STREAM_KEYS)
    amount = _number(path, place, raw, "t")
    fields = {STREAM[key]: _number(path, place, raw, key) for key in STREAM if key in raw}
    if raw.get("method") != "mass_balance" and fields.get("carbon_to_co2") == CO2_PER_CARBON:
        del fields["carbon_to_co2"]
    return _record(path, place, SourceStream, fields | {k: raw.get(k) for k in ("name", "method")}), amount


def _gas(path: str, place: str, raw: Any, correction: float) -> Energy:
    raw = _mapping(path, place, raw, GAS_KEYS)
    key = "t_co2_per_tj_natural_gas" if "t_co2_per_tj_natural_gas" in raw else "t_co2_per_tj"
    factor = _number(path, place, raw, key) if key in raw else NATURAL_GAS_T_CO2_PER_TJ
    part = _number(path, place, raw, "correction") if "correction" in raw else correction
    return _record(
        path, place, Energy, {"tj": _number(path, place, raw, "tj"), "t_co2_per_tj": factor, "correction": part}
    )


def _precursor(path: str, place: str, raw: Any, factor: float) -> Precursor:
    """A precursor; the published examples count its electricity as that of the process where they name no factor."""
    raw = _mapping(path, place, raw, PRECURSOR_KEYS)
    fields = {key: _number(path, place, raw, key) for key in PRECURSOR_KEYS - {"name", "t"} if key in raw}
    fields |= {"amount_t": _number(path, place, raw, "t"), "see_direct": _number(path, place, raw, "see_direct")}
    fields.setdefault("electricity_t_co2_per_mwh", factor)
    return _record(path, place, Precursor, fields | ({"name": raw["name"]} if "name" in raw else {}))


def _record(path: str, place: str, kind: Any, fields: dict[str, Any]) -> Any:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadCase(f"{path}: {place}{'.' + key if key else ''}: {fault(first)}") from None


def figures(process: ProductionProcess, result: Embedded) -> dict[str, float]:
    """The figures of a process, as the published examples name them."""
    biogenic = {
        f"{re.sub(r'[^a-z0-9]+', '_', stream.name.lower()).strip('_')}_biogenic_t_co2": parts.biogenic_t_co2
        for stream, parts in ((stream, stream.emissions(amount)) for stream, amount in process.streams)
        if parts.biogenic_t_co2
    }
    return {
        "see_direct": result.see_direct,
        "see_indirect": result.see_indirect,
        "see_total": result.see_total,
        "mwh_per_t": result.mwh_per_t,
        **process.figures(),
        **biogenic,
    }


@oracle("cbam", "specific embedded emissions of the CBAM communication template: FILE")
def main(argv: list[str]) -> int:
    """Solve an installation by the product's engine, print the embedded emissions of each process."""
    argument_parser = parser("cbam", __doc__)
    argument_parser.add_argument("file", help="JSON file of the installation")
    argument_parser.add_argument("--json", action="store_true", help="print JSON, and nothing else on stdout")
    case = argument_parser.parse_args(argv)
    try:
        processes = read_processes(case.file)
        try:
            results = embedded(processes)
        except ValueError as error:
            raise BadCase(f"{case.file}: {error}") from None
    except BadCase as error:
        print(error, file=sys.stderr)
        return 2
    table = {process.name: figures(process, results[process.name]) for process in processes}
    if case.json:
        print(json.dumps({"processes": table}, indent=2))
        return 0
    for name, row in table.items():
        tell({"process": name, **{key: f"{value:.10g}" for key, value in row.items()}}, False)
    return 0
