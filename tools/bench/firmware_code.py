"""What the bench borrows from the firmware: the form of its stored records. Firmware modules run under CPython here."""

from __future__ import annotations

import sys
from typing import Any

from tools.bench.process import ROOT

for _folder in (ROOT / "tools" / "shim", ROOT / "firmware"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from meter import factory  # noqa: E402
from meter.storage import layout  # noqa: E402
from meter.storage.records import Record  # noqa: E402
from meter.tariff import energy_registers  # noqa: E402


class _Memory:
    """The FRAM model seen past its pins, read-only."""

    def __init__(self, fram: Any) -> None:
        self._fram = fram

    def read_into(self, address: int, buf: Any) -> None:
        buf[:] = self._fram.peek(address, len(buf))

    def write(self, address: int, buf: Any) -> None:
        raise OSError("read-only")


def factory_image(type_designation: str, serial: str) -> tuple[int, bytes]:
    """Address and content of the factory area of a new meter. ValueError if type or serial number is malformed."""
    return layout.FACTORY.address, factory.image(factory.Factory(type_designation, serial))


def energy_totals(fram: Any) -> dict[str, int]:
    """Energy totals stored in `fram`, mWs and mvars by name; {} if there is no valid record."""
    area = layout.ENERGY
    payload = Record(_Memory(fram), area.address, area.capacity, energy_registers.VERSION).load()
    if payload is None:
        return {}
    registers = energy_registers.EnergyRegisters()
    registers.unpack(payload)
    return {name: registers.get(name) for name in energy_registers.NAMES}
