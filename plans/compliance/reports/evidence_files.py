"""Evidence of a period: what its figures are from, and every report that can be made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from emberline.plans.compliance.reports.annual import AnnualReport
from emberline.plans.compliance.reports.documents import DOCUMENTS


def possible(report: AnnualReport) -> list[str]:
    """Reports whose figures the monitoring plan describes."""
    missing = {"ghg": report.plan.electricity is None, "cbam": not report.processes}
    return [kind for kind in DOCUMENTS if not missing.get(kind, False)]


def evidence_files(report: AnnualReport, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of evidence by name.

    Args:
        report: figures of the period.
        sources: monitoring plan and activity data, by file name.
    """
    reports = {}
    for kind in possible(report):
        text = json.dumps(DOCUMENTS[kind](report).as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        reports[f"{kind}.json"] = f"{text}\n".encode()
    return {**sources, **reports}
