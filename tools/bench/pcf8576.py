"""Model of the LCD driver PCF8576C / PCF85176: I2C commands, display RAM, bank, blink and what its outputs light up.

Sources: NXP PCF8576C Rev. 10/13 (tables 8 to 13, display RAM, data pointer, backplane outputs, power-on reset) and
PCF85176 Rev. 2. Blink rates are the nominal 2, 1 and 0.5 Hz. The bits E, B and LP change nothing but "display on" here.
"""

from __future__ import annotations

import random

COLUMNS, ROWS = 40, 4
STATIC, DUPLEX, TRIPLEX, QUADRUPLEX = 1, 2, 3, 0  # mode-set M1 M0
_STEP = {STATIC: 8, DUPLEX: 4, TRIPLEX: 3, QUADRUPLEX: 2}  # columns filled by one byte
_ROWS_USED = {STATIC: 1, DUPLEX: 2, TRIPLEX: 3, QUADRUPLEX: 4}
_BLINK_HALF_NS = (0, 250_000_000, 500_000_000, 1_000_000_000)


class Faults:
    """What can go wrong on the way to the chip. All off by default.

    `absent`: the chip acknowledges nothing. `break_after`: the next transfer is cut off after this many bytes, address
    included (once): what came before is kept, the data pointer is unknown afterwards.
    """

    def __init__(self) -> None:
        self.absent = False
        self.break_after: int | None = None


class PCF8576:
    """One chip with the sub-address `sub_address` on its pins A2..A0. It can only be written.

    `seed` decides the RAM content after power-on and the data pointer after a broken transfer. The chip begins without
    supply.
    """

    def __init__(self, sub_address: int = 0, seed: int = 0) -> None:
        self.sub_address = sub_address
        self.faults = Faults()
        self.now = 0
        self.powered = False
        self.bus_bytes = 0  # that the bus has carried for it, addresses included
        self._random = random.Random(f"pcf8576 {seed}")
        self._reset()

    # Supply and time

    def _reset(self) -> None:
        self.ram = bytearray(self._random.randrange(1 << ROWS) for _ in range(COLUMNS))  # bit n = row n
        self.enabled = False
        self.mode = QUADRUPLEX
        self.input_bank = self.output_bank = 0
        self.blink = 0
        self.blink_banks = False
        self._pointer = 0
        self._sub_counter = 0
        self._blink_since = self.now

    def power(self, on: bool, t_ns: int) -> None:
        """Supply comes or goes. Coming: power-on reset, RAM random, display disabled."""
        self.now = max(self.now, t_ns)
        if on and not self.powered:
            self._reset()
        self.powered = on

    def brown_out(self, t_ns: int) -> None:
        """A dip of the chip's supply that nobody else notices: it is back in its reset state."""
        self.power(False, t_ns)
        self.power(True, t_ns)

    def next_event(self) -> int | None:
        """The chip drives no net of the bench."""
        return None

    def advance(self, t_ns: int) -> None:
        """Time passes for the blinker."""
        self.now = max(self.now, t_ns)

    # Bus

    def i2c_read(self, n: int, t_ns: int) -> bytes:
        """Not acknowledged: the chip has nothing to read."""
        return b""

    def i2c_write(self, data: bytes, t_ns: int) -> int:
        """One transfer; bytes acknowledged, address included, 0 if the chip does not answer."""
        self.advance(t_ns)
        self.bus_bytes += 1 + len(data)
        if not self.powered or self.faults.absent:
            return 0
        limit, self.faults.break_after = self.faults.break_after, None
        if limit is None or limit > len(data):
            return self._transfer(data)
        if limit > 0:
            self._transfer(data[: limit - 1])
        self._pointer = self._random.randrange(COLUMNS)
        self._sub_counter = self._random.randrange(8)
        return limit

    def _transfer(self, data: bytes) -> int:
        acknowledged = 1
        more = True
        for byte in data:
            if more:
                self._command(byte & 0x7F)
                more = bool(byte & 0x80)
            elif self._sub_counter != self.sub_address:
                break  # data belongs to another chip of the cascade, which would acknowledge it
            else:
                self._store(byte)
            acknowledged += 1
        return acknowledged

    def _command(self, code: int) -> None:
        if not code & 0x40:
            self._pointer = code & 0x3F if code & 0x3F < COLUMNS else self._random.randrange(COLUMNS)
        elif not code & 0x20:
            self.enabled = bool(code & 0x08)
            self.mode = code & 0x03
        elif code & 0x18 == 0x00:
            self._sub_counter = code & 0x07
        elif code & 0x1C == 0x18:
            self.input_bank, self.output_bank = code >> 1 & 1, code & 1
        elif code & 0x18 == 0x10:
            self.blink, self.blink_banks = code & 0x03, bool(code & 0x04)
            self._blink_since = self.now

    def _bank_row(self, bank: int) -> int:
        """First RAM row of a bank; the bank-select command has no meaning in 1:3 and 1:4."""
        return 2 * bank if self.mode in (STATIC, DUPLEX) else 0

    def _store(self, byte: int) -> None:
        rows = _ROWS_USED[self.mode]
        first = self._bank_row(self.input_bank)
        bits = 8
        for _ in range(_STEP[self.mode]):
            for row in range(first, first + rows):
                if bits:  # in 1:3 the ninth bit does not exist, its RAM bit stays
                    bits -= 1
                    self._put(row, byte >> bits & 1)
            self._pointer += 1
            if self._pointer == COLUMNS:
                self._pointer = 0
                self._sub_counter = (self._sub_counter + 1) % 8
                break  # the rest of the byte would be the next chip's

    def _put(self, row: int, bit: int) -> None:
        self.ram[self._pointer] = self.ram[self._pointer] & ~(1 << row) | bit << row

    # Outputs

    def _blinked(self) -> bool:
        """In the second half of a blink period."""
        half = _BLINK_HALF_NS[self.blink]
        return bool(half) and (self.now - self._blink_since) // half % 2 == 1

    def lit(self) -> frozenset[int]:
        """Elements seen now, by number 4 x column + backplane.

        In modes with fewer backplanes the unused outputs repeat others (BP2 = BP0, BP3 = BP1; static: all BP0), so a
        1:4 glass shows nonsense, as it would.
        """
        if not (self.powered and self.enabled):
            return frozenset()
        bank = self.output_bank
        if self._blinked():
            if not (self.blink_banks and self.mode in (STATIC, DUPLEX)):
                return frozenset()
            bank ^= 1
        first = self._bank_row(bank)
        rows = {STATIC: (0, 0, 0, 0), DUPLEX: (0, 1, 0, 1), TRIPLEX: (0, 1, 2, 1), QUADRUPLEX: (0, 1, 2, 3)}[self.mode]
        return frozenset(
            ROWS * column + backplane
            for column in range(COLUMNS)
            for backplane in range(ROWS)
            if self.ram[column] >> (first + rows[backplane]) & 1
        )
