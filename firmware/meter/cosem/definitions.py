"""The table of the meter's objects.

What it does not hold is derived from it: the phases of a quantity, whose C is the total's plus 20, 40 or 60
(IEC 62056-61), the harmonics of U and I, whose E is the order, and the parameters, C.61 with their number.
"""

from micropython import const

from meter.cosem import obis

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

TOTAL = const(-1)  # in place of a phase 0..2
PHASE_C = const(20)
# What of a date-time and of its text a moment shows: first octet and end, first character and end
MOMENT, TIME, DATE = (0, 12, 0, 14), (5, 9, 9, 14), (0, 5, 0, 8)
PARAMETERS = (96, 61)  # C and D
MAX_ORDER = const(40)
ERRORS = "F.F"
ERROR_OBJECT = b"\x00\x00\x61\x61\x00\xff"  # 0-0:97.97.0, printed without E

SIGNAL = "C.62.1%d"  # of communication, C1 .. C8

# Code, kind (of Quantities' methods, with an underscore before it), what the kind's method takes, and what the meter
# must have, if anything (of setups.features). A new row goes to the end: places in this table are short names.
# Kinds "actual" of u and i and "thd" exist per phase only: their row is where the phases' C is counted from.
TABLE: "tuple[tuple[Any, ...], ...]" = (
    ("0-0:1.0.0", "clock", ""),
    ("F.F", "errors", ""),
    ("0.0.0", "data", "serial_number"),
    ("0.9.1", "time", False),
    ("0.9.2", "time", True),
    ("1.8.0", "energy", "a_import"),
    ("2.8.0", "energy", "a_export"),
    ("3.8.0", "energy", "r_import"),
    ("4.8.0", "energy", "r_export"),
    ("5.8.0", "energy", "r1"),
    ("6.8.0", "energy", "r2"),
    ("7.8.0", "energy", "r3"),
    ("8.8.0", "energy", "r4"),
    ("9.8.0", "energy", "s_import"),
    ("10.8.0", "energy", "s_export"),
    ("128.8.0", "sum", 0),
    ("129.8.0", "sum", 1),
    ("14.7.0", "actual", "f"),
    ("16.7.0", "actual", "p"),
    ("131.7.0", "actual", "q"),
    ("9.7.0", "actual", "s"),
    ("13.7.0", "actual", "pf"),
    ("12.7.0", "actual", "u"),
    ("11.7.0", "actual", "i"),
    ("91.7.0", "actual", "i0"),
    ("81.7.1", "u_angle", 1),  # U2 against U1
    ("81.7.2", "u_angle", 2),
    ("81.7.4", "i_angle", 0),  # I1 against U1
    ("81.7.15", "i_angle", 1),
    ("81.7.26", "i_angle", 2),
    ("12.7.124", "thd", "u"),
    ("11.7.124", "thd", "i"),
    ("142.7.0", "unbalance", "u_sym"),  # negative against positive sequence; C: this maker's, 130 + U's or I's
    ("141.7.0", "unbalance", "i_sym"),
    ("0.2.0", "data", "firmware_version"),
    ("0.3.0", "parameter", "led_constant"),
    ("0.3.1", "parameter", "led_constant_reactive"),
    ("0.4.2", "parameter", "ct_numerator"),
    ("0.4.3", "parameter", "vt_numerator"),
    ("0.4.5", "parameter", "ct_denominator"),
    ("0.4.6", "parameter", "vt_denominator"),
    ("0.6.0", "nominal", "u"),
    ("0.6.1", "nominal", "i"),
    ("0.6.2", "nominal", "f"),
    ("0.6.3", "nominal", "imax"),
    ("C.5.1", "data", "audit_text"),
    ("C.7.0", "counter", "power_failures"),
    ("C.15.1", "counter", "metering_restarts"),
    ("C.15.2", "counter", "lost_pages"),
    ("C.60.0", "calibration", "calibration_readings"),
    ("C.60.1", "calibration", "calibration_record"),
    ("C.2.0", "counter", "configurations"),
    ("C.7.1", "counter", "failures_l1"),
    ("C.7.2", "counter", "failures_l2"),
    ("C.7.3", "counter", "failures_l3"),
    ("C.7.21", "counter", "failures_any"),
    ("C.7.5", "counter", "long_failures"),
    ("C.7.15", "duration", "long_failure_seconds"),
    ("C.8.0", "duration", "operating_seconds"),
    ("C.15.3", "duration", "outage_seconds"),
    ("0.2.2", "tariff", "program", "time_switch"),
    ("C.3.0", "terminals", "word"),
    ("C.4.0", "tariff", "control_word"),
    ("C.14.0", "tariff", "active_tariff"),
    ("0.1.0", "billing", "count"),
    ("0.1.1", "billing", "available"),
    ("0.1.2", "reset", MOMENT),
    ("0.9.6", "reset", TIME),
    ("0.9.7", "reset", DATE),
    ("0.9.12", "parameter", "reset_lockout_min"),
    ("0.8.0", "parameter", "demand_period_min", "demand"),
    ("0.8.4", "parameter", "profile_1_period_min", "load_profile"),
    ("C.2.1", "configured", MOMENT),
    ("C.8.1", "at_rate", 1),
    ("C.8.2", "at_rate", 2),
    ("C.8.3", "at_rate", 3),
    ("C.8.4", "at_rate", 4),
    ("C.8.5", "at_rate", 5),
    ("C.8.6", "at_rate", 6),
    ("C.8.7", "at_rate", 7),
    ("C.8.8", "at_rate", 8),
    ("13.0.0", "mean_pf", False),
    ("13.5.0", "mean_pf", True),
    ("13.3.0", "least_pf", None),
    ("C.63.0", "data", "wiring_text"),
    ("C.63.1", "data", "wiring_code"),
    ("C.15.11", "pulses", 0, "output1"),  # given by output 1..6
    ("C.15.12", "pulses", 1, "output2"),
    ("C.15.13", "pulses", 2, "output3"),
    ("C.15.14", "pulses", 3, "output4"),
    ("C.15.15", "pulses", 4, "output5"),
    ("C.15.16", "pulses", 5, "output6"),
) + tuple([(SIGNAL % n, "signal", n) for n in range(1, 9)])

