"""Records in a format that came after this firmware, as when one goes back to it: nothing is saved over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from host_tests.model_sources import Increment, Ram
from host_tests.tariff_calendars import SEASONS, SPECIAL_DAYS
from meter import factory
from meter.calibration_store import CalibrationStore
from meter.comms.dlms.counters import CountersError, InvocationCounters
from meter.events.error_register import ErrorRegister
from meter.factory import Factory
from meter.log_ins import LogIns
from meter.metrology import calibration
from meter.metrology.energies import NAMES
from meter.parameters import Parameters
from meter.storage import layout
from meter.storage.layout import Area
from meter.storage.records import VALID, Record
from meter.store import Store
from meter.tariff.control_table import ControlTable
from meter.tariff.counters import Counters
from meter.tariff.energy_record import EnergyRecord
from meter.tariff.energy_registers import EnergyRegisters
from meter.tariff.rated_registers import RatedRegisters
from meter.tariff.time_switch import PASSIVE, TimeSwitch
from meter.tariff.time_switch import SPECIAL_DAYS as SPECIAL_DAYS_PART
from meter.type_code import TypeCode

TYPE = TypeCode("ZMG405CR4.260b.43")
LATER = 200  # version of a format


class Fram(Ram):
    def __init__(self) -> None:
        super().__init__(layout.MEMORY_SIZE)

    def check_id(self) -> None:
        """It is there."""


def use_store(memory: Fram) -> None:
    energies, counters = EnergyRegisters(), Counters()
    record = EnergyRecord(energies, RatedRegisters(("a_import",), 4))
    store = Store(memory, record, counters, ErrorRegister())
    store.load()
    assert store.foreign and not store.loaded
    energies.add(Increment([[1] * len(NAMES)] * 4))
    assert not store.save_energies()
    store.save_counters()


def use_parameters(memory: Fram) -> None:
    parameters = Parameters(memory)
    parameters.load()
    assert parameters.checksum_error and parameters.reaction_ms == 200
    with pytest.raises(OSError, match="newer firmware"):
        parameters.set("reaction_ms", 300, 4)
    assert parameters.reaction_ms == 200


def use_time_switch(memory: Fram) -> None:
    time_switch = TimeSwitch(memory)
    time_switch.load()
    assert time_switch.damaged and time_switch.at(0)[0] is None
    for change in (
        lambda: time_switch.set_part(PASSIVE + 1, SEASONS),
        lambda: time_switch.set_part(SPECIAL_DAYS_PART, []),
    ):
        with pytest.raises(OSError, match="newer firmware"):
            change()
    with pytest.raises(ValueError):
        time_switch.set_part(SPECIAL_DAYS_PART, SPECIAL_DAYS)
    assert time_switch.part(PASSIVE + 1) == []


def use_control_table(memory: Fram) -> None:
    table = ControlTable(memory, TYPE)
    table.load()
    assert table.damaged
    with pytest.raises(OSError, match="newer firmware"):
        table.write("E2 = I1")
    assert table.text == ""


def use_log_ins(memory: Fram) -> None:
    log_ins = LogIns(memory, Parameters(memory), lambda: 0, lambda: (0, 0), lambda *_: None)
    log_ins.load()
    log_ins.failed(3, 0)
    assert log_ins.damaged and not log_ins.is_saved


def use_invocation_counters(memory: Fram) -> None:
    counters = InvocationCounters(memory)
    with pytest.raises(CountersError):
        counters.next()
    with pytest.raises(CountersError):
        counters.accept(0, 1)


def use_calibration(memory: Fram) -> None:
    store = CalibrationStore(memory)
    store.load()
    assert store.damaged and not store.valid
    with pytest.raises(ValueError, match="newer firmware"):
        store.save(calibration.nominal())


def use_factory(memory: Fram) -> None:
    assert factory.load(memory) is None and not factory.is_blank(memory)
    with pytest.raises(OSError, match="newer firmware"):
        Factory(TYPE.text, "12345678", 1, 1).store(memory)


@pytest.mark.parametrize(
    ("area", "use"),
    [
        (layout.ENERGY, use_store),
        (layout.COUNTERS, use_store),
        (layout.PARAMETERS, use_parameters),
        (layout.TIME_SWITCH, use_time_switch),
        (layout.CONTROL_TABLE, use_control_table),
        (layout.LOG_INS, use_log_ins),
        (layout.INVOCATION_COUNTERS, use_invocation_counters),
        (layout.CALIBRATION, use_calibration),
        (layout.FACTORY, use_factory),
    ],
    ids=lambda value: value.name if isinstance(value, Area) else "",
)
@pytest.mark.parametrize("saves", [1, 2])
def test_a_newer_firmwares_record_is_left_alone_until_that_is_back(
    area: Area, use: Callable[[Fram], Any], saves: int
) -> None:
    memory = Fram()
    newer = Record(memory, area.address, area.capacity, LATER)
    for n in range(saves):
        newer.save(b"something else %d" % n)
    before = bytes(memory.content)
    use(memory)
    assert memory.content == before
    back = Record(memory, area.address, area.capacity, LATER)
    assert back.load() == b"something else %d" % (saves - 1) and back.status == VALID
