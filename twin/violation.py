"""A limit that was missed: what every part of the twin tells of it, and what counts as nothing."""

from __future__ import annotations

TOLERANCE = 1e-6
"""MW and MWh that count as nothing."""

Violation = tuple[str, str, str, float, float, str]
"""Kind, heat, unit (or asset, or carrier), when [min], amount and its unit of measure."""
