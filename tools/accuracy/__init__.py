"""The accuracy report: every test point of the standards, on many virtual meters, against analytic truth."""

from tools.bench import firmware_code  # noqa: F401  puts the firmware on the path
