"""The table of the meter's objects.

What it does not hold is derived from it: the phases of a quantity, whose C is the total's plus 20, 40 or 60
(IEC 62056-61), the harmonics of U and I, whose E is the order, and the parameters, C.61 with their number.
"""

from micropython import const

from meter.cosem import obis

TOTAL = const(-1)  # in place of a phase 0..2
PHASE_C = const(20)
PARAMETERS = (96, 61)  # C and D
MAX_ORDER = const(40)

# Code, kind (of ObjectModel's methods, with an underscore before it), what the kind's method takes.
# Kinds "actual" of u and i and "thd" exist per phase only: their row is where the phases' C is counted from.
TABLE = (
    ("0-0:1.0.0", "clock", ""),
    ("F.F", "data", "error_text"),
    ("0.0.0", "data", "serial_number"),
    ("0.9.1", "time", ""),
    ("0.9.2", "date", ""),
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
    ("0.3.1", "parameter", "led_constant"),
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
    ("C.60.0", "data", "calibration_readings"),
    ("C.60.1", "data", "calibration_record"),
)


def defined(c: int, d: int, e: int) -> tuple:
    """(row, phase or TOTAL) of the table that defines a code; row None if there is none."""
    for n in (TOTAL, 0, 1, 2):
        base = c - PHASE_C * (n + 1)
        if base < 0:
            break
        code = obis.short(bytes((0, 0, base, d, e, 255)))
        for row in TABLE:
            if row[0] == code:
                return row, n
    return None, TOTAL
