"""What one port does with the meter's parameters: its mode, its rates, and what it calls itself there."""

from micropython import const

from meter.comms.frames import INITIAL_RATE, RATES, rate_of
from meter.cosem.setups import derived_address

_LONG_REACTION_MS = const(200)
_MODE_A_RATE = const("Z")  # mode A has no rate to tell: any character that modes B and C leave free
_HDLC = const("\\2")  # the enhanced capability of mode E


class PortSetup:
    """Setup of one port with IEC 62056-21.

    `parameters` has `address`, `reaction_ms` and `changeover_ms`, and may have what is the port's own:
    `<name>_iec_mode`, "A", "B" or "C" (the default), and `<name>_start_rate` (300 Bd by default). All are asked when
    they are needed. `max_rate` (Bd) is the fastest the line can do. `frame` is "7E1", or "8N1" on a channel that passes
    8 bits and no parity: bit 7 is the parity bit there, if the client uses it so.
    """

    def __init__(self, parameters, name: str = "optical", max_rate: int = 19_200, frame: str = "7E1"):
        self._parameters = parameters
        self._name = name
        self.max_rate = max_rate
        self.frame = frame

    @property
    def address(self) -> str:
        return self._parameters.address

    @property
    def reaction_ms(self) -> int:
        return self._parameters.reaction_ms

    @property
    def changeover_ms(self) -> int:
        return self._parameters.changeover_ms

    @property
    def iec_mode(self) -> str:
        return getattr(self._parameters, self._name + "_iec_mode", "C")

    @property
    def start_rate(self) -> int:
        """Rate of the sign-on (Bd). One other than 300 Bd is fixed: the line keeps it in all of a session."""
        return min(getattr(self._parameters, self._name + "_start_rate", INITIAL_RATE), self.max_rate)

    @property
    def direct_rate(self) -> int:
        """Rate of a port that is in HDLC from the start (Bd): its fixed rate, else the highest one offered."""
        if self.start_rate != INITIAL_RATE:
            return self.start_rate
        return min(rate_of(ord(self._parameters.max_baud_char)), self.max_rate)


class HdlcSetup:
    """HDLC on all ports of a meter (class 23), for hdlc.Station; `serial_number` gives it an address if it has none."""

    logical_devices = (1,)  # the management logical device

    def __init__(self, parameters, serial_number: str):
        self._parameters, self._serial_number = parameters, serial_number

    @property
    def window_tx(self) -> int:
        return self._parameters.hdlc_window

    @property
    def window_rx(self) -> int:
        return self._parameters.hdlc_window

    @property
    def max_info_tx(self) -> int:
        return self._parameters.hdlc_max_info

    @property
    def max_info_rx(self) -> int:
        return self._parameters.hdlc_max_info

    @property
    def inter_octet_ms(self) -> int:
        return self._parameters.hdlc_inter_octet_ms

    @property
    def inactivity_s(self) -> int:
        return self._parameters.hdlc_inactivity_s

    @property
    def physical_address(self) -> int:
        return self._parameters.hdlc_address or derived_address(self._serial_number)


def offered_rate(identity: str, setup) -> int:
    """The highest rate (Bd) that the port offers: what `identity` allows and its line can do, or its fixed rate."""
    if setup.start_rate == INITIAL_RATE:
        return min(rate_of(ord(identity[4])), setup.max_rate)
    return max(rate for rate in RATES if rate <= setup.start_rate)  # 38 400 Bd have no character


def identification(identity: str, setup, hdlc: bool) -> bytes:
    """The identification message of a port (clause 6.3.2) made of the meter's `/LGZ5ZMG405260b.P01`.

    The maker's third letter is lower case if the reaction time may be shorter than 200 ms. The rate character is that
    of the mode; behind it `\\2` says that mode C leads on to HDLC.
    """
    maker, rate, ident = identity[:4], RATES.index(offered_rate(identity, setup)), identity[5:]
    if setup.reaction_ms < _LONG_REACTION_MS:
        maker = maker[:3] + maker[3].lower()
    if setup.iec_mode == "C":
        mode = str(rate) + (_HDLC if hdlc else "")
    elif setup.iec_mode == "B" and rate:
        mode = chr(ord("A") + rate - 1)
    else:  # mode B has no character for 300 Bd, where it does what mode A does
        mode = _MODE_A_RATE
    return (maker + mode + ident).encode() + b"\r\n"
