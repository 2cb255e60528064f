"""The monitoring plan of an installation, its activity data, and what fills their gaps."""

from emberline.reports.compliance.monitoring.activity import Activity, Gap, Measured, read_activity
from emberline.reports.compliance.monitoring.example import example_files
from emberline.reports.compliance.monitoring.forecast import forecast
from emberline.reports.compliance.monitoring.period import Period
from emberline.reports.compliance.monitoring.plan import MonitoringPlan, read_monitoring_plan

__all__ = [
    "Activity",
    "Gap",
    "Measured",
    "MonitoringPlan",
    "Period",
    "example_files",
    "forecast",
    "read_activity",
    "read_monitoring_plan",
]
