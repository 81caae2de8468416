"""New keys by key transfer: wrapped by another implementation, and what becomes of the invocation counters."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from host_tests.model_sources import Ram
from meter.comms.dlms.ciphering import AUTHENTICATED, BROADCAST, ENCRYPTED, OLD_COUNTER, CipheringError
from meter.comms.dlms.counters import InvocationCounters
from meter.comms.dlms.key_management import KeyManagement
from meter.comms.dlms.security import Security
from meter.keys import Keys
from meter.parameters import Parameters
from meter.storage.layout import INVOCATION_COUNTERS as AREA
from meter.storage.records import OVERHEAD

NEW = bytes(range(16, 32))
CLIENT = b"CLI\x00\x00\x00\x00\x01"
INITIATE = bytes.fromhex("01000000065f1f0400007c1f04b0")


@pytest.fixture
def keys() -> Keys:
    return Keys(Parameters(Ram()), b"LGZ\x00\x00\x00\x00\x01")


def transfer(keys: Keys, counters: InvocationCounters, number: int, key: bytes) -> None:
    KeyManagement(keys, counters).transfer_keys([(number, aes_key_wrap(keys.master, key))])


def test_a_new_key_is_in_force_and_its_counters_begin_anew(keys: Keys) -> None:
    counters = InvocationCounters(Ram())
    counters.accept(0, 8000)
    transfer(keys, counters, 0, NEW)
    assert keys.encryption == NEW
    assert counters.least(0) == 0
    assert KeyManagement(keys, counters).invocation_counter == 0


def test_the_key_in_force_once_more_lets_no_old_message_in(keys: Keys) -> None:
    counters = InvocationCounters(Ram())
    counters.accept(0, 8000)
    transfer(keys, counters, 0, keys.encryption)
    assert counters.least(0) == 8001


@pytest.mark.parametrize("by_parameter", [False, True], ids=["by key transfer", "as a parameter"])
@pytest.mark.parametrize("number", [0, 1], ids=["unicast", "broadcast"])
def test_a_request_recorded_under_a_key_that_comes_back_is_refused(keys: Keys, number: int, by_parameter: bool) -> None:
    """Key A, B, A again. What was recorded in the first time of A was sealed by another implementation of AES-GCM."""
    counters = InvocationCounters(Ram())
    security = Security(keys, counters)
    first, control = bytes(range(32, 48)), AUTHENTICATED | ENCRYPTED | number * BROADCAST

    def sealed(key: bytes, counter: int) -> bytes:
        header = bytes([control]) + counter.to_bytes(4, "big")
        text = AESGCM(key).encrypt(CLIENT + header[1:], INITIATE, header[:1] + keys.authentication)[:-4]
        return bytes([0x21, len(header + text)]) + header + text

    def put(key: bytes) -> None:
        if by_parameter:
            keys.set_key(number, key, 4)
        else:
            transfer(keys, counters, number, key)

    def taken(apdu: bytes) -> bool:
        try:
            return security.protection(CLIENT).unprotect(apdu)[0] == INITIATE
        except CipheringError as error:
            assert error.reason == OLD_COUNTER
            return False

    put(first)
    recorded = sealed(first, 8000)
    assert taken(recorded) and not taken(recorded)
    put(NEW)
    assert taken(sealed(NEW, 0))  # a head-end that begins anew gets in
    put(first)
    assert not taken(recorded)
    assert taken(sealed(first, 8001))
    if number == 0:
        assert KeyManagement(keys, counters).invocation_counter == 8002


def test_one_key_that_is_not_genuine_leaves_all_as_they_are(keys: Keys) -> None:
    counters, before = InvocationCounters(Ram()), (keys.encryption, keys.authentication)
    wrapped = aes_key_wrap(keys.master, NEW)
    with pytest.raises(ValueError, match="not a key"):
        KeyManagement(keys, counters).transfer_keys([(0, wrapped), (2, wrapped[:-1] + b"\x00")])
    assert (keys.encryption, keys.authentication) == before


def test_with_counters_that_are_unknown_no_key_is_replaced(keys: Keys) -> None:
    memory, before = Ram(), keys.encryption
    InvocationCounters(memory).accept(0, 8000)
    for slot in (0, 1):
        memory.write(AREA.address + slot * (AREA.size // 2) + OVERHEAD, b"\xa5")
    with pytest.raises(ValueError, match="not readable"):
        transfer(keys, InvocationCounters(memory), 0, NEW)
    assert keys.encryption == before
