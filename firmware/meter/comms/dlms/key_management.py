"""What the security setup (class 64) does: the policy, and new keys, which arrive wrapped in the master key.

Who may do it is the access door's business, which asks the object for the level it needs.
"""

from micropython import const

from meter.comms.dlms import key_wrap
from meter.comms.dlms.counters import CountersError

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from meter.comms.dlms.counters import InvocationCounters
    from meter.keys import Keys

_LEVEL = const(4)  # what the keys' parameters ask for at most
# key_id of key_transfer (Blue Book, class 64)
_UNICAST, _BROADCAST = 0, 1


class KeyManagement:
    """`keys`: the meter's keys; `counters`: of ciphered messages, which begin anew with a key that is new."""

    suite = 0
    client_system_title = b""  # each client tells its own when it associates

    def __init__(self, keys: "Keys", counters: "InvocationCounters"):
        self._keys, self._counters = keys, counters

    @property
    def policy(self) -> int:
        return self._keys.policy

    @property
    def server_system_title(self) -> bytes:
        return self._keys.title

    @property
    def invocation_counter(self) -> int:
        """The least counter that any client may go on with under the unicast key."""
        try:
            self._counters.use(_UNICAST, self._keys.encryption)  # it may have been written as a parameter
            return min(0xFFFFFFFF, self._counters.least(_UNICAST))
        except CountersError:
            return 0xFFFFFFFF

    def activate(self, policy: int) -> None:
        """Ask more of every APDU. ValueError if it would be less."""
        self._keys.activate(policy, _LEVEL)

    def transfer_keys(self, transfers: list) -> None:
        """Put new keys, (key_id, wrapped key) each, in force; ValueError, and then none is, if one is not genuine."""
        unwrapped = []
        for number, wrapped in transfers:
            key = key_wrap.unwrap(self._keys.master, wrapped)
            if key is None or not 0 <= number <= 3:
                raise ValueError("not a key")
            unwrapped.append((number, key))
        for number, key in unwrapped:
            is_counted = number in (_UNICAST, _BROADCAST)
            if is_counted:  # the counters must know what comes to its end
                self._counters.use(number, self._keys.key(number))
            self._keys.set_key(number, key, _LEVEL)
            if is_counted:
                self._counters.use(number, key)
