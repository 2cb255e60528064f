"""Aggregated goods categories and production routes, in the order of the regulation's list.

Implementing Regulation (EU) 2025/2547, annex I; spelled as the Commission's communication template v2.1.1 spells them.
"""

from __future__ import annotations

from dataclasses import dataclass

ALL_ROUTES = "All production routes"
_OTHER = ("Other production routes", "Unknown production routes")


@dataclass(frozen=True)
class Goods:
    """An aggregated goods category."""

    routes: tuple[str, ...] = (ALL_ROUTES,)
    indirect_counts: bool = False
    """In the definitive period; otherwise only direct emissions do."""


GOODS = {
    "Cement": Goods(indirect_counts=True),
    "Cement clinker": Goods(indirect_counts=True),
    "Calcined clays": Goods(indirect_counts=True),
    "Aluminous cement": Goods(indirect_counts=True),
    "Iron or steel products": Goods(),
    "Crude steel": Goods(("Basic oxygen steelmaking", "Electric arc furnace", *_OTHER)),
    "Direct reduced iron": Goods(),
    "Pig iron": Goods(("Blast furnace route", "Smelting reduction", *_OTHER)),
    "Alloys (FeMn, FeCr, FeNi)": Goods(),
    "Sintered Ore": Goods(indirect_counts=True),
    "Hydrogen": Goods(
        (
            "Steam reforming and partial oxidation",
            "Electrolysis of water",
            "Chlor-Alkali electrolysis and production of chlorates",
            *_OTHER,
        )
    ),
    "Ammonia": Goods(
        (
            "Haber-Bosch process with steam reforming of natural gas or biogas",
            "Haber-Bosch process with gasification of coal or other fuels",
            *_OTHER,
        )
    ),
    "Nitric acid": Goods(indirect_counts=True),
    "Urea": Goods(indirect_counts=True),
    "Mixed fertilisers": Goods(indirect_counts=True),
    "Aluminium products": Goods(),
    "Unwrought aluminium": Goods(("Primary (electrolytic) smelting", "Secondary melting (recycling)", *_OTHER)),
    "Electricity (export to EU)": Goods(),
}
