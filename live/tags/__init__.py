"""Tags of the plant: ``live.yaml``, which maps them to a scenario, and the quality of what is read of each."""

from emberline.live.tags.loading import Plant, load
from emberline.live.tags.quality import Finding, Quality, Reading, judge
from emberline.live.tags.record import Connector, Live, Tag

__all__ = ["Connector", "Finding", "Live", "Plant", "Quality", "Reading", "Tag", "judge", "load"]
