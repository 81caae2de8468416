"""New keys by key transfer: wrapped by another implementation, and what becomes of the invocation counters."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from host_tests.model_sources import Ram
from meter.comms.dlms.counters import InvocationCounters, slot_of
from meter.comms.dlms.key_management import KeyManagement
from meter.keys import Keys
from meter.parameters import Parameters

NEW = bytes(range(16, 32))


@pytest.fixture
def keys() -> Keys:
    return Keys(Parameters(Ram()), b"LGZ\x00\x00\x00\x00\x01")


def transfer(keys: Keys, counters: InvocationCounters, number: int, key: bytes) -> None:
    KeyManagement(keys, counters).transfer_keys([(number, aes_key_wrap(keys.master, key))])


def test_a_new_key_is_in_force_and_its_counters_begin_anew(keys: Keys) -> None:
    counters = InvocationCounters(Ram())
    counters.accept(slot_of(48), 8000)
    transfer(keys, counters, 0, NEW)
    assert keys.encryption == NEW
    assert counters.least(slot_of(48)) == 0


def test_the_key_in_force_once_more_lets_no_old_message_in(keys: Keys) -> None:
    counters = InvocationCounters(Ram())
    counters.accept(slot_of(48), 8000)
    transfer(keys, counters, 0, keys.encryption)
    assert counters.least(slot_of(48)) == 8001


def test_one_key_that_is_not_genuine_leaves_all_as_they_are(keys: Keys) -> None:
    counters, before = InvocationCounters(Ram()), (keys.encryption, keys.authentication)
    wrapped = aes_key_wrap(keys.master, NEW)
    with pytest.raises(ValueError, match="not a key"):
        KeyManagement(keys, counters).transfer_keys([(0, wrapped), (2, wrapped[:-1] + b"\x00")])
    assert (keys.encryption, keys.authentication) == before
