"""What an output contact does, as its parameter says:

    control                  what the control table switches
    direction                closed while active energy is exported
    pulse a_import 1000 80   1000 pulses per kWh (kvarh, kVAh) of an energy, 80 ms each

Pulses are of the energy at the meter's terminals, whatever the registration.
"""

from micropython import const

from meter.metrology.energies import NAMES

CONTROL, DIRECTION = "control", "direction"
LENGTHS_MS = (20, 40, 80, 120, 240)
_MOST = const(50_000)  # per kWh
_LATE_MS = const(2)  # by which a contact may open or close late
UNIT = 3_600_000_000  # mWs of a kWh
_HIGHEST_PERCENT = const(115)  # of the nominal voltage


def output_function(text: str) -> tuple:
    """(CONTROL or DIRECTION, 0, 0) or (energy, pulses per kWh, length in ms). ValueError if it is none of them."""
    if text in (CONTROL, DIRECTION):
        return text, 0, 0
    words = text.split(" ")
    if len(words) != 4 or words[0] != "pulse" or words[1] not in NAMES:
        raise ValueError("no function of an output: " + text)
    for word in words[2:]:
        if not word or word[0] == "0" or not all("0" <= c <= "9" for c in word):
            raise ValueError("not a number: " + word)
    constant, length_ms = int(words[2]), int(words[3])
    if constant > _MOST or length_ms not in LENGTHS_MS:
        raise ValueError("no such constant or length: " + text)
    return words[1], constant, length_ms


def keeps_up(text: str, nominal_voltage: int, maximum_ma: int, nominal_mille: int) -> bool:
    """Whether an output can give its pulses as fast as they come at 115 % of the nominal voltage and the maximum
    current, with gaps between them as long as they are (the data sheet's 25 Hz at 20 ms). `nominal_mille`: the
    network's (metrology.networks)."""
    _, constant, length_ms = output_function(text)
    power_mw = nominal_voltage * maximum_ma * nominal_mille * _HIGHEST_PERCENT // 100_000
    return constant * power_mw * 2 * (length_ms + _LATE_MS) <= UNIT * 1000
