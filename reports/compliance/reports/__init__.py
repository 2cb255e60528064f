"""Reports of a period: the figures, and the documents that hand them over."""

from emberline.reports.compliance.default_values import read_default_values
from emberline.reports.compliance.reports.annual import AnnualReport, annual_report
from emberline.reports.compliance.reports.documents import DOCUMENTS, evidence_files, ghg_by_hour
from emberline.reports.compliance.reports.of_plan import products_of_plan, report_of_plan
from emberline.reports.compliance.reports.table import Document, write_excel

__all__ = [
    "DOCUMENTS",
    "AnnualReport",
    "Document",
    "annual_report",
    "evidence_files",
    "ghg_by_hour",
    "products_of_plan",
    "read_default_values",
    "report_of_plan",
    "write_excel",
]
