"""Charts of pages, files and the Python API."""

from emberline.reports.charts import palette

__all__ = ["palette"]
