"""Frames of the HDLC link layer, frame format type 3 (IEC 62056-46 clause 6.4; ISO/IEC 13239 clauses 4 and 5).

    7E  A0+S.LL  destination  source  control  [HCS  information]  FCS  7E

The length LL counts from the format field to the FCS. Nothing is stuffed: a 7E inside a frame is data.
"""

from micropython import const

from meter.comms.comms_kernels import crc_x25

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    Information = bytes | bytearray | memoryview

_FLAG = const(b"\x7e")

_SHORTEST_INFO = const(32)  # octets; the range of max_info in the HDLC setup class
_LONGEST_INFO = const(2030)
_DEFAULT_INFO = const(128)
_DEFAULT_WINDOW = const(1)
_LARGEST_WINDOW = const(7)

_LONGEST = const(2047 + 2)  # octets of a frame with its flags
_INITIAL = const(0xFFFF)
_GOOD = const(0xF0B8)  # the register after a field and its own check sequence

# Identifiers of the connection parameters, in the order in which UA gives them (clause 6.4.4.4.3.2)
_FORMAT, _GROUP = const(0x81), const(0x80)
_MAX_INFO_TX, _MAX_INFO_RX, _WINDOW_TX, _WINDOW_RX = const(5), const(6), const(7), const(8)


def frame(destination, source, control: int, information: "Information" = b"", prefix=b"", segmented=False):
    """A frame with its flags, as bytearray. Its information is `prefix` and `information`; addresses are octets."""
    header = 3 + len(destination) + len(source)
    size = len(prefix) + len(information)
    length = header + size + (4 if size else 2)
    out = bytearray(length + 2)
    out[0] = out[-1] = 0x7E
    out[1] = 0xA0 | segmented << 3 | length >> 8
    out[2] = length & 0xFF
    out[3 : 3 + len(destination)] = destination
    out[3 + len(destination) : header] = source
    out[header] = control
    crc = crc_x25(out, _INITIAL, 1, header)
    if size:
        _put_check(out, header + 1, crc)
        start = header + 3 + len(prefix)
        out[header + 3 : start] = prefix
        out[start : length - 1] = information
        crc = crc_x25(out, _GOOD, header + 3, size)
    _put_check(out, length - 1, crc)
    return out


def _put_check(out: bytearray, at: int, crc: int) -> None:
    out[at] = crc & 0xFF ^ 0xFF
    out[at + 1] = crc >> 8 ^ 0xFF


def split_address(octets) -> "tuple[int, int]":
    """Upper and lower HDLC address of a server's 1, 2 or 4 octets; lower is -1 where there is only the upper one."""
    size = len(octets)
    if size == 1:
        return octets[0] >> 1, -1
    if size == 2:
        return octets[0] >> 1, octets[1] >> 1
    return octets[0] << 6 & 0x3F80 | octets[1] >> 1, octets[2] << 6 & 0x3F80 | octets[3] >> 1


def join_address(upper: int, lower: int, size: int) -> bytes:
    """The 1, 2 or 4 octets of an address; with one octet there is no room for `lower`."""
    if size == 1:
        return bytes((upper << 1 & 0xFE | 1,))
    if size == 2:
        return bytes((upper << 1 & 0xFE, lower << 1 & 0xFE | 1))
    return bytes((upper >> 6 & 0xFE, upper << 1 & 0xFE, lower >> 6 & 0xFE, lower << 1 & 0xFE | 1))


def all_stations(octets) -> int:
    """The upper or lower address that means all, in a server's address of so many octets (clause 6.4.2.3)."""
    return 0x3FFF if len(octets) == 4 else 0x7F


def reject_information(control: int, vs: int, vr: int, reason: int) -> bytes:
    """Information field of the FRMR that rejects a command with `control` (ISO/IEC 13239 clause 5.5.3.4.2)."""
    return bytes((control, vr << 5 | vs << 1, reason))


class Link:
    """The four negotiable parameters of a connection, from the meter's side: octets of information and frames."""

    def __init__(self, setup):
        """The defaults that hold if nobody asks for anything, as far as `setup` allows them."""
        self.info_tx = self.info_rx = _DEFAULT_INFO
        self.window_tx = self.window_rx = _DEFAULT_WINDOW
        self._limit(setup)

    def _limit(self, setup) -> None:
        self.info_tx = max(_SHORTEST_INFO, min(self.info_tx, setup.max_info_tx, _LONGEST_INFO))
        self.info_rx = max(_SHORTEST_INFO, min(self.info_rx, setup.max_info_rx, _LONGEST_INFO))
        self.window_tx = max(1, min(self.window_tx, setup.window_tx, _LARGEST_WINDOW))
        self.window_rx = max(1, min(self.window_rx, setup.window_rx, _LARGEST_WINDOW))

    def negotiate(self, setup, information: "Information") -> None:
        """Take over what a SNRM asks for, each value no larger than in `setup` (clause 6.4.4.4.3.2).

        What the client transmits the meter receives. Other parameters, other groups and a broken end are passed over.
        """
        if len(information) < 3 or information[0] != _FORMAT or information[1] != _GROUP:
            return
        at, end = 3, min(len(information), 3 + information[2])
        while at + 2 <= end:
            name, size = information[at], information[at + 1]
            at += 2 + size
            if at > end or size not in (1, 2, 4):
                continue
            value = 0
            for octet in information[at - size : at]:
                value = min(value << 8 | octet, 0xFFFF)  # more than all limits, and never a large integer
            self._ask(name, value)
        self._limit(setup)

    def _ask(self, name: int, value: int) -> None:
        if name == _MAX_INFO_TX:
            self.info_rx = value
        elif name == _MAX_INFO_RX:
            self.info_tx = value
        elif name == _WINDOW_TX:
            self.window_rx = value
        elif name == _WINDOW_RX:
            self.window_tx = value

    def information(self) -> bytes:
        """The information field of the UA: the values that hold now."""
        return (
            bytes((_FORMAT, _GROUP, 20))
            + bytes((_MAX_INFO_TX, 2, self.info_tx >> 8, self.info_tx & 0xFF))
            + bytes((_MAX_INFO_RX, 2, self.info_rx >> 8, self.info_rx & 0xFF))
            + bytes((_WINDOW_TX, 4, 0, 0, 0, self.window_tx))
            + bytes((_WINDOW_RX, 4, 0, 0, 0, self.window_rx))
        )


