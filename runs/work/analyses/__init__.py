"""Analyses that run as jobs and whose results are stored.

Each is a function ``work_NAME(task)`` in ``WORK`` of a module of this folder. It reads ``task.scenario()`` or the
stored run named in ``task.options``, reports its steps by ``task.report``, polls ``task.cancelled`` if partial results
are useful, and returns plain data for JSON. The module of the same name in ``ui/pages/analyses`` contains form and
charts: the ``Analysis`` called ``NAME``.
"""

from emberline.runs.work.analyses.store import StoredAnalysis, headlines, read, save, work, works

__all__ = ["StoredAnalysis", "headlines", "read", "save", "work", "works"]
