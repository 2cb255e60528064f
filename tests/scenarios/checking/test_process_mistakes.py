"""Mistakes in processes, stores and deliveries: one clear line each, with file, line and key."""

from __future__ import annotations

import re

import pytest

from emberline.scenarios import ScenarioError, loads

TEXT = """\
name: works
horizon: {start: 2024-03-11, zone: Europe/Berlin, days: 2, step_min: 30}
site:
  carriers: [{name: coal}, {name: ash, unit: t}, {name: hot_gas, waste: true}]
  assets:
    - {kind: supply, name: coal yard, carrier: coal, price_per_unit: 14 EUR/MWh, factor: other_bituminous_coal}
    - {kind: load, name: ash silo, carrier: ash, rate: 0}
stores:
  - {name: meal, capacity_t: 9000 t, level_t: 5000 t}
  - {name: clinker, capacity_t: 30000 t}
  - {name: CEM I, capacity_t: 5000 t}
  - {name: CEM II, capacity_t: 5000 t}
processes:
  - name: raw mill
    count: 2
    rate: 170 t/h
    power_mw: 2.6 MW
    outputs: [{store: meal}]
    min_run_h: 2 h
  - name: kiln
    rate: {low: 150 t/h, high: 190 t/h, usual: 180 t/h}
    kwh_per_t: 26
    must_run: true
    inputs: [{store: meal, per_t: 1.56}]
    outputs: [{store: clinker}, {carrier: hot_gas, per_t: 0.2 MWh/t}]
    heat:
      gj_per_t: 3.4 GJ/t
      fuels: [{carrier: coal, share: 100 %}]
    planned_stop: {hours: 6 h, earliest: 8 h}
  - name: cement mill
    count: 3
    min_run_h: 2 h
    change_over: {minutes: 30, between: [{start: CEM I, end: CEM II, minutes: 45, off_spec_t: 10 t}]}
    modes:
      - {name: CEM I, rate: 90 t/h, power_mw: 4 MW, inputs: [{store: clinker, per_t: 0.95}], outputs: [{store: CEM I}]}
      - {name: CEM II, rate: 110 t/h, inputs: [{store: clinker, per_t: 0.75}], outputs: [{store: CEM II}]}
    state: [{mode: CEM I}]
arrivals:
  - {name: belt, store: meal, rate: 5 t/h}
deliveries:
  - {name: trucks, store: CEM I, weekly: [{weekdays: mon-fri, hours: 6-18, rate_tph: 110 t/h}]}
  - {name: ship, store: CEM II, amount_t: 800 t, release: 10 h, due: 30 h, loading_tph: 200 t/h}
market: {price_per_mwh: 50 EUR/MWh, carbon_intensity_kg_per_mwh: 400 kg/MWh}
disturbances: {breakdowns: [{unit: kiln, mtbf_h: 300 h, mttr_min: 240}]}
"""


