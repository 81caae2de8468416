"""What tables that clients write have in common: a record of their own, the last refusal, who is told of a change."""

import errno

from micropython import const

from meter.storage import records

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable

    from meter.storage.layout import Area

_VERSION = const(1)


class KeptTable:
    """A table in `area` of `memory`.

    `refused`: why the last change was not made, in words; empty if it was. `damaged`: the stored table was lost.
    `locked` is to be set when the memory did not answer at start. `one_copy`: the memory took the last change only
    once, or not. `changes` counts them; `log(number)` is called after each, with what it is logged as in the place of a
    parameter's number.
    """

    def __init__(self, memory: "records.Memory", area: "Area"):
        self.refused = ""
        self.damaged = self.locked = self.one_copy = False
        self.changes = 0
        self.log: "Callable[[int], object]" = _no_log
        self._record = records.Record(memory, area.address, area.capacity, _VERSION)

    def _load(self) -> "bytes | None":
        payload = self._record.load()
        self.damaged = payload is None and self._record.status != records.EMPTY
        return payload

    def _keep(self, payload: bytes) -> None:
        """OSError if the memory does not take it."""
        if self.locked:
            raise OSError(errno.EIO, "tables: the stored ones could not be read")
        self.one_copy = not self._record.save_twice(payload)
        self.refused = ""


def _no_log(_number: int) -> None:
    """Before there is an event log."""
