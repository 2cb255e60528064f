"""Sources of signals, each with a module that makes the requests and reads the answers."""

from emberline.live.signals.sources import electricity_maps, energy_charts, entsoe, neso, smard, watttime
from emberline.live.signals.sources.request import Reader, Request

READERS: dict[str, Reader] = {
    "entsoe": entsoe.fetch,
    "smard": smard.fetch,
    "energy-charts": energy_charts.fetch,
    "electricity-maps": electricity_maps.fetch,
    "neso": neso.fetch,
    "watttime": watttime.fetch,
}

__all__ = ["READERS", "Request"]
