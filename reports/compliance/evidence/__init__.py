"""Evidence of reports: records chained by hash, the states of a period, verification, an archive for the verifier."""

from emberline.reports.compliance.evidence.archive import archive
from emberline.reports.compliance.evidence.chain import Chain, EvidenceError
from emberline.reports.compliance.evidence.entry import STEPS, Entry, Step
from emberline.reports.compliance.evidence.verification import Finding, leftovers, verify

__all__ = ["STEPS", "Chain", "Entry", "EvidenceError", "Finding", "Step", "archive", "leftovers", "verify"]