def lines(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        loads(text, "plant.yaml")
    return str(caught.value).splitlines()


def changed(old: str, new: str) -> str:
    assert TEXT.count(old) == 1, f"{TEXT.count(old)} times: {old!r}"
    return TEXT.replace(old, new)


def test_the_works_has_no_mistake() -> None:
    """Proves: what the cases below change is right as it stands."""
    works = loads(TEXT, "plant.yaml")
    assert [unit for unit, _ in works.process_units] == [
        "raw mill 1", "raw mill 2", "kiln", "cement mill 1", "cement mill 2", "cement mill 3",
    ]  # fmt: skip


CASES = [
    # what is not there
    ("outputs: [{store: meal}]", "outputs: [{store: mael}]", "processes.0.outputs.0.store", "did you mean meal?"),
    ("outputs: [{store: meal}]", "outputs: [{store: xyz}]", "processes.0.outputs.0.store", "stores are meal, clinker"),
    ("{store: CEM I}]", "{store: CEM 1}]", "processes.2.modes.0.outputs.0.store", "did you mean CEM I"),
    ("carrier: coal, share", "carrier: petcoke, share", "processes.1.heat.fuels.0.carrier", "unknown carrier 'petco"),
    (
        "{carrier: hot_gas, per_t: 0.2 MWh/t}",
        "{carrier: hot_gsa, per_t: 0.2}",
        "processes.1.outputs.1.carrier",
        "did you mean hot_gas?",
    ),
    ("carrier: hot_gas,", "carrier: hot_gsa,", "processes.1.outputs.1.carrier", "did you mean hot_gas?"),
    ("{name: belt, store: meal,", "{name: belt, store: flour,", "arrivals.0.store", "unknown store 'flour'"),
    ("{name: trucks, store: CEM I,", "{name: trucks, store: CEM V,", "deliveries.0.store", "unknown store 'CEM V'"),
    (
        "state: [{mode: CEM I}]",
        "state: [{mode: CEM IV}]",
        "processes.2.state.0.mode",
        "'CEM IV'; modes are CEM I, CEM II",
    ),
    ("end: CEM II, minutes", "end: CEM IX, minutes", "processes.2.change_over.between.0.end", "unknown mode 'CEM IX'"),
    ("unit: kiln, mtbf_h", "unit: oven, mtbf_h", "disturbances.breakdowns.0.unit", "unknown unit 'oven'"),
    # carriers that do not fit
    ("carrier: coal, share", "carrier: electricity, share", "processes.1.heat.fuels.0.carrier", "is given by power_mw"),
    ("carrier: coal, share", "carrier: ash, share", "processes.1.heat.fuels.0.carrier", "a fuel is counted in MWh"),
    ("{name: hot_gas, waste: true}", "{name: hot_gas}", "processes.1.outputs.1.carrier", "must not be vented"),
    (
        "inputs: [{store: meal, per_t: 1.56}]",
        "inputs: [{store: meal, per_t: 1.56}, {carrier: steam, per_t: 1}]",
        "processes.1.inputs.1.carrier",
        "unknown carrier 'steam'",
    ),
    # fuels and flows
    ("share: 100 %", "share: 90 %", "processes.1.heat.fuels", "add up to 0.9, must be 1"),
    ("share: 100 %", "share: 100 %, most: 80 %", "processes.1.heat.fuels.0.share", "share 1 lies outside 0 to 0.8"),
    (
        "fuels: [{carrier: coal, share: 100 %}]",
        "fuels: [{carrier: coal, share: 40 %}, {carrier: coal, share: 60 %}]",
        "processes.1.heat.fuels",
        "fuel coal is named twice",
    ),
    ("fuels: [{carrier: coal, share: 100 %}]", "fuels: []", "processes.1.heat.fuels", "at least 1 item"),
    (
        "outputs: [{store: meal}]",
        "outputs: [{store: meal}, {store: meal, per_t: 0.1}]",
        "processes.0.outputs",
        "outputs name meal twice",
    ),
    ("{store: meal, per_t: 1.56}", "{per_t: 1.56}", "processes.1.inputs.0", "names either a store or a carrier"),
    ("{carrier: hot_gas, per_t: 0.2 MWh/t}", "{carrier: hot_gas}", "processes.1.outputs.1.per_t", "per_t is required"),
    # rates and power
    (
        "low: 150 t/h, high: 190",
        "low: 200 t/h, high: 190",
        "processes.1.rate.low",
        "low 200 t/h lies above high 190 t/h",
    ),
    ("usual: 180 t/h", "usual: 200 t/h", "processes.1.rate.usual", "usual 200 t/h lies outside 150 to 190 t/h"),
    ("    rate: 170 t/h\n", "", "processes.0.rate", "raw mill: rate is required"),
    (
        "name: CEM II, rate: 110 t/h,",
        "name: CEM II,",
        "processes.2.modes.1.rate",
        "cement mill: rate is required in mode CEM II",
    ),
    (
        "kwh_per_t: 26",
        "power_by_rate: [{rate_tph: 160, power_mw: 4}, {rate_tph: 190, power_mw: 5}]",
        "processes.1.power_by_rate",
        "covers 160 to 190 t/h, rates are 150 to 190 t/h",
    ),
    (
        "kwh_per_t: 26",
        "power_by_rate: [{rate_tph: 190, power_mw: 4}, {rate_tph: 150, power_mw: 5}]",
        "processes.1.power_by_rate",
        "at least two rates, rising",
    ),
    (
        "kwh_per_t: 26",
        "kwh_per_t: 26\n    power_by_rate: [{rate_tph: 150, power_mw: 4}, {rate_tph: 190, power_mw: 5}]",
        "processes.1.power_by_rate",
        "give power_by_rate, or power_mw and kwh_per_t, not both",
    ),
    # units of measure
    ("rate: 170 t/h", "rate: 170 t", "processes.0.rate", "wrong unit 't'"),
    ("power_mw: 2.6 MW", "power_mw: 2.6 MWh", "processes.0.power_mw", "wrong unit 'MWh'"),
    ("min_run_h: 2 h\n  - name: kiln", "min_run_h: 2 kWh\n  - name: kiln", "processes.0.min_run_h", "wrong unit 'kWh'"),
    ("kwh_per_t: 26", "kwh_per_t: 26 MW", "processes.1.kwh_per_t", "wrong unit 'MW'"),
    ("gj_per_t: 3.4 GJ/t", "gj_per_t: 3.4 GJ", "processes.1.heat.gj_per_t", "wrong unit 'GJ'"),
    ("per_t: 0.2 MWh/t", "per_t: 0.2 Nm3/t", "processes.1.outputs.1.per_t", "wrong unit 'Nm3/t'"),
    ("per_t: 1.56", "per_t: 1.56 MWh/t", "processes.1.inputs.0.per_t", "wrong unit 'MWh/t'"),
    ("capacity_t: 9000 t,", "capacity_t: 9000 MWh,", "stores.0.capacity_t", "wrong unit 'MWh'"),
    ("loading_tph: 200 t/h", "loading_tph: 200 t", "deliveries.1.loading_tph", "wrong unit 't'"),
    ("rate: 5 t/h", "rate: 5 MW", "arrivals.0.rate", "wrong unit 'MW'"),
    # names
    ("name: cement mill\n", "name: raw mill\n", "processes.2.name", "name 'raw mill 1' used twice"),
    (
        "{name: CEM II, capacity_t: 5000 t}",
        "{name: CEM II, capacity_t: 5000 t}\n  - {name: CEM I, capacity_t: 100 t}",
        "stores.4.name",
        "name 'CEM I' used twice",
    ),
    ("{name: ship,", "{name: trucks,", "deliveries.1.name", "name 'trucks' used twice"),
    ("name: coal yard", "name: kiln", "processes.1.name", "'kiln' is also a site asset"),
    (
        "{name: CEM II, capacity_t: 5000 t}",
        "{name: CEM II, capacity_t: 5000 t}\n  - {name: coal, capacity_t: 100 t}",
        "stores.4.name",
        "'coal' is also a carrier of the site",
    ),
    ("- {name: CEM II, rate", "- {name: CEM I, rate", "processes.2.modes", "mode CEM I is named twice"),
    # states, stops and orders
    ("state: [{mode: CEM I}]", "state: [{}, {}, {}, {}]", "processes.2.state", "state of 4 units, there are 3"),
    (
        "must_run: true",
        "must_run: true\n    state: {since_h: 3 h}",
        "processes.1.state",
        "a unit stands still at the start",
    ),
    ("    must_run: true\n", "", "processes.1.planned_stop", "planned_stop belongs to a process with must_run: true"),
    ("{hours: 6 h, earliest: 8 h}", "{hours: 50 h}", "processes.1.planned_stop", "a stop of 50 h does not fit"),
    (
        "{hours: 6 h, earliest: 8 h}",
        "{hours: 6 h, earliest: 20 h, latest: 10 h}",
        "processes.1.planned_stop",
        "does not fit between its earliest and latest beginning",
    ),
    ("{hours: 6 h, earliest: 8 h}", "{hours: 6 h, latest: 2521 min}", "processes.1.planned_stop", "does not fit"),
    ("{hours: 6 h, earliest: 8 h}", "{hours: 6 h, earliest: 44 h}", "processes.1.planned_stop", "does not fit"),
    ("level_t: 5000 t", "level_t: 9500 t", "stores.0", "level_t 9500 t is more than it holds, 9000 t"),
    ("level_t: 5000 t", "keep_low: 0.9", "stores.0", "keep_low 0.9 does not lie below keep_high 0.8"),
    ("loading_tph: 200 t/h", "loading_tph: 20 t/h", "deliveries.1.amount_t", "between release and due: 400 t at most"),
    ("due: 30 h", "due: 8 h", "deliveries.1.amount_t", "800 t cannot be loaded"),
    ("due: 30 h", "due: 60 h", "deliveries.1.due", "lies outside the horizon"),
    ("release: 10 h", "release: -30 s", "deliveries.1.release", "lies outside the horizon"),
    ("release: 10 h, due: 30 h", "release: 50 h, due: 60 h", "deliveries.1.release", "lies outside the horizon"),
    ("rate_tph: 110 t/h}]}", "rate_tph: 110 t/h}], rate: 5 t/h}", "deliveries.0", "give one of rate, weekly, amount_t"),
    ("rate_tph: 110 t/h}]}", "rate_tph: 110 t/h}], due: 5 h}", "deliveries.0", "due belongs to an order"),
    ("{name: belt, store: meal, rate: 5 t/h}", "{name: belt, store: meal}", "arrivals.0", "give one of rate, weekly"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "text"), CASES, ids=[case[3][:40] for case in CASES])
def test_one_mistake_one_line(old: str, new: str, key: str, text: str) -> None:
    """Proves: file, line, key and what is right, and nothing else is said. Sensitivity: a line twice, or a trace."""
    result = lines(changed(old, new))
    assert len(result) == 1, result
    assert re.match(rf"plant\.yaml:\d+: {re.escape(key)}: ", result[0]), result
    assert text in result[0]


def test_what_is_just_allowed() -> None:
    """Proves: an order may be due as the horizon ends, and what one process gives and another takes needs no other use.

    Sensitivity: a limit too strict, or uses looked for among assets alone."""
    assert loads(changed("due: 30 h", "due: 48 h")).deliveries
    text = changed("hot_gas, waste: true", "hot_gas")
    assert any("'hot_gas' must not be vented and nothing uses it" in line for line in lines(text))
    dried = "rate: 170 t/h\n    inputs: [{carrier: hot_gas, per_t: 0.05 MWh/t}]"
    assert loads(text.replace("rate: 170 t/h", dried)).processes


def test_the_line_is_that_of_the_key() -> None:
    """Proves: the number leads to the line. Sensitivity: the line of the process instead."""
    text = changed("gj_per_t: 3.4 GJ/t", "gj_per_t: much")
    number = next(i for i, line in enumerate(text.splitlines(), start=1) if "much" in line)
    assert lines(text)[0].startswith(f"plant.yaml:{number}: processes.1.heat.gj_per_t: ")


def test_a_line_of_heats_and_processes_exclude_each_other() -> None:
    """Proves: both in one scenario are refused, and stores without processes too. Sensitivity: one silently ignored."""
    heats = """
line:
  stages: [{name: melting, units: [{name: EAF, power_mw: 30 MW}]}]
  grades: [{name: A, mass_t: 100 t, duration_min: {melting: 60}}]
orders: [{name: O1, heats: [{grade: A}]}]
"""
    assert any("a line of heats and processes are not planned together" in line for line in lines(TEXT + heats))
    start, end = TEXT.index("processes:"), TEXT.index("arrivals:")
    without = TEXT[:start] + TEXT[end : TEXT.index("disturbances:")]
    assert any(
        "processes: is required where there are stores, deliveries or arrivals" in line for line in lines(without)
    )


def test_many_mistakes_at_once() -> None:
    """Proves: mistakes of records and between them are reported together. Sensitivity: the first one hides the rest."""
    text = TEXT
    for old, new in (
        ("power_mw: 2.6 MW", "power_mw: 2.6 MWh"),
        ("outputs: [{store: meal}]", "outputs: [{store: mael}]"),
        ("gj_per_t: 3.4 GJ/t", "gj_per_t: 3.4 kg"),
        ("due: 30 h", "due: 60 h"),
        ("{name: trucks, store: CEM I,", "{name: trucks, store: CEM V,"),
    ):
        assert old in text
        text = text.replace(old, new)
    result = lines(text)
    for sentence in (
        "wrong unit 'MWh'",
        "did you mean meal?",
        "gj_per_t: wrong unit 'kg'",
        "outside the horizon",
        "'CEM V'",
    ):
        assert sum(sentence in line for line in result) == 1, (sentence, result)
