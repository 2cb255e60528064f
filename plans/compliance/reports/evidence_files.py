"""Evidence of a period: what its figures are from, and every report that can be made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from emberline.plans.compliance.reports.annual import AnnualReport
from emberline.plans.compliance.reports.documents import DOCUMENTS


def evidence_files(report: AnnualReport, sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files of evidence by name.

    Args:
        report: figures of the period.
        sources: monitoring plan and activity data, by file name.
    """
    reports = {}
    for kind in (name for name in DOCUMENTS if name not in report.undescribed):
        text = json.dumps(DOCUMENTS[kind](report).as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        reports[f"{kind}.json"] = f"{text}\n".encode()
    return {**sources, **reports}
