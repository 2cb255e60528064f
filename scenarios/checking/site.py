"""Checks of a site's assets against each other and its carriers."""

from __future__ import annotations

from pydantic import ValidationError

from emberline.scenarios.case.site import Site
from emberline.scenarios.records.base import Mistakes, unknown
from emberline.scenarios.records.faults import fault


def mistakes(site: Site) -> Mistakes:
    """Mistakes between carriers and assets, with their places within the site."""
    names: set[str] = set()
    for i, asset in enumerate(site.assets):
        if asset.name in names:
            yield ("assets", i, "name"), f"asset name {asset.name!r} used twice"
        names.add(asset.name)
        lacking = [(place, name) for place, name in asset.touches() if name not in site.carrier]
        for place, name in lacking:
            yield ("assets", i, *place), unknown("carrier", name, site.carrier)
        if not lacking:
            try:
                asset.core({name: carrier.unit for name, carrier in site.carrier.items()})
            except ValidationError as error:
                first = error.errors()[0]
                key = "".join(f"{part}: " for part in first["loc"])
                yield ("assets", i), key + fault(first)
            except ValueError as error:
                yield ("assets", i), str(error)
