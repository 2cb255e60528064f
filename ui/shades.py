"""Colours of what processes are made of, for the charts of the page; files have the same (``plans/palette.py``)."""

from plans.palette import LIGHT, of_modes, of_processes, of_stores

__all__ = ["LIGHT", "of_modes", "of_processes", "of_stores"]
