"""IEC 62056-21, the tariff device's side, as a state machine without input or output of its own.

Feed it characters with their times, ask it with `tick` what to send, tell it with `sent` when that is out. Times are
ticks in ms that may wrap; only differences count. States and times are explained in README.md.
"""

from micropython import const

from meter.comms.answers import Whole
from meter.comms.frames import ACK, INITIAL_RATE, NAK, REPEAT_REQUEST, SIGN_OFF, SOH, data_message, rate_of, with_parity
from meter.comms.port_setup import identification, offered_rate
from meter.comms.programming import Programming, Session
from meter.comms.requests import CommandReader, OptionReader, RequestReader, same_address

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

IDLE = const(0)  # waits for a request
_IDENTIFY = const(1)  # reaction time before the identification
_OPTION = const(2)  # waits for the option select
_PREPARE = const(3)  # takes the snapshot of the list; pause before the data message
_SENDING = const(4)  # a message is on the line
_REPLY = const(5)  # data sent; waits for ACK, or NAK for a repeat
_COMMAND = const(6)  # programming mode: waits for a command
_ANSWER = const(7)  # reaction time before the answer to a command, which is made meanwhile
HDLC = const(8)  # mode E: the line is the station's

_START = const(0x2F)  # /
_BETWEEN_CHARACTERS_MS = const(1500 + 34)  # t_a < 1500 ms, and a character at 300 Bd: it is taken between their ends
_ANSWER_WAIT_MS = const(1650)  # 1500 ms < t_t <= 2200 ms, and one character for the answer to be seen
_LATEST_MS = const(1450)  # of t_r <= 1500 ms, leaving some for the task to get its turn
_INACTIVE_MS = const(60_000)  # 60 s <= inactivity time-out of programming mode <= 120 s
_REPEATS = const(3)
_TICKS_MASK = const(0x3FFFFFFF)

# Protocol control character V
_NORMAL = const(0)
_TO_HDLC = const(2)
# Mode control character Y
_STANDARD_LIST = const(0)
_LISTS = const((0, 6))  # data readouts: standard and service list
_PROGRAMMING = const(1)
_BINARY = const(2)


def _nothing_stored():
    return tuple


def _elapsed(now: int, then: int) -> int:
    return now - then & _TICKS_MASK


