"""Publication of advice to other systems. A failed publication is reported as an event and does not end the loop."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any

from emberline.live.connectors import ConnectorError
from emberline.live.tags import Plant
from emberline.live.tags.record import Publication
from emberline.runs.decisions import Advice
from emberline.scenarios.messages import MESSAGES, Message

TIMEOUT_S = 5.0


def document(plant: Plant, advice: Advice) -> dict[str, Any]:
    """Return the advice as plain data."""
    times = {name: getattr(advice, name).isoformat() for name in ("created", "data_at", "expires", "ends")}
    changes = [change["says"] for change in advice.body["changes"]]
    return {
        "plant": plant.name, "advice": advice.id, "hash": advice.hash, **times,
        **{name: value for name, value in advice.body.items() if name != MESSAGES}, "changes": changes,
    }  # fmt: skip


def publish(plant: Plant, advice: Advice, environment: Mapping[str, str] = os.environ) -> Iterator[Message]:
    """Send an advice to all destinations in ``live.yaml``, and yield a one-line message for each failure."""
    payload = json.dumps(document(plant, advice), ensure_ascii=False).encode()
    for publication in plant.live.publish:
        try:
            SENDERS[publication.kind](plant, publication, payload, environment)
        except (OSError, ValueError, HTTPException, ConnectorError, ModuleNotFoundError) as error:
            text = " ".join(str(error).split())[:120]
            yield Message("The advice is not sent ({kind}): {error}", kind=publication.kind, error=text)


def _post(plant: Plant, publication: Publication, payload: bytes, environment: Mapping[str, str]) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "emberline"}
    with urllib.request.urlopen(urllib.request.Request(str(publication.url), payload, headers), timeout=TIMEOUT_S):
        pass


def _send(plant: Plant, publication: Publication, payload: bytes, environment: Mapping[str, str]) -> None:
    from emberline.live.connectors.mqtt import send

    connector = next(connector for connector in plant.live.connectors if connector.name == publication.connector)
    send(connector, publication.topic, payload, plant.folder, environment)


SENDERS = {"webhook": _post, "mqtt": _send}
"""By kind of publication."""
