"""The monitoring plan of an installation, its activity data, and what fills their gaps."""

from emberline.plans.compliance.monitoring.activity import Activity, Gap, Measured, read_activity
from emberline.plans.compliance.monitoring.example import example_files
from emberline.plans.compliance.monitoring.forecast import forecast
from emberline.plans.compliance.monitoring.period import Period
from emberline.plans.compliance.monitoring.plan import MonitoringPlan, read_monitoring_plan

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