class FrameReader:
    """Picks the good frames out of whatever arrives, in one fixed buffer.

    `destination`, `source` (octets), `control`, `segmented` and `information` are of the frame that `next` has found;
    `information` is a view that holds until the next call. `lost` counts what looked like a frame and was none.
    """

    def __init__(self):
        self._buffer = bytearray(_LONGEST)
        self._view = memoryview(self._buffer)
        self._begin = self._end = 0  # what is not used up: begins with a flag, or is empty
        self.destination = self.source = b""
        self.control = 0
        self.segmented = False
        self.information: "Information" = b""
        self.lost = 0

    @property
    def waiting(self) -> bool:
        """There is the beginning of a frame, more than the flag that may have ended the one before."""
        return self._end - self._begin > 1

    def clear(self) -> None:
        """Forget what has arrived."""
        self._begin = self._end = 0

    def add(self, data, start: int = 0) -> int:
        """Take as much of data[start:] as there is room for; returns where the rest begins. Call `next` before more."""
        if self._begin == self._end:
            start = data.find(_FLAG, start)
            if start < 0:
                return len(data)
        if self._begin:
            rest = self._end - self._begin
            self._buffer[:rest] = self._buffer[self._begin : self._end]
            self._begin, self._end = 0, rest
        taken = min(len(data) - start, _LONGEST - self._end)
        self._buffer[self._end : self._end + taken] = data[start : start + taken]
        self._end += taken
        return start + taken

    def skip(self) -> None:
        """The frame that has begun will not be completed: look behind its flag."""
        at = self._buffer.find(_FLAG, self._begin + 1, self._end)
        self._begin = self._end if at < 0 else at

    def next(self) -> bool:
        """Whether there was another complete frame with good check sequences; then its fields are in the attributes."""
        while self.waiting:
            length = self._length()
            if length is None:
                return False
            if length and self._take(length):
                return True
            if not length:
                self.skip()
        return False

    def _length(self) -> "int | None":
        """Octets between the flags of the frame that begins here; 0 if it is none, None if it is not all there yet."""
        buffer, at = self._buffer, self._begin + 1
        there = self._end - at
        if buffer[at] & 0xF0 != 0xA0:
            return 0
        if there < 4:
            return None
        length = (buffer[at] & 0x07) << 8 | buffer[at + 1]
        source = _address_end(buffer, at + 2, self._end)
        control = _address_end(buffer, source, self._end) if source > 0 else source
        if control <= 0:
            return control if control == 0 else None
        self._source, self._control = source, control
        header = control + 1 - at
        if length != header + 2:
            if length < header + 5:
                return 0
            # The header's own check sequence tells early whether the length can be trusted.
            if there < header + 2:
                return None
            if crc_x25(buffer, _INITIAL, at, header + 2) != _GOOD:
                self.lost += 1
                return 0
        if there <= length:
            return None
        if buffer[at + length] != 0x7E:
            self.lost += 1
            return 0
        return length

    def _take(self, length: int) -> bool:
        """Use up a frame of `length` octets; whether its FCS was good. The flag at its end may begin the next one."""
        buffer, at, end = self._buffer, self._begin + 1, self._begin + 1 + length
        body = self._control + 3  # behind the HCS, or behind the FCS where there is no information
        long = body < end
        first = body if long else at
        if crc_x25(buffer, _GOOD if long else _INITIAL, first, end - first) != _GOOD:
            self.lost += 1
            # A good header says where the frame ends: what is inside it is nobody's frame.
            if long:
                self._begin = end
            else:
                self.skip()
            return False
        self.destination = bytes(self._view[at + 2 : self._source])
        self.source = bytes(self._view[self._source : self._control])
        self.control = buffer[self._control]
        self.segmented = bool(buffer[at] & 0x08)
        self.information = self._view[body : end - 2] if long else b""
        self._begin = end
        return True


def _address_end(buffer: bytearray, at: int, end: int) -> int:
    """Where the address that begins at `at` ends; 0 if it has not 1, 2 or 4 octets, -1 if it is not all there yet."""
    for size in (1, 2, 3, 4):
        if at + size > end:
            return -1
        if buffer[at + size - 1] & 1:
            return 0 if size == 3 else at + size
    return 0
