"""Calibration of a scenario by the plant's own heat log, and what says how far it can be trusted."""

from emberline.studies.calibration.calibrate import POOR_FIT, Calibration, calibrate, fit_units
from emberline.studies.calibration.twin_log import twin_log

__all__ = ["POOR_FIT", "Calibration", "calibrate", "fit_units", "twin_log"]
