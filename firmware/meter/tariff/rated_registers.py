"""Registers by energy and rate: integers in mWs (mvars, mVAs) that grow while their rate is enabled.

They are registers of their own: a total is never made of them, nor they of it.

Stored, little endian: what each of the 24 registers counts, one byte (energy's place in NAMES * 16 + rate, 0: nothing),
then their values as u64.
"""

from struct import calcsize, pack_into, unpack_from

from micropython import const

from meter.metrology.energies import NAMES

REGISTERS = const(24)
_FORMAT = "<24B24Q"
SIZE = calcsize(_FORMAT)


def definition(name: str, rate: int) -> int:
    """What a register of an energy and a rate, 1..8, is called where it is stored."""
    return NAMES.index(name) << 4 | rate


def definitions(quantities: tuple, rates: int) -> list:
    """The definitions of all 24 registers, for energies times rates in this order and nothing in the rest."""
    found = [definition(name, rate) for name in quantities for rate in range(1, rates + 1)]
    return found + [0] * (REGISTERS - len(found))


def arrange(own: list, stored) -> list:
    """From which place of the stored registers each of `own` takes its value; None: it is a new one.

    What is stored and not defined any more goes on into places of `own` that are free: a parameter that is lost and set
    again costs no energy.
    """
    places = [stored.index(each) if each and each in stored else None for each in own]
    for place in range(len(stored)):
        if stored[place] and stored[place] not in own and 0 in own:
            free = own.index(0)
            own[free], places[free] = stored[place], place
    return places


def stored_place(data, at: int, name: str, rate: int) -> "int | None":
    """Which of the registers, whose definitions are stored in `data` from `at` on, is of an energy and a rate."""
    wanted = definition(name, rate)
    for place in range(REGISTERS):
        if data[at + place] == wanted:
            return place
    return None


def stored_value(data, at: int, name: str, rate: int) -> "int | None":
    """The value of a register among those stored in `data` from `at` on; None if it did not exist."""
    place = stored_place(data, at, name, rate)
    return None if place is None else unpack_from("<Q", data, at + REGISTERS + 8 * place)[0]


def keep_advances(data, at: int, before, before_at: int, unit: tuple) -> None:
    """Put into the place of the registers stored in `data` what they have gained since those in `before`.

    As they are shown: `unit` is (numerator, denominator) of what that is of a value, and what is put there shows the
    difference of what both show, so nothing is lost between one advance and the next.
    """
    numerator, denominator = unit
    stored, begun = list(unpack_from(_FORMAT, data, at)), unpack_from(_FORMAT, before, before_at)
    for place in range(REGISTERS):
        own, value = stored[place], stored[REGISTERS + place]
        if own in begun[:REGISTERS]:
            start = begun[REGISTERS + begun.index(own)]
            gained = max(0, value * numerator // denominator - start * numerator // denominator)
            stored[REGISTERS + place] = -(-gained * denominator // numerator)
    pack_into(_FORMAT, data, at, *stored)


class RatedRegisters:
    """One register for each of `quantities` (of NAMES) and each rate from 1 to `rates`; those that 24 have room for."""

    def __init__(self, quantities: tuple, rates: int):
        self.quantities = quantities[: REGISTERS // rates]
        self.rates = rates
        self._columns = [NAMES.index(name) for name in self.quantities]
        self._definitions = definitions(self.quantities, rates)
        self._values = [0] * REGISTERS
        self._stored = bytearray(SIZE)

    def add(self, row: list, mask: int) -> None:
        """Add an interval's energies, `row` in the order of NAMES, in the rates that `mask` enables (bit 0: rate 1)."""
        values, rates, place = self._values, self.rates, 0
        for column in self._columns:
            amount = row[column]
            if amount:
                for rate in range(rates):
                    if mask >> rate & 1:
                        values[place + rate] += amount
            place += rates

    def get(self, name: str, rate: int) -> int:
        """The register of an energy in a rate, 1..8. ValueError if there is none."""
        return self._values[self._definitions.index(definition(name, rate))]

    def pack(self) -> bytearray:
        """The registers as they are stored; the same buffer every time, valid until the next call."""
        pack_into(_FORMAT, self._stored, 0, *self._definitions, *self._values)
        return self._stored

    def unpack(self, data, at: int = 0) -> None:
        """Take over what is stored in `data` from `at` on. A register that means something new begins at zero."""
        stored = unpack_from(_FORMAT, data, at)
        places = arrange(self._definitions, list(stored[:REGISTERS]))
        self._values = [0 if place is None else stored[REGISTERS + place] for place in places]
