"""The monitoring plan of an installation, its activity data, and what fills their gaps."""

from emberline.reports.compliance.monitoring.activity import Activity, Gap, Measured, read_activity
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import MonitoringPlan, example_files, read_monitoring_plan

__all__ = [
    "Activity",
    "Gap",
    "Measured",
    "MonitoringPlan",
    "Period",
    "example_files",
    "read_activity",
    "read_monitoring_plan",
]
