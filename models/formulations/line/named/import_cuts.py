"""Cuts on the import due to whole starts, because the site's own rows allow fractions of starts anywhere.

A fraction of a start fits below the PV supply or a peak and costs nothing there; a whole start does not. The import in
a slot, max(0, b + Σ L) over the starts that are active, is supermodular: it is at least the import without any of them
plus, for each start, the import that this start adds alone. The same holds for a metered interval of the tariff. As
every operation starts once, a billed peak is at least the highest metered import of its start alone. Battery discharge
counts as import. (Atamtürk, Narayanan, Oper. Res. Lett. 2008: polymatroid inequalities.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.named.model import Named
from emberline.models.kernel.arrays import Rows, Series, constraint
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.line import grouped

MIN_MWH = 1e-9
"""Energy below which a value counts as zero."""


def add(formulation: Named) -> None:
    """Add the cuts to a program with all its starts, unless the site has assets, which may deliver electricity."""
    m, problem, data = formulation.model, formulation.problem, formulation.data
    rates = None if data.purchase is None else data.purchase.rates
    metered = rates is not None and len(rates) == data.n_meters
    if data.hub is not None or (data.plain and not metered):
        return
    starts, mwh = _starts(formulation)
    if mwh.min(initial=0.0) < -MIN_MWH:
        return  # starts that save energy are not supermodular
    n, per, battery = problem.n_slots, problem.cells_per_slot, data.battery
    net = np.repeat((data.base - data.pv) / per, per) + problem.fixed_cells + problem.under_way
    if not data.plain:
        in_slot, of_slot = problem.on_steps(net), mwh.reshape(-1, n, per).sum(axis=2)
        m.sunny = pyo.Block()
        sunny = np.flatnonzero(in_slot < -MIN_MWH).tolist()
        _terms(m.sunny, starts, {t: np.maximum(in_slot[t] + of_slot[:, t], 0.0) for t in sunny})

        @constraint(m.sunny, m.sunny.ROW)
        def slot_import(b: Any, t: int) -> Any:
            return m.site.imports[t] + (m.site.put_out[t] if battery else 0.0) >= _sum(m, b, t)

    if rates is None or not metered or (battery is not None and battery.out_rate is None):
        return
    discharge = 0.0 if battery is None or battery.out_rate is None else battery.out_rate * data.hours / per
    shape = (data.n_meters, problem.n_cells // data.n_meters)
    in_meter, of_meter = (net - discharge).reshape(shape).sum(axis=1), mwh.reshape(-1, *shape).sum(axis=2)
    purchase = m.site.purchase
    m.metered, m.peaky = pyo.Block(), pyo.Block()
    low = np.flatnonzero(in_meter < -MIN_MWH).tolist()
    _terms(m.metered, starts, {i: np.maximum(in_meter[i] + of_meter[:, i], 0.0) for i in low})
    m.metered.meter_import = Rows(m.metered.ROW, rule=lambda b, i: purchase.imported[i] >= _sum(m, b, i))
    operations = grouped((key[:-2], row) for row, key in enumerate(starts))
    rows, floors = dict[tuple[int, ...], np.ndarray](), []
    for p, g in purchase.tariff.GROUP:
        group = rates.peaks[p].groups[g]
        floor = max(rates.peaks[p].floor_mw, float(in_meter[group].max(initial=0.0)) / rates.hours)
        above = np.maximum((in_meter[group] + of_meter[:, group]).max(axis=1, initial=0.0) / rates.hours - floor, 0.0)
        for k, members in enumerate(operations.values()):
            rows[p, g, k] = np.zeros(len(starts))
            # one of several identical heats draws at least the mean
            copies = 1 if len(starts[members[0]]) == 3 else formulation.copies(starts[members[0]][0])
            rows[p, g, k][members] = above[members] / copies
            floors.append(floor)
    _terms(m.peaky, starts, rows)
    m.peaky.floor = Series(m.peaky.ROW, values=np.array(floors))

    @constraint(m.peaky, m.peaky.ROW)
    def peak(b: Any, p: int, g: int, k: int) -> Any:
        return purchase.tariff.billed[p, g] >= b.floor[p, g, k] + _sum(m, b, p, g, k)


def _starts(formulation: Named) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Return the keys of all starts, with four places for heats and three for casts, and the draw of each.

    The energies have shape (n_starts, n_cells) [MWh].
    """
    problem, m = formulation.problem, formulation.model
    keys = [*m.START, *m.OPTION]
    mwh = np.zeros((len(keys), problem.n_cells))
    for row, (*key, u, t) in enumerate(keys):
        cells = formulation.cells(key[0], key[1], u) if len(key) == 2 else problem.casts[key[0]].cells[u]
        problem.draw(mwh[row], t, cells)
    return keys, mwh


def _terms(block: pyo.Block, starts: list[tuple[int, ...]], rows: Mapping[Any, np.ndarray]) -> None:
    """Add the rows of a block, each with a weight by start, shape (n_starts,)."""
    terms = {r: [(*starts[k], float(w[k])) for k in np.flatnonzero(w > MIN_MWH)] for r, w in rows.items()}
    first = next(iter(rows), 0)
    block.ROW = pyo.Set(initialize=list(rows), dimen=len(first) if isinstance(first, tuple) else 1)
    block.HEAT, block.CAST = (
        Members({r: [term for term in row if len(term) == width] for r, row in terms.items()}, dimen=width)
        for width in (5, 4)
    )


def _sum(m: pyo.ConcreteModel, block: Any, *row: Any) -> Any:
    index = row if len(row) > 1 else row[0]
    heats = total(w * m.x[h, i, u, t] for h, i, u, t, w in each(block.HEAT[index]))
    return heats + total(w * m.z[c, u, t] for c, u, t, w in each(block.CAST[index]))
