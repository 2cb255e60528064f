"""Evidence of reports: records chained by hash, the states of a period, verification, an archive for the verifier."""

from emberline.plans.compliance.evidence.archive import archive
from emberline.plans.compliance.evidence.chain import Chain, EvidenceError
from emberline.plans.compliance.evidence.entry import STEPS, Entry, Step
from emberline.plans.compliance.evidence.verification import Finding, leftovers, verify

__all__ = ["STEPS", "Chain", "Entry", "EvidenceError", "Finding", "Step", "archive", "leftovers", "verify"]
