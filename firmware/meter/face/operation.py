"""What the display shows and what the buttons do: the states of the front. README.md has them as a picture."""

from micropython import const

from meter.access import FIELD_SERVICE
from meter.events.error_register import CRITICAL
from meter.face.digit_setting import DigitSetting
from meter.face.lists import Lists
from meter.face.rolling import Rolling
from meter.parameters import ParameterRefused

OPERATING, CHECK, MENU, VALUES, SETTING, MESSAGE = (
    const("O"),
    const("C"),
    const("M"),
    const("V"),
    const("S"),
    const("T"),
)

# State, button (x: display, r: reset, s: service) and event of face.buttons -> what is done. What begins when a button
# goes down is all that comes of that press.
_ACTIONS = {
    "Ox+": "_leave",
    "Or+": "_reset",
    "Os+": "_serve",
    "Cx.": "_browse",
    "Cx!": "operate",
    "Cr+": "_serve",
    "Cs+": "_serve",
    "Mx.": "_move",
    "Mx!": "_choose",
    "Mr+": "operate",
    "Ms+": "operate",
    "Vx.": "_move",
    "Vx!": "_go_on",
    "Vr+": "_go_back",
    "Vs+": "_go_back",
    "Sx.": "_turn",
    "Sx!": "_confirm",
    "Sr+": "_go_back",
    "Ss+": "_go_back",
    "Tx+": "_dismiss",
    "Tr+": "_dismiss",
    "Ts+": "_dismiss",
}
_SETTABLE = const(("0.9.1", "0.9.2"))  # time and date
_SCRIPT = const(1)
_DONE, _FAILED, _OFF, _ON = const("donE"), const("Err"), const("oFF"), const("on")

_PAGE_MS = const(2000)
_BLINK_MS = const(500)
_MESSAGE_MS = const(4000)
_TICKS_MASK = const(0x3FFFFFFF)  # time.ticks_ms() counts modulo 2**30


