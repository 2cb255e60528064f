"""Advice sent to other systems; a place that does not answer is an event, never the end of the loop."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

from emberline.live.tags import Plant
from emberline.plans.decisions import Advice

TIMEOUT_S = 5.0


def document(plant: Plant, advice: Advice) -> dict[str, Any]:
    """The advice as plain data."""
    times = {name: getattr(advice, name).isoformat() for name in ("created", "data_at", "expires", "ends")}
    changes = [change["says"] for change in advice.body["changes"]]
    return {
        "plant": plant.name, "advice": advice.id, "hash": advice.hash, **times, **advice.body, "changes": changes,
    }  # fmt: skip


def publish(plant: Plant, advice: Advice) -> Iterator[str]:
    """Send an advice to every place that ``live.yaml`` names; what went wrong, one line each."""
    payload = json.dumps(document(plant, advice), ensure_ascii=False).encode()
    for publication in plant.live.publish:
        headers = {"Content-Type": "application/json", "User-Agent": "emberline"}
        request = urllib.request.Request(publication.url, payload, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                pass
        except (OSError, ValueError) as error:
            yield f"webhook: {' '.join(str(error).split())[:120]}"
