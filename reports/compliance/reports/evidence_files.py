"""Evidence of a period: what its figures are from, and every report that can be made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from emberline.reports.compliance.reports.annual import AnnualReport
from emberline.reports.compliance.reports.documents import DOCUMENTS


def evidence_files(
    report: AnnualReport, sources: Mapping[str, bytes], template: Path | None = None
) -> dict[str, bytes]:
    """Files of evidence by name.

    Args:
        report: figures of the period.
        sources: monitoring plan and activity data, by file name.
        template: copy of the communication template; its filled copy belongs to the evidence.

    Raises:
        TemplateError: the template cannot be filled.
    """
    kinds = [name for name in DOCUMENTS if name not in report.undescribed]
    files = {f"{kind}.json": DOCUMENTS[kind](report).json().encode() for kind in kinds}
    if template is not None:
        from emberline.reports.compliance.workbook import filled

        files["cbam.xlsx"] = filled(template, report)
    return {**sources, **files}
