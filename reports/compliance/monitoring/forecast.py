"""Activity data of a plan: the scope 1 of its ledger as source streams, so that a report says what a plan changes."""

from __future__ import annotations

from collections import Counter

from emberline.planning.accounts import Ledger
from emberline.reports.compliance.source_stream import SourceStream

DIRECT, BIOGENIC = "1", "biogenic"
"""Scopes of the ledger's entries that are direct emissions."""
LONGEST_NAME = 80


def forecast(ledger: Ledger) -> tuple[tuple[SourceStream, float], ...]:
    """Source streams of a plan with their amounts: one for each source and gas that the ledger counts.

    Factors are t CO2e per unit of the activity, as the ledger rates it. Biogenic CO2 is a stream of its own.
    """
    entries = [entry for entry in ledger.entries if entry.scope in (DIRECT, BIOGENIC) and entry.activity]
    names = Counter((entry.source, entry.scope) for entry in entries)
    streams = []
    for entry in entries:
        name = entry.source if names[entry.source, entry.scope] == 1 else f"{entry.source}, {entry.gas}"
        biogenic = entry.scope == BIOGENIC
        stream = SourceStream(
            name=(f"{name}, biogenic" if biogenic else name)[:LONGEST_NAME],
            method="process",
            unit=entry.unit,
            t_co2_per_unit=entry.kg / 1000 / entry.activity,
            biogenic_share=float(biogenic),
        )
        streams.append((stream, entry.activity))
    return tuple(streams)
