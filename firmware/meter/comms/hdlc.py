"""The HDLC link layer of IEC 62056-46, the secondary station, as a state machine without input or output of its own.

Unbalanced, normal response mode, modulo 8, two-way alternate. Feed it what arrives with its time, ask it with `tick`
what to send, tell it with `sent` when that is out. Times are ticks in ms that may wrap; only differences count.
States, times and frames are in README.md.
"""

from micropython import const

from meter.comms import hdlc_frames as hdlc
from meter.comms.hdlc_transfer import Incoming, Outgoing, segments

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meter.comms.hdlc_frames import Information

_DISCONNECTED = const(0)  # normal disconnected mode
_CONNECTED = const(1)  # normal response mode

# Control fields without the poll/final bit. N(R) is in bits 5..7, N(S) of an I frame in bits 1..3.
_POLL = const(0x10)
_RR = const(0x01)
_RNR = const(0x05)
_UI = const(0x03)
_SNRM = const(0x83)
_DISC = const(0x43)
_UA = const(0x63)
_DM = const(0x0F)
_FRMR = const(0x87)

# What FRMR says of the frame it rejects (ISO/IEC 13239 clause 5.5.3.4.2)
_UNKNOWN_CONTROL = const(0x01)  # W
_INFORMATION_NOT_PERMITTED = const(0x02)  # X
_INFORMATION_TOO_LONG = const(0x04)  # Y
_INVALID_NR = const(0x08)  # Z

_LOOK_MS = const(10)  # how late a line may hand over a character
_RECEIVER_MS = const(40_000)  # / rate: receivers with a FIFO keep characters back for the time of four
_CLIENTS = const((1, 0x7E))  # lowest and highest client address that is a station
_TICKS_MASK = const(0x3FFFFFFF)


def _elapsed(now: int, then: int) -> int:
    return now - then & _TICKS_MASK


