"""Calibration of a meter, on the bench or in a laboratory."""

from tools.bench import firmware_code  # noqa: F401  puts the firmware on the path
from tools.calibrate.laboratory import calibrate, calibrated
from tools.calibrate.report import Report

__all__ = ["Report", "calibrate", "calibrated"]
