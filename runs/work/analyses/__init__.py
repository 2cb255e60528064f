"""Analyses that run as jobs and whose results are stored.

Each is a function ``work_NAME(task)`` of a module of this folder: it reads ``task.scenario()`` or the stored run named
in ``task.options``, reports its steps by ``task.report``, polls ``task.cancelled`` where a part of the result is worth
keeping, and returns plain data for JSON. The module of the same name in ``ui/pages/analyses`` has form and drawing.
"""

from emberline.runs.work.analyses.store import ANALYSES, StoredAnalysis, headlines, read, save, work

__all__ = ["ANALYSES", "StoredAnalysis", "headlines", "read", "save", "work"]
