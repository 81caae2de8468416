"""The meter's keys in use: a Protection for each ciphered association, and the counter for what the meter sends."""

from micropython import const

from meter.comms.dlms.ciphering import AUTHENTICATED, ENCRYPTED, KeyInUse, Protection
from meter.comms.dlms.counters import CountersError, ReceivedCounter

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class Security:
    """`keys` has `encryption`, `authentication` (16 bytes each), `broadcast` (16 bytes or None), `policy` (0 none, 1
    authenticated, 2 encrypted, 3 both) and `title`, the meter's system title (8 bytes). All are asked anew for each
    association: keys are replaced while the meter runs. `counters` is counters.InvocationCounters.
    """

    def __init__(self, keys, counters: "Any"):
        self._keys, self._counters = keys, counters
        self._kept: list = [(None, None), (None, None)]  # key, KeyInUse by key_id: its tables take long to make

    @property
    def title(self) -> bytes:
        return self._keys.title

    @property
    def needed(self) -> int:
        """The bits of the security control that the policy asks of every APDU."""
        policy = self._keys.policy
        return (AUTHENTICATED if policy & 1 else 0) | (ENCRYPTED if policy & 2 else 0)

    def next_counter(self) -> int:
        """CountersError or OSError: nothing can be sent."""
        return self._counters.next()

    def protection(self, title: bytes) -> Protection:
        """The keys for an association with a client of this system title. CipheringError if the title is ours."""
        key = self._keys.encryption
        broadcast = self._keys.broadcast
        try:
            self._counters.use(0, key)
            self._counters.use(1, broadcast or b"")
        except (CountersError, OSError):
            pass  # the counters of a key they do not know are the strictest
        protection = Protection(self.title, title, self._in_use(0, key), self._keys.authentication)
        if broadcast is not None:
            protection.broadcast = self._in_use(1, broadcast)
        return protection

    def _in_use(self, key_id: int, key: bytes) -> KeyInUse:
        if self._kept[key_id][0] != key:
            self._kept[key_id] = key, KeyInUse(key, ReceivedCounter(self._counters, key_id, key))
        return self._kept[key_id][1]
