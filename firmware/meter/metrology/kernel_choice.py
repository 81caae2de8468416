"""Which kernels a board's processor gets."""

from drivers.ade9000_crc import crc16
from meter.metrology import kernels


def choose(name: str) -> tuple:
    """Module with the sample path's kernels, and crc16, for a Board.KERNELS: "m33", or "viper" for any processor.

    Viper also where a board says "m33" but its MicroPython runs on other cores: the RP2350 has RISC-V ones beside.
    """
    if name == "m33":
        try:
            from drivers.ade9000_crc_m33 import crc16 as crc16_m33
            from meter.metrology import kernels_m33

            return kernels_m33, crc16_m33
        except ImportError:
            pass  # deployed for another architecture, without these files
    return kernels, crc16