class ModeC:
    """One session after the other: sign-on, option select, then data readout, programming mode or HDLC, repeats.

    That is mode C, and mode E with it; modes A and B leave out the option select and are a matter of the setup.

    `identity()` gives the identification line of mode C without CR LF, whose fifth character is the highest rate the
    parameters allow; `lines(list_number)` iterates over the data lines (str, no CR LF) of list 0 (standard) or 6
    (service), which are those of one moment; `stored()` gives a function that iterates over the lines that come behind
    them, each time alike: as they do not change they need not be kept, and are made while they are sent. `setup` is a
    port_setup.PortSetup. All are asked in each session anew.
    `programming` is a programming.Programming; without it there is no programming mode. `make_station(baud, now)`
    gives a station for a client expected now at that rate: it has `feed`, `tick`, `sent` and `wait_ms` as this class,
    and is `over` when the line is to go back to sign-on. Without it mode E is not offered.

    `baud` and `frame` ("7E1" or "8N1") are what the line must have now.
    """

    def __init__(
        self,
        identity: "Callable[[], str]",
        lines: "Callable[[int], Iterable[str]]",
        setup,
        programming: "Programming | None" = None,
        make_station: "Callable | None" = None,
        stored: "Callable[[], Callable[[], Iterable[str]]]" = _nothing_stored,
    ):
        self._identity, self._lines, self._stored, self._setup = identity, lines, stored, setup
        self._programming, self._make_station = programming, make_station
        self._request = RequestReader()
        self._option = OptionReader()
        self._command = CommandReader()
        self._parity_sent = False  # the last / had its parity as bit 7
        self._since = 0  # when the present state began
        self._last_character = 0
        self._go_idle(0)

    def _enter(self, state: int, now: int) -> None:
        self.state = state
        self._since = now

    def _go_idle(self, now: int) -> None:
        self._enter(IDLE, now)
        self.baud = self._setup.start_rate
        self.frame = self._setup.frame
        self._request.reset()
        self._option.reset()
        self._command.reset()
        self._mode = "C"
        self._offered = 0  # Bd
        self._ident = b""
        self._parity = False  # bit 7 of what is sent is its parity
        self._session: "Session | None" = None
        self._station: "Any" = None  # mode E: whose line it is
        self._answer: "Whole | None" = None  # of programming mode, kept for repeats
        self._disturbed = False  # something else has come in the place of an option select or a command
        self._sign_off = 0  # characters of a sign-off seen
        self._source: "Iterator[str] | None" = None  # lines still to be taken
        self._block: list[bytes] = []  # lines of the data message, kept for repeats
        self._behind: "Callable[[], Iterable[str]]" = tuple  # gives the lines behind them
        self._pause = 0  # before the message, ms
        self._repeats = 0
        self._after_sending = IDLE

    def abort(self, now: int) -> None:
        """End the session, whatever its state."""
        if self._station is not None and self._make_station is not None:
            self._make_station(self.baud, now)  # which ends the connection it had
        self._go_idle(now)

    @property
    def active(self) -> bool:
        """A session is under way."""
        return self.state != IDLE

    # --- receiving -----------------------------------------------------------------------------------------------

    def feed(self, data: bytes, now: int) -> None:
        """Take received characters, the last of which was complete at `now`. Those out of turn are ignored."""
        for n in range(len(data)):
            if self._station is not None:
                self._station.feed(data[n:], now)
                return
            self._take(data[n], now)

    def _take(self, char: int, now: int) -> None:
        if char & 0x7F == _START:
            self._parity_sent = char > 0x7F
        char &= 0x7F
        broken = _elapsed(now, self._last_character) > _BETWEEN_CHARACTERS_MS
        self._last_character = now
        if self.state == IDLE:
            if broken:
                self._request.reset()
            self._listen(char, now)
        elif self.state == _OPTION:
            self._expect_option(char, now, broken)
        elif self.state == _REPLY:
            self._expect_reply(char, now)
        elif self.state == _COMMAND and self._session is not None:
            self._expect_command(self._session, char, now, broken)

    def _listen(self, char: int, now: int) -> None:
        address = self._request.feed(char)
        if address is not None and same_address(address, self._setup.address.encode()):
            self._go_idle(now)
            self._sign_on(now)

    def _sign_on(self, now: int) -> None:
        identity, setup = self._identity(), self._setup
        self._mode = setup.iec_mode
        self._offered = offered_rate(identity, setup)
        self._ident = identification(identity, setup, self._make_station is not None)
        self._parity = self._parity_sent and setup.frame == "8N1"
        self._enter(_IDENTIFY, now)

    def _new_request(self, now: int) -> None:
        self._go_idle(now)
        self._listen(_START, now)

    def _signed_off(self, char: int) -> bool:
        if char == SIGN_OFF[self._sign_off]:
            self._sign_off += 1
        else:
            self._sign_off = 1 if char == SOH else 0
        return self._sign_off == len(SIGN_OFF)

    def _expect_option(self, char: int, now: int, broken: bool) -> None:
        if self._option.begun:
            choice = b"" if broken else self._option.feed(char)
            if choice == b"":
                self._go_idle(now)
                self._listen(char, now)
            elif choice is not None:
                self._choose(choice, now)
        elif char == ACK:
            self._option.feed(char)
        elif char == _START:
            self._new_request(now)
        elif self._signed_off(char):
            self._go_idle(now)
        else:
            self._disturbed = True

    def _expect_reply(self, char: int, now: int) -> None:
        if self._mode != "C" and char == SOH and self._programming is not None:
            # Modes A and B have no option select: a command right after the data begins programming mode.
            self._session = self._programming.session()
            self._repeats = 0
            self._enter(_COMMAND, now)
            self._command.feed(char)
        elif char == ACK or self._signed_off(char):
            self._go_idle(now)
        elif char == NAK:
            self._repeats += 1
            if self._repeats > _REPEATS:
                self._go_idle(now)
            else:
                self._pause = self._reaction()
                self._enter(_PREPARE, now)
        elif char == _START:  # a client that did not acknowledge and has come back; through a converter at any rate
            self._new_request(now)

    def _expect_command(self, session: Session, char: int, now: int, broken: bool) -> None:
        if broken:
            self._command.reset()
            self._request.reset()
            self._disturbed = False
        # Further on, an ACK or NAK is the block check of a spoilt command, for which the answer before must not be
        # taken.
        if not self._command.begun and not self._disturbed and self._answer is not None:
            if char == NAK:
                self._answer.again()
                self._once_more(session, self._answer, now)
                return
            if char == ACK and self._answer.more:
                self._repeats = 0
                self._answer.advance()
                self._reply(self._answer, self._reaction(), now)
                return
        # A client may have come back, through a converter that knows no rates, and noise may have looked like SOH.
        self._listen(char, now)
        if self.state == _COMMAND:
            self._take_command(session, char, now)

    def _take_command(self, session: Session, char: int, now: int) -> None:
        body = self._command.feed(char)
        if body:
            self._repeats = 0
            answer = session.answer(body, now)
            if answer is not None:
                self._reply(answer, min(max(self._reaction(), session.delay_ms), _LATEST_MS), now)
            else:
                self._go_idle(now)
        elif body is not None:
            self._once_more(session, Whole(REPEAT_REQUEST), now)
        elif not self._command.begun:
            self._disturbed = True

    def _once_more(self, session: Session, answer: Whole, now: int) -> None:
        """One side has not understood: `answer`, or the end of the session if that happens too often in a row."""
        self._repeats += 1
        self._reply(session.break_off() if self._repeats > _REPEATS else answer, self._reaction(), now)

    # --- deciding ------------------------------------------------------------------------------------------------

    def _reaction(self) -> int:
        return min(self._setup.reaction_ms, _LATEST_MS)

    def _choose(self, choice: bytes, now: int) -> None:
        protocol, rate, mode = choice[0] - 0x30, rate_of(choice[1]), choice[2] - 0x30
        pause = max(self._reaction(), min(self._setup.changeover_ms, _LATEST_MS))
        supported = 0 < rate <= self._offered
        if supported and protocol == _NORMAL and mode in _LISTS:
            self._prepare(mode, rate, pause, now)
        elif supported and protocol == _NORMAL and mode == _PROGRAMMING and self._programming is not None:
            self._change_to(rate)
            self._session = self._programming.session()
            self._reply(self._session.opening(), pause, now)
        elif supported and protocol == _TO_HDLC and mode == _BINARY and self._make_station is not None:
            # Said again at the new rate, early: a client need not wait for it, nor must its first frame meet it.
            self._change_to(rate)
            self._reply(Whole(b"\x06" + choice + b"\r\n"), self._reaction(), now)
        else:  # not supported: the standard's flow goes on with the data readout at the initial rate
            self._prepare(_STANDARD_LIST, INITIAL_RATE, pause, now)

    def _change_to(self, rate: int) -> None:
        start = self._setup.start_rate
        self.baud = rate if start == INITIAL_RATE else start

    def _prepare(self, number: int, rate: int, pause: int, now: int) -> None:
        self._change_to(rate)
        self._source = iter(self._lines(number))
        self._behind = self._stored()
        self._pause = pause
        self._enter(_PREPARE, now)

    def _go_on_unasked(self, now: int) -> None:
        """The identification of mode A or B is out: A goes on at once, B changes to the rate it has told."""
        if self._mode == "B":
            self._prepare(_STANDARD_LIST, self._offered, self._reaction(), now)
        else:
            self._prepare(_STANDARD_LIST, INITIAL_RATE, 0, now)

    def _reply(self, answer: Whole, pause: int, now: int) -> None:
        self._answer = answer
        self._disturbed = False
        self._pause = pause
        self._enter(_ANSWER, now)

    # --- sending -------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> "Iterable[bytes] | None":
        """What to send now, as an iterable of bytes, or None. Call after every `feed` and when `wait_ms` is over."""
        if self._station is not None:
            return self._tick_station(now)
        message = self._message(_elapsed(now, self._since), now)
        if message is not None and self._parity:
            return (with_parity(piece) for piece in message)
        return message

    def _message(self, passed: int, now: int) -> "Iterable[bytes] | None":
        state = self.state
        if state == _IDENTIFY and passed > self._reaction():  # not >=: ticks are rounded down
            self._enter_sending(_OPTION)
            return (self._ident,)
        if state == _OPTION:
            self._check_option(passed, now)
        elif state == _PREPARE and self._source is not None:
            self._take_line(self._source)
        elif state == _PREPARE and passed > self._pause:
            self._enter_sending(_REPLY)
            return data_message(self._all_lines())
        elif state == _ANSWER and self._answer is not None:
            if not self._answer.made:
                self._answer.work()
            elif passed > self._pause:
                self._enter_sending(_COMMAND if self._session is not None else HDLC)
                return self._answer.pieces()
        elif state == _REPLY and passed >= _ANSWER_WAIT_MS or state == _COMMAND and passed >= _INACTIVE_MS:
            self._go_idle(now)
        return None

    def _tick_station(self, now: int) -> "Iterable[bytes] | None":
        message = self._station.tick(now)
        if message is None and self._station.over:
            self._go_idle(now)
        return message

    def _enter_sending(self, then: int) -> None:
        self.state = _SENDING
        self._after_sending = then

    def _check_option(self, passed: int, now: int) -> None:
        if self._option.begun:
            if _elapsed(now, self._last_character) > _BETWEEN_CHARACTERS_MS:
                self._go_idle(now)
        elif passed >= _ANSWER_WAIT_MS:
            if self._disturbed:
                self._go_idle(now)
            else:
                self._prepare(_STANDARD_LIST, INITIAL_RATE, 0, now)

    def _take_line(self, source: "Iterator[str]") -> None:
        # One line a time, so that formatting a long list never holds up the metering.
        try:
            self._block.append(next(source).encode())
        except StopIteration:
            self._source = None

    def _all_lines(self) -> "Iterator[bytes]":
        yield from self._block
        for line in self._behind():
            yield line.encode()

    def sent(self, now: int) -> None:
        """The message of the last `tick` is on the line to its last stop bit."""
        if self._station is not None:
            self._station.sent(now)
            if self._station.over:
                self._go_idle(now)
        elif self._session is not None and self._session.over:
            self._go_idle(now)
        elif self._after_sending == _OPTION and self._mode != "C":
            self._go_on_unasked(now)
        elif self._after_sending == HDLC and self._make_station is not None:
            self._enter(HDLC, now)
            self.frame = "8N1"
            self._station = self._make_station(self.baud, now)
        else:
            self._enter(self._after_sending, now)

    def wait_ms(self, now: int) -> int:
        """Time until `tick` has something to do; -1 if only a character can change anything."""
        state = self.state
        if self._station is not None:
            return self._station.wait_ms(now)
        if state in (IDLE, _SENDING):
            return -1
        since, span = self._since, _ANSWER_WAIT_MS
        if state == _IDENTIFY:
            span = self._reaction() + 1
        elif state == _PREPARE:
            span = 0 if self._source is not None else self._pause + 1
        elif state == _ANSWER and self._answer is not None:
            span = self._pause + 1 if self._answer.made else 0
        elif state == _COMMAND:
            span = _INACTIVE_MS
        elif state == _OPTION and self._option.begun:
            since, span = self._last_character, _BETWEEN_CHARACTERS_MS + 1
        return max(0, span - _elapsed(now, since))
