"""Power factor of imported energy, active through apparent: means of periods of demand, and the smallest of a billing
period. Integers, thousandths.

Stored, little endian: the last and the smallest mean u16, each plus 1 (0: none), end of the smallest one's period u32;
then active and apparent energy, u64 each, at the start of each sub-period that a mean is made of, the oldest first.
"""

from struct import calcsize, pack, unpack_from

_STATE = "<2HI"
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
        stored = pack(_STATE, _code(self.last), _code(self.least), self.least_utc or 0)
        return stored + b"".join([pack(_ENERGIES, *energies) for energies in self._starts])

    def unpack(self, data) -> None:
        """Take over what `pack` has made."""
        last, least, utc = unpack_from(_STATE, data, 0)
        self.last, self.least, self.least_utc = _decoded(last), _decoded(least), utc or None
        places = range(calcsize(_STATE), len(data), calcsize(_ENERGIES))
        self._starts = [unpack_from(_ENERGIES, data, at) for at in places]


def words(billing_mean: "int | None", part: "PowerFactor | None") -> tuple:
    """Four u16 that say the mean of a billing period, its smallest and the end of that one's period."""
    if part is None:
        return 0, 0, 0, 0
    utc = part.least_utc or 0
    return _code(billing_mean), _code(part.least), utc & 0xFFFF, utc >> 16


def from_words(found: tuple) -> tuple:
    """(mean, smallest, end of its period in UTC) that `words` were made of, each None if there is none."""
    return _decoded(found[0]), _decoded(found[1]), found[3] << 16 | found[2] or None


def _code(thousandths: "int | None") -> int:
    return 0 if thousandths is None else thousandths + 1


def _decoded(code: int) -> "int | None":
    return code - 1 if code else None