# Registers by rate, of demand and of billing periods: value groups C of energies.NAMES in order, from 1 on, D and E
RATED, RELATIVE, CUMULATED, CURRENT, LAST, MAXIMUM, ADVANCE = 8, 9, 2, 4, 5, 6, 29
MINIMUM = const(3)

# Objects that readouts do not list: code, class, builder (a function of setups.py), what it takes, what the meter must
# have (of setups.features). A new row goes to the end: places in this table are short names.
SETUPS: "tuple[tuple[Any, ...], ...]" = (
    ("0-0:42.0.0", 1, "device_name", None),
    ("0-0:41.0.0", 17, "sap_assignment", None),
    ("0-0:1.1.0", 1, "unix_time", None),
    ("0-0:96.1.0", 1, "text", "serial_number"),
    ("0-0:96.1.1", 1, "text", "type_designation"),
    ("0-0:96.240.12", 1, "last_event", 2, "event_log"),
    ("0-0:96.240.13", 1, "last_event", 3, "event_log"),
    ("0-0:99.98.0", 7, "event_log", None, "event_log"),
    ("0-0:21.0.0", 7, "readout_list", "standard"),
    ("0-0:21.0.1", 7, "readout_list", "display"),
    ("0-0:21.0.3", 7, "readout_list", "service"),
    ("1-0:99.1.0", 7, "load_profile", 0, "load_profile"),
    ("1-0:99.2.0", 7, "load_profile", 1, "load_profile"),
    ("0-0:98.1.0", 7, "billing_profile", 0),
    ("0-0:98.2.0", 7, "billing_profile", 1),
    ("0-0:96.10.1", 1, "profile_status", 0, "load_profile"),
    ("0-0:96.10.2", 1, "profile_status", 1, "load_profile"),
    ("0-0:20.0.0", 19, "local_port", "optical"),
    ("0-0:20.0.1", 19, "local_port", "port1", "port1"),
    ("0-0:20.0.2", 19, "local_port", "port2", "port2"),
    ("0-0:22.0.0", 23, "hdlc", None),
    ("0-0:22.0.1", 23, "hdlc", None, "port1"),
    ("0-0:22.0.2", 23, "hdlc", None, "port2"),
    ("0-0:25.0.0", 41, "tcp_udp", None),
    ("0-0:25.1.0", 42, "unset", 42),
    ("0-0:25.9.0", 40, "push", None),
    ("0-0:43.0.0", 64, "security", None),
    ("0-0:43.1.0", 1, "invocation_counter", None),
    ("0-0:10.0.0", 9, "scripts", "reset"),
    ("0-0:10.0.1", 9, "billing_reset", None),
    ("0-0:10.0.100", 9, "scripts", "tariff"),
    ("0-0:10.0.101", 9, "scripts", "test_mode_on"),
    ("0-0:10.0.102", 9, "scripts", "test_mode_off"),
    ("0-0:10.0.103", 9, "scripts", "outputs"),
    ("0-0:11.0.0", 11, "special_days", None, "time_switch"),
    ("0-0:13.0.0", 20, "calendar", None, "time_switch"),
    ("0-0:14.0.0", 6, "activation", RATED),
    ("0-0:15.0.0", 22, "unset", 22),
    ("0-0:16.1.0", 21, "unset", 21),
    ("0-0:17.0.0", 71, "limiter", None),
    ("0-0:44.0.0", 18, "unset", 18),
    ("0-0:96.3.10", 70, "unset", 70, "relay"),
    ("0-0:2.0.1", 27, "modem", "port1", "modem1"),
    ("0-0:2.0.2", 27, "modem", "port2", "modem2"),
    ("0-0:2.1.0", 29, "unset", 29, "modem"),
    ("0-0:2.2.0", 28, "unset", 28, "modem"),
    ("0-0:96.62.0", 1, "control_table", None),
    ("0-0:96.62.1", 1, "refusal", "control_table"),
    ("0-0:96.62.2", 1, "refusal", "time_switch", "time_switch"),
    ("0-0:14.0.1", 6, "activation", MAXIMUM, "demand"),
    ("0-0:10.0.104", 9, "scripts", "led", "reactive"),
)


# C, D, E of the rows of TABLE, three bytes each; of those that are named in full a code that no row has
_GROUPS = b"".join([b"\xff\xff\xff" if ":" in row[0] else obis.parse(row[0])[2:5] for row in TABLE])


def defined(c: int, d: int, e: int) -> tuple:
    """(row, phase or TOTAL) of the table that defines a code; row None if there is none."""
    for n in (TOTAL, 0, 1, 2):
        base = c - PHASE_C * (n + 1)
        if base < 0:
            break
        place = find_name(_GROUPS, bytes((base, d, e)))
        if place >= 0 and base != 0xFF:
            return TABLE[place], n
    return None, TOTAL


def find_name(names: bytes, name: bytes) -> int:
    """Place of `name` among `names`, which all have its length and follow each other; -1 if it is none of them."""
    at = names.find(name)
    while at > 0 and at % len(name):
        at = names.find(name, at + 1)
    return at // len(name) if at >= 0 else -1
