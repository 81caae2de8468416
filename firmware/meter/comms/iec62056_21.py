"""IEC 62056-21 mode C, the tariff device's side, as a state machine without input or output of its own.

Feed it characters with their times, ask it with `tick` what to send, tell it with `sent` when that is out. Times are
ticks in ms that may wrap; only differences count. States and times are explained in README.md.
"""

from micropython import const

from meter.comms.frames import ACK, NAK, REPEAT_REQUEST, SIGN_OFF, SOH, data_message, rate_of
from meter.comms.programming import Session
from meter.comms.requests import CommandReader, OptionReader, RequestReader, same_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

IDLE = const(0)  # waits for a request
IDENTIFY = const(1)  # reaction time before the identification
OPTION = const(2)  # waits for the option select
PREPARE = const(3)  # takes the snapshot of the list; pause before the data message
SENDING = const(4)  # a message is on the line
REPLY = const(5)  # data sent; waits for ACK, or NAK for a repeat
COMMAND = const(6)  # programming mode: waits for a command
ANSWER = const(7)  # reaction time before the answer to a command

INITIAL_RATE = const(300)
_START = const(0x2F)  # /
_CHARACTER_MS = const(34)  # one character at 300 Bd: a gap is measured between the ends of characters
_BETWEEN_CHARACTERS_MS = const(1500 + 34)  # t_a < 1500 ms
_ANSWER_WAIT_MS = const(1650)  # 1500 ms < t_t <= 2200 ms, and one character for the answer to be seen
_FAST_REACTION_MS = const(20)
_LATEST_MS = const(1450)  # of t_r <= 1500 ms, leaving some for the task to get its turn
_INACTIVE_MS = const(60_000)  # 60 s <= inactivity time-out of programming mode <= 120 s
_REPEATS = const(3)
_TICKS_MASK = const(0x3FFFFFFF)

# Values of the mode control character Y
STANDARD_LIST = const(0)
_LISTS = (0, 6)  # data readouts: standard and service list
_PROGRAMMING = const(1)


def _elapsed(now: int, then: int) -> int:
    return now - then & _TICKS_MASK


