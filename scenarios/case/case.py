"""Case: a scenario with resolved series and tariff rates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr
from pydantic import PrivateAttr

from emberline.scenarios.case.scenario import Scenario
from emberline.scenarios.tariff.rates import Rates, metered, read


class Case(Scenario):
    """Scenario with resolved series, used by twin, models and planning.

    ``scenarios.load`` creates it from a file, and :meth:`of` from a scenario and its series. Serialization and
    comparison ignore the series. Copies keep the series; use ``with_inputs`` if the horizon or series change.
    """

    _inputs: xr.Dataset = PrivateAttr()
    _document: Any = PrivateAttr(default=None)
    _folder: Path = PrivateAttr(default=Path("."))
    _apparent: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        inputs: xr.Dataset,
        folder: Path = Path("."),
        document: Any = None,
        apparent: tuple[str, ...] = (),
    ) -> Case:
        """Create a case from a scenario and its series.

        Args:
            scenario: scenario as given in a file.
            inputs: series on the time steps, a dataset of table ``INPUTS``.
            folder: folder to which paths of files are relative.
            document: source document (``scenarios.reading.document.Document``).
            apparent: prices per kVA as written in the file.
        """
        case = cls.model_construct(scenario.model_fields_set, **dict(scenario))
        case._inputs, case._folder, case._document, case._apparent = inputs, folder.absolute(), document, apparent
        return case

    @property
    def inputs(self) -> xr.Dataset:
        """Series on the time steps, a dataset of table ``INPUTS``.

        The attributes ``source`` and ``filled`` of each variable give its source and the number of filled gaps.
        """
        return self._inputs

    @property
    def folder(self) -> Path:
        """Folder to which paths of series are relative."""
        return self._folder

    @property
    def document(self) -> Any:
        """Source document; None if there is none, as for a stored run or a modified copy."""
        return self._document

    @property
    def apparent(self) -> tuple[str, ...]:
        """Prices per kVA as written in the file, which are read as prices per kW (power factor 1)."""
        return self._apparent

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with replaced fields and the same series; ``em.change`` also reloads the series."""
        return self.with_inputs(self._inputs, **update) if update else super().model_copy(deep=deep)

    def with_inputs(self, inputs: xr.Dataset, **nouns: Any) -> Self:
        """Return a copy with other series and related fields, such as the horizon."""
        copy = super().model_copy(update=nouns)
        copy._inputs, copy._document = inputs, None  # the document no longer matches the copy
        return copy

    @cached_property
    def rates(self) -> Rates | None:
        """Rates of the tariff on the metered intervals of the horizon; None if there is no tariff."""
        return rates_of(self)

    @property
    def tonnes(self) -> float:
        """Total mass of all orders and deliveries [t]."""
        delivered = sum(delivery.amount_t or 0.0 for delivery in self.deliveries)
        if "demand_tph" in self.inputs:
            delivered += float(self.inputs["demand_tph"].sum()) * self.horizon.step_h
        return sum(heat.grade.mass_t for heat in self.heats) + delivered

    def asset_series(self, name: str) -> dict[str, np.ndarray]:
        """Return the series of an asset by key (``AssetSeries.key``), including constants, shape (n_steps,) each."""
        return self._by_asset[name]

    @cached_property
    def _by_asset(self) -> dict[str, dict[str, np.ndarray]]:
        inputs, site = self.inputs, self.site
        columns = {f"{site.base_load.name}.rate": inputs["base_load_mw"].to_numpy()}
        if site.sun is not None:
            columns[f"{site.sun.name}.capacity_factor"] = inputs["pv_available_mw"].to_numpy() / site.sun.peak_mw
        if "asset_values" in inputs:
            labels = inputs["series"].values.tolist()
            columns |= dict(zip(labels, inputs["asset_values"].values, strict=True))
        values: dict[str, dict[str, np.ndarray]] = {}
        for record in site.equipment:
            for entry in record.wants():
                constant = np.full(self.horizon.n_steps, (entry.series.value or 0.0) * entry.series.scale)
                values.setdefault(record.name, {})[entry.key] = columns.get(entry.label(record.name), constant)
            values.setdefault(record.name, {})
        return values


def rates_of(scenario: Scenario) -> Rates | None:
    """Compute the rates of the tariff on the metered intervals of the horizon; None if there is no tariff.

    Raises:
        ValueError: the tariff does not fit the horizon; ``scenarios.load`` reports this with file and line.
    """
    if scenario.market.tariff is None:
        return None
    interval = scenario.site.grid.metered_interval_min
    before = scenario.market.tariff_before
    if not before.peak_mw:
        before = before.model_copy(update={"peak_mw": scenario.state.peak_so_far_mw})
    times = metered(scenario.horizon, interval)
    return read(scenario.market.tariff, times, scenario.horizon.zone, before=before, interval_min=interval)