class Station:
    """A meter's link layer at one port: one connection after the other, each with one client and one logical device.

    `setup` has `window_tx`, `window_rx` (1..7), `max_info_tx`, `max_info_rx` (32..2030 octets), `inter_octet_ms`,
    `inactivity_s` (0: for ever), `physical_address` (lower HDLC address, 0: none) and `logical_devices`, a tuple of
    upper HDLC addresses. All are asked anew at each connection, the times and addresses at each frame.
    `server` is the application layer of this port: `request`, `released`, `notification`, `max_pdu`. `baud` (Bd) is
    the rate the line has.
    """

    def __init__(self, setup, server, baud: int = 9600):
        self._setup, self._server, self.baud = setup, server, baud
        self._reader = hdlc.FrameReader()
        self.state = _DISCONNECTED
        self.over = False
        self._leaving = False  # over when the answer is out
        self._timed = False  # the inactivity time-out is running
        self._since = 0  # last activity
        self._last_octet = 0
        self._client = self._device = 0  # of the connection
        self._polled = False  # a client has passed us the right to send
        self._by_peer = False  # the one that is connected
        self._response: "tuple[int, bytes] | None" = None  # an unnumbered answer: control and information
        self._reply_to = self._reply_from = b""  # addresses of an answer
        self._renew()

    def begin(self, baud: int, now: int) -> None:
        """Start at this rate for a client expected now (mode E): `over` if none connects within the inactivity time."""
        self._disconnect()
        self._reader.clear()
        self.baud = baud
        self.over = self._leaving = self._polled = False
        self._response = None
        self._timed, self._since = True, now

    @property
    def active(self) -> bool:
        """A client is connected."""
        return self.state == _CONNECTED

    @property
    def lost(self) -> int:
        """Frames with wrong check sequences or in pieces, to whomever they went."""
        return self._reader.lost

    # --- connection ----------------------------------------------------------------------------------------------

    def _renew(self, information: "Information" = b"") -> None:
        """Both sequence numbers to 0, nothing under way, parameters as the SNRM's `information` asks."""
        self._link = hdlc.Link(self._setup)
        self._link.negotiate(self._setup, information)
        self._incoming = Incoming(self._server.max_pdu)
        self._outgoing = Outgoing(self._link)
        self._busy = False  # the client is not ready to receive
        self._reject = b""  # information of the FRMR that is the answer to all until the link is set up anew

    def _connect(self, client: int, device: int, information: "Information", now: int) -> None:
        self._disconnect()  # whoever was connected is not there any more, or begins anew
        self._renew(information)
        self.state = _CONNECTED
        self.over = self._leaving = False
        self._timed, self._since = True, now
        self._client, self._device = client, device
        self._response = _UA, self._link.information()

    def _disconnect(self) -> None:
        if self.state == _CONNECTED:
            self.state = _DISCONNECTED
            self._renew()
            self._server.released()

    # --- receiving -----------------------------------------------------------------------------------------------

    def feed(self, data: "bytes | bytearray", now: int) -> None:
        """Take received octets, the last of which was complete at `now` or shortly before."""
        at = 0
        while at < len(data):
            at = self._reader.add(data, at)
            self._take_frames(now)
        self._last_octet = now

    def _take_frames(self, now: int) -> None:
        reader = self._reader
        while reader.next():
            client, device = self._client_of(reader.source), self._device_of(reader.destination)
            if client and device:
                self._take(reader, client, device, now)
            elif client and device is None and reader.control & ~_POLL == _UI:
                self._broadcast(client, reader.destination, reader.information)

    @staticmethod
    def _client_of(source: bytes) -> int:
        """The client's address; 0 if it is none."""
        client = source[0] >> 1
        return client if len(source) == 1 and _CLIENTS[0] <= client <= _CLIENTS[1] else 0

    def _device_of(self, destination: bytes) -> "int | None":
        """The logical device a frame is for; None if it is for all stations, 0 if it is not for us."""
        upper, lower = hdlc.split_address(destination)
        everyone = hdlc.all_stations(destination)
        # 0 is no station, the one below all stations is kept for a meter that calls
        ours = lower < 0 or (0 < lower < everyone - 1 and lower == self._setup.physical_address)
        if lower == everyone or (ours and upper == everyone):
            return None
        return upper if ours and upper in self._setup.logical_devices else 0

    def _take(self, reader: hdlc.FrameReader, client: int, device: int, now: int) -> None:
        control = reader.control
        command = control & ~_POLL
        if command in (_UA, _DM, _FRMR):  # answers: another station's, or our own come back
            return
        peer = self.state == _CONNECTED and (client, device) == (self._client, self._device)
        if peer or self.state == _DISCONNECTED:
            self._since = now
        if command == _SNRM:
            self._connect(client, device, reader.information, now)
        elif command == _UI:
            self._take_unnumbered(client, device, reader.information)
        elif peer and command == _DISC:
            self._disconnect()
            self._response = _UA, b""
            self._leaving = True
        elif peer and not self._reject:
            self._take_numbered(control, reader.information, reader.segmented)
        elif control & _POLL and not peer:
            self._response = _DM, b""
            self._leaving |= command == _DISC and self.state == _DISCONNECTED
        if control & _POLL:
            self._polled, self._by_peer = True, peer
            self._reply_to, self._reply_from = reader.source, reader.destination

    def _take_numbered(self, control: int, information: "Information", segmented: bool) -> None:
        """I, RR, RNR of the connection, or what does not exist in it."""
        kind = control & 0x0F
        reason = 0
        if control & 1 and kind not in (_RR, _RNR):
            reason = _UNKNOWN_CONTROL
        elif control & 1 and information:
            reason = _INFORMATION_NOT_PERMITTED
        elif len(information) > self._link.info_rx:
            reason = _INFORMATION_TOO_LONG
        elif not self._outgoing.acknowledge(control >> 5):
            reason = _INVALID_NR
        if reason:
            self._reject = hdlc.reject_information(control, self._outgoing.vs, self._incoming.vr, reason)
            return
        self._busy = kind == _RNR
        # A frame out of turn is a repeat or follows a lost one: its acknowledgement and its poll count.
        if not control & 1 and control >> 1 & 7 == self._incoming.vr and not self._outgoing.full:
            self._outgoing.give_up()
            apdu = self._incoming.take(information, segmented)
            answer = None if apdu is None else self._server.request(self._client, self._device, apdu)
            if answer:
                self._outgoing.add(answer)

    def _take_unnumbered(self, client: int, device: int, information: "Information") -> None:
        """UI: an unconfirmed service in one frame. Empty and polled it asks for a notification."""
        apdu = Incoming(self._server.max_pdu).take(information, False)
        if apdu:
            self._server.request(client, device, apdu)

    def _broadcast(self, client: int, destination: bytes, information: "Information") -> None:
        """UI to all stations, of which none answers."""
        upper = hdlc.split_address(destination)[0]
        for device in self._setup.logical_devices:
            if upper in (device, hdlc.all_stations(destination)):
                self._take_unnumbered(client, device, information)

    # --- sending -------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> "Iterable[bytearray] | None":
        """What to send now, as an iterable of frames, or None. Call after every `feed` and when `wait_ms` is over."""
        while self._reader.waiting and _elapsed(now, self._last_octet) > self._gap_ms():
            self._reader.skip()
            self._take_frames(now)
        if self._timed and self._inactivity_ms() and _elapsed(now, self._since) >= self._inactivity_ms():
            self._disconnect()
            self._timed, self.over = False, True
        if not self._polled:
            return None
        self._polled = False
        return self._answer()

    def _answer(self) -> "Iterable[bytearray]":
        response, self._response = self._response, None
        if response is not None:
            return (self._frame(response[0] | _POLL, response[1]),)
        peer, busy = self._by_peer, self._by_peer and self._busy
        if peer and self._reject:
            return (self._frame(_FRMR | _POLL, self._reject),)
        window = self._outgoing.window() if peer and not busy else None
        if window is not None:
            return self._numbered(window, self._incoming.vr << 5)
        notification = None if busy else self._server.notification()
        if notification is not None:
            return self._notify(*notification)
        return (self._frame(_RR | _POLL | self._incoming.vr << 5 if peer else _DM | _POLL),)

    def _frame(self, control: int, information: "Information" = b"", prefix: bytes = b"", more: bool = False):
        return hdlc.frame(self._reply_to, self._reply_from, control, information, prefix, more)

    def _numbered(self, window, acknowledged: int) -> "Iterator[bytearray]":
        """I frames, each made when the line is ready for it."""
        for number, header, information, more, final in window:
            control = acknowledged | number << 1 | (_POLL if final else 0)
            yield self._frame(control, information, header, more)

    def _notify(self, client: int, device: int, apdu: "Information") -> "Iterator[bytearray]":
        """UI frames, more than one if the APDU is longer than the client takes in one."""
        to = hdlc.join_address(client, -1, 1)
        own = hdlc.join_address(device, self._setup.physical_address, len(self._reply_from))
        size = self._link.info_tx
        count = -(-(len(apdu) + 3) // size)
        for _, header, information, more, final in segments(apdu, size, 0, 0, count):
            yield hdlc.frame(to, own, _UI | (_POLL if final else 0), information, header, more)

    def sent(self, now: int) -> None:
        """The frames of the last `tick` are on the line to their last stop bit."""
        if self._by_peer or self.state == _DISCONNECTED:
            self._since = now
        if self._leaving:
            self._leaving, self._timed, self.over = False, False, True

    # --- times ---------------------------------------------------------------------------------------------------

    def _gap_ms(self) -> int:
        return max(self._setup.inter_octet_ms, _RECEIVER_MS // self.baud + _LOOK_MS)

    def _inactivity_ms(self) -> int:
        return self._setup.inactivity_s * 1000

    def wait_ms(self, now: int) -> int:
        """Time until `tick` has something to do; -1 if only an octet can change anything."""
        if self._polled:
            return 0
        wait = -1
        if self._timed and self._inactivity_ms():
            wait = max(0, self._inactivity_ms() - _elapsed(now, self._since))
        if self._reader.waiting:
            gap = max(0, self._gap_ms() + 1 - _elapsed(now, self._last_octet))
            wait = gap if wait < 0 else min(wait, gap)
        return wait
