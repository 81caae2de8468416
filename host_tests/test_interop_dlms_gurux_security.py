"""A live meter with gurux-dlms: ciphered associations, policies, new keys, and what wrong passwords bring about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gurux_dlms.enums import DataType
from gurux_dlms.objects import GXDLMSData, GXDLMSProfileGeneric, GXDLMSSecuritySetup
from gurux_dlms.objects.enums import GlobalKeyType

from host_tests.live_meter import (
    PASSWORD,
    PORT_1,
    TCP,
    live_meter,
    lls,
    over_line,
    over_tcp,
    until,
)
from tools.bench import Bench
from tools.meter import Client, Login, MeterError

SERIAL_NUMBER, PARAMETER = GXDLMSData("0.0.96.1.0.255"), GXDLMSData("0.0.96.61.2.255")  # reaction_ms, level 2
COUNTER, EVENT_LOG = GXDLMSData("0.0.43.1.0.255"), GXDLMSProfileGeneric("0.0.99.98.0.255")
SECRETS = [f"test HLS secret{level}" for level in range(6)]
LOG_IN_FAILED, LOCKED = 180, 94  # events


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with live_meter(parameters={"max_attempts": 10}) as bench:
        yield bench


# --- ciphering ------------------------------------------------------------------------------------------------------


def last_counter(bench: Bench) -> int:
    """As the public client finds it."""
    with over_tcp(bench) as meter:
        return int(meter.read(COUNTER))


@pytest.mark.parametrize(
    ("mechanism", "protection"),
    [
        (how, what)
        for how in ("lls", "gmac", "sha256")
        for what in ("auth", "encr", "both")
        if (how, what) != ("lls", "encr")
    ],
)
def test_ciphered_reads_and_writes(bench: Bench, mechanism: str, protection: str) -> None:
    password = PASSWORD if mechanism == "lls" else SECRETS[2]
    login = Login(
        level=2, mechanism=mechanism, password=password, protection=protection, counter=last_counter(bench) + 1
    )
    with over_tcp(bench, login) as meter:
        assert meter.read(SERIAL_NUMBER) == bench.serial
        for value in (300, 200):
            meter.write(PARAMETER, 2, value, DataType.INT32)
            assert meter.read(PARAMETER) == value
        assert len(meter.objects) > 150


def test_a_counter_that_was_used_is_refused(bench: Bench) -> None:
    first = last_counter(bench) + 1
    login = Login(level=1, mechanism="lls", password=PASSWORD, protection="both", counter=first)
    with over_tcp(bench, login) as meter:
        assert meter.read(SERIAL_NUMBER) == bench.serial
    assert last_counter(bench) > first
    with pytest.raises(MeterError), over_tcp(bench, login):
        pass
    with over_tcp(bench, lls(1, protection="both", counter=last_counter(bench) + 1)) as meter:
        meter.gurux.ciphering.invocationCounter = first
        with pytest.raises(MeterError):
            meter.read(SERIAL_NUMBER)


@pytest.mark.parametrize("policy", [1, 2, 3])
def test_the_policy_refuses_what_is_protected_less(policy: int) -> None:
    enough = {"none": 0, "auth": 1, "encr": 2, "both": 3}
    with live_meter(parameters={"security_policy": policy}) as bench:
        for protection, bits in enough.items():
            login = lls(1, protection=protection, counter=last_counter(bench) + 1)
            if bits & policy == policy and protection != "encr":  # not with a password
                with over_tcp(bench, login) as meter:
                    assert meter.read(SERIAL_NUMBER) == bench.serial
            else:
                with pytest.raises(MeterError, match="refused"), over_tcp(bench, login):
                    pass


def test_a_key_that_is_wrapped_in_the_master_key_replaces_the_old_one() -> None:
    new, master = bytes(range(0xA0, 0xB0)), bytes(range(16))
    with live_meter() as bench:

        def transfer(wrapped_in: bytes, level: int, counter: int) -> None:
            with over_tcp(bench, lls(level, protection="both", counter=counter)) as meter:
                keys = [(GlobalKeyType.UNICAST_ENCRYPTION, new)]
                meter.ask(GXDLMSSecuritySetup().globalKeyTransfer(meter.gurux, wrapped_in, keys), "key transfer")

        with pytest.raises(MeterError, match="key transfer"):  # at level 2
            transfer(master, 2, 1)
        with pytest.raises(MeterError, match="key transfer"):  # not genuine
            transfer(bytes(16), 3, 20)
        with over_tcp(bench, lls(1, protection="both", counter=60)) as meter:
            assert meter.read(SERIAL_NUMBER) == bench.serial
        transfer(master, 3, 100)
        with pytest.raises(MeterError), over_tcp(bench, lls(1, protection="both", counter=1000)):
            pass
        assert last_counter(bench) == 0  # a new key has its own counters
        with over_tcp(bench, lls(1, protection="both", counter=1, encryption_key=new)) as meter:
            assert meter.read(SERIAL_NUMBER) == bench.serial


# --- wrong passwords ------------------------------------------------------------------------------------------------


def failures(meter: Client) -> list[tuple[int, int]]:
    """(number, detail) of all rows of the event log about log-ins."""
    return [(row[1], row[2]) for row in meter.rows(EVENT_LOG) if row[1] in (LOG_IN_FAILED, LOCKED)]


def refused(bench: Bench, level: int, password: str) -> None:
    with pytest.raises(MeterError, match="refused"):
        over_tcp(bench, Login(level=level, mechanism="lls", password=password)).__enter__()


def test_wrong_passwords_make_a_channel_wait_and_lock_the_level_there_alone() -> None:
    with live_meter(parameters={"port1_mode": 1, "max_attempts": 3}) as bench:
        refused(bench, 1, "wrong")
        with over_tcp(bench, lls(1)) as meter:  # one wrong one costs no time, and is forgiven
            assert failures(meter) == [(LOG_IN_FAILED, TCP << 8 | 1)]
        refused(bench, 2, "wrong")
        refused(bench, 2, "wrong")
        refused(bench, 1, PASSWORD)  # the channel waits, for 1 s
        until(lambda: logs_in(bench, 1))
        refused(bench, 2, "wrong")
        assert not logs_in(bench, 2)  # locked, for a day
        with over_line(bench, lls(2), port=PORT_1) as meter:  # not here
            assert meter.read(SERIAL_NUMBER) == bench.serial
        until(lambda: logs_in(bench, 1))
        with over_tcp(bench, lls(1)) as meter:
            assert failures(meter)[1:] == [(LOG_IN_FAILED, TCP << 8 | 2)] * 3 + [(LOCKED, TCP << 8 | 2)]
        assert not logs_in(bench, 2)


def logs_in(bench: Bench, level: int) -> bool:
    try:
        with over_tcp(bench, lls(level)):
            return True
    except MeterError:
        return False
