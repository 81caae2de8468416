"""The parameters and their one door."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from host_tests.stored_parameters import Ram, life, store, stored
from meter import parameters as module
from meter.metrology.energies import ADVANCE, AVERAGE, MOMENT, MOMENTS, MOST_CHANNELS, NAMES, STATUS
from meter.parameters import ParameterRefused, Parameters
from meter.storage.layout import PARAMETERS
from tools.bench import firmware_code

NUMBERS = {row[1]: row[0] for row in module.TABLE}


def test_a_new_meter_runs_on_the_products_defaults_without_error() -> None:
    parameters = life(Ram())
    assert (parameters.led_constant, parameters.reaction_ms, parameters.changeover_ms) == (10_000, 200, 1_000)
    assert (parameters.max_baud_char, parameters.display_seconds, parameters.obis_b) == ("5", 8, 1)
    assert (parameters.nominal_voltage, parameters.nominal_current_ma, parameters.nominal_hz) == (230, 5_000, 50)
    assert (parameters.network, parameters.summation, parameters.apparent) == ("3P4W", "vector", "vector")
    assert (parameters.registration, parameters.ct_numerator, parameters.vt_denominator) == ("secondary", 1, 1)
    assert parameters.address == parameters.sum_channel_1 == parameters.sum_channel_2 == ""
    assert not parameters.checksum_error


def test_numbers_and_names_are_unique_and_defaults_pass_their_own_check() -> None:
    assert len(NUMBERS) == len(set(NUMBERS.values())) == len(module.TABLE)
    for row in module.TABLE:
        Parameters(Ram()).set(row[1], row[3], 4)


def test_numbers_are_those_of_the_meters_in_the_field() -> None:
    field = """
        1 led_constant, 2 reaction_ms, 3 changeover_ms, 4 max_baud_char, 5 display_seconds, 6 obis_b, 7 address,
        8 nominal_voltage, 9 nominal_current_ma, 10 nominal_hz, 11 network, 12 summation, 13 apparent,
        14 registration, 15 ct_numerator, 16 ct_denominator, 17 vt_numerator, 18 vt_denominator, 19 sum_channel_1,
        20 sum_channel_2, 21 p1_password, 22 p2_password, 30 optical_mode, 31 port1_mode, 32 port2_mode,
        41 optical_iec_mode, 42 port1_iec_mode, 43 port2_iec_mode, 44 port1_start_rate, 45 port2_start_rate,
        50 output_1, 51 output_2, 52 output_3, 53 output_4, 54 output_5, 55 output_6, 56 relay_on_s,
        57 relay_off_s, 58 led_2, 59 led_constant_reactive,
        60 hdlc_address, 61 hdlc_window, 62 hdlc_max_info, 63 hdlc_inter_octet_ms, 64 hdlc_inactivity_s,
        65 tcp_port, 66 tcp_inactivity_s, 70 access_0, 71 access_1, 72 access_2, 73 access_3, 74 access_4,
        75 access_5, 76 w5_password, 77 password_4, 78 password_5, 79 hls_secret_1, 80 hls_secret_2,
        81 hls_secret_3, 82 hls_secret_4, 83 hls_secret_5, 84 unicast_key, 85 broadcast_key, 86 authentication_key,
        87 master_key, 88 security_policy, 89 max_attempts, 90 lock_hours, 100 calendar, 101 time_zone,
        102 dst_enabled, 103 dst_begin, 104 dst_end, 105 dst_minutes, 106 shift_limit_s, 107 mains_sync,
        108 sync_limit_s, 109 clock_trim, 110 persian_on_wire, 120 fallback_rate,
        140 rated_quantities, 141 rates, 142 demand_quantities, 143 demand_period_min, 144 demand_subperiods,
        145 demand_control, 146 demand_on_tariff_change, 147 demand_on_reset, 148 demand_inhibition_s,
        150 energy_digits, 151 energy_decimals, 152 rated_digits, 153 rated_decimals, 154 demand_digits,
        155 demand_decimals, 156 rated_registers,
        160 reset_sources, 161 snapshot_sources, 162 reset_lockout_min, 163 reset_day, 164 reset_hour,
        165 reset_minute, 166 readout_periods, 170 profile_1_period_min, 171 profile_1_channels,
        172 profile_2_period_min,
        173 profile_2_channels, 176 undervoltage_percent, 177 overvoltage_percent, 178 voltage_delay_s,
        179 monitor_hysteresis_percent, 180 no_voltage_percent, 181 no_voltage_mille, 182 no_voltage_delay_s,
        183 overcurrent_percent, 184 neutral_current_percent, 185 limit_delay_s, 186 phase_power_limit_w,
        187 power_limit_va, 188 demand_limit_w, 190 long_failure_s,
        200 display_mode, 201 display_list, 202 menu_list,
        203 installation_list, 204 leading_zeros, 205 display_timeout_s, 206 display_periods
    """
    assert {name: int(number) for number, name in (pair.split() for pair in field.split(","))} == NUMBERS
    assert [Parameters(Ram()).name(number) for number in NUMBERS.values()] == list(NUMBERS)
    with pytest.raises(KeyError):
        Parameters(Ram()).name(99)


def test_a_change_holds_now_and_in_the_next_life() -> None:
    ram = Ram()
    parameters = life(ram)
    assert parameters.set("display_seconds", 12, 2)
    assert parameters.set("address", "0012 ab", 2)
    assert parameters.set("max_baud_char", "6", 3)
    for again in (parameters, life(ram)):
        assert (again.display_seconds, again.address, again.max_baud_char) == (12, "0012 ab", "6")
        assert again.get("reaction_ms") == 200
    assert not parameters.set("display_seconds", 12, 2)  # nothing changed
    assert stored(ram)[5] == struct.pack("<i", 12) and stored(ram)[7] == b"0012 ab"


@pytest.mark.parametrize(
    ("name", "value", "level", "reason"),
    [
        ("no_such", 1, 4, module.UNKNOWN),
        ("_rows", 1, 4, module.UNKNOWN),
        ("led_constant", 5_000, 3, module.LEVEL),
        ("reaction_ms", 300, 0, module.LEVEL),
        ("reaction_ms", 300, 5, module.LEVEL),  # consumer levels are not above service levels
        ("reaction_ms", 300, 6, module.LEVEL),
        ("reaction_ms", 99_999, 1, module.LEVEL),  # the level is looked at first
        ("reaction_ms", 19, 4, module.RANGE),
        ("reaction_ms", 1_501, 4, module.RANGE),
        ("reaction_ms", "300", 4, module.KIND),
        ("reaction_ms", 300.0, 4, module.KIND),
        ("reaction_ms", True, 4, module.KIND),
        ("reaction_ms", None, 4, module.KIND),
        ("nominal_hz", 55, 4, module.RANGE),
        ("nominal_current_ma", 2_000, 4, module.RANGE),
        ("max_baud_char", "7", 4, module.RANGE),
        ("max_baud_char", "", 4, module.RANGE),
        ("max_baud_char", "55", 4, module.RANGE),
        ("max_baud_char", 5, 4, module.KIND),
        ("address", "1" * 33, 4, module.RANGE),
        ("address", "12-34", 4, module.RANGE),
        ("address", "12/34!", 4, module.RANGE),
        ("address", "Zähler", 4, module.RANGE),
        ("address", b"1234", 4, module.KIND),
        ("network", "3P3W", 3, module.LEVEL),
        ("network", "3p3w", 4, module.RANGE),
        ("network", "", 4, module.RANGE),
        ("network", 3, 4, module.KIND),
        ("registration", "both", 4, module.RANGE),
        ("ct_numerator", 0, 4, module.RANGE),
        ("ct_denominator", 100_001, 4, module.RANGE),
        ("vt_numerator", 1_000_001, 4, module.RANGE),
        ("sum_channel_1", "a_import+a_export", 3, module.LEVEL),
        ("sum_channel_1", "a_import+r_import", 4, module.RANGE),
        ("sum_channel_2", "a_import", 4, module.RANGE),
        ("sum_channel_2", None, 4, module.KIND),
    ],
)
def test_a_refused_change_gives_its_reason_and_changes_nothing(name: str, value: Any, level: int, reason: str) -> None:
    ram = Ram()
    parameters = life(ram)
    parameters.set("reaction_ms", 250, 4)
    before, values = bytes(ram.content), {each: parameters.get(each) for each in parameters.names()}
    with pytest.raises(ParameterRefused, match=reason) as refused:
        parameters.set(name, value, level)
    assert (refused.value.name, refused.value.reason) == (name, reason)
    assert ram.content == before
    assert values == {each: parameters.get(each) for each in parameters.names()}


def test_words_and_sum_channels_hold_in_the_next_life() -> None:
    ram = Ram()
    parameters = life(ram)
    changes = {"network": "3P3W", "summation": "separate", "registration": "primary", "sum_channel_2": "r1+r4"}
    for name, value in changes.items():
        assert parameters.set(name, value, 4)
    parameters.set("sum_channel_1", "a_import+a_export", 4)
    parameters.set("sum_channel_1", "", 4)
    again = life(ram)
    assert {name: again.get(name) for name in changes} == changes
    assert again.sum_channel_1 == "" and stored(ram)[11] == b"3P3W"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("reaction_ms", "0300", 300), ("network", "1P2W", "1P2W"), ("address", "0815", "0815"), ("nominal_hz", "60", 60)],
)
def test_a_printed_value_goes_through_the_same_door(name: str, text: str, value: Any) -> None:
    parameters = life(Ram())
    assert parameters.set_text(name, text, 4) and parameters.get(name) == value


@pytest.mark.parametrize(
    ("name", "text", "level", "reason"),
    [
        ("reaction_ms", "", 4, module.KIND),
        ("reaction_ms", "-300", 4, module.RANGE),
        ("reaction_ms", "--300", 4, module.KIND),
        ("time_zone", "-", 4, module.KIND),
        ("time_zone", "+60", 4, module.KIND),
        ("time_zone", "-721", 4, module.RANGE),
        ("dst_begin", "ffff03fe070100000000000", 4, module.KIND),  # half an octet
        ("dst_begin", "ffff03fe0701000000000000ff", 4, module.RANGE),
        ("reaction_ms", "3e2", 4, module.KIND),
        ("reaction_ms", "٣٠٠", 4, module.KIND),  # digits, but not these
        ("reaction_ms", "9" * 40, 4, module.RANGE),
        ("reaction_ms", "300", 1, module.LEVEL),
        ("no_such", "1", 4, module.UNKNOWN),
        ("network", "4P4W", 4, module.RANGE),
    ],
)
def test_a_printed_value_is_refused_like_any_other(name: str, text: str, level: int, reason: str) -> None:
    with pytest.raises(ParameterRefused, match=reason):
        life(Ram()).set_text(name, text, level)


def test_profiles_of_as_many_of_the_longest_channels_as_there_may_be_last() -> None:
    """The length of an entry is one byte: 255 characters."""
    every = [form + name for form in (ADVANCE, STATUS, AVERAGE) for name in NAMES] + [MOMENT + name for name in MOMENTS]
    longest = sorted(every, key=len)[-MOST_CHANNELS:]
    assert len(longest) == 36 and len(",".join(longest)) > 240
    ram = Ram()
    for profile in ("profile_1_channels", "profile_2_channels"):
        assert life(ram).set_text(profile, ",".join(longest), 3)
    again = life(ram)
    assert again.profile_1_channels == again.profile_2_channels == ",".join(longest) and not again.replaced
    with pytest.raises(ParameterRefused, match="range"):
        again.set("profile_1_channels", ",".join([*longest, every[-1]]), 3)


def test_the_benchs_image_is_what_a_meter_stores_that_is_set_by_hand() -> None:
    ram = Ram()
    by_hand = life(ram, defaults={"address": "60800001"})
    values = {"network": "3P3W", "nominal_voltage": 100, "ct_numerator": 500, "sum_channel_1": "a_import+a_export"}
    for name, value in values.items():
        by_hand.set(name, value, 4)
    address, image = firmware_code.parameters_image(values, "60800001")
    manufactured = Ram()
    manufactured.content[address : address + len(image)] = image
    assert stored(manufactured) == stored(ram)
    parameters = life(manufactured)
    assert parameters.address == "60800001" and parameters.network == "3P3W" and not parameters.replaced
    with pytest.raises(ParameterRefused):
        firmware_code.parameters_image({"network": "5P"}, "60800001")


def test_attributes_cannot_be_assigned_past_the_door() -> None:
    parameters = life(Ram())
    with pytest.raises(AttributeError, match="set"):
        parameters.reaction_ms = 20
    with pytest.raises(AttributeError):
        _ = parameters.no_such
    assert parameters.reaction_ms == 200


def test_a_failing_memory_leaves_the_old_value_in_force() -> None:
    ram = Ram()
    parameters = life(ram)
    ram.fail = True
    with pytest.raises(OSError):
        parameters.set("reaction_ms", 300, 4)
    assert parameters.reaction_ms == 200


def test_a_memory_that_takes_a_change_only_once_is_named_and_the_new_value_holds_now_and_later() -> None:
    ram = Ram()
    parameters = life(ram)
    parameters.set("reaction_ms", 250, 4)
    ram.keeps, ram.loses = 1, 10**9
    assert parameters.set("reaction_ms", 300, 4) and parameters.one_copy
    assert parameters.reaction_ms == life(ram).reaction_ms == 300
    ram.keeps = 2
    assert not parameters.set("reaction_ms", 300, 4)  # no change, but now it is kept twice
    assert not parameters.one_copy
    ram.content[PARAMETERS.address + 12] ^= 1
    assert life(ram).reaction_ms == 300


def test_a_write_that_fails_now_and_then_is_made_again() -> None:
    ram = Ram()
    parameters = life(ram)
    ram.keeps, ram.loses = 1, 2
    assert parameters.set("reaction_ms", 300, 4) and not parameters.one_copy
    for slot in (0, 1):
        half = Ram()
        half.content[:] = ram.content
        half.content[PARAMETERS.address + slot * PARAMETERS.size // 2 + 12] ^= 1
        assert life(half).reaction_ms == 300


def test_nothing_is_saved_over_a_set_that_could_not_be_read() -> None:
    ram = Ram()
    life(ram).set("reaction_ms", 300, 4)
    before = bytes(ram.content)
    silent = Parameters(ram)
    silent.locked = True
    with pytest.raises(OSError):
        silent.set("obis_b", 0, 4)
    assert ram.content == before and silent.obis_b == 1
    never_loaded = Parameters(ram)
    never_loaded.set("obis_b", 0, 4)
    assert never_loaded.reaction_ms == life(ram).reaction_ms == 300


def test_every_change_is_logged_and_nothing_else() -> None:
    numbers: list[int] = []
    ram = Ram()
    parameters = life(ram)
    parameters.log = numbers.append
    for name, value in (("reaction_ms", 300), ("reaction_ms", 300), ("network", "3P3W"), ("obis_b", 1)):
        parameters.set(name, value, 4)
    with pytest.raises(ParameterRefused):
        parameters.set("reaction_ms", 3, 4)
    ram.fail = True
    with pytest.raises(OSError):
        parameters.set("obis_b", 0, 4)
    assert numbers == [2, 11]


def test_a_new_start_is_due_while_a_parameter_that_is_read_at_start_is_another() -> None:
    ram = Ram()
    parameters = life(ram)
    parameters.set("reaction_ms", 300, 4)
    assert not parameters.restart_due
    parameters.set("summation", "absolute", 4)
    assert parameters.restart_due and not life(ram).restart_due
    parameters.set("summation", "vector", 4)
    assert not parameters.restart_due
    assert set(module.NEXT_START) <= set(NUMBERS)


@pytest.mark.parametrize(
    ("network", "volts"), [("3P4W", 278), ("3P4W", 400), ("1P2W", 480), ("2P3W", 415), ("3P3W", 99), ("3P3W", 58)]
)
def test_a_nominal_voltage_that_its_network_does_not_have_is_refused_whichever_comes_last(
    network: str, volts: int
) -> None:
    """58/100 to 277/480 V are made: 57 to 277 V to the neutral, 100 to 480 V between phases."""
    parameters = life(Ram())
    parameters.set("network", network, 4)
    with pytest.raises(ParameterRefused, match=module.RANGE):
        parameters.set("nominal_voltage", volts, 4)
    other = life(Ram())
    if network != "3P3W":
        other.set("network", "3P3W", 4)
    other.set("nominal_voltage", volts, 4)
    with pytest.raises(ParameterRefused, match=module.RANGE):
        other.set("network", network, 4)
    assert other.consistent and parameters.consistent


def test_a_stored_voltage_that_its_network_does_not_have_is_said_and_can_be_mended() -> None:
    ram = Ram()
    store(ram, {8: struct.pack("<i", 400), 11: b"3P4W"})
    parameters = life(ram)
    assert not parameters.consistent and parameters.nominal_voltage == 400
    parameters.set("nominal_voltage", 230, 4)
    assert life(ram).consistent


def test_pulses_faster_than_the_output_can_give_them_are_refused_whichever_comes_last() -> None:
    """3 x 230 V x 115 % x 10 A are 7.9 kW, 22 pulses a second of 10 000 imp/kWh: the data sheet's 25 Hz at 20 ms."""
    parameters = life(Ram())
    parameters.set("output_1", "pulse a_import 10000 20", 4)
    for text in ("pulse a_import 10000 40", "pulse a_import 12000 20", "pulse a_import 1000 240"):
        with pytest.raises(ParameterRefused, match=module.RANGE):
            parameters.set("output_1", text, 4)
    with pytest.raises(ParameterRefused, match=module.RANGE):
        parameters.set("nominal_voltage", 277, 4)
    assert (parameters.output_1, parameters.nominal_voltage) == ("pulse a_import 10000 20", 230)
    parameters.set("nominal_current_ma", 1_000, 4)  # 6 A at most
    parameters.set("nominal_voltage", 277, 4)
