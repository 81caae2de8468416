"""Native code of the firmware, as mpy-cross compiles it, run instruction by instruction: see README.md."""

from tools.emulator.cpu import EmulationError
from tools.emulator.target import ARCHITECTURES, EmulatedModule, Target, firmware_image, image

__all__ = ["ARCHITECTURES", "EmulatedModule", "EmulationError", "Target", "firmware_image", "image"]
