"""Charts that pages and files share."""

from emberline.reports.charts import palette

__all__ = ["palette"]
