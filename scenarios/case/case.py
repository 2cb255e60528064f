"""The case: a scenario with the values of its series and the numbers of its tariff."""

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
    """A scenario whose series are resolved: what twin, models and planning work with.

    ``scenarios.load`` makes it of a file, :meth:`of` of a scenario and its series. It is written and compared as the
    scenario alone. A copy keeps the series; where its horizon or its series change, ``with_inputs`` takes other ones.
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
        """A scenario with its series.

        Args:
            scenario: what the file says.
            inputs: its series on its steps, a dataset of table ``INPUTS``.
            folder: that paths of its files are relative to.
            document: that it was read from (``scenarios.reading.document.Document``).
            apparent: its prices per kVA, as the file writes them.
        """
        case = cls.model_construct(scenario.model_fields_set, **dict(scenario))
        case._inputs, case._folder, case._document, case._apparent = inputs, folder.absolute(), document, apparent
        return case

    @property
    def inputs(self) -> xr.Dataset:
        """Its series on its steps, a dataset of table ``INPUTS``.

        What was filled is listed in the attribute ``filled`` of each variable, the source in ``source``.
        """
        return self._inputs

    @property
    def folder(self) -> Path:
        """Folder of its files: paths of series are relative to it."""
        return self._folder

    @property
    def document(self) -> Any:
        """The document that it was read from; None where there is none, as for a stored run or a changed copy."""
        return self._document

    @property
    def apparent(self) -> tuple[str, ...]:
        """Prices per kVA, as the file writes them: they count per kW, at a power factor of 1."""
        return self._apparent

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some nouns replaced and the same series; ``em.change`` reads them again."""
        return self.with_inputs(self._inputs, **update) if update else super().model_copy(deep=deep)

    def with_inputs(self, inputs: xr.Dataset, **nouns: Any) -> Self:
        """The same case with other series, and with the nouns that change with them, such as the horizon."""
        copy = super().model_copy(update=nouns)
        copy._inputs, copy._document = inputs, None  # which no longer says what the copy is
        return copy

    @cached_property
    def rates(self) -> Rates | None:
        """The tariff's numbers on the metered intervals of the horizon; None: there is no tariff."""
        return rates_of(self)

    @property
    def tonnes(self) -> float:
        """Tonnes that all orders and deliveries add up to [t]."""
        delivered = sum(delivery.amount_t or 0.0 for delivery in self.deliveries)
        if "demand_tph" in self.inputs:
            delivered += float(self.inputs["demand_tph"].sum()) * self.horizon.step_h
        return sum(heat.grade.mass_t for heat in self.heats) + delivered

    def asset_series(self, name: str) -> dict[str, np.ndarray]:
        """The series of an asset by key (``AssetSeries.key``), each of shape (n_steps,); what is constant included."""
        return self._by_asset[name]

    @cached_property
    def _by_asset(self) -> dict[str, dict[str, np.ndarray]]:
        """Series of each asset by key."""
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
    """The numbers of a scenario's tariff on the metered intervals of its horizon; None: there is no tariff.

    Raises:
        ValueError: the tariff does not fit the horizon; ``scenarios.load`` tells this with file and line.
    """
    if scenario.market.tariff is None:
        return None
    interval = scenario.site.grid.metered_interval_min
    before = scenario.market.tariff_before
    if not before.peak_mw:
        before = before.model_copy(update={"peak_mw": scenario.state.peak_so_far_mw})
    times = metered(scenario.horizon, interval)
    return read(scenario.market.tariff, times, scenario.horizon.zone, before=before, interval_min=interval)
