"""Colours of process products in the charts of the pages, the same as in files (``plans/exports/palette.py``)."""

from emberline.plans.exports.palette import LIGHT, of_modes, of_processes, of_stores

__all__ = ["LIGHT", "of_modes", "of_processes", "of_stores"]
