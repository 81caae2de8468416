"""FROZEN_MANIFEST for a MicroPython of one's own with the firmware in it, Pico 2 with its ARM cores."""

include("manifest.py", board="pico2")
