"""Power factor of imported energy, active through apparent: means of periods of demand, and the smallest of a billing
period. Integers, thousandths.

Stored, little endian: the last and the smallest mean u16, end of the smallest one's period u32, each plus 1 (0: none);
then active and apparent energy, u64 each, at the start of each sub-period that a mean is made of, the oldest first.
"""

from struct import calcsize, pack, unpack_from

_MEANS = "<2HI"
_ENERGIES = "<2Q"


def mean(active: int, apparent: int) -> "int | None":
    """The power factor of so much energy, rounded; None without any."""
    return min(1000, (2000 * active + apparent) // (2 * apparent)) if apparent > 0 else None


class PowerFactor:
    """`energies`: EnergyRegisters. A period of demand has `subperiods`.

    `last`: mean of the last period; `least`: the smallest one since the billing reset, `least_utc`: end of its period;
    None if there was no energy.
    """

    def __init__(self, energies, subperiods: int):
        self.last: "int | None" = None
        self._energies, self._subperiods = energies, subperiods
        self._starts: list = []  # energies at the start of each sub-period, none if not known
        self.clear()

    def clear(self) -> None:
        """Billing reset."""
        self.least: "int | None" = None
        self.least_utc: "int | None" = None

    def begin(self) -> None:
        """Let the first (sub-)period run."""
        self._starts = [self._now()]

    def close(self, utc: int) -> None:
        """The running (sub-)period has ended."""
        now = self._now()
        if self._starts:
            active, apparent = self._starts[0]
            self.last = mean(now[0] - active, now[1] - apparent)
            if self.last is not None and (self.least is None or self.last < self.least):
                self.least, self.least_utc = self.last, utc
        self._starts = (self._starts + [now])[-self._subperiods :]

    def _now(self) -> tuple:
        return self._energies.get("a_import"), self._energies.get("s_import")

    # --- how it is stored -------------------------------------------------------------------------------------------

    def pack(self) -> bytes:
        """Its part of the record."""
        stored = packed(self.last, self.least, self.least_utc)
        return stored + b"".join([pack(_ENERGIES, *energies) for energies in self._starts])

    def unpack(self, data) -> None:
        """Take over what `pack` has made."""
        self.last, self.least, self.least_utc = unpacked(data)
        places = range(calcsize(_MEANS), len(data), calcsize(_ENERGIES))
        self._starts = [unpack_from(_ENERGIES, data, at) for at in places]


def packed(average: "int | None", least: "int | None", utc: "int | None") -> bytes:
    """Eight octets that say a mean, a smallest one and the end of its period."""
    return pack(_MEANS, *[0 if value is None else value + 1 for value in (average, least, utc)])


def unpacked(data) -> tuple:
    """What `packed` was given; all None of zeros."""
    return tuple([value - 1 if value else None for value in unpack_from(_MEANS, data, 0)])
