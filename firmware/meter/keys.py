"""The keys of DLMS security suite 0: for use inside the meter only, no protocol reads them.

They are parameters, so they are stored, and their writing is refused, as those are. The defaults are those of the
standard's examples, which everybody knows.
"""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from meter.parameters import Parameters

# By the key_id of security setup, key_transfer (Blue Book, class 64)
_NAMES = ("unicast_key", "broadcast_key", "authentication_key", "master_key")


class Keys:
    """`title` is the meter's system title (8 bytes). All else is asked anew each time: keys are replaced."""

    suite = 0

    def __init__(self, parameters: "Parameters", title: bytes):
        self._parameters = parameters
        self.title = title

    @property
    def encryption(self) -> bytes:
        """Global unicast encryption key, 16 bytes."""
        return self._parameters.unicast_key

    @property
    def broadcast(self) -> "bytes | None":
        """Global broadcast encryption key, 16 bytes; None while there is none."""
        return self._parameters.broadcast_key or None

    @property
    def authentication(self) -> bytes:
        """Global authentication key, 16 bytes."""
        return self._parameters.authentication_key

    @property
    def master(self) -> bytes:
        """Key encryption key, 16 bytes, under which new keys arrive."""
        return self._parameters.master_key

    @property
    def policy(self) -> int:
        """What every APDU must be: 0 anything, 1 authenticated, 2 encrypted, 3 both."""
        return self._parameters.security_policy

    def key(self, number: int) -> bytes:
        """The key with this key_id; b"" if there is none."""
        return self._parameters.get(_NAMES[number])

    def set_key(self, number: int, key: "Any", level: int) -> None:
        """Replace the key with this key_id by an unwrapped one. ValueError for other numbers; as Parameters.set."""
        if not 0 <= number < len(_NAMES):
            raise ValueError("no key %d" % number)
        self._parameters.set(_NAMES[number], bytes(key), level)

    def activate(self, policy: int, level: int) -> None:
        """Ask more of every APDU; ValueError if that would be less (security_activate). As Parameters.set."""
        if policy & self.policy != self.policy:
            raise ValueError("a security policy is only strengthened")
        self._parameters.set("security_policy", policy, level)
