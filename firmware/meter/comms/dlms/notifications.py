"""What the server says unasked: data notifications (push), events, information reports; and the queue they wait in."""

import struct

from micropython import const

from meter.comms.dlms import axdr

_DATA_NOTIFICATION = const(0x0F)
_INFORMATION_REPORT = const(0x18)
_EVENT_NOTIFICATION = const(0xC2)
_LONGEST_QUEUE = const(4)
_ID_MASK = const(0xFFFFFF)


def data_notification(number: int, time: bytes, spec, value) -> bytearray:
    """DataNotification: long invoke id (24 bits, no confirmation asked for), date-time (12 bytes or empty), body."""
    out = bytearray((_DATA_NOTIFICATION,))
    out.extend(struct.pack(">I", number & _ID_MASK))
    axdr.put_length(out, len(time))
    out.extend(time)
    axdr.encode(out, spec, value)
    return out


def event_notification(found, n: int, time: bytes, value) -> bytearray:
    """EventNotificationRequest: attribute `n` of the object has this value."""
    out = bytearray((_EVENT_NOTIFICATION, 1 if time else 0))
    if time:
        axdr.put_length(out, len(time))
        out.extend(time)
    out.extend(struct.pack(">H", found.class_id))
    out.extend(found.logical_name)
    out.append(n)
    axdr.encode(out, found.spec(n), value)
    return out


def information_report(name: int, spec, value) -> bytearray:
    """InformationReportRequest: the same with a short name, without time."""
    out = bytearray(struct.pack(">BBBBHB", _INFORMATION_REPORT, 0, 1, 2, name, 1))
    axdr.encode(out, spec, value)
    return out


class Queue:
    """(client, APDU) in the order in which they came; of too many, the oldest are lost."""

    def __init__(self):
        self._waiting: list = []
        self._number = 0

    def put(self, client: int, apdu) -> None:
        if len(self._waiting) >= _LONGEST_QUEUE:
            self._waiting.pop(0)
        self._waiting.append((client, apdu))

    def next_number(self) -> int:
        """Invoke id of the next data notification."""
        self._number = self._number + 1 & _ID_MASK
        return self._number

    def get(self) -> "tuple | None":
        return self._waiting.pop(0) if self._waiting else None
