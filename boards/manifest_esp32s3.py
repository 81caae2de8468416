"""FROZEN_MANIFEST for a MicroPython of one's own with the firmware in it, ESP32-S3."""

include("manifest.py", board="esp32s3", without=("_m33.py",))
