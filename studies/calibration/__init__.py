"""Calibration of a scenario with the plant's own heat log, and checks of its reliability."""

from emberline.studies.calibration.calibrate import POOR_FIT, Calibration, calibrate, fit_units
from emberline.studies.calibration.twin_log import twin_log

__all__ = ["POOR_FIT", "Calibration", "calibrate", "fit_units", "twin_log"]
