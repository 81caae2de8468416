"""Segment LCD driver NXP PCF8576C / PCF85176: 40 columns x 4 rows = 160 elements, one chip, 1:4 multiplex.

The chip can only be written. Its RAM is random after power-on, and a transfer that breaks off leaves its data pointer
unknown, so every write sends the whole state: mode, sub-address, banks, blink, pointer and all 20 RAM bytes.
"""

import errno

from micropython import const

RAM_SIZE = const(20)

_MORE = const(0x80)  # continuation bit C: another command byte follows
_MODE_OFF = const(0x40)  # mode-set: display disabled, 1/3 bias, 1:4 multiplex
_MODE_ON = const(0x48)  # the same with E = 1
_DEVICE_SELECT = const(0x60)  # sub-address pins A2..A0 = 0
_BANK_SELECT = const(0x78)  # bank 0 in and out; without effect in 1:4, but leaves no state open
_BLINK_OFF = const(0x70)
_POINTER_0 = const(0x00)  # load-data-pointer, column 0
_HEAD = const(5)  # command bytes before the data


class PCF8576:
    """One LCD driver on `i2c` (machine.I2C) at 7-bit `address`, 0x38 or 0x39 by its SA0 pin, A0..A2 low.

    All methods raise OSError when the chip does not acknowledge; the next `write` sets everything right again.
    """

    def __init__(self, i2c, address: int = 0x38):
        self._i2c = i2c
        self._address = address
        # The device-select is needed each time: the 20th data byte moves the chip's sub-address counter on.
        commands = (_MODE_OFF | _MORE, _DEVICE_SELECT | _MORE, _BANK_SELECT | _MORE, _BLINK_OFF | _MORE, _POINTER_0)
        self._frame = bytearray(commands) + bytearray(RAM_SIZE)

    def start(self) -> None:
        """Clear the RAM behind a disabled display, so that its random content is never seen.

        Not before 1 ms after power-on (data sheet, "Power-on reset").
        """
        frame = self._frame
        frame[0] = _MODE_OFF | _MORE
        for i in range(_HEAD, _HEAD + RAM_SIZE):
            frame[i] = 0
        self._send()

    def write(self, ram) -> None:
        """Show `ram`: 20 bytes, byte n = column 2n (bits 7..4 = rows 0..3) and column 2n + 1 (bits 3..0)."""
        frame = self._frame
        frame[0] = _MODE_ON | _MORE
        for i in range(RAM_SIZE):
            frame[_HEAD + i] = ram[i]
        self._send()

    def _send(self) -> None:
        # Ports with a software bus do not raise on a missing acknowledge, they return a short count.
        if self._i2c.writeto(self._address, self._frame) < len(self._frame):
            raise OSError(errno.EIO)
