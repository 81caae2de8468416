"""What the bench borrows from the firmware: the form of its stored records. Firmware modules run under CPython here."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tools.bench.process import ROOT

for _folder in (ROOT / "tools" / "shim", ROOT / "firmware"):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from meter import calibration_store, factory  # noqa: E402
from meter.events.log import EventLog  # noqa: E402
from meter.metrology import calibration  # noqa: E402
from meter.parameters import Parameters  # noqa: E402
from meter.storage import layout  # noqa: E402
from meter.storage.records import Record  # noqa: E402
from meter.tariff import energy_record, energy_registers  # noqa: E402
from meter.tariff.rated_registers import RatedRegisters  # noqa: E402


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


def parameters_image(values: dict[str, Any], serial: str) -> tuple[int, bytes]:
    """Address and content of the parameter area of a new meter with these `values` by name, set at the highest level.

    ParameterRefused if the meter would not take one of them.
    """
    area = factory.AreaImage(layout.PARAMETERS.address, layout.PARAMETERS.size)
    parameters = Parameters(area, {"address": serial})  # a meter's address is its serial number until it gets another
    for name, value in values.items():
        parameters.set(name, value, 4)
    return layout.PARAMETERS.address, bytes(area.content)


def calibration_image(record: calibration.Calibration | None = None) -> tuple[int, bytes]:
    """Address and content of the calibration area of a new meter; without `record` one that corrects nothing."""
    return layout.CALIBRATION.address, calibration_store.image(record or calibration.nominal())


def event_log_image(entries: Iterable[tuple[int, int, int]]) -> tuple[int, bytes]:
    """Address and content of the event log of a meter to which this has happened: (UTC since 2000, number, detail)."""
    area = factory.AreaImage(layout.EVENTS.address, layout.EVENTS.size)
    log = EventLog(area)
    for utc, number, detail in entries:
        log.add(number, utc, detail)
    return layout.EVENTS.address, bytes(area.content)


def energy_totals(fram: Any) -> dict[str, int]:
    """Energies stored in `fram`, mWs, mvars and mVAs; {} if there is no valid record.

    Keys: the names of `energy_registers.NAMES` for all phases together, with _l1, _l2 or _l3 behind for one phase;
    sum_1 and sum_2 for the sum channels.
    """
    area = layout.ENERGY
    record = Record(_Memory(fram), area.address, area.capacity, energy_record.VERSION, energy_record.READABLE)
    payload = record.load()
    if payload is None:
        return {}
    registers = energy_registers.EnergyRegisters()
    energy_record.EnergyRecord(registers, RatedRegisters((), 1)).unpack(payload)
    totals = {
        name + row: registers.get(name, n)
        for n, row in enumerate(("", "_l1", "_l2", "_l3"))
        for name in energy_registers.NAMES
    }
    return totals | {"sum_1": registers.sum_channel(0), "sum_2": registers.sum_channel(1)}


def events(fram: Any) -> list[tuple[int, int, int, int]]:
    """All entries of the event log in `fram`, oldest first: (sequence, seconds since 2000, number, detail)."""
    area = factory.AreaImage(layout.EVENTS.address, layout.EVENTS.size)
    area.content[:] = fram.peek(layout.EVENTS.address, layout.EVENTS.size)
    log = EventLog(area)
    log.load()
    return log.entries(log.ring.newest)[::-1]
