"""Evidence of reports: records chained by hash, the states of a period, verification, an archive for the verifier."""

from emberline.reports.compliance.evidence.chain import STEPS, Chain, Entry, EvidenceError, Step
from emberline.reports.compliance.evidence.verification import Finding, archive, leftovers, verify

__all__ = ["STEPS", "Chain", "Entry", "EvidenceError", "Finding", "Step", "archive", "leftovers", "verify"]
