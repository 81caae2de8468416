"""The table of the parameters: number, name, kind, default, limits, and the level that may change each.

What can be done with them is in parameters.py.
"""

from micropython import const

from meter.time_zone import EU_BEGIN, EU_END

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

# Kinds. Low and high mean: INT smallest and largest value; CHOICE and WORD the allowed integers or strings (in low);
# CHAR first and last character; TEXT, ADDRESS, PASSWORD, SECRET and CODES shortest and longest length; SUM, LIST and
# CHANNELS nothing; MASK bits of which one at least is set, and all bits there are; KEY 0 if there may be none.
INT = const(0)
CHOICE = const(1)
CHAR = const(2)
TEXT = const(3)  # printable ASCII that may stand in a data set: no ( ) * / !
ADDRESS = const(4)  # device address of IEC 62056-21: digits, letters, space
WORD = const(5)
SUM = const(6)  # what a sum channel adds up: two energies "a_import+a_export", or nothing ""
MASK = const(7)
RULE = const(11)  # when daylight saving begins or ends (time_zone.py); as text hexadecimal
# Nobody reads these. As text the last two are hexadecimal.
PASSWORD = const(8)  # as TEXT
SECRET = const(9)  # octets
KEY = const(10)  # 16 octets
# As text: lists, see metrology/energies.py
LIST = const(12)  # of energies
CHANNELS = const(13)  # of a load profile
CODES = const(14)  # of objects, "1.8.0,C.7.0"; "" is the list that follows from type and network
OUTPUT = const(20)  # what an output contact does (output_function.py)

_PERIODS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60)  # min: whole ones make an hour
_START_RATES = (300, 2_400, 4_800, 9_600, 19_200, 38_400)  # Bd