class Operation:
    """The front of the meter behind `model` (cosem.model.ObjectModel), on `display` (face.display.Display).

    `errors`: events.error_register.ErrorRegister. `sequence()`: text of the order of the phases. `reset_by_button()`:
    as meter.tariffs.Tariffs has it.
    """

    def __init__(self, display, model, errors, sequence, reset_by_button):
        self.state = OPERATING
        self._display, self._model, self._errors = display, model, errors
        self._reset_by_button = reset_by_button
        self._lists = Lists(model, sequence)
        self._rolling = Rolling((), 1)
        self._changes = -1  # of the parameters that the list is made of
        self._acknowledged = 0  # errors that somebody has seen
        self.pressed_at = 0  # when a button did something last
        self._serves = False  # the menu is the service menu
        self._menu: list = []  # (index, value, what it opens, with what)
        self._place = 0  # in the menu
        self._list = self._lists.current
        self._group = 0
        self._entries: tuple = (0, None)
        self._entry = 0
        self._set = ""  # code of the object that is set
        self._digits = DigitSetting("")
        self._said = ("", "", "")
        self._after = OPERATING  # the message

    # --- what is shown ----------------------------------------------------------------------------------------------

    def draw(self, ticks_ms: int) -> None:
        """Fill the text fields with what is to be seen now."""
        errors, display = self._errors, self._display
        self._acknowledged &= errors.bits
        age = (ticks_ms - self.pressed_at) & _TICKS_MASK
        is_over = self.is_left(ticks_ms) and self.state != OPERATING
        if self.state == MESSAGE and age >= _MESSAGE_MS:
            self._dismiss()
        if is_over or errors.fatal and self.state in (MENU, VALUES) and not self._serves:
            self.operate()
        display.all_on(self.state == CHECK)
        display.show(*self._page(ticks_ms, age))

    def is_left(self, ticks_ms: int) -> bool:
        """Whether no button has done anything for the time-out."""
        return (ticks_ms - self.pressed_at) & _TICKS_MASK >= self._model.parameters.display_timeout_s * 1000

    def _page(self, ticks_ms: int, age: int) -> tuple:
        """The text fields of a state."""
        state = self.state
        if state == MENU:
            return self._menu[self._place][:2] + ("",)
        if state == VALUES:
            found = self._entries[1](self._entry)
            return found[age // _PAGE_MS % len(found)]
        if state == SETTING:
            is_dark = age // _BLINK_MS & 1
            return self._set, self._digits.blanked() if is_dark else self._digits.text, ""
        if state == MESSAGE:
            return self._said
        if self._errors.fatal or self._unseen:
            return "F.F", self._errors.text(), ""
        return self._operating_page(ticks_ms)

    @property
    def _unseen(self) -> int:
        """Critical errors that nobody has acknowledged."""
        return self._errors.bits & CRITICAL & ~self._acknowledged

    def _operating_page(self, ticks_ms: int) -> tuple:
        parameters, rolling = self._model.parameters, self._rolling
        if parameters.changes != self._changes:
            self._changes = parameters.changes
            rolling.items = self._model.list_codes("display")
            rolling.seconds = parameters.display_seconds
        if parameters.display_mode == "fixed":
            rolling.begin()
        code = rolling.step(ticks_ms)
        if code is None:
            return "", "", ""
        found = self._lists.pages(code)
        return found[ticks_ms // _PAGE_MS % len(found)]

    # --- what the buttons do ----------------------------------------------------------------------------------------

    def press(self, event: str, ticks_ms: int) -> bool:
        """Do what an event of face.buttons asks for, buttons "d", "u", "r" and "s"; True if it has done something."""
        button = "x" if event[0] in "du" else event[0]
        action = _ACTIONS.get(self.state + button + event[1])
        if action is None:
            return False
        self.pressed_at = ticks_ms
        getattr(self, action)(-1 if event[0] == "u" else 1)
        return True

    def operate(self, _way: int = 1) -> None:
        """Show the operating display."""
        self.state = OPERATING
        self._rolling.begin()

    def _leave(self, _way: int) -> None:
        """From the operating display: first away from errors, then to the display check."""
        if self._unseen and not self._errors.fatal:
            self._acknowledged = self._errors.bits
            self.operate()
        else:
            self.state = CHECK

    def _browse(self, _way: int) -> None:
        """Open the display menu, if what it shows can be trusted."""
        if self._errors.fatal:
            self.operate()
            return
        lists = self._lists
        self._open(False, [("Std", "dAtA", self._show, lists.current), ("Std", "StorEd", self._show, lists.stored)])
        type_code = self._model.sources.type_code
        if type_code.has_load_profile:
            self._menu.append(("Std", "P.01", self._show, lists.intervals))
        if type_code.has_event_log:
            self._menu.append(("Std", "P.98", self._show, lists.events))
        self._menu += [("SEr", "dAtA", self._show, lists.installation), ("End", "", self.operate, 1)]

    def _serve(self, _way: int) -> None:
        """Open the service menu."""
        menu = [("SEt", code, self._begin_setting, code) for code in _SETTABLE]
        self._open(True, menu + [("SEr", "dAtA", self._show, self._lists.installation)])
        test_mode = self._model.sources.test_mode
        text, switch = (_OFF, test_mode.end) if test_mode.on else (_ON, test_mode.begin)
        self._menu += [("tESt", text, switch, _SCRIPT), ("End", "", self.operate, 1)]

    def _open(self, serves: bool, menu: list) -> None:
        self.state, self._serves, self._menu, self._place = MENU, serves, menu, 0

    def _move(self, way: int) -> None:
        """To the next entry of the menu or of a list, or the one before; they go round."""
        if self.state == MENU:
            self._place = (self._place + way) % len(self._menu)
        else:
            self._entry = (self._entry + way) % self._entries[0]

    def _choose(self, _way: int) -> None:
        index, _, opens, what = self._menu[self._place]
        opens(what)
        if self.state == MENU:  # it is no list, and has been done
            self._say(index, _DONE, OPERATING)

    def _show(self, what) -> None:
        """Open a list at its first entry; an empty one is said to be so."""
        self._list, self._group = what, 0
        if not self._enter():
            self._say(self._menu[self._place][0], "----", MENU)

    def _enter(self) -> bool:
        """Go to the first entry of the group that is next; False if there is none."""
        entries = self._list(self._group)
        if not entries or not entries[0]:
            return False
        self.state, self._entries, self._entry = VALUES, entries, 0
        return True

    def _go_on(self, way: int) -> None:
        """To the next group of the list, or the one before; past its ends back to the menu, at the next list."""
        self._group += way
        if self._group < 0 or not self._enter():
            self.state = MENU
            self._move(way)

    def _go_back(self, _way: int) -> None:
        self.state = MENU

    def _say(self, index: str, value: str, state: str) -> None:
        """Show a message for a while, then go on in `state`."""
        self.state, self._said, self._after = MESSAGE, (index, value, ""), state

    def _dismiss(self, _way: int = 1) -> None:
        if self._after == OPERATING:
            self.operate()
        self.state = self._after

    # --- what it changes --------------------------------------------------------------------------------------------

    def _reset(self, _way: int) -> None:
        """A billing reset, as communication makes it, and what has become of it: done, locked out for so many minutes,
        not allowed, failed."""
        try:
            left = self._reset_by_button()
            text = _OFF if left is None else "LOC %d" % -(-left // 60) if left else _DONE
        except OSError:
            text = _FAILED
        self._say("rESEt", text, OPERATING)

    def _begin_setting(self, code: str) -> None:
        self.state, self._set = SETTING, code
        self._digits = DigitSetting(self._model.find(code).formatted()[0])

    def _turn(self, way: int) -> None:
        self._digits.turn(way)

    def _confirm(self, _way: int) -> None:
        """On to the next digit; behind the last one the value holds, if the object takes it from field service."""
        if not self._digits.confirm():
            return
        try:
            self._model.find(self._set).write(self._digits.text, FIELD_SERVICE)
            text = _DONE
        except (ParameterRefused, ValueError, OSError):
            text = _FAILED
        self._say(self._set, text, MENU)
