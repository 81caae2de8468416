"""The chip's temperature sensor: degrees C = -TEMP_RSLT * gain / 65536 + offset / 32, both trimmed for each part."""

from __future__ import annotations

from tools.bench.ade9000 import registers as r

NEVER = 1 << 62
CONVERSION_NS = (1_000_000, 256_000_000, 512_000_000, 1_024_000_000)  # by TEMP_CFG's average 1/256/512/1024
NOMINAL_GAIN = 20_480  # 0.3125 degrees per step
NOMINAL_OFFSET = 10_800


class Thermometer:
    """`celsius` is the true chip temperature, `error` what this part reads too high.

    The trim values differ from part to part by the two spreads.
    """

    def __init__(self, registers: dict[int, int], gain_spread: int, offset_spread: int) -> None:
        self.registers = registers
        self.celsius, self.error = 25.0, 0.0
        self.gain, self.offset = NOMINAL_GAIN + gain_spread, NOMINAL_OFFSET + offset_spread
        self.reset()

    def reset(self) -> None:
        """Chip reset: any conversion is dropped, the trim register is loaded."""
        self.ready_at = NEVER
        self.registers[r.TEMP_TRIM] = self.offset << 16 | self.gain

    def configure(self, value: int, t_ns: int) -> None:
        """Write TEMP_CFG: TEMP_START (bit 3) with TEMP_EN (bit 2) starts one conversion."""
        self.registers[r.TEMP_CFG] = value & 0xF
        self.ready_at = t_ns + CONVERSION_NS[value & 3] if value & 0xC == 0xC else NEVER

    def finish(self) -> None:
        """The conversion is done; TEMP_START clears itself."""
        self.ready_at = NEVER
        code = round((self.offset / 32 - self.celsius - self.error) * 65536 / self.gain)
        self.registers[r.TEMP_RSLT] = max(0, min(0xFFF, code))
        self.registers[r.TEMP_CFG] &= ~8
