"""Tags of the plant, their mapping to a scenario in ``live.yaml``, and the quality of their values."""

from emberline.live.tags.loading import Plant, load
from emberline.live.tags.quality import Finding, Quality, Reading, judge
from emberline.live.tags.record import Connector, Live, Tag

__all__ = ["Connector", "Finding", "Live", "Plant", "Quality", "Reading", "Tag", "judge", "load"]