# Number (never used again for anything else), name, kind, default, low, high, lowest level that may change it.
TABLE: "tuple[tuple[int, str, int, Any, Any, Any, int], ...]" = (
    # imp/kWh of the test LEDs. From 1040 on the chip can do; beyond 20 000 its divider's rounding exceeds 0.015 %.
    (1, "led_constant", INT, 10_000, 2_000, 20_000, 4),
    (2, "reaction_ms", INT, 200, 20, 1_500, 2),  # IEC 62056-21, reaction time
    (3, "changeover_ms", INT, 1_000, 20, 1_500, 2),  # from the option select message to the first character of data
    (4, "max_baud_char", CHAR, "5", "0", "6", 2),  # 300 to 19 200 Bd
    (5, "display_seconds", INT, 8, 1, 60, 2),  # per item of the rolling list
    (6, "obis_b", INT, 1, 0, 64, 3),  # channel of the electricity codes
    (7, "address", ADDRESS, "", 0, 32, 2),  # device address of the IEC ports
    (8, "nominal_voltage", INT, 230, 57, 480, 4),  # V, phase to neutral; in 3P3W phase to phase
    (9, "nominal_current_ma", CHOICE, 5_000, (1_000, 5_000), None, 4),
    (10, "nominal_hz", CHOICE, 50, (50, 60), None, 4),
    (11, "network", WORD, "3P4W", ("3P4W", "1P2W", "2P3W", "3P3W"), None, 4),
    (12, "summation", WORD, "vector", ("vector", "absolute", "separate"), None, 4),  # of the phases' powers
    (13, "apparent", WORD, "vector", ("vector", "rms"), None, 4),  # S = sqrt(P**2 + Q**2), or U * I
    # What is shown; see cosem/registration.py
    (14, "registration", WORD, "secondary", ("secondary", "primary"), None, 4),
    (15, "ct_numerator", INT, 1, 1, 100_000, 4),  # current transformer, e.g. 500 / 5
    (16, "ct_denominator", INT, 1, 1, 100_000, 4),
    (17, "vt_numerator", INT, 1, 1, 1_000_000, 4),  # voltage transformer, e.g. 20000 / 100
    (18, "vt_denominator", INT, 1, 1, 1_000_000, 4),
    (19, "sum_channel_1", SUM, "", None, None, 4),
    (20, "sum_channel_2", SUM, "", None, None, 4),
    (21, "p1_password", PASSWORD, "00000000", 1, 16, 2),  # of level 1: IEC 62056-21, P1; DLMS, client 32
    (22, "p2_password", PASSWORD, "00000000", 1, 16, 4),  # of level 2: P2; client 48
    # What a port starts with, 0 IEC 62056-21 or 1 HDLC
    (30, "optical_mode", INT, 0, 0, 1, 2),
    (31, "port1_mode", INT, 0, 0, 1, 2),
    (32, "port2_mode", INT, 0, 0, 1, 2),
    # IEC 62056-21 by port. A start rate other than 300 Bd is kept in all of a session
    (41, "optical_iec_mode", WORD, "C", ("A", "B", "C"), None, 2),
    (42, "port1_iec_mode", WORD, "C", ("A", "B", "C"), None, 2),
    (43, "port2_iec_mode", WORD, "C", ("A", "B", "C"), None, 2),
    (44, "port1_start_rate", CHOICE, 300, _START_RATES, None, 2),
    (45, "port2_start_rate", CHOICE, 300, _START_RATES, None, 2),
    # Output contacts and the relay, as many as the type has (output_function.py)
    (50, "output_1", OUTPUT, "control", None, None, 4),
    (51, "output_2", OUTPUT, "control", None, None, 4),
    (52, "output_3", OUTPUT, "control", None, None, 4),
    (53, "output_4", OUTPUT, "control", None, None, 4),
    (54, "output_5", OUTPUT, "control", None, None, 4),
    (55, "output_6", OUTPUT, "control", None, None, 4),
    (56, "relay_on_s", INT, 0, 0, 3_600, 3),  # the least times it is closed, and open
    (57, "relay_off_s", INT, 0, 0, 3_600, 3),
    (58, "led_2", WORD, "reactive", ("reactive", "active"), None, 4),  # what the second test LED shows
    (59, "led_constant_reactive", INT, 10_000, 2_000, 20_000, 4),  # imp/kvarh
    # HDLC, on all ports. Window and length are limits: a client that asks for none gets 1 and 128
    (60, "hdlc_address", INT, 0, 0, 16_381, 2),  # lower address; 0: last four digits of the serial number, plus 1000
    (61, "hdlc_window", INT, 7, 1, 7, 2),
    (62, "hdlc_max_info", INT, 1_024, 32, 2_030, 2),  # bytes
    (63, "hdlc_inter_octet_ms", INT, 25, 20, 6_000, 2),
    (64, "hdlc_inactivity_s", INT, 120, 0, 65_535, 2),  # 0: never
    (65, "tcp_port", INT, 4_059, 1, 65_535, 2),
    (66, "tcp_inactivity_s", INT, 180, 0, 65_535, 2),  # 0: never
    # Conditions of the levels: channels (1 optical, 2 and 4 electrical ports, 8 TCP), 16 seal broken, 32 HLS only
    (70, "access_0", MASK, 0x0F, 0x0F, 0x0F, 3),
    (71, "access_1", MASK, 0x0F, 0x0F, 0x3F, 3),
    (72, "access_2", MASK, 0x0F, 0x0F, 0x3F, 3),
    (73, "access_3", MASK, 0x0F, 0x0F, 0x3F, 4),
    (74, "access_4", MASK, 0x0F, 0x0F, 0x3F, 4),
    (75, "access_5", MASK, 0x0F, 0x0F, 0x3F, 3),
    (76, "w5_password", PASSWORD, "00000000", 1, 16, 3),  # of level 3: W5; client 64
    (77, "password_4", PASSWORD, "00000000", 1, 16, 4),  # client 80
    (78, "password_5", PASSWORD, "00000000", 1, 16, 3),  # client 96
    (79, "hls_secret_1", SECRET, b"test HLS secret1", 16, 64, 3),
    (80, "hls_secret_2", SECRET, b"test HLS secret2", 16, 64, 3),
    (81, "hls_secret_3", SECRET, b"test HLS secret3", 16, 64, 3),
    (82, "hls_secret_4", SECRET, b"test HLS secret4", 16, 64, 4),
    (83, "hls_secret_5", SECRET, b"test HLS secret5", 16, 64, 3),
    # Keys of security suite 0. These defaults are known to everybody: the standard's examples, and RFC 3394's
    (84, "unicast_key", KEY, bytes(range(0x10)), 16, 16, 3),
    (85, "broadcast_key", KEY, b"", 0, 16, 3),
    (86, "authentication_key", KEY, bytes(range(0xD0, 0xE0)), 16, 16, 3),
    (87, "master_key", KEY, bytes(range(0x10)), 16, 16, 3),
    (88, "security_policy", INT, 0, 0, 3, 3),  # 1 authenticated, 2 encrypted, 3 both
    (89, "max_attempts", INT, 3, 1, 10, 3),  # wrong passwords in a row until the level is locked
    (90, "lock_hours", INT, 24, 1, 240, 3),
    # Local time
    (100, "calendar", WORD, "gregorian", ("gregorian", "persian"), None, 3),
    (101, "time_zone", INT, 0, -720, 840, 3),  # minutes ahead of UTC, without daylight saving
    (102, "dst_enabled", INT, 0, 0, 1, 3),
    (103, "dst_begin", RULE, EU_BEGIN, None, None, 3),  # in the meter's calendar
    (104, "dst_end", RULE, EU_END, None, None, 3),
    (105, "dst_minutes", INT, 60, -120, 120, 3),
    (106, "shift_limit_s", INT, 9, 0, 60, 3),  # up to that a changed time is a shift, which leaves periods alone
    (107, "mains_sync", INT, 0, 0, 1, 3),
    (108, "sync_limit_s", INT, 60, 1, 900, 3),  # how far mains may lead the clock away since it was set
    (109, "clock_trim", INT, 0, -127, 127, 3),  # tenths of a ppm by which the chip is slowed
    (110, "persian_on_wire", INT, 0, 0, 1, 3),  # date-times of COSEM too are in the meter's calendar
    # Time switch and control table. Their own changes are logged as 130 to 133
    (120, "fallback_rate", INT, 1, 1, 8, 3),  # while the clock is not valid, or no season holds
    # Registers by rate: energies times rates are 24 at most. The period of demand in whole seconds' sub-periods
    (140, "rated_quantities", LIST, "a_import,a_export,r1,r2,r3,r4", None, None, 4),
    (141, "rates", INT, 4, 1, 8, 4),
    (142, "demand_quantities", LIST, "a_import,a_export", None, None, 4),
    (143, "demand_period_min", CHOICE, 15, _PERIODS, None, 4),
    (144, "demand_subperiods", INT, 1, 1, 15, 4),  # 1: block, more: sliding
    (145, "demand_control", WORD, "clock", ("clock", "external"), None, 4),  # what ends a period; load profile 1's too
    (146, "demand_on_tariff_change", INT, 0, 0, 1, 4),  # 0: the period goes on, 1: it ends
    (147, "demand_on_reset", INT, 0, 0, 1, 4),
    (148, "demand_inhibition_s", INT, 0, 0, 3_600, 4),  # after power-up
    # Digits in all, and decimals of kWh and kW where that many are enough; see cosem/registration.py
    (150, "energy_digits", INT, 8, 5, 8, 4),
    (151, "energy_decimals", INT, 2, 0, 4, 4),
    (152, "rated_digits", INT, 8, 5, 8, 4),
    (153, "rated_decimals", INT, 2, 0, 4, 4),
    (154, "demand_digits", INT, 6, 4, 8, 4),
    (155, "demand_decimals", INT, 3, 0, 3, 4),
    (156, "rated_registers", WORD, "running", ("running", "period"), None, 4),  # go on, or begin at each billing reset
    # Billing resets. Sources: 1 button, 2 input, 4 communication, 8 time switch, 16 tariff change
    (160, "reset_sources", INT, 0x0F, 0, 0x1F, 3),
    (161, "snapshot_sources", INT, 0, 0, 0x1F, 3),  # of the second scheme, which stores without clearing
    (162, "reset_lockout_min", INT, 60, 0, 1_440, 3),  # after a reset by button, input or communication; 0: none
    (163, "reset_day", CHOICE, 31, (0,) + tuple(range(1, 29)) + (31,), None, 3),  # 0: off, 31: the month's last
    (164, "reset_hour", INT, 0, 0, 23, 3),  # on day 31 00:00 is midnight at its end
    (165, "reset_minute", INT, 0, 0, 59, 3),
    (166, "readout_periods", INT, 15, 0, 99, 2),  # stored periods in the readout lists, if there are as many
    (170, "profile_1_period_min", CHOICE, 15, _PERIODS, None, 3),
    (171, "profile_1_channels", CHANNELS, "a_import,a_export,r1,r2,r3,r4", None, None, 3),
    (172, "profile_2_period_min", CHOICE, 15, _PERIODS, None, 3),
    (173, "profile_2_channels", CHANNELS, "@u1,@u2,@u3,@i1,@i2,@i3,@pf,@f", None, None, 3),
    # Monitors (events/monitors.py); 0 switches a limit off. Currents as shares of Imax, powers at the terminals
    (176, "undervoltage_percent", INT, 90, 0, 100, 3),
    (177, "overvoltage_percent", INT, 110, 0, 200, 3),
    (178, "voltage_delay_s", INT, 3, 0, 3_600, 3),  # of phase failure and field direction too
    (179, "monitor_hysteresis_percent", INT, 2, 0, 20, 3),  # of the limit
    (180, "no_voltage_percent", INT, 78, 0, 100, 3),  # a current above the next limit at a voltage below this one
    (181, "no_voltage_mille", INT, 1, 0, 1_000, 3),
    (182, "no_voltage_delay_s", INT, 2, 0, 3_600, 3),
    (183, "overcurrent_percent", INT, 120, 0, 500, 3),
    (184, "neutral_current_percent", INT, 0, 0, 500, 3),
    (185, "limit_delay_s", INT, 10, 0, 3_600, 3),  # of currents and powers
    (186, "phase_power_limit_w", INT, 0, 0, 100_000, 3),  # in either direction
    (187, "power_limit_va", INT, 0, 0, 300_000, 3),
    (188, "demand_limit_w", INT, 0, 0, 300_000, 3),  # of each energy's demand, var and VA alike
    (190, "long_failure_s", INT, 180, 1, 65_535, 3),  # mains away for longer is a long failure
    # Display, beside 5
    (200, "display_mode", WORD, "rolling", ("rolling", "fixed"), None, 2),  # fixed: the list's first value
    (201, "display_list", CODES, "", 0, 240, 2),  # of the operating display
    (202, "menu_list", CODES, "", 0, 240, 2),  # "Std dAtA" of the display menu
    (203, "installation_list", CODES, "", 0, 240, 2),  # "SEr dAtA" of both menus
    (204, "leading_zeros", INT, 1, 0, 1, 2),
    (205, "display_timeout_s", INT, 120, 10, 3_600, 2),  # until the operating display comes back by itself
    (206, "display_periods", INT, 15, 0, 99, 2),  # stored periods in the display menu, if there are as many
)

# Parts of the meter are made of these when it starts: a change shows at once and takes effect with the next start.
NEXT_START = (
    "led_constant",
    "led_2",
    "led_constant_reactive",
    "output_1",
    "output_2",
    "output_3",
    "output_4",
    "output_5",
    "output_6",
    "obis_b",
    "nominal_voltage",
    "nominal_current_ma",
    "nominal_hz",
    "network",
    "summation",
    "apparent",
    "registration",
    "ct_numerator",
    "ct_denominator",
    "vt_numerator",
    "vt_denominator",
    "sum_channel_1",
    "sum_channel_2",
    "rated_quantities",
    "rates",
    "demand_quantities",
    "demand_period_min",
    "demand_subperiods",
    "demand_control",
    "energy_digits",
    "energy_decimals",
    "rated_digits",
    "rated_decimals",
    "demand_digits",
    "demand_decimals",
    "rated_registers",
    "reset_day",
    "reset_hour",
    "reset_minute",
    "profile_1_period_min",
    "profile_1_channels",
    "profile_2_period_min",
    "profile_2_channels",
)
