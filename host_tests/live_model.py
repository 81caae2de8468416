"""What a live meter's objects must hold: the object model in CPython, on the parameters in the meter's FRAM."""

from __future__ import annotations

from typing import Any

from host_tests.model_sources import Ram, Sources
from meter.comms.dlms import axdr
from meter.cosem.model import ObjectModel
from meter.events.log import EventLog
from meter.parameters import Parameters
from meter.storage import layout
from meter.type_code import TypeCode
from tools.bench import Bench

ASSOCIATION = b"\x00\x00\x28\x00\x00\xff"
DATA, REGISTER, PROFILE, CLOCK, SCRIPTS, ASSOCIATION_LN, SECURITY = 1, 3, 7, 8, 9, 15, 64
MAXIMUM, DEMAND = 4, 5
_RUNNING = {(REGISTER, 2), (PROFILE, 2), (PROFILE, 7), (PROFILE, 8), (CLOCK, 2), (CLOCK, 4), (MAXIMUM, 2), (MAXIMUM, 5)}
_RUNNING |= {(DEMAND, n) for n in (2, 3, 6, 7)}
_SETTINGS = (0, 3, 4, 6)  # D of the codes 1-b:0.d.e that are parameters or made of them
# What no refused request may change; counters, log-ins and events are the meter's own to write
UNTOUCHED = (layout.FACTORY, layout.PARAMETERS, layout.CALIBRATION)


class _Fram:
    """The bench's FRAM, read past its pins."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def read_into(self, address: int, buf: Any) -> None:
        with self._bench.hold:
            buf[:] = self._bench.fram.peek(address, len(buf))

    def write(self, _address: int, _buf: Any) -> None:
        raise OSError("for reading only")


def reference(bench: Bench) -> ObjectModel:
    parameters = Parameters(_Fram(bench), {"address": bench.serial})
    parameters.load()
    sources = Sources()
    sources.event_log = EventLog(Ram(layout.EVENTS.end))
    sources.equip(TypeCode(bench.type), parameters)
    return ObjectModel(sources, parameters, TypeCode(bench.type))


def holds_still(found: Any, n: int) -> bool:
    """Whether attribute `n` follows from parameters and type alone."""
    name = found.logical_name
    if found.class_id in (SCRIPTS, SECURITY):
        return n == 1
    if found.class_id == DATA and n == 2:
        return name[2:4] == b"\x60\x3d" or name[0] == 1 and name[2] == 0 and name[3] in _SETTINGS
    return (found.class_id, n) not in _RUNNING


def encoded(found: Any, n: int) -> bytes:
    out = bytearray()
    axdr.encode(out, found.spec(n), found.get(n))
    return bytes(out)


def stored(bench: Bench) -> list[bytes]:
    """The areas of the FRAM that UNTOUCHED names."""
    with bench.hold:
        return [bytes(bench.fram.peek(area.address, area.size)) for area in UNTOUCHED]
