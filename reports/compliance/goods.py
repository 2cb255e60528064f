"""Aggregated goods categories and production routes, in the order of the regulation's list.

Implementing Regulation (EU) 2025/2547, annex I; spelled as the Commission's communication template v2.1.1 spells them.
"""

from __future__ import annotations

import csv
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

ALL_ROUTES = "All production routes"
_OTHER = ("Other production routes", "Unknown production routes")


@dataclass(frozen=True)
class Goods:
    """An aggregated goods category."""

    routes: tuple[str, ...] = (ALL_ROUTES,)
    indirect_counts: bool = False
    """In the definitive period; otherwise only direct emissions do."""
    listed: str = ""
    """Beginnings of its codes of the combined nomenclature (Regulation (EU) 2023/956, annex I), with blanks."""

    @property
    def codes(self) -> tuple[str, ...]:
        """Beginnings of its codes."""
        return tuple(self.listed.split())

    def has_code(self, cn_code: str) -> bool:
        """Whether a code, or a shorter beginning of one, is of this category."""
        return any(cn_code.startswith(code) or code.startswith(cn_code) for code in self.codes)


GOODS = {
    "Cement": Goods(indirect_counts=True, listed="252321 252329 252390"),
    "Cement clinker": Goods(indirect_counts=True, listed="252310"),
    "Calcined clays": Goods(indirect_counts=True, listed="25070080"),
    "Aluminous cement": Goods(indirect_counts=True, listed="252330"),
    "Iron or steel products": Goods(
        listed=(
            "7205 7208 7209 7210 7211 7212 7213 7214 7215 7216 7217 7219 7220 7221 7222 7223 7225 7226 7227 "
            "7228 7229 7301 7302 7303 7304 7305 7306 7307 7308 7309 7310 7311 7318 7326"
        )
    ),
    "Crude steel": Goods(("Basic oxygen steelmaking", "Electric arc furnace", *_OTHER), listed="7206 7207 7218 7224"),
    "Direct reduced iron": Goods(listed="7203"),
    "Pig iron": Goods(("Blast furnace route", "Smelting reduction", *_OTHER), listed="7201"),
    "Alloys (FeMn, FeCr, FeNi)": Goods(listed="72021 72024 72026"),
    "Sintered Ore": Goods(indirect_counts=True, listed="260112"),
    "Hydrogen": Goods(
        (
            "Steam reforming and partial oxidation",
            "Electrolysis of water",
            "Chlor-Alkali electrolysis and production of chlorates",
            *_OTHER,
        ),
        listed="280410",
    ),
    "Ammonia": Goods(
        (
            "Haber-Bosch process with steam reforming of natural gas or biogas",
            "Haber-Bosch process with gasification of coal or other fuels",
            *_OTHER,
        ),
        listed="2814",
    ),
    "Nitric acid": Goods(indirect_counts=True, listed="2808"),
    "Urea": Goods(indirect_counts=True, listed="310210"),
    "Mixed fertilisers": Goods(indirect_counts=True, listed="283421 31022 31023 31024 31025 31026 31028 31029 3105"),
    "Aluminium products": Goods(listed="7603 7604 7605 7606 7607 7608 7609 7610 7611 7612 7613 7614 7616"),
    "Unwrought aluminium": Goods(
        ("Primary (electrolytic) smelting", "Secondary melting (recycling)", *_OTHER), listed="7601"
    ),
    "Electricity (export to EU)": Goods(listed="2716"),
}


@cache
def countries() -> dict[str, str]:
    """Names of countries by their codes of two letters, as the template's sheet ``c_CodeLists`` spells them."""
    with (Path(__file__).parent / "data" / "countries.csv").open(encoding="utf-8") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


def country_code(text: str) -> str:
    """Code of two letters of a country, given by its code or by its name as the template's list has it.

    Raises:
        ValueError: it is in no list; with the nearest name.
    """
    codes = {name: code for code, name in countries().items()}
    if text in codes or text.upper() in countries():
        return codes.get(text, text.upper())
    names = {_plain(name): name for name in codes}
    former = _OTHER_NAMES.get(_plain(text))
    near = [name for key, name in names.items() if _plain(text) in key.split()]
    if former or not near:
        near = [countries()[former]] if former else [names[n] for n in get_close_matches(_plain(text), names, 1, 0.7)]
    hint = f"did you mean {' or '.join(near[:3])}?" if near else "use its name in English, or its code of two letters"
    raise ValueError(f"{text[:40]!r} is not in the list of countries of the Commission's workbook; {hint}")


_OTHER_NAMES = {
    "turkey": "TR", "czech republic": "CZ", "macedonia": "MK", "ivory coast": "CI", "holland": "NL", "usa": "US",
    "united states of america": "US", "great britain": "GB", "england": "GB", "uk": "GB", "south korea": "KR",
    "north korea": "KP", "burma": "MM", "cabo verde": "CV", "eswatini": "SZ", "viet nam": "VN", "russia": "RU",
}  # fmt: skip


def _plain(text: str) -> str:
    """A name without case, accents and punctuation."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(letter if letter.isalnum() else " " * (letter in " ,-") for letter in letters).split())
