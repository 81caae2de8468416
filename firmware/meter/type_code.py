"""The type designation of a meter, e.g. ZMG405CR4.260b.43S2, and what a meter of that type has.

    ZMG 4   network; connection to transformers
    05      accuracy class of active energy: 05 is 0.5S (IEC 62053-22), 10 is 1 (IEC 62053-21)
    CR      AR measures active energy only, CR reactive and apparent energy too
    4       tariff: 1 energy rates, controlled from outside; 2 with the time switch; 3 and 4 the same with demand
    260     control inputs, output contacts, relays
    b       additional functions: event log, its hardware part (magnet and covers), load profile
    43      electrical interfaces: the second digit is interface 1, the first interface 2
    S2      series, may be left out

Source: data sheet of the E550 series 2, type designation.
"""

_SIZES = (17, 19)  # without and with the series
_INPUTS_OUTPUTS = ("000", "020", "060", "240", "260", "440", "041")
_ADDITIONAL = "0347ab"
_INTERFACES = {"0": None, "2": "RS232", "3": "RS485", "4": "CS", "6": "RS422", "7": "RS232 powered"}
# Pairs of interfaces, and the inputs and outputs they go with
_PAIRS = (
    (("00", "02", "03"), _INPUTS_OUTPUTS),
    (("40", "42", "43"), ("260", "440")),
    (("60", "62", "63"), ("041",)),
    (("07",), ("020",)),
    (("37",), ("041", "060", "240")),
)


class TypeCode:
    """A type designation taken apart. ValueError says what is wrong with one that no meter can have.

    accuracy: "0.5S" or "1"; reactive_class: "1", "2" or None. tariff: 1..4. inputs, outputs: how many control inputs
    and solid-state outputs. additional: the character. interfaces: names of interface 1 and 2, or None. series: "S2"
    or "". The attributes has_... are bools.
    """

    def __init__(self, text: str):
        if not _has_form(text):
            raise ValueError("no type designation: " + repr(text))
        board, pair = text[10:13], text[15:17]
        if board not in _INPUTS_OUTPUTS:
            raise ValueError("no such inputs and outputs: " + board)
        if text[13] not in _ADDITIONAL:
            raise ValueError("no such additional functions: " + text[13])
        _check_interfaces(pair, board)
        self.text = text
        self.accuracy = "0.5S" if text[4:6] == "05" else "1"
        self.has_reactive = text[6:8] == "CR"
        self.reactive_class = ("1" if text[4:6] == "05" else "2") if self.has_reactive else None
        self.tariff = int(text[8])
        self.has_demand = self.tariff >= 3
        self.has_time_switch = self.tariff in (2, 4)
        self.inputs, self.outputs = int(board[0]), int(board[1])
        self.has_relay = board[2] == "1"
        self.additional = text[13]
        self.has_load_profile = self.additional in "7ab"
        self.has_event_log = self.additional in "34ab"
        self.has_tamper_hardware = self.additional in "4b"
        self.interfaces = (_INTERFACES[pair[1]], _INTERFACES[pair[0]])
        self.series = text[17:]


def _has_form(text: str) -> bool:
    return (
        len(text) in _SIZES
        and text[:4] == "ZMG4"
        and text[4:6] in ("05", "10")
        and text[6:8] in ("AR", "CR")
        and "1" <= text[8] <= "4"
        and text[9] == "."
        and text[14] == "."
        and text[17:] in ("", "S2")
    )


def _check_interfaces(pair: str, board: str) -> None:
    for pairs, boards in _PAIRS:
        if pair in pairs:
            if board not in boards:
                raise ValueError("interfaces %s do not go with inputs and outputs %s" % (pair, board))
            return
    raise ValueError("no such interfaces: " + pair)
