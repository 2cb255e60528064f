"""Analyses that run as jobs and whose results are stored: one module of this folder each.

A module has a function ``work(task)``: it reads ``task.scenario()`` or the stored run named in ``task.options``,
reports its steps by ``task.report``, polls ``task.cancelled`` where a part of the result is worth keeping, and returns
plain data for JSON. ``ui/pages/analyses`` has a module of the same name with the form and the drawing.
"""

from emberline.runs.work.analyses.store import ANALYSES, StoredAnalysis, headlines, read, save, work

__all__ = ["ANALYSES", "StoredAnalysis", "headlines", "read", "save", "work"]