class ModeC:
    """One session after the other: sign-on, option select, then data readout or programming mode, repeats.

    `identity()` gives the identification line without CR LF, whose fifth character is the highest rate offered;
    `lines(list_number)` iterates over the data lines (str, no CR LF) of list 0 (standard) or 6 (service);
    `parameters` has `address` (str), `reaction_ms` and `changeover_ms`. All are asked in each session anew.
    `access` is what programming.Session wants; without it there is no programming mode.
    `baud` is the rate the line must have now.
    """

    def __init__(self, identity: "Callable[[], str]", lines: "Callable[[int], Iterable[str]]", parameters, access=None):
        self._identity, self._lines, self._parameters, self._access = identity, lines, parameters, access
        self._request = RequestReader()
        self._option = OptionReader()
        self._command = CommandReader()
        self._ident = b""
        self._since = 0  # when the present state began
        self._last_character = 0
        self._go_idle(0)

    def _enter(self, state: int, now: int) -> None:
        self.state = state
        self._since = now

    def _go_idle(self, now: int) -> None:
        self._enter(IDLE, now)
        self.baud = INITIAL_RATE
        self._request.reset()
        self._option.reset()
        self._command.reset()
        self._session: "Session | None" = None
        self._answer = b""  # of programming mode, kept for repeats
        self._disturbed = False  # something else has come in the place of an option select or a command
        self._sign_off = 0  # characters of a sign-off seen
        self._source: "Iterator[str] | None" = None  # lines still to be taken
        self._block: list[bytes] = []  # lines of the data message, kept for repeats
        self._pause = 0  # before the message, ms
        self._repeats = 0
        self._after_sending = IDLE

    # --- receiving -----------------------------------------------------------------------------------------------

    def feed(self, char: int, now: int) -> None:
        """Take one received character that was complete at `now`. Characters out of turn are ignored."""
        char &= 0x7F
        broken = _elapsed(now, self._last_character) > _BETWEEN_CHARACTERS_MS
        self._last_character = now
        if self.state == IDLE:
            if broken:
                self._request.reset()
            self._listen(char, now)
        elif self.state == OPTION:
            self._expect_option(char, now, broken)
        elif self.state == REPLY:
            self._expect_reply(char, now)
        elif self.state == COMMAND and self._session is not None:
            self._expect_command(self._session, char, now, broken)

    def _listen(self, char: int, now: int) -> None:
        address = self._request.feed(char)
        if address is not None and same_address(address, self._parameters.address.encode()):
            self._go_idle(now)
            self._ident = self._identity().encode() + b"\r\n"
            self._enter(IDENTIFY, now)

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
        if char == ACK or self._signed_off(char):
            self._go_idle(now)
        elif char == NAK:
            self._repeats += 1
            if self._repeats > _REPEATS:
                self._go_idle(now)
            else:
                self._pause = self._reaction()
                self._enter(PREPARE, now)
        elif char == _START:  # a client that did not acknowledge and has come back; through a converter at any rate
            self._new_request(now)

    def _expect_command(self, session: Session, char: int, now: int, broken: bool) -> None:
        if broken:
            self._command.reset()
            self._request.reset()
            self._disturbed = False
        # A NAK further on is the block check of a spoilt command, for which the answer before must not be taken.
        if char == NAK and not self._command.begun and not self._disturbed:
            self._again(session, self._answer, now)
            return
        body = self._command.feed(char)
        if body:
            self._repeats = 0
            answer = session.answer(body)
            if answer:
                self._reply(answer, self._reaction(), now)
            else:
                self._go_idle(now)
        elif body is not None:
            self._again(session, REPEAT_REQUEST, now)
        elif not self._command.begun:
            self._disturbed = True
            self._listen(char, now)  # a client may have come back, through a converter that knows no rates

    def _again(self, session: Session, answer: bytes, now: int) -> None:
        """One side has not understood: `answer`, or the end of the session if that happens too often in a row."""
        self._repeats += 1
        self._reply(session.break_off() if self._repeats > _REPEATS else answer, self._reaction(), now)

    # --- deciding ------------------------------------------------------------------------------------------------

    def _reaction(self) -> int:
        # A lower-case third letter of the maker promises the short reaction time (clause 6.3.2).
        if 0x61 <= self._ident[3] <= 0x7A:
            return _FAST_REACTION_MS
        return min(self._parameters.reaction_ms, _LATEST_MS)

    def _choose(self, choice: bytes, now: int) -> None:
        protocol, rate, mode = choice[0] - 0x30, rate_of(choice[1]), choice[2] - 0x30
        pause = max(self._reaction(), min(self._parameters.changeover_ms, _LATEST_MS))
        supported = protocol == 0 and 0 < rate <= rate_of(self._ident[4])
        if supported and mode in _LISTS:
            self._prepare(mode, rate, pause, now)
        elif supported and mode == _PROGRAMMING and self._access is not None:
            self.baud = rate
            self._session = Session(self._access)
            self._reply(self._session.opening(), pause, now)
        else:  # not supported: the standard's flow goes on with the data readout at the initial rate
            self._prepare(STANDARD_LIST, INITIAL_RATE, pause, now)

    def _prepare(self, number: int, rate: int, pause: int, now: int) -> None:
        self.baud = rate
        self._source = iter(self._lines(number))
        self._pause = pause
        self._enter(PREPARE, now)

    def _reply(self, answer: bytes, pause: int, now: int) -> None:
        self._answer = answer
        self._disturbed = False
        self._pause = pause
        self._enter(ANSWER, now)

    # --- sending -------------------------------------------------------------------------------------------------

    def tick(self, now: int) -> "Iterable[bytes] | None":
        """What to send now, as an iterable of bytes, or None. Call after every `feed` and when `wait_ms` is over."""
        passed = _elapsed(now, self._since)
        if self.state == IDENTIFY and passed > self._reaction():  # not >=: ticks are rounded down
            self._enter_sending(OPTION)
            return (self._ident,)
        if self.state == OPTION:
            self._check_option(passed, now)
        elif self.state == PREPARE and self._source is not None:
            self._take_line(self._source)
        elif self.state == PREPARE and passed > self._pause:
            self._enter_sending(REPLY)
            return data_message(self._block)
        elif self.state == ANSWER and passed > self._pause:
            self._enter_sending(COMMAND)
            return (self._answer,)
        elif self.state == REPLY and passed >= _ANSWER_WAIT_MS or self.state == COMMAND and passed >= _INACTIVE_MS:
            self._go_idle(now)
        return None

    def _enter_sending(self, then: int) -> None:
        self.state = SENDING
        self._after_sending = then

    def _check_option(self, passed: int, now: int) -> None:
        if self._option.begun:
            if _elapsed(now, self._last_character) > _BETWEEN_CHARACTERS_MS:
                self._go_idle(now)
        elif passed >= _ANSWER_WAIT_MS:
            if self._disturbed:
                self._go_idle(now)
            else:
                self._prepare(STANDARD_LIST, INITIAL_RATE, 0, now)

    def _take_line(self, source: "Iterator[str]") -> None:
        # One line a time, so that formatting a long list never holds up the metering.
        try:
            self._block.append(next(source).encode())
        except StopIteration:
            self._source = None

    def sent(self, now: int) -> None:
        """The message of the last `tick` is on the line to its last stop bit."""
        if self._session is not None and self._session.over:
            self._go_idle(now)
        else:
            self._enter(self._after_sending, now)

    def wait_ms(self, now: int) -> int:
        """Time until `tick` has something to do; -1 if only a character can change anything."""
        state = self.state
        if state in (IDLE, SENDING):
            return -1
        since, span = self._since, _ANSWER_WAIT_MS
        if state == IDENTIFY:
            span = self._reaction() + 1
        elif state == PREPARE:
            span = 0 if self._source is not None else self._pause + 1
        elif state == ANSWER:
            span = self._pause + 1
        elif state == COMMAND:
            span = _INACTIVE_MS
        elif state == OPTION and self._option.begun:
            since, span = self._last_character, _BETWEEN_CHARACTERS_MS + 1
        return max(0, span - _elapsed(now, since))
