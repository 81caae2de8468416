"""The background CRC over the configuration registers: CRC_FORCE, CRC_RSLT, CRC_DONE, CRC_CHG."""

from __future__ import annotations

from tools.bench.ade9000 import registers as r
from tools.bench.ade9000.spi import crc16
from tools.bench.ade9000.status import CRC_CHG, CRC_DONE

NEVER = 1 << 62
PASS_NS = 10_800_000


class ConfigurationCrc:
    """`factory` stands for the factory registers that make the value differ from chip to chip.

    The order in which silicon runs through its registers is not published; here it is by address.
    """

    def __init__(self, registers: dict[int, int], factory: int) -> None:
        self._registers, self._factory = registers, factory
        self.reset()

    def reset(self) -> None:
        """Chip reset."""
        self.due = NEVER
        self._watching = False

    def force(self, value: int, t_ns: int) -> None:
        """Write CRC_FORCE: bit 0 starts a pass."""
        self._registers[r.CRC_FORCE] = value & 1
        if value & 1:
            self.due, self._watching = t_ns + PASS_NS, False

    def written(self, address: int, t_ns: int) -> None:
        """A register changed: the running background check will find it within one pass."""
        if self._watching and self.due == NEVER and address in self._covered():
            self.due = t_ns + PASS_NS

    def finish(self) -> int:
        """A pass is over; returns the STATUS1 bits to raise."""
        self.due = NEVER
        value = self._value()
        if not self._watching:
            self._watching = True
            self._registers[r.CRC_RSLT] = value
            self._registers[r.CRC_FORCE] = 0
            return CRC_DONE
        return CRC_CHG if value != self._registers[r.CRC_RSLT] else 0

    def _covered(self) -> tuple[int, ...]:
        enabled = self._registers.get(r.CRC_OPTEN, 0)
        return r.CRC_ALWAYS + tuple(a for bit, a in enumerate(r.CRC_OPTIONAL) if enabled >> bit & 1)

    def _value(self) -> int:
        words = [self._factory] + [self._registers.get(address, 0) for address in self._covered()]
        return crc16(b"".join(word.to_bytes(4, "big") for word in words))
