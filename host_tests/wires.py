"""`machine`-shaped objects that join a firmware driver straight to a chip model inside one CPython process.

They let a unit test run the shipping driver against the shipping chip model without MicroPython between them. Time is
`Wires.t_ns`: it moves with every bus byte at the bus's bit rate and with `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from drivers.fram import Fram
from tools.bench.line import Line


class Wires:
    """The clock and the chips of one in-process test; `run` steps the chips event by event, as the bench does."""

    def __init__(self, *devices: Any) -> None:
        self.t_ns = 0
        self.devices = list(devices)

    def run(self, seconds: float) -> None:
        """Advance all chips by `seconds` of bench time, stopping at every event so that lines change in order."""
        end = self.t_ns + round(seconds * 1e9)
        while True:
            pending = [t for t in (d.next_event() for d in self.devices) if t is not None and t <= end]
            if not pending:
                break
            self._advance(max(self.t_ns, min(pending)))
        self._advance(end)

    def spend(self, ns: int) -> None:
        """Let bus time pass."""
        self.run(ns / 1e9)

    def _advance(self, t_ns: int) -> None:
        self.t_ns = t_ns
        for device in self.devices:
            device.advance(t_ns)


class DirectSPI:
    """machine.SPI on one selected chip."""

    def __init__(self, device: Any, wires: Wires, baudrate: int = 10_000_000) -> None:
        self.device, self.wires = device, wires
        self.byte_ns = 8_000_000_000 // baudrate

    def _exchange(self, data: bytes) -> bytes:
        self.wires.spend(self.byte_ns * len(data))
        return self.device.exchange(data, self.wires.t_ns)

    def write(self, buf: Any) -> None:
        self._exchange(bytes(buf))

    def readinto(self, buf: Any, write: int = 0) -> None:
        buf[:] = self._exchange(bytes([write]) * len(buf))

    def write_readinto(self, out: Any, buf: Any) -> None:
        buf[:] = self._exchange(bytes(out))


class DirectI2C:
    """machine.I2C with chips by 7-bit address; as on the ports a silent chip raises OSError(ENODEV), and one that
    stops acknowledging OSError(EIO)."""

    ENODEV, EIO = 19, 5

    def __init__(self, devices: dict[int, Any], wires: Wires) -> None:
        self.devices, self.wires = devices, wires

    def writeto(self, addr: int, buf: Any) -> int:
        self.wires.spend(22_500 * (len(buf) + 1))
        device = self.devices.get(addr)
        if device is None:
            raise OSError(self.ENODEV)
        acked = device.i2c_write(bytes(buf), self.wires.t_ns)
        if acked == 0:
            raise OSError(self.ENODEV)
        if acked <= len(buf):
            raise OSError(self.EIO)
        return acked - 1

    def readfrom_into(self, addr: int, buf: Any) -> None:
        self.wires.spend(22_500 * (len(buf) + 1))
        device = self.devices.get(addr)
        if device is None:
            raise OSError(self.ENODEV)
        buf[:] = device.i2c_read(len(buf), self.wires.t_ns)

    def writeto_mem(self, addr: int, reg: int, buf: Any) -> None:
        self.writeto(addr, bytes([reg]) + bytes(buf))

    def readfrom_mem_into(self, addr: int, reg: int, buf: Any) -> None:
        self.writeto(addr, bytes([reg]))
        self.readfrom_into(addr, buf)

    def readfrom_mem(self, addr: int, reg: int, n: int) -> bytes:
        buf = bytearray(n)
        self.readfrom_mem_into(addr, reg, buf)
        return bytes(buf)


class DirectPin:
    """machine.Pin on a Line (input, with irq) or on a callback (output, e.g. a chip select)."""

    IN, OUT, IRQ_FALLING, IRQ_RISING = 0, 1, 2, 4

    def __init__(self, line: Line | None = None, on_write: Callable[[int], None] | None = None, value: int = 1) -> None:
        self.line, self.on_write, self._value = line, on_write, value

    @classmethod
    def chip_select(cls, device: Any, wires: Wires) -> DirectPin:
        """Active-low select of an SPI chip."""

        def switch(level: int) -> None:
            (device.deselect if level else device.select)(wires.t_ns)

        return cls(on_write=switch)

    def value(self, level: int | None = None) -> int | None:
        if level is None:
            return self.line.level if self.line else self._value
        level = 1 if level else 0
        if level != self._value:
            self._value = level
            if self.on_write:
                self.on_write(level)
        return None

    __call__ = value

    def on(self) -> None:
        self.value(1)

    def off(self) -> None:
        self.value(0)

    def irq(self, handler: Callable[[Any], None], trigger: int = 2, hard: bool = False) -> None:
        assert self.line is not None

        def listener(_line: Line, level: int, _t_ns: int) -> None:
            if (trigger & self.IRQ_RISING) if level else (trigger & self.IRQ_FALLING):
                handler(self)

        self.line.listeners.append(listener)


__all__: Sequence[str] = ["DirectI2C", "DirectPin", "DirectSPI", "Wires"]


def started_fram(chip: Any) -> Fram:
    """The driver on an FRAM that has just been given its supply, as a firmware finds it at start."""
    wires = Wires(chip)
    chip.power(False, 0)
    chip.power(True, 0)
    return Fram(DirectSPI(chip, wires), DirectPin.chip_select(chip, wires))
